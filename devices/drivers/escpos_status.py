"""What a receipt printer sends back: real-time status, automatic status, markers, names (DLE EOT, GS a, GS r, GS I).

On one stream they are told apart by their fixed bits: ``b & 0x93`` is 0x12 for a DLE EOT answer, 0x10 for the first of
four automatic bytes, 0x11 or 0x13 for XON and XOFF; ``b & 0x90`` is 0 for a GS r answer and for the three automatic
bytes that follow (nothing but XOFF comes between them); 0x5F begins a name or a number, which ends with 0x00.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devices.health import Condition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FIXED_BITS = 0x93
REAL_TIME = 0x12
ASB_FIRST = 0x10
XON, XOFF = 0x11, 0x13
ASB_LENGTH = 4
MARKER_BITS = 0x90
TEXT_BEGIN, TEXT_END = 0x5F, 0x00
TEXT_MOST = 82  # header, 80 characters, NUL: the longest name makers describe
FULL_BEGIN = 0x0F  # second byte of a full status, whose first looks like the first automatic one
FULL_LENGTH = 6
QUESTIONS = (1, 2, 3, 4)  # DLE EOT n: printer, offline cause, error cause, paper
FULL = 20  # DLE EOT 20: everything in six bytes, on printers made for kiosks


class Note(enum.Enum):
    """What a bit says besides a condition."""

    FIXED = "fixed"  # always the same: told apart by it
    UNUSED = "unused"  # reserved, or different from maker to maker: means nothing here
    DRAWER = "drawer"  # the cash drawer's switch: a kiosk has none
    OFFLINE = "offline"
    WAITING = "waiting"  # stopped in the middle of something, goes on when told to
    BUTTON = "button"  # somebody holds the feed button; some printers always say so: only OFFLINE counts
    ERROR = "error"  # another byte says which
    MOTOR = "motor"  # paper is moving, or data is being taken in
    GARBLED = "garbled"  # a byte or a command it did not understand: markers show what was processed
    TICKET = "ticket"  # a slip lies in the outlet


Bits = tuple[tuple[int, "Condition | Note"], ...]

# Every bit of every answer to DLE EOT n.
ANSWERS: Final[Mapping[int, Bits]] = {
    1: (
        (0x93, Note.FIXED),
        (0x04, Note.DRAWER),
        (0x08, Note.OFFLINE),
        (0x20, Note.WAITING),
        (0x40, Note.BUTTON),
    ),
    2: (
        (0x93, Note.FIXED),
        (0x04, Condition.COVER_OPEN),
        (0x08, Note.BUTTON),
        (0x20, Condition.PAPER_OUT),
        (0x40, Note.ERROR),
    ),
    3: (
        (0x93, Note.FIXED),
        (0x04, Condition.PAPER_JAM),  # "mechanical error": what blocks the carriage is paper
        (0x08, Condition.CUTTER_ERROR),
        (0x20, Condition.UNRECOVERABLE),
        (0x40, Condition.HEAD_HOT),
    ),
    4: ((0x93, Note.FIXED), (0x0C, Condition.PAPER_LOW), (0x60, Condition.PAPER_OUT)),
}
# Every bit of the four automatic bytes.
AUTOMATIC: Final[tuple[Bits, ...]] = (
    (
        (0x93, Note.FIXED),
        (0x04, Note.DRAWER),
        (0x08, Note.OFFLINE),
        (0x20, Condition.COVER_OPEN),
        (0x40, Note.BUTTON),
    ),
    (
        (0x90, Note.FIXED),
        (0x01, Note.WAITING),
        (0x02, Note.BUTTON),
        (0x04, Condition.PAPER_JAM),
        (0x08, Condition.CUTTER_ERROR),
        (0x20, Condition.UNRECOVERABLE),
        (0x40, Condition.HEAD_HOT),
    ),
    ((0x90, Note.FIXED), (0x03, Condition.PAPER_LOW), (0x0C, Condition.PAPER_OUT), (0x60, Note.UNUSED)),
    ((0x90, Note.FIXED), (0x6F, Note.UNUSED)),
)
# Every bit of the last four bytes of the full status, as makers of kiosk printers agree on them.
FULL_STATUS: Final[tuple[Bits, ...]] = (
    (
        (0x01, Condition.PAPER_OUT),
        (0x44, Condition.PAPER_LOW),  # by its sensor, or by the length printed since the roll was new
        (0x20, Note.TICKET),
        (0x9A, Note.UNUSED),  # 80: whether the paper has a mark, which rolls without marks have not
    ),
    ((0x03, Condition.COVER_OPEN), (0x0C, Note.MOTOR), (0x60, Note.BUTTON), (0x90, Note.UNUSED)),
    (
        (0x01, Condition.HEAD_HOT),
        (0x22, Note.GARBLED),
        (0x08, Condition.NOT_ACCEPTING),  # its supply voltage is wrong
        (0x40, Condition.PAPER_JAM),
        (0x94, Note.UNUSED),
    ),
    (
        (0x01, Condition.CUTTER_ERROR),
        (0x02, Condition.COVER_OPEN),
        (0x4C, Condition.UNRECOVERABLE),  # its memory
        (0xB0, Note.UNUSED),
    ),
)
MARKER_PAPER_END = 0x0C  # GS r 1
SAID: Final = frozenset(
    {meaning for bits in ANSWERS.values() for _, meaning in bits if isinstance(meaning, Condition)}
    | {Condition.NOT_ACCEPTING, Condition.SILENT}
)  # every condition this driver can tell of a printer
SAID_WITH_FULL_STATUS: Final = frozenset({Condition.OUTPUT_NEARLY_FULL})  # ... and of one with a full status


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """One reading. ``waiting``: stopped in the middle of something and goes on when told to."""

    conditions: frozenset[Condition]
    waiting: bool = False


def read_answers(answers: Mapping[int, int], full: bytes = b"") -> PrinterStatus:
    """Combine the answers to DLE EOT 1 to 4, and to 20 where the printer has it."""
    said = [meaning for n, answer in answers.items() for meaning in _meant(ANSWERS[n], answer)]
    for bits, byte in zip(FULL_STATUS, full[-len(FULL_STATUS) :], strict=False):
        said += _meant(bits, byte)
    return _status(frozenset(said))


def read_asb(frame: bytes) -> PrinterStatus:
    """Read the four bytes of an automatic status."""
    pairs = zip(AUTOMATIC, frame, strict=True)
    return _status(frozenset(meaning for bits, byte in pairs for meaning in _meant(bits, byte)))


def _meant(bits: Bits, byte: int) -> Iterator[Condition | Note]:
    for mask, meaning in bits:
        if byte & mask:
            yield meaning


def _status(said: frozenset[Condition | Note]) -> PrinterStatus:
    found = {meaning for meaning in said if isinstance(meaning, Condition)}
    waiting = Note.WAITING in said
    if Condition.PAPER_OUT in found:
        found.discard(Condition.PAPER_LOW)
    if (Note.OFFLINE in said or Note.ERROR in said) and not waiting and not found - {Condition.PAPER_LOW}:
        found.add(Condition.NOT_ACCEPTING)  # for a reason it does not name, e.g. somebody holds the feed button
    if Note.TICKET in said:
        found.add(Condition.OUTPUT_NEARLY_FULL)  # the next slip pushes it out or, with some printers, swallows it
    return PrinterStatus(frozenset(found), waiting)


@dataclass(slots=True)
class Arrivals:
    """What a piece of the stream held."""

    real_time: list[int] = field(default_factory=list)
    markers: list[int] = field(default_factory=list)
    asb: list[bytes] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    full: list[bytes] = field(default_factory=list)
    nonsense: int = 0


class StatusStream:
    """Sorts incoming bytes; keeps a frame that is not complete yet."""

    def __init__(self) -> None:
        self._frame = bytearray()

    def reset(self) -> None:
        """Forget the beginning of a frame whose rest was lost."""
        self._frame.clear()

    def feed(self, data: bytes) -> Arrivals:
        """Return what ``data`` completes."""
        arrivals = Arrivals()
        for byte in data:
            if byte in {XON, XOFF} and not self._full:
                continue  # may come anywhere, even inside a frame
            if not self._frame:
                self._begin(byte, arrivals)
            elif self._frame[0] == TEXT_BEGIN:
                self._text(byte, arrivals)
            else:
                self._status(byte, arrivals)
        return arrivals

    @property
    def _full(self) -> bool:
        """Tell whether a full status has begun: no automatic one says that all of these four are true."""
        return len(self._frame) > 1 and self._frame[0] == ASB_FIRST and self._frame[1] == FULL_BEGIN

    def _begin(self, byte: int, arrivals: Arrivals) -> None:
        if byte & FIXED_BITS == REAL_TIME:
            arrivals.real_time.append(byte)
        elif byte == TEXT_BEGIN or byte & FIXED_BITS == ASB_FIRST:
            self._frame.append(byte)
        elif byte & MARKER_BITS == 0:
            arrivals.markers.append(byte)
        else:
            arrivals.nonsense += 1

    def _text(self, byte: int, arrivals: Arrivals) -> None:
        self._frame.append(byte)
        if byte == TEXT_END:
            arrivals.texts.append(self._frame[1:-1].decode("ascii", "replace"))
        elif len(self._frame) >= TEXT_MOST:
            arrivals.nonsense += len(self._frame)
        else:
            return
        self._frame.clear()

    def _status(self, byte: int, arrivals: Arrivals) -> None:
        """Take a byte of an automatic or a full status."""
        full = self._full
        if byte & MARKER_BITS and not full:
            arrivals.nonsense += len(self._frame)  # a frame that broke off: this byte is none of it
            self._frame.clear()
            self._begin(byte, arrivals)
            return
        self._frame.append(byte)
        if full and len(self._frame) == FULL_LENGTH:
            arrivals.full.append(bytes(self._frame))
        elif not full and len(self._frame) == ASB_LENGTH:
            arrivals.asb.append(bytes(self._frame))
        else:
            return
        self._frame.clear()
