"""Rows 18 and 19: what is still in the machine, then "your data has been cleared". The session is already wiped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import DeviceError
from devices.id_reader import IdReader
from kiosk.clock import deadline
from kiosk.events import BelongingLeft
from kiosk.intents import Agreed, Touched
from kiosk.stage import Idle
from kiosk.views import Belonging, Goodbye, Slot, Tone, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kiosk.stage import Stage
    from kiosk.visit import Tools

PAPERS = {Slot.DOCUMENT_TRAY: "goodbye.paper", Slot.RECEIPT_SLOT: "goodbye.slip"}
REMIND_S = 5.0  # requirements row 18: voice at 5 s; here the words change


def clearing_view() -> Goodbye:
    """Return the view that covers everything while the session is wiped."""
    return Goodbye(title=text("goodbye.clearing"), belongings=(), cleared=False, body=text("goodbye.clearing_means"))


async def say_goodbye(tools: Tools, stage: Stage, visit: str, *, card_laid: bool, papers: Mapping[Slot, bool]) -> None:
    """Wait by the reader's sensor until the card is gone; tell the operator when it stays; then show *cleared*."""
    outcome = await _wait_for_card(tools, stage, visit, papers) if card_laid else True
    cleared = Goodbye(
        title=text("goodbye.cleared"),
        belongings=_belongings(papers, card=outcome if card_laid else None),
        cleared=True,
        body=text("goodbye.cleared_means"),
        tone=Tone.GOOD,
    )
    await stage.ask_while(
        cleared, tools.clock.sleep(tools.settings.timings.cleared_s), accept=(Agreed, Touched), idle=Idle.OFF
    )


async def _wait_for_card(tools: Tools, stage: Stage, visit: str, papers: Mapping[Slot, bool]) -> bool:
    """Return whether the card was lifted. Nothing new starts before it is gone, unless the reader itself is gone."""

    def view(*, urgent: bool) -> Goodbye:
        return Goodbye(
            title=text("goodbye.title"),
            belongings=_belongings(papers, card=False),
            cleared=False,
            body=text("goodbye.card_urgent" if urgent else "goodbye.card"),
            tone=Tone.ATTENTION if urgent else Tone.NEUTRAL,
        )

    try:
        async with tools.devices.lease("id_reader") as reader:
            if not isinstance(reader, IdReader) or not await reader.card_present():
                return True
            stage.show(view(urgent=False))
            waited = 0
            limit = tools.settings.timings.card_take_s
            while True:
                try:
                    async with deadline(tools.clock, REMIND_S if not waited else limit):
                        await reader.wait_removed()
                    return True  # noqa: TRY300 - lifted
                except TimeoutError:
                    waited += int(REMIND_S if not waited else limit)
                    stage.update(view(urgent=True))
                    if waited > REMIND_S:
                        tools.log.emit(BelongingLeft(visit=visit, slot=Slot.ID_READER.value, seconds=waited))
                        tools.staff.tell("belonging.card_left", visit)
    except DeviceError as error:
        tools.devices.report("id_reader", error)
        return True  # the reader is gone: nobody can say; the event of its going is the operator's notice


def _belongings(papers: Mapping[Slot, bool], *, card: bool | None) -> tuple[Belonging, ...]:
    """Return what came in or out; ``card``: taken, still there, or ``None`` for never laid."""
    found = [] if card is None else [Belonging(label=text("goodbye.id_card"), slot=Slot.ID_READER, taken=card)]
    found += [Belonging(label=text(PAPERS[slot]), slot=slot, taken=taken) for slot, taken in papers.items()]
    return tuple(found)
