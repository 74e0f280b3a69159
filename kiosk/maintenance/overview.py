"""The first page of a shift: every section by colour, and what can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kiosk.intents import Chose
from kiosk.maintenance import papers
from kiosk.maintenance.glass import shown
from kiosk.views import MaintenancePage, Option, text

if TYPE_CHECKING:
    from kiosk.maintenance.shift import Shift

ACTIONS: Final = (
    "tests", "repair", "refill", "void", "found", "report", "export", "burn_in", "seals", "return", "leave",
)  # fmt: skip
RETURN, LEAVE = "do.return", "do.leave"
DO: Final = "do."  # before an action's name: sections are chosen by their bare names


async def choose_work(shift: Shift) -> str:
    """Return what the technician chose, ``do.`` and an action; empty: a section was looked at.

    Raises ``LeftAlone``, ``QueueError``, ``OSError``.
    """
    found = await papers.survey(shift)
    options = [
        Option(
            id=f"{DO}{name}",
            title=text(f"maintenance.do.{name}"),
            detail=text(f"maintenance.do.{name}_means"),
            icon=f"service_{name}",
        )
        for name in ACTIONS
    ]
    view = shift.glass.page(MaintenancePage.OVERVIEW, text("maintenance.title"), sections=shown(found), options=options)
    answer = await shift.glass.ask(view, back=False)
    chosen = answer.option if isinstance(answer, Chose) else ""
    if any(section.id == chosen for section in found):
        chosen, opened = "", chosen
        await shift.glass.ask(
            shift.glass.page(
                MaintenancePage.SECTION, text(f"maintenance.section.{opened}"), sections=shown(found, whole=opened)
            )
        )
    return chosen
