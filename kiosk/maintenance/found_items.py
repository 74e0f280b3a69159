"""Found items: cards and originals left in the machine, from the moment they are bagged until somebody signed for them.

What an item is, not whose: the bag's number is what the window keeps beside the thing itself. Open items stay in the
list whatever is restarted; closed ones are in the service book.
"""

from __future__ import annotations

import asyncio
import enum
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from kiosk.maintenance.keeping import keep, kept

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = "found_items.json"
BAG: Final = re.compile(r"[A-Z0-9-]{3,14}")  # a seal's number; eighteen digits of a person do not fit
MOST_OPEN: Final = 200


class FoundKind(enum.StrEnum):
    """What was left behind. Closed; each has words."""

    ID_CARD = "id_card"
    BANK_CARD = "bank_card"
    PAPER = "paper"
    PHONE = "phone"
    CASH = "cash"
    OTHER = "other"


class FoundProblem(ValueError):
    """The entry cannot be made. ``key`` is that of its words."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundItem:
    """One thing. ``found_by`` and ``handed_to`` are staff numbers; ``place`` is where it lay, a device's role."""

    number: int
    kind: FoundKind
    bag: str
    place: str
    found_at: str
    found_by: str


class FoundItems:
    """The open items of this machine."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._next, self._open = read_found(folder, mend=True)

    def open(self) -> tuple[FoundItem, ...]:
        """Return the items nobody has signed for, oldest first."""
        return self._open

    async def record(self, kind: FoundKind, bag: str, place: str, *, at: str, by: str) -> FoundItem:
        """Record a find; returns once it is on the disk. Raises ``FoundProblem``, ``OSError``."""
        bag = bag.strip().upper()
        if not BAG.fullmatch(bag):
            raise FoundProblem("maintenance.found.bag_wrong")
        if any(one.bag == bag for one in self._open):
            raise FoundProblem("maintenance.found.bag_used")
        if len(self._open) >= MOST_OPEN:
            raise FoundProblem("maintenance.found.too_many")
        item = FoundItem(number=self._next, kind=kind, bag=bag, place=place, found_at=at, found_by=by)
        await self._keep(self._next + 1, (*self._open, item))
        return item

    async def close(self, number: int) -> FoundItem:
        """Take an item out of the list: somebody signed for it. Raises ``LookupError``, ``OSError``."""
        found = next((one for one in self._open if one.number == number), None)
        if found is None:
            raise LookupError(number)
        await self._keep(self._next, tuple(one for one in self._open if one is not found))
        return found

    async def _keep(self, following: int, items: tuple[FoundItem, ...]) -> None:
        data = {"next": following, "open": [asdict(one) for one in items]}
        await asyncio.to_thread(keep, self._path, data)
        self._next, self._open = following, items


def read_found(folder: Path, *, mend: bool = False) -> tuple[int, tuple[FoundItem, ...]]:
    """Return the next number and the open items as last written. Raises ``OSError``."""
    said = kept(folder / FILE, mend=mend)
    if not isinstance(said, dict):
        return 1, ()
    items = tuple(replace(FoundItem(**one), kind=FoundKind(one["kind"])) for one in said.get("open", ()))
    return int(said.get("next", 1)), items
