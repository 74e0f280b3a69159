"""SDT / SAM_A frames, as bytes and back. Pure: no wire, no clock.

Source: protocol of police-certified security modules (GA/T 467), as vendors publish it and as the vectors in
``tests/unit/vectors/sdt-frames.json`` state it. A frame is ``AA AA AA 96 69``, a big-endian length counting all that
follows it, a body, and the XOR of length and body. A reply's body is three status bytes, of which the third speaks.
"""

from __future__ import annotations

import enum
import operator
from dataclasses import dataclass, field
from functools import reduce

from devices.errors import DeviceProtocolError

PREAMBLE = bytes.fromhex("AAAAAA9669")
SYNC = PREAMBLE[1:]  # one leading AA may be lost when the line wakes up: a receiver looks for the other four bytes
LENGTH_SIZE = 2
STATUS_SIZE = 3
CHECKSUM_SIZE = 1
HEAD_SIZE = len(PREAMBLE) + LENGTH_SIZE
MIN_LENGTH = STATUS_SIZE + CHECKSUM_SIZE
MAX_LENGTH = 4089  # the longest any reader is known to announce
SAM_ID_SIZE = 16


class Command(enum.Enum):
    """Command and parameter byte. The one that also reads fingerprints (30 10) is left out: nobody may ask for them."""

    RESET = b"\x10\xff"
    STATUS = b"\x11\xff"
    SAM_ID = b"\x12\xff"
    FIND = b"\x20\x01"
    SELECT = b"\x20\x02"
    READ = b"\x30\x01"  # text and photo
    READ_APPENDED = b"\x30\x03"  # appended address; also answers whether the card read last still lies there
    SET_MAX_RF = b"\x61\xff"  # data: one byte, the bytes of one radio block


class Status(enum.IntEnum):
    """Third status byte of a reply."""

    HOST_CHECKSUM = 0x10
    HOST_LENGTH = 0x11
    BAD_COMMAND = 0x21
    NOT_PERMITTED = 0x23
    UNKNOWN_COMMAND = 0x24
    CARD_DISTRUSTS_SAM = 0x31
    SAM_DISTRUSTS_CARD = 0x32
    DATA_UNVERIFIED = 0x33
    FINGERPRINT_UNVERIFIED = 0x37
    UNKNOWN_CARD = 0x40
    READ_FAILED = 0x41
    RANDOM_FAILED = 0x47
    SELF_TEST_FAILED = 0x60
    NOT_AUTHORISED = 0x66
    NO_CARD = 0x80
    SELECT_FAILED = 0x81
    DONE = 0x90
    ABSENT_ON_CARD = 0x91
    FOUND = 0x9F


MODULE_BROKEN = frozenset({Status.SELF_TEST_FAILED, Status.NOT_AUTHORISED})


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. ``data`` may hold a whole identity: it never prints, and its owner overwrites it after use."""

    status: int
    data: bytearray = field(repr=False)

    def wipe(self) -> None:
        """Overwrite the data."""
        self.data[:] = bytes(len(self.data))


def checksum(covered: bytes | bytearray) -> int:
    """XOR of all bytes: the length bytes and the body of a frame."""
    return reduce(operator.xor, covered, 0)


def build_request(command: Command, data: bytes = b"") -> bytes:
    """Build the frame that asks the reader ``command``."""
    body = command.value + data
    covered = (len(body) + CHECKSUM_SIZE).to_bytes(LENGTH_SIZE, "big") + body
    return PREAMBLE + covered + bytes([checksum(covered)])


def body_size(head: bytes) -> int:
    """Return how many bytes follow the ``HEAD_SIZE`` first ones of a frame."""
    return int.from_bytes(head[len(PREAMBLE) : HEAD_SIZE], "big")


class ReplyParser:
    """Turns a byte stream, arriving in any pieces, into replies.

    Noise before a frame is skipped (and counted in ``skipped``); after a broken frame the search goes on behind its
    preamble, so one bad frame never costs the next.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.skipped = 0

    @property
    def unfinished(self) -> int:
        """How many bytes of a frame that is not complete have arrived."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add what the wire delivered."""
        self._buffer += data

    def next(self) -> Reply | None:
        """Return the next complete reply, or ``None`` until more bytes arrive.

        Raises ``DeviceProtocolError`` for an impossible length or a wrong checksum.
        """
        if not self._synchronise():
            return None
        head = len(SYNC) + LENGTH_SIZE
        if len(self._buffer) < head:
            return None
        length = int.from_bytes(self._buffer[len(SYNC) : head], "big")
        if not MIN_LENGTH <= length <= MAX_LENGTH:
            self._drop(len(SYNC))
            raise DeviceProtocolError(f"reply announces {length} bytes, allowed are {MIN_LENGTH} to {MAX_LENGTH}")
        end = head + length
        if len(self._buffer) < end:
            return None
        if checksum(self._buffer[len(SYNC) : end]) != 0:
            self._drop(len(SYNC))
            raise DeviceProtocolError(f"checksum of a reply of {length} bytes is wrong")
        body = self._buffer[head : end - CHECKSUM_SIZE]
        self._drop(end)
        return Reply(status=body[STATUS_SIZE - 1], data=body[STATUS_SIZE:])

    def _synchronise(self) -> bool:
        """Put the sync bytes at the front of the buffer; keep a tail that may be their beginning."""
        start = self._buffer.find(SYNC)
        if start < 0:
            keep = next(size for size in range(len(SYNC) - 1, -1, -1) if self._buffer.endswith(SYNC[:size]))
            self._skip(len(self._buffer) - keep)
            return False
        self._skip(start)
        return True

    def _skip(self, count: int) -> None:
        noise = self._buffer[:count].strip(PREAMBLE[:1])  # the first AA of a preamble is no noise
        self.skipped += len(noise)
        self._drop(count)

    def _drop(self, count: int) -> None:
        self._buffer[:count] = bytes(count)  # it may hold an identity: overwritten before it is let go
        del self._buffer[:count]


def decode_sam_id(data: bytes | bytearray) -> str:
    """Return the module's number as the police register writes it, e.g. ``05.03-20100102-0000123456-987654321``.

    Raises ``DeviceProtocolError`` when ``data`` is not 16 bytes long.
    """
    if len(data) != SAM_ID_SIZE:
        raise DeviceProtocolError(f"module number of {len(data)} bytes instead of {SAM_ID_SIZE}")
    numbers = [int.from_bytes(data[start:end], "little") for start, end in ((0, 2), (2, 4), (4, 8), (8, 12), (12, 16))]
    return "{:02d}.{:02d}-{:d}-{:010d}-{:d}".format(*numbers)
