"""An invented traveller's document as files: zone, face, list. People are invented, their state is Utopia."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from devices.sim.emrtd_crypto import tlv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.sim.emrtd_issuer import Holder, Issuer

COM, SOD, DG1, DG2, DG14, DG15 = 0x011E, 0x011D, 0x0101, 0x0102, 0x010E, 0x010F
TAGS: Final = {DG1: 0x61, DG2: 0x75, DG14: 0x6E, DG15: 0x6F}
JPEG, JPEG_2000 = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Traveller:
    """One invented person with one document; fields as the zone writes them. ``card``: three lines (TD1)."""

    surname: str = "MUSTERPERSON"
    given_names: str = "ERIKA<ANNA"
    number: str = "T22000129"
    state: str = "UTO"
    nationality: str = "UTO"
    birth: date = date(1964, 8, 12)
    sex: str = "F"
    expiry: date = date(2030, 10, 31)
    card: bool = False

    def lines(self) -> tuple[str, ...]:
        """Return the zone."""
        names = f"{self.surname}<<{self.given_names}"
        birth, expiry = f"{self.birth:%y%m%d}", f"{self.expiry:%y%m%d}"
        number, dates = _proven(self.number.ljust(9, "<")), (_proven(birth), _proven(expiry))
        if not self.card:
            start = number + self.nationality.ljust(3, "<") + dates[0] + self.sex + dates[1] + "<" * 14 + "0"
            first = f"P<{self.state.ljust(3, '<')}{names}".ljust(44, "<")
            return first, start + _digit(start[:10] + start[13:20] + start[21:])
        field = number
        if len(self.number) > 9:  # noqa: PLR2004 - goes on in the optional field
            field = self.number[:9] + "<" + _proven(self.number)[9:]
        top = f"I<{self.state.ljust(3, '<')}{field}".ljust(30, "<")
        middle = dates[0] + self.sex + dates[1] + self.nationality.ljust(3, "<") + "<" * 11
        composed = top[5:] + middle[:7] + middle[8:15] + middle[18:]
        return top, middle + _digit(composed), names.ljust(30, "<")

    def key(self) -> str:
        """Return what the chip's keys are made of."""
        dates = (f"{self.birth:%y%m%d}", f"{self.expiry:%y%m%d}")
        return "".join(map(_proven, (self.number.ljust(9, "<"), *dates)))


def files_of(
    traveller: Traveller,
    picture: bytes,
    issuer: Issuer,
    *,
    kind: int = JPEG,
    signer: Holder | None = None,
    keys: Mapping[int, bytes] | None = None,
) -> dict[int, bytes]:
    """Return the files of a document that ``issuer`` signed; ``keys`` are data groups 14 and 15."""
    groups = {DG1: tlv(0x61, tlv(0x5F1F, "".join(traveller.lines()).encode("ascii"))), DG2: face(picture, kind)}
    groups |= keys or {}
    listed = tlv(0x60, tlv(0x5F01, b"0107"), tlv(0x5F36, b"040000"), tlv(0x5C, bytes(TAGS[group] for group in groups)))
    signed = {identifier & 0xFF: content for identifier, content in groups.items()}
    return {COM: listed, SOD: issuer.security_object(signed, signer=signer), **groups}


def face(picture: bytes, kind: int = JPEG, *, points: int = 0) -> bytes:
    """Return data group 2: one face in an ISO/IEC 19794-5 record."""
    image = struct.pack(">BBHHBBHH", 1, kind, 413, 531, 1, 2, 0, 0)
    inside = struct.pack(">HBBB3sH3s3s", points, 0, 0, 0, bytes(3), 0, bytes(3), bytes(3)) + bytes(8 * points) + image
    block = struct.pack(">I", 4 + len(inside) + len(picture)) + inside + picture
    record = struct.pack(">4s4sIH", b"FAC\0", b"010\0", 14 + len(block), 1) + block
    header = tlv(0xA1, tlv(0x80, b"\x01\x01"), tlv(0x81, b"\x02"), tlv(0x87, b"\x01\x01"), tlv(0x88, b"\x00\x08"))
    return tlv(0x75, tlv(0x7F61, tlv(0x02, b"\x01"), tlv(0x7F60, header, tlv(0x5F2E, record))))


def _digit(field: str) -> str:
    total = 0
    for at, char in enumerate(field):
        value = 0 if char == "<" else int(char) if char.isdigit() else ord(char) - ord("A") + 10
        total += value * (7, 3, 1)[at % 3]
    return str(total % 10)


def _proven(field: str) -> str:
    return field + _digit(field)
