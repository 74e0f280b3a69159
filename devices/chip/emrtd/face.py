"""The face in data group 2 (Doc 9303-10 clause 4.7.2): a biometric template with an ISO/IEC 19794-5 record."""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass

from devices.chip.emrtd import ber
from devices.errors import DeviceCode, MediumError

DG2, GROUP, TEMPLATE = 0x75, 0x7F61, 0x7F60
DATA = frozenset({0x5F2E, 0x7F2E})
RECORD = b"FAC\x00"
RECORD_HEADER = struct.Struct(">4s4sIH")  # ISO/IEC 19794-5 clause 5.4: format, version, length, faces
FACE_HEADER = struct.Struct(">IH14x")  # clause 5.5: length, feature points
FEATURE_POINT_SIZE = 8
IMAGE_HEADER = struct.Struct(">BB10x")  # clause 5.7: face type, image data type


class PictureType(enum.StrEnum):
    """How the portrait is encoded."""

    JPEG = "image/jpeg"
    JPEG_2000 = "image/jp2"


BEGINNINGS = {
    b"\xff\xd8\xff": PictureType.JPEG,
    b"\0\0\0\x0cjP  \r\n": PictureType.JPEG_2000,  # the file format
    b"\xff\x4f\xff\x51": PictureType.JPEG_2000,  # the bare code stream
}


@dataclass(frozen=True, slots=True)
class Portrait:
    """An encoded picture, not decoded here: what decodes it sets its own limits on width and height."""

    content: bytearray
    type: PictureType

    def __repr__(self) -> str:
        return f"Portrait({self.type})"


def portrait_of(dg2: bytes) -> Portrait:
    """Return the first face. Raises ``MediumError`` (``CARD_UNREADABLE``, ``CARD_PHOTO``: no picture in it)."""
    template = ber.find(dg2, DG2, GROUP, TEMPLATE)
    data = next((value for tag, value in ber.items(template) if tag in DATA), b"")
    picture = _of_record(data) or _searched(data)
    if picture is None:
        raise MediumError("chip: data group 2 holds no picture", code=DeviceCode.CARD_PHOTO)
    return picture


def _of_record(data: bytes) -> Portrait | None:
    """Return the picture where an ISO/IEC 19794-5 record puts it, ``None`` when it is not one."""
    if not data.startswith(RECORD) or len(data) < RECORD_HEADER.size + FACE_HEADER.size:
        return None
    length, points = FACE_HEADER.unpack_from(data, RECORD_HEADER.size)
    begin = RECORD_HEADER.size + FACE_HEADER.size + points * FEATURE_POINT_SIZE + IMAGE_HEADER.size
    return _picture(data[begin : RECORD_HEADER.size + length])


def _searched(data: bytes) -> Portrait | None:
    """Return the picture that begins first: other records (ISO/IEC 39794-5), and headers that say nonsense."""
    found = [at for beginning in BEGINNINGS if (at := data.find(beginning)) >= 0]
    return _picture(data[min(found) :]) if found else None


def _picture(content: bytes) -> Portrait | None:
    for beginning, kind in BEGINNINGS.items():
        if content.startswith(beginning):
            return Portrait(bytearray(content), kind)
    return None
