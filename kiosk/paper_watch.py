"""Paper that came out and still lies there, by the cabinet's sensors: a reminder, then word to staff, never a stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devices.sensors import Sensor
from kiosk.clock import deadline
from kiosk.events import BelongingLeft
from kiosk.views import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kiosk.visit import Tools

PLACES: Final[Mapping[Slot, Sensor]] = {
    Slot.DOCUMENT_TRAY: Sensor.SHEET_IN_TRAY,
    Slot.RECEIPT_SLOT: Sensor.SLIP_IN_SLOT,
}
REMIND_S: Final = 5.0  # as for the card: then the words change and the light blinks


def seen(tools: Tools, papers: Mapping[Slot, bool]) -> dict[Slot, bool]:
    """Return whether each paper was taken: by its sensor where there is one that can tell, else as it was said."""
    taken = dict(papers)
    for slot in papers:
        lies = None if tools.cabinet is None or slot not in PLACES else tools.cabinet.state(PLACES[slot])
        if lies is not None:
            taken[slot] = not lies
    return taken


async def until_taken(
    tools: Tools, visit: str, papers: Mapping[Slot, bool], show: Callable[[Mapping[Slot, bool], bool], None]
) -> dict[Slot, bool]:
    """Wait until the sensors see no paper any more, as long as paper may lie; return what was taken.

    ``show`` is called with what is known and whether it is urgent. Paper that stays is told to staff: it may be a
    certificate with somebody's name on it.
    """
    begun = tools.clock.monotonic()
    for patience, urgent in ((REMIND_S, False), (tools.settings.timings.paper_take_s, True)):
        left = _lying(tools, papers)
        if not left:
            break
        show(seen(tools, papers), urgent)
        try:
            async with deadline(tools.clock, patience):
                for slot in left:
                    await _gone(tools, PLACES[slot])
        except TimeoutError:
            continue
    for slot in _lying(tools, papers):
        seconds = round(tools.clock.monotonic() - begun)
        tools.log.emit(BelongingLeft(visit=visit, slot=slot.value, seconds=seconds))
        tools.staff.tell("belonging.paper_left", visit, lasting=False)
    return seen(tools, papers)


def _lying(tools: Tools, papers: Mapping[Slot, bool]) -> list[Slot]:
    cabinet = tools.cabinet
    return (
        [] if cabinet is None else [slot for slot in papers if slot in PLACES and cabinet.state(PLACES[slot]) is True]
    )


async def _gone(tools: Tools, sensor: Sensor) -> None:
    if tools.cabinet is not None:
        await tools.cabinet.turned(sensor, on=False)
