"""Commands to a travel document's chip and whole files from it, in the open or through secure messaging."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from devices.chip.apdu import Answer, parse
from devices.chip.emrtd import ber
from devices.chip.emrtd.secure_messaging import Channel, Command
from devices.chip.tlv import unreadable
from devices.errors import MediumError

if TYPE_CHECKING:
    from devices.chip import Dialogue

SELECT, READ, READ_ODD = 0xA4, 0xB0, 0xB1
BY_IDENTIFIER, BY_NAME, NO_ANSWER = 0x02, 0x04, 0x0C
MASTER_FILE = b"\x3f\x00"
APPLICATION = bytes.fromhex("A0000002471001")  # LDS1 (Doc 9303-10 clause 3.3)
DONE, END_OF_FILE, NOT_FOUND = 0x9000, 0x6282, 0x6A82
SHORT_ANSWER = 256
LARGEST_ANSWER = 65536  # of an extended answer (ISO/IEC 7816-4 clause 5.1)
HEADER_SIZE = 8  # enough for tag and length of every file
LEAST_BLOCK = 32  # bytes: a chip that gives less an answer would keep a person waiting for minutes
ODD_FROM = 0x8000  # offsets from here on need the odd instruction
OFFSET, DISCRETIONARY = 0x54, 0x53
ODD_OVERHEAD = 5  # 53 and up to four octets of length


class File(enum.Enum):
    """Identifier, largest size that is read, first tag (Doc 9303-10 clause 3). Sizes are ours, against lies."""

    ATR_INFO = (0x2F01, 1024, 0x47)
    CARD_ACCESS = (0x011C, 4096, 0x31)
    COM = (0x011E, 1024, 0x60)
    SOD = (0x011D, 16384, 0x77)  # those of today have 2 to 4 KiB; the time to take one apart grows with it
    DG1 = (0x0101, 1024, 0x61)
    DG2 = (0x0102, 1 << 20, 0x75)
    DG14 = (0x010E, 16384, 0x6E)
    DG15 = (0x010F, 16384, 0x6F)

    def __init__(self, identifier: int, largest: int, tag: int) -> None:
        self.identifier = identifier.to_bytes(2)
        self.largest = largest
        self.tag = tag


class Conversation:
    """What is said to the chip. ``channel`` is ``None`` before BAC or PACE.

    ``careful``: a file is never asked for more than it has; one command more for each, which every chip can do.
    """

    def __init__(self, *, careful: bool = False) -> None:
        self.channel: Channel | None = None
        self.largest_answer = SHORT_ANSWER
        self._careful = careful

    def ask(self, command: Command) -> Dialogue[Answer]:
        """Send one command, protected if there is a channel."""
        if self.channel is None:
            return parse((yield command.apdu()))
        return self.channel.open((yield self.channel.protect(command)))

    def select_application(self) -> Dialogue[None]:
        """Select the application of travel documents. Raises ``MediumError`` (``CARD_UNREADABLE``)."""
        answer = yield from self.ask(Command(SELECT, BY_NAME, NO_ANSWER, APPLICATION))
        _demand(answer, "selecting the application")

    def read(self, file: File) -> Dialogue[bytes]:
        """Select a file and return it whole: one object, nothing behind it.

        Raises ``FileAbsent``; ``MediumError`` (``CARD_UNREADABLE``): cut short, too large, not what belongs there.
        """
        answer = yield from self.ask(Command(SELECT, BY_IDENTIFIER, NO_ANSWER, file.identifier))
        if answer.status == NOT_FOUND:
            raise FileAbsent(file)
        _demand(answer, f"selecting {file.name}")
        head = yield from self._read_head(file)
        tag, length, begin = ber.header(head)
        size = begin + length
        if tag != file.tag:
            raise unreadable(f"{file.name} holds another object")
        if size > file.largest:
            raise unreadable(f"{file.name} claims more than {file.largest} bytes")
        content, block = bytearray(head), self.room()
        while len(content) < size:
            part = yield from self._read_at(file, len(content), min(block, size - len(content)))
            if len(part) < min(LEAST_BLOCK, size - len(content)):
                raise unreadable(f"{file.name} is cut short")
            block = min(block, len(part)) if len(part) < size - len(content) else block
            content += part
        return bytes(content[:size])

    def read_objects(self, file: File) -> Dialogue[bytes]:
        """Return as much as one answer holds of a file that is a row of objects."""
        answer = yield from self.ask(Command(SELECT, BY_IDENTIFIER, NO_ANSWER, file.identifier))
        _demand(answer, f"selecting {file.name}")
        return (yield from self._read_head(file))

    def room(self) -> int:
        """Return how many bytes of data one answer can hold."""
        if self.channel is None:
            return SHORT_ANSWER
        return self.channel.room(self.largest_answer)

    def _read_head(self, file: File) -> Dialogue[bytes]:
        """Read the first block; a chip that refuses more than there is gets asked for the header alone."""
        answer = yield from self.ask(Command(READ, 0, 0, le=HEADER_SIZE if self._careful else self.room()))
        if answer.status not in {DONE, END_OF_FILE}:
            answer = yield from self.ask(Command(READ, 0, 0, le=HEADER_SIZE))
            _demand(answer, f"reading {file.name}")
        return answer.data

    def _read_at(self, file: File, offset: int, size: int) -> Dialogue[bytes]:
        if offset < ODD_FROM:
            answer = yield from self.ask(Command(READ, offset >> 8, offset & 255, le=size))
            _demand(answer, f"reading {file.name}")
            return answer.data
        where = ber.encode(OFFSET, offset.to_bytes(2 if offset <= 0xFFFF else 3))  # noqa: PLR2004 - two octets
        size = min(size, self.room() - ODD_OVERHEAD)
        answer = yield from self.ask(Command(READ_ODD, 0, 0, where, le=size + ODD_OVERHEAD))
        _demand(answer, f"reading {file.name}")
        return ber.find(answer.data, DISCRETIONARY)[:size]


class FileAbsent(MediumError):
    """The chip has no such file."""

    def __init__(self, file: File) -> None:
        super().__init__(f"chip: {file.name} is absent")


def _demand(answer: Answer, doing: str) -> None:
    if answer.status not in {DONE, END_OF_FILE}:
        raise unreadable(f"{doing}: status {answer.status:04X}")
