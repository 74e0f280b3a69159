"""One technician's work at the machine: who, on which order, since when; and everything a piece of work may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kiosk.maintenance.book import Book, Entry, EntryKind  # noqa: TC001 - part of this module's surface

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from kiosk.maintenance.access import Technician
    from kiosk.maintenance.dry_run import DryRun
    from kiosk.maintenance.found_items import FoundItems
    from kiosk.maintenance.glass import Glass
    from kiosk.maintenance.orders import WorkOrder
    from kiosk.maintenance.repairs import Bench, Repair
    from kiosk.maintenance.self_tests import SelfTests
    from kiosk.maintenance.supplies import Supplies
    from kiosk.maintenance.survey import Survey
    from kiosk.visit import Tools
    from typefaces import Typefaces


class SignOn(Protocol):
    """Whoever can bring a second person to the machine."""

    async def second(self, shift: Shift) -> Technician | None:
        """Return a supervisor who proved to be there and is not the first person; ``None``: nobody."""
        ...

    async def receiver(self, shift: Shift) -> str:
        """Return the staff number of who takes something over, by card or typed; empty: nobody."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every piece of work uses; made once by the bootstrap. ``send`` hands a message in for central."""

    tools: Tools
    folder: Path
    book: Book
    survey: Survey
    tests: SelfTests
    dry_run: DryRun
    supplies: Supplies
    found: FoundItems
    bench: Bench
    repairs: tuple[Repair, ...]
    typefaces: Typefaces
    send: Callable[[Mapping[str, object]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A technician at work."""

    technician: Technician
    order: WorkOrder
    begun: datetime
    workshop: Workshop
    glass: Glass

    async def note(self, kind: EntryKind, *, subject: str = "", outcome: str = "", **facts: object) -> Entry:
        """Write into the service book, with who and on which order. Raises ``OSError``."""
        return await self.workshop.book.write(
            kind, who=self.technician.id, order=self.order.number, subject=subject, outcome=outcome, **facts
        )
