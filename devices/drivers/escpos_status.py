"""What a receipt printer sends back: real-time status, automatic status, markers (ESC/POS; table: DLE EOT, GS a, GS r).

On one stream the three are told apart by their fixed bits: ``b & 0x93`` is 0x12 for a DLE EOT answer, 0x10 for the
first of four ASB bytes, 0x11 or 0x13 for XON and XOFF; ``b & 0x90`` is 0 for a GS r answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.health import Condition

if TYPE_CHECKING:
    from collections.abc import Mapping

FIXED_BITS = 0x93
REAL_TIME = 0x12
ASB_FIRST = 0x10
XON, XOFF = 0x11, 0x13
ASB_LENGTH = 4
MARKER_BITS = 0x90
QUESTIONS = (1, 2, 3, 4)  # DLE EOT n: printer, offline cause, error cause, paper

# DLE EOT n, bit -> condition.
REAL_TIME_CONDITIONS: Mapping[int, tuple[tuple[int, Condition], ...]] = {
    2: ((0x04, Condition.COVER_OPEN), (0x20, Condition.PAPER_OUT)),
    3: (
        (0x04, Condition.PAPER_JAM),  # "mechanical error": what blocks the carriage is paper
        (0x08, Condition.CUTTER_ERROR),
        (0x20, Condition.UNRECOVERABLE),
        (0x40, Condition.HEAD_HOT),
    ),
    4: ((0x0C, Condition.PAPER_LOW), (0x60, Condition.PAPER_OUT)),
}
OFFLINE = 0x08  # n = 1
WAITING = 0x20  # n = 1: stopped, goes on when told to
ERROR = 0x40  # n = 2: n = 3 says which

# ASB byte index, bit -> condition.
ASB_CONDITIONS = (
    (0, 0x20, Condition.COVER_OPEN),
    (1, 0x04, Condition.PAPER_JAM),
    (1, 0x08, Condition.CUTTER_ERROR),
    (1, 0x20, Condition.UNRECOVERABLE),
    (1, 0x40, Condition.HEAD_HOT),
    (2, 0x03, Condition.PAPER_LOW),
    (2, 0x0C, Condition.PAPER_OUT),
)
MARKER_PAPER_END = 0x0C  # GS r 1


@dataclass(frozen=True, slots=True)
class PrinterStatus:
    """One reading. ``waiting``: stopped in the middle of something and goes on when told to."""

    conditions: frozenset[Condition]
    waiting: bool = False


def read_answers(answers: Mapping[int, int]) -> PrinterStatus:
    """Combine the answers to DLE EOT 1 to 4."""
    found = {
        condition
        for question, bits in REAL_TIME_CONDITIONS.items()
        for bit, condition in bits
        if answers[question] & bit
    }
    offline = bool(answers[1] & OFFLINE) or bool(answers[2] & ERROR)
    waiting = bool(answers[1] & WAITING)
    if Condition.PAPER_OUT in found:
        found.discard(Condition.PAPER_LOW)
    if offline and not waiting and not found - {Condition.PAPER_LOW}:
        found.add(Condition.NOT_ACCEPTING)  # offline for a reason it does not name, e.g. somebody holds the feed button
    return PrinterStatus(frozenset(found), waiting)


def read_asb(frame: bytes) -> PrinterStatus:
    """Read the four bytes of an automatic status."""
    found = {condition for index, bit, condition in ASB_CONDITIONS if frame[index] & bit}
    waiting = bool(frame[1] & 0x01)
    if Condition.PAPER_OUT in found:
        found.discard(Condition.PAPER_LOW)
    if frame[0] & OFFLINE and not waiting and not found - {Condition.PAPER_LOW}:
        found.add(Condition.NOT_ACCEPTING)
    return PrinterStatus(frozenset(found), waiting)


@dataclass(slots=True)
class Arrivals:
    """What a piece of the stream held."""

    real_time: list[int]
    markers: list[int]
    asb: list[bytes]
    nonsense: int = 0


class StatusStream:
    """Sorts incoming bytes; keeps a frame that is not complete yet."""

    def __init__(self) -> None:
        self._asb = bytearray()

    def feed(self, data: bytes) -> Arrivals:
        """Return what ``data`` completes."""
        arrivals = Arrivals([], [], [])
        for byte in data:
            if self._asb:
                self._asb.append(byte)
                if len(self._asb) == ASB_LENGTH:
                    arrivals.asb.append(bytes(self._asb))
                    self._asb.clear()
            elif byte & FIXED_BITS == REAL_TIME:
                arrivals.real_time.append(byte)
            elif byte & FIXED_BITS == ASB_FIRST:
                self._asb.append(byte)
            elif byte & MARKER_BITS == 0:
                arrivals.markers.append(byte)
            elif byte not in {XON, XOFF}:
                arrivals.nonsense += 1
        return arrivals
