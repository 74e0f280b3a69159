"""What the simulated receipt printer feels, and the bytes the makers' tables give it: shared with no driver."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Literal

PaperLevel = Literal["ok", "low", "out"]
FIXED = 0x12  # bits of a DLE EOT answer that are always set
ASB_FIXED = 0x10
FULL_STATUS = 20  # DLE EOT n of printers made for kiosks: six bytes, the first two 10 0F


class Trouble(enum.StrEnum):
    """Errors of the mechanism, each with its bit of DLE EOT 3 and of the second automatic byte."""

    JAM = "jam"
    CUTTER = "cutter"
    BROKEN = "broken"  # nothing but a restart helps
    HOT = "hot"


BITS = {Trouble.JAM: 0x04, Trouble.CUTTER: 0x08, Trouble.BROKEN: 0x20, Trouble.HOT: 0x40}
FULL_BITS = {Trouble.HOT: (2, 0x01), Trouble.JAM: (2, 0x40), Trouble.CUTTER: (3, 0x01), Trouble.BROKEN: (3, 0x04)}


@dataclass(slots=True)
class Sensors:
    """The state of the mechanism. ``waiting``: stopped in the middle of something until it is told to go on."""

    paper: PaperLevel = "ok"
    cover_open: bool = False
    button: bool = False  # somebody holds the feed button
    ticket: bool = False  # a slip lies in the outlet and was not taken
    waiting: bool = False
    heedless: bool = False  # runs on without paper, as cheap machines do
    troubles: set[Trouble] = field(default_factory=set)

    @property
    def stopped(self) -> bool:
        """Tell whether nothing is printed now."""
        held = self.cover_open or self.waiting or self.button or self.troubles - {Trouble.CUTTER}
        return bool(held) or (self.paper == "out" and not self.heedless)

    @property
    def offline(self) -> bool:
        """Tell what the printer calls itself."""
        return self.stopped or bool(self.troubles)

    def real_time(self, n: int) -> bytes:
        """Answer DLE EOT n."""
        if n == FULL_STATUS:
            return self._full()
        errors = sum(BITS[trouble] for trouble in self.troubles)
        bits = {
            1: 0x08 * self.offline | 0x20 * self.waiting | 0x40 * self.button,
            2: 0x04 * self.cover_open | 0x08 * self.button | 0x20 * (self.paper == "out") | 0x40 * bool(errors),
            3: errors,
            4: 0x0C * (self.paper != "ok") | 0x60 * (self.paper == "out"),
        }
        return bytes([FIXED | bits[n]])

    def automatic(self) -> bytes:
        """Return the four bytes pushed on a change."""
        first = ASB_FIXED | 0x08 * self.offline | 0x20 * self.cover_open | 0x40 * self.button
        second = 0x01 * self.waiting | sum(BITS[trouble] for trouble in self.troubles)
        paper = 0x03 * (self.paper != "ok") | 0x0C * (self.paper == "out")
        return bytes([first, second, paper, 0])

    def marker(self) -> bytes:
        """Answer GS r 1."""
        return bytes([0x03 * (self.paper != "ok") | 0x0C * (self.paper == "out")])

    def _full(self) -> bytes:
        groups = [
            0x01 * (self.paper == "out") | 0x04 * (self.paper != "ok") | 0x20 * self.ticket,
            0x02 * self.cover_open | 0x20 * self.button,
            0,
            0,
        ]
        for trouble in self.troubles:
            index, bit = FULL_BITS[trouble]
            groups[index] |= bit
        return bytes([0x10, 0x0F, *groups])
