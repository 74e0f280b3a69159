"""Back into service: only with the door shut, every part tested in this shift, and a passed dry run as a resident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.sensors import Sensor
from kiosk.maintenance.book import EntryKind
from kiosk.maintenance.results import CheckOutcome
from kiosk.maintenance.sections import part, why
from kiosk.views import (
    NOTHING,
    MaintenancePage,
    Text,
    Tone,
    text,
)

if TYPE_CHECKING:
    from kiosk.maintenance.results import CheckResult
    from kiosk.maintenance.shift import Shift


async def back_into_service(shift: Shift, results: dict[str, CheckResult]) -> bool:
    """Return whether the machine may serve again: door shut, every part tested in this shift, dry run passed.

    ``results`` are the latest of each part. Raises ``LeftAlone``, ``OSError``.
    """
    glass, workshop = shift.glass, shift.workshop
    obstacle = _obstacle(shift, results)
    if obstacle:
        await glass.done(obstacle, tone=Tone.ATTENTION, title=text("maintenance.return.title"))
        return False
    glass.show(
        glass.page(MaintenancePage.TESTS, text("maintenance.return.title"), lead=text("maintenance.return.running"))
    )
    result = await workshop.dry_run.run()
    fault = result.fault.value if result.fault else ""
    await shift.note(
        EntryKind.DRY_RUN,
        outcome="passed" if result.passed else "failed",
        views=list(result.shown),
        fault=fault,
        detail=result.detail,
        delivered=result.delivered,
    )
    if not result.passed:
        words = text("maintenance.return.failed", why=text(f"maintenance.dry.{fault}"))
        await glass.done(words, tone=Tone.SORRY, title=text("maintenance.return.title"))
    return result.passed


def _obstacle(shift: Shift, results: dict[str, CheckResult]) -> Text:
    if door_open(shift):
        return text("maintenance.return.door")
    begun = shift.begun.isoformat(timespec="seconds")
    for one in shift.workshop.tests.parts():
        result = results.get(one)
        if result is None or result.at < begun or result.outcome is CheckOutcome.FAILED:
            cause = why(result.code) if result is not None and result.at >= begun else text("maintenance.test.skipped")
            return text("maintenance.return.tests_first", part=part(one), cause=cause)
    return NOTHING


def door_open(shift: Shift) -> bool:
    """Tell whether the cabinet says that its door is open; one that cannot be asked is told by its self-test."""
    cabinet = shift.workshop.tools.cabinet
    return cabinet is not None and cabinet.state(Sensor.DOOR_OPEN) is True
