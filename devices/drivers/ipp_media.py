"""Which sheets a job wants, whether they lie in the printer, and the words that ask for them (PWG 5100.3, 5101.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.drivers.ipp_codec import Attribute, Tag
from devices.values import Sides

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.drivers.ipp_codec import Attributes, Value
    from devices.values import PrintJob

HUNDREDTHS = {"mm": 100.0, "in": 2540.0}  # of a millimetre: the unit of media-size
SAME_SIZE = 100  # hundredths of a millimetre: printers round inches differently
SIZE = re.compile(r"_(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)(mm|in)$")
LEARNT = ("sides-supported", "media-col-supported", "media-source-supported")  # once, at open
LOADED = ("media-ready", "media-col-ready")  # each time: somebody may have changed the paper


@dataclass(frozen=True, slots=True)
class SheetWish:
    """Size, sides and tray of a job. ``media`` is a PWG 5101.1 name; ``tray`` "" leaves the choice to the printer."""

    media: str
    sides: Sides
    tray: str = ""

    def __post_init__(self) -> None:
        """Check the name: raises ``ValueError`` for one that does not say its size."""
        _dimensions(self.media)

    def of(self, job: PrintJob) -> SheetWish:
        """Return the wish with what the job says itself. Raises ``ValueError``."""
        return SheetWish(job.media or self.media, job.sides or self.sides, job.tray or self.tray)

    def sheets(self, pages: int) -> int:
        """Return how many sheets ``pages`` take."""
        return -(-pages // 2) if self.sides is Sides.BOTH else pages

    def template(self, learnt: Attributes) -> tuple[Attribute, ...]:
        """Return the Job Template attributes; ``learnt`` is what the printer supports."""
        if self.tray:
            across, along = _dimensions(self.media)
            size = (Attribute(Tag.INTEGER, "x-dimension", (across,)), Attribute(Tag.INTEGER, "y-dimension", (along,)))
            wanted = (
                Attribute(Tag.COLLECTION, "media-size", (size,)),
                Attribute(Tag.KEYWORD, "media-source", (self.tray,)),
            )
            media = Attribute(Tag.COLLECTION, "media-col", (wanted,))
        else:
            media = Attribute(Tag.KEYWORD, "media", (self.media,))
        if self.sides is Sides.ONE and not learnt.get("sides-supported"):
            return (media,)  # a printer that knows one side only may refuse the very word
        return media, Attribute(Tag.KEYWORD, "sides", (self.sides.value,))

    def impossible(self, learnt: Attributes) -> str:
        """Return why this printer can never do it, "" when it can."""
        if self.sides is Sides.BOTH and self.sides.value not in learnt.get("sides-supported", ()):
            return "printer cannot print both sides of a sheet"
        if self.tray and self.tray not in learnt.get("media-source-supported", ()):
            known = ", ".join(map(str, learnt.get("media-source-supported", ()))) or "none"
            return f"printer has no tray {self.tray!r}; it names {known}"
        return ""

    def not_loaded(self, now: Attributes) -> str:
        """Return what is wrong with the paper that lies in the printer, "" when nothing is or it does not tell."""
        trays = [tray for tray in now.get("media-col-ready", ()) if isinstance(tray, dict)]
        names = [str(name) for name in now.get("media-ready", ())]
        if not trays and not names:
            return ""  # it does not tell; the reasons for its state have the last word
        if any(self._fits(tray) for tray in trays) or (not trays and self.media in names):
            return ""
        loaded = {*names, *(name for tray in trays for name in _names(tray))}
        found = ", ".join(sorted(loaded)) or "paper it cannot name"
        return f"{self.media} is not loaded{f' in tray {self.tray}' if self.tray else ''}; loaded is {found}"

    def _fits(self, tray: Attributes) -> bool:
        source = _first(tray, "media-source")
        if self.tray and source is not None and source != self.tray:
            return False
        if self.media in _names(tray):
            return True
        size = _first(tray, "media-size")
        if not isinstance(size, dict):
            return False
        found = (_first(size, "x-dimension"), _first(size, "y-dimension"))
        wanted = _dimensions(self.media)
        return _same(found, wanted) or _same(found, wanted[::-1])  # fed long edge first


def _same(found: tuple[Value | None, ...], wanted: tuple[int, ...]) -> bool:
    pairs = zip(found, wanted, strict=True)
    return all(isinstance(have, int) and abs(have - want) <= SAME_SIZE for have, want in pairs)


def _names(tray: Attributes) -> Iterator[str]:
    for value in tray.get("media-size-name", ()):
        yield str(value)


def _first(attributes: Attributes, name: str) -> Value | None:
    return next(iter(attributes.get(name, ())), None)


def _dimensions(media: str) -> tuple[int, int]:
    """Return width and height in hundredths of a millimetre: a PWG 5101.1 name ends with its size."""
    found = SIZE.search(media)
    if found is None:
        raise ValueError(f"media {media!r}: a name like iso_a4_210x297mm is wanted, with the size at its end")
    unit = HUNDREDTHS[found[3]]
    return round(float(found[1]) * unit), round(float(found[2]) * unit)
