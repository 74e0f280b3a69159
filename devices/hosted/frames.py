"""The messages between the terminal and a driver's process: ``length (4) · kind (1) · call (4) · body``, big-endian.

The set is closed and each kind has the longest body it may have; anything else ends the process that sent it.
"""

from __future__ import annotations

import enum
import struct
from typing import Final

from devices import errors
from devices.errors import DeviceCode, DeviceError, DeviceFault, OutcomeUnknown
from devices.hosted.schema import encoded, shape_of
from devices.hosted.shapes import Reader, Shape, WireError

HEAD: Final = struct.Struct("!IBI")
DETAIL_MAX: Final = 400  # characters of an error's detail: it stands in one line of a log
JOB_MAX: Final = 200
APDU_MAX: Final = 65538  # an extended answer, ISO/IEC 7816-4 clause 5.1: 65,536 bytes and the status word


class Kind(enum.IntEnum):
    """What a message is."""

    # the terminal's
    ORDER = 1  # which driver, with which options: once, first
    CALL = 2  # name and arguments
    CANCEL = 3  # its caller has gone
    COMMAND = 4  # the dialogue's next command for the chip
    DIALOGUE_OVER = 5
    # the driver's
    READY = 32  # it stands: what its methods say from memory
    REFUSED = 33  # it cannot be made: why, for the settings error
    RESULT = 34
    ERROR = 35
    CANCELLED = 36
    TOLD = 37  # progress of a call
    ANSWER = 38  # the chip's answer; none before the first command
    BEAT = 39  # it lives; how long its loop has not come round, in milliseconds


SNAPSHOT_MAX: Final = 8192  # a name plate and what is fitted; reading 64 KiB of names would hold the loop for 16 ms
LIMITS: Final = {
    Kind.READY: SNAPSHOT_MAX,
    Kind.REFUSED: 4096,
    Kind.ERROR: 4096,
    Kind.CANCELLED: 0,
    Kind.TOLD: 4096,
    Kind.ANSWER: 1 + 4 + APDU_MAX,
    Kind.BEAT: 8,
}
"""Bytes of the driver's messages; a RESULT's limit is its call's."""

TEXT: Final = shape_of(str)
MILLISECONDS: Final = shape_of(int)
COMMAND: Final = shape_of(bytes)
ANSWER: Final = shape_of(bytes | None)
PROBLEMS: Final = shape_of(tuple[str, ...])
SNAPSHOT: Final = shape_of(tuple[tuple[str, bytes], ...])
CALLED: Final = shape_of(tuple[str, tuple[bytes | None, ...]])
"""Name; each argument encoded by its own shape, ``None`` for one that does not cross."""
_ERROR: Final = shape_of(tuple[str, str, str, str])  # class, code, detail, job
_CLASSES: Final = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, DeviceError) and kind is not DeviceError
}


def framed(kind: Kind, call: int, body: bytes | bytearray = b"") -> bytearray:
    """Return a message."""
    message = bytearray(HEAD.pack(len(body), kind, call))
    message += body
    return message


def error_body(error: DeviceError) -> bytearray:
    """Return the body of an ERROR; its text is for technicians and is cut to one line."""
    kind = next((each.__name__ for each in type(error).__mro__ if each.__name__ in _CLASSES), DeviceFault.__name__)
    job = error.job if isinstance(error, OutcomeUnknown) else ""
    return encoded(_ERROR, (kind, error.code.value, one_line(error.detail, DETAIL_MAX), one_line(job, JOB_MAX))).bytes


def error_from(body: memoryview, device: str) -> DeviceError:
    """Return the error an ERROR tells, as one of ``device``. Raises ``WireError``."""
    kind, code, detail, job = _read(_ERROR, body)
    try:
        found, why = _CLASSES[kind], DeviceCode(code)
    except (KeyError, ValueError):
        raise WireError("no error of the closed set") from None
    detail = one_line(detail, DETAIL_MAX)
    if issubclass(found, OutcomeUnknown):
        return found(detail, job=one_line(job, JOB_MAX), code=why, device=device)
    return found(detail, code=why, device=device)


def one_line(text: str, most: int) -> str:
    """Return ``text`` as it may stand in a log: no line ends, no control characters, not too long."""
    return "".join(character if character.isprintable() else " " for character in text[:most])


def _read(shape: Shape, body: memoryview) -> tuple[str, str, str, str]:
    reader = Reader(body)
    value: tuple[str, str, str, str] = shape.read(reader)
    reader.end()
    return value
