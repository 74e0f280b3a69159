"""What is used up: sheets, slips, toner, print head. Counted from what came out, refilled by word of the technician.

Where the printer itself says how much is left, its word counts; otherwise our own count since the last refill. The
forecast walks the days ahead with the median use of days like them, so that one busy morning does not cry wolf.
"""

from __future__ import annotations

import asyncio
import enum
import statistics
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from kiosk.events import Printed
from kiosk.maintenance.keeping import keep, kept
from kiosk.phrases import local

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from devices.values import Clock
    from kiosk.events import Event
    from kiosk.settings import MaintenanceSettings, TerminalSettings

FILE: Final = "supplies.json"
DAYS_KEPT: Final = 60
DAYS_LOOKED_AT: Final = 28  # four weeks: four of each weekday
DAYS_WITHOUT_PATTERN: Final = 14
FEWEST_ALIKE: Final = 3  # days of one kind that make a pattern
FARTHEST: Final = 90  # days; beyond it a forecast says nothing a technician could use
SATURDAY, THURSDAY = 5, 3
WRITE_S: Final = 60.0


class SupplyKind(enum.StrEnum):
    """What is used up. Closed; each has words."""

    SHEETS = "sheets"
    SLIPS = "slips"
    TONER = "toner"
    HEAD = "head"


ROLES: Final[Mapping[SupplyKind, str]] = {
    SupplyKind.SHEETS: "document_printer",
    SupplyKind.TONER: "document_printer",
    SupplyKind.SLIPS: "receipt_printer",
    SupplyKind.HEAD: "receipt_printer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """How much is left, in sheets or slips. ``days_left`` is ``None`` when nothing is known of the use."""

    kind: SupplyKind
    role: str
    left: int
    full: int
    days_left: int | None
    counted_by: str  # "printer" or "terminal"
    warn: bool


@dataclass(slots=True)
class Use:
    """Counts as written: totals by role, what came out each day, and the total at each refill."""

    totals: dict[str, int]
    days: dict[str, dict[str, int]]
    refills: dict[str, dict[str, Any]]  # kind -> {"total", "amount", "at"}


def read_use(folder: Path, *, mend: bool = False) -> Use:
    """Return the counts as last written; empty ones when there are none. Raises ``OSError``."""
    said = kept(folder / FILE, mend=mend)
    if not isinstance(said, dict):
        return Use({}, {}, {})
    return Use(dict(said.get("totals", {})), dict(said.get("days", {})), dict(said.get("refills", {})))


def full_of(settings: MaintenanceSettings) -> dict[SupplyKind, int]:
    """Return how much a full supply is."""
    return {
        SupplyKind.SHEETS: settings.sheets_full,
        SupplyKind.SLIPS: settings.slips_full,
        SupplyKind.TONER: settings.toner_sheets,
        SupplyKind.HEAD: settings.head_slips,
    }


def forecast(
    use: Use, settings: MaintenanceSettings, today: date, roles: set[str], told: Mapping[SupplyKind, int]
) -> tuple[Supply, ...]:
    """Return every supply of the devices in ``roles``; ``told`` is what printers say is left, in sheets or slips."""
    found = []
    for kind, full in full_of(settings).items():
        role = ROLES[kind]
        if role not in roles:
            continue
        refill = use.refills.get(kind.value, {})
        own = int(refill.get("amount", full)) - (use.totals.get(role, 0) - int(refill.get("total", 0)))
        left = max(0, told.get(kind, own))
        lasting = days_left(left, use, role, today)
        found.append(
            Supply(
                kind=kind,
                role=role,
                left=left,
                full=full,
                days_left=lasting,
                counted_by="printer" if kind in told else "terminal",
                warn=left == 0 or (lasting is not None and _too_soon(lasting, today, settings.warn_days)),
            )
        )
    return tuple(found)


def days_left(left: int, use: Use, role: str, today: date) -> int | None:
    """Return for how many whole days ``left`` lasts beginning with tomorrow; at most ``FARTHEST``."""
    known = [date.fromisoformat(day) for day in use.days]
    if not known:
        return None
    first = max(min(known), today - timedelta(days=DAYS_LOOKED_AT))
    past = [first + timedelta(days=n) for n in range((today - first).days)]  # today is not over: it would count too low
    if not past:
        return None
    used = {day: use.days.get(day.isoformat(), {}).get(role, 0) for day in past}
    recent = [used[day] for day in past[-DAYS_WITHOUT_PATTERN:]]
    for ahead in range(FARTHEST):
        day = today + timedelta(days=ahead + 1)
        alike = [count for past_day, count in used.items() if _weekend(past_day) == _weekend(day)]
        left -= round(statistics.median(alike if len(alike) >= FEWEST_ALIKE else recent))
        if left < 0:
            return ahead
    return FARTHEST


def _weekend(day: date) -> bool:
    return day.weekday() >= SATURDAY


def _too_soon(lasting: int, today: date, warn_days: int) -> bool:
    """Tell whether somebody should come: earlier when the supply would end on days nobody works."""
    over_the_weekend = 2 if today.weekday() >= THURSDAY else 0
    return lasting < warn_days + over_the_weekend


class Supplies:
    """Counts what comes out, from the log; :meth:`run` writes it once a minute."""

    def __init__(self, folder: Path, clock: Clock, terminal: TerminalSettings) -> None:
        self._path = folder / FILE
        self._clock = clock
        self._terminal = terminal
        self._changed = False
        self.use = read_use(folder, mend=True)

    def hear(self, event: Event) -> None:
        """Count paper."""
        if isinstance(event, Printed):
            self.count(event.device, event.sheets)

    def count(self, role: str, sheets: int) -> None:
        """Count sheets or slips that came out of ``role``."""
        day = self._today().isoformat()
        self.use.totals[role] = self.use.totals.get(role, 0) + sheets
        of_day = self.use.days.setdefault(day, {})
        of_day[role] = of_day.get(role, 0) + sheets
        for old in sorted(self.use.days)[:-DAYS_KEPT]:
            del self.use.days[old]
        self._changed = True

    async def refilled(self, kind: SupplyKind, amount: int) -> None:
        """Note that ``amount`` sheets or slips are in now. Returns once it is on the disk. Raises ``OSError``."""
        at = self._clock.now().isoformat(timespec="seconds")
        self.use.refills[kind.value] = {"total": self.use.totals.get(ROLES[kind], 0), "amount": amount, "at": at}
        await asyncio.to_thread(keep, self._path, self._data())
        self._changed = False

    async def run(self) -> None:
        """Write until cancelled, and at the end."""
        try:
            while True:
                await self._clock.sleep(WRITE_S)
                await self.write()
        finally:
            if self._changed:
                self._write_here()

    async def write(self) -> None:
        """Write what changed; a full disk costs counts, never the terminal."""
        if self._changed:
            self._changed = False
            try:
                await asyncio.to_thread(keep, self._path, self._data())
            except OSError:
                self._changed = True

    def _write_here(self) -> None:
        try:
            keep(self._path, self._data())
        except OSError:
            return  # the end of the program; the counts are a minute old at most

    def _data(self) -> dict[str, Any]:
        days = {day: dict(counts) for day, counts in self.use.days.items()}
        return {"totals": dict(self.use.totals), "days": days, "refills": dict(self.use.refills)}

    def _today(self) -> date:
        now: datetime = self._clock.now()
        return local(self._terminal, now).date()
