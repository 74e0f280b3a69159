"""Rows 18 and 19: what is still in the machine, then "your data has been cleared". The session is already wiped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import DeviceError
from devices.id_reader import IdReader
from kiosk.card_watch import lifted, lying
from kiosk.clock import deadline
from kiosk.events import BelongingLeft
from kiosk.intents import Agreed, Touched
from kiosk.paper_watch import until_taken
from kiosk.stage import Idle
from kiosk.views import Belonging, Goodbye, Slot, Tone, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kiosk.stage import Stage
    from kiosk.visit import Tools

PAPERS = {Slot.DOCUMENT_TRAY: "goodbye.paper", Slot.RECEIPT_SLOT: "goodbye.slip"}
ROLE = "id_reader"
REMIND_S = 5.0  # requirements row 18: voice at 5 s; here the words change


def clearing_view() -> Goodbye:
    """Return the view that covers everything while the session is wiped."""
    return Goodbye(title=text("goodbye.clearing"), belongings=(), cleared=False, body=text("goodbye.clearing_means"))


async def say_goodbye(
    tools: Tools,
    stage: Stage,
    visit: str,
    *,
    card_laid: bool,
    papers: Mapping[Slot, bool],
    card_asked: bool = False,
) -> None:
    """Wait by the reader's sensor until no card lies there, whoever laid it, and for paper; then show *cleared*.

    The operator is told of a card that stays, and of a reader that cannot say. ``card_asked``: one was asked for, so
    that it may lie there although the reader never told of it (``card_laid``).
    """
    card = await _CardWatch(tools, stage, visit, papers, laid=card_laid, asked=card_asked).run()

    def remind(seen: Mapping[Slot, bool], urgent: bool) -> None:
        stage.show(_paper_view(seen, card=card, urgent=urgent))

    papers = await until_taken(tools, visit, papers, remind)
    cleared = Goodbye(
        title=text("goodbye.cleared"),
        belongings=_belongings(papers, card=card),
        cleared=True,
        body=text("goodbye.card_unknown" if card is False else "goodbye.cleared_means"),
        tone=Tone.ATTENTION if card is False else Tone.GOOD,
    )
    await stage.ask_while(
        cleared, tools.clock.sleep(tools.settings.timings.cleared_s), accept=(Agreed, Touched), idle=Idle.OFF
    )


class _CardWatch:
    """Looks for a card that was left. Nothing new starts before it is gone."""

    def __init__(
        self, tools: Tools, stage: Stage, visit: str, papers: Mapping[Slot, bool], *, laid: bool, asked: bool
    ) -> None:
        self._tools = tools
        self._stage = stage
        self._visit = visit
        self._papers = papers
        self._laid = laid
        self._asked = asked

    async def run(self) -> bool | None:
        """Return ``True``: the card was lifted; ``False``: nobody can say; ``None``: there was none."""
        if self._tools.devices.missing([ROLE]):
            return self._unsure()
        try:
            async with self._tools.devices.lease(ROLE) as reader:
                if not isinstance(reader, IdReader):
                    raise TypeError(f"{ROLE} is a {type(reader).__name__}")
                if not await lying(reader, self._tools.clock):
                    return True if self._laid else None
                await self._until_lifted(reader)
        except DeviceError as error:
            self._tools.devices.report(ROLE, error)
            return self._unsure()
        return True

    def _unsure(self) -> bool | None:
        if not (self._laid or self._asked):
            return None
        self._tools.staff.tell("belonging.unknown", self._visit)
        return False

    async def _until_lifted(self, reader: IdReader) -> None:
        self._stage.show(self._view(urgent=False))
        waited = 0
        limit = self._tools.settings.timings.card_take_s
        while True:
            patience = REMIND_S if not waited else limit
            try:
                async with deadline(self._tools.clock, patience):
                    await lifted(reader, self._tools.clock)
            except TimeoutError as error:
                if isinstance(error, DeviceError):
                    raise  # the reader is silent: that says nothing about the card
            else:
                self._tools.staff.cleared(self._visit)
                return
            waited += int(patience)
            self._stage.update(self._view(urgent=True))
            if waited > REMIND_S:
                slot = Slot.ID_READER.value
                self._tools.log.emit(BelongingLeft(visit=self._visit, slot=slot, seconds=waited))
                self._tools.staff.tell("belonging.card_left", self._visit)

    def _view(self, *, urgent: bool) -> Goodbye:
        return Goodbye(
            title=text("goodbye.title"),
            belongings=_belongings(self._papers, card=False),
            cleared=False,
            body=text("goodbye.card_urgent" if urgent else "goodbye.card"),
            tone=Tone.ATTENTION if urgent else Tone.NEUTRAL,
        )


def _paper_view(papers: Mapping[Slot, bool], *, card: bool | None, urgent: bool) -> Goodbye:
    return Goodbye(
        title=text("goodbye.title"),
        belongings=_belongings(papers, card=card),
        cleared=False,
        body=text("goodbye.paper_urgent" if urgent else "goodbye.paper_take"),
        tone=Tone.ATTENTION if urgent else Tone.NEUTRAL,
    )


def _belongings(papers: Mapping[Slot, bool], *, card: bool | None) -> tuple[Belonging, ...]:
    """Return what came in or out; ``card``: taken, still there, or ``None`` for never laid."""
    found = [] if card is None else [Belonging(label=text("goodbye.id_card"), slot=Slot.ID_READER, taken=card)]
    found += [Belonging(label=text(PAPERS[slot]), slot=slot, taken=taken) for slot, taken in papers.items()]
    return tuple(found)
