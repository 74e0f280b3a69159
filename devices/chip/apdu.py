"""Commands and answers of chip cards (ISO/IEC 7816-4 clause 5), and what their two protocols do to them.

A dialogue thinks in whole commands and whole answers. What lies between (61xx: fetch the rest; 6Cxx: ask again with
this length; no data both ways in T=0) is resolved by :func:`resolve` for every driver alike.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devices.errors import DeviceProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.chip import Dialogue

OK: Final = 0x9000
SHORT_DATA: Final = 255  # the longest data of a short command
SHORT_EXPECTED: Final = 256  # Le 00
EXTENDED: Final = 65536
ROUNDS: Final = 16  # a chip that is never done is broken; the longest answer of a T=0 card takes fewer
STATUS_SIZE: Final = 2
_HEADER: Final = 4
_GET_RESPONSE: Final = 0xC0


class Status(enum.IntEnum):
    """Status words that mean something to a dialogue (ISO/IEC 7816-4 table 6)."""

    OK = OK
    FILE_INVALIDATED = 0x6283
    WRONG_LENGTH = 0x6700
    NOT_ALLOWED_YET = 0x6982
    BLOCKED = 0x6983
    DATA_INVALIDATED = 0x6984
    CONDITIONS = 0x6985
    NOT_SUPPORTED = 0x6A81
    NOT_FOUND = 0x6A82
    RECORD_NOT_FOUND = 0x6A83
    REFERENCE_NOT_FOUND = 0x6A88
    WRONG_INSTRUCTION = 0x6D00
    WRONG_CLASS = 0x6E00
    APPLICATION_LOCKED = 0x9303  # PBOC 3.0: for good


@dataclass(frozen=True, slots=True)
class Answer:
    """What the chip said: data, which never print, and the status word."""

    data: bytes = field(repr=False)
    status: int

    @property
    def ok(self) -> bool:
        """Tell whether the status word is 9000."""
        return self.status == OK


def parse(raw: bytes) -> Answer:
    """Take an answer apart. Raises ``DeviceProtocolError`` when it has no status word."""
    if len(raw) < STATUS_SIZE:
        raise DeviceProtocolError(f"answer of {len(raw)} bytes has no status word")
    return Answer(bytes(raw[:-STATUS_SIZE]), int.from_bytes(raw[-STATUS_SIZE:], "big"))


def command(cla: int, ins: int, p1: int, p2: int, data: bytes = b"", expected: int = 0) -> bytes:  # noqa: PLR0917 - the standard's order
    """Build a command APDU, extended where a short one has no room. ``expected``: bytes of answer at most, 0 for none.

    Raises ``ValueError`` for what does not fit into an extended command either.
    """
    if len(data) >= EXTENDED or not 0 <= expected <= EXTENDED:
        raise ValueError(f"no APDU has {len(data)} bytes of data and expects {expected}")
    header = bytes([cla, ins, p1, p2])
    if len(data) <= SHORT_DATA and expected <= SHORT_EXPECTED:
        body = bytes([len(data)]) + data if data else b""
        return header + body + (bytes([expected % SHORT_EXPECTED]) if expected else b"")
    body = b"\0" + len(data).to_bytes(2, "big") + data if data else b"\0"
    return header + body + ((expected % EXTENDED).to_bytes(2, "big") if expected else b"")


def select(name: bytes) -> bytes:
    """Select an application by its name (AID), first or only occurrence; its FCI is expected."""
    return command(0x00, 0xA4, 0x04, 0x00, name, expected=SHORT_EXPECTED)


def read_record(file: int, number: int, expected: int = SHORT_EXPECTED) -> bytes:
    """Read a record of the current application's file with the short identifier ``file`` (SFI, 1 to 30)."""
    return command(0x00, 0xB2, number, file << 3 | 0b100, expected=expected)


def resolve(apdu: bytes, *, t0: bool) -> Dialogue[bytes]:
    """Turn one whole command into what goes over the wire, and what comes back into one whole answer.

    A dialogue below the dialogue: it yields commands as the protocol wants them and is sent raw answers. T=0
    (ISO/IEC 7816-3 clause 12.2): a command with data goes without Le, and its answer is fetched. 61xx is followed and
    6Cxx obeyed under T=1 too: readers pass both through. Raises ``DeviceProtocolError`` for a chip that is not done
    after ``ROUNDS`` rounds, and for an extended command under T=0; ``ValueError`` for what is no command.
    """
    has_data, takes_length = _form(apdu)
    body = _for_t0(apdu, has_data=has_data) if t0 else apdu
    collected = bytearray()
    for _ in range(ROUNDS):
        raw = yield body
        answer = parse(raw)
        sw1, sw2 = answer.status >> 8, answer.status & 0xFF
        if sw1 == 0x61:  # noqa: PLR2004 - more waits
            collected += answer.data
            body, has_data, takes_length = bytes([_response_class(apdu[0]), _GET_RESPONSE, 0, 0, sw2]), False, True
        elif sw1 == 0x6C and takes_length and not (t0 and has_data):  # noqa: PLR2004 - this Le, please
            body = body[:-1] + bytes([sw2])
        else:
            return bytes(collected) + raw
    raise DeviceProtocolError(f"chip is not done after {ROUNDS} rounds")


def exchange(apdu: bytes, *, t0: bool, transmit: Callable[[bytes], bytes]) -> bytes:
    """Send one command by a ``transmit`` that blocks; return the whole answer. See :func:`resolve`."""
    steps = resolve(apdu, t0=t0)
    try:
        raw = next(steps)
        while True:
            raw = steps.send(transmit(raw))
    except StopIteration as end:
        whole: bytes = end.value
        return whole


def _form(apdu: bytes) -> tuple[bool, bool]:
    """Tell whether the command carries data, and whether it ends with a Le of one byte."""
    if len(apdu) <= _HEADER + 1:
        if len(apdu) < _HEADER:
            raise ValueError("a command has four bytes at least")
        return False, len(apdu) > _HEADER
    if apdu[_HEADER] == 0:
        return True, False  # extended: 6Cxx has no room for its length
    rest = len(apdu) - _HEADER - 1 - apdu[_HEADER]
    if rest not in {0, 1}:
        raise ValueError("length byte and data of the command do not agree")
    return True, rest == 1


def _for_t0(apdu: bytes, *, has_data: bool) -> bytes:
    if not has_data:
        return apdu if len(apdu) > _HEADER else apdu + b"\0"
    if apdu[_HEADER] == 0:
        raise DeviceProtocolError("chip talks T=0, which has no extended commands")
    return apdu[: _HEADER + 1 + apdu[_HEADER]]


def _response_class(cla: int) -> int:
    """Return the class of GET RESPONSE: the command's logical channel, without what protects or chains the command.

    A proprietary class (bit 8: EMV's 80) says nothing about channels: the basic one (EMV Book 1, clause 9.3.1.3).
    """
    if cla & 0x80:
        return 0x00
    return cla & 0x03 if not cla & 0x40 else 0x40 | cla & 0x0F
