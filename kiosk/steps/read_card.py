"""Row 4: the identity card on the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import DeviceCode, DeviceError, DeviceTimeout
from devices.id_reader import IdReader
from kiosk.card_watch import lifted, waiting
from kiosk.catalogue.model import Identity
from kiosk.clock import deadline
from kiosk.events import CardRead
from kiosk.identity.prepare import prepared_check
from kiosk.intents import Chose, Intent
from kiosk.journey import Outcome, Step
from kiosk.masking import masked_name
from kiosk.views import NOTHING, Option, Progress, ProgressStage, Prompt, Slot, StageState, Text, Tone, plain, text

if TYPE_CHECKING:
    from devices.values import IdentityCard
    from kiosk.visit import Visit

NO_CARD = "read_card.no_card"
ROLE = "id_reader"
LOOK_S = 20.0  # after so long without word of a card the reader is asked whether it still sees any
READ_S = 15.0  # a card with a fingerprint takes about 4 s; a reader still silent then will not speak


class ReadCard(Step):
    """Waits for a card, reads it, checks its term, and prepares the face check from its picture."""

    name = "read_card"
    section = "read_card"
    outcomes = frozenset({Outcome.DONE, Outcome.BACK, Outcome.DECLINED, Outcome.GAVE_UP, Outcome.REFUSED})

    async def run(self, visit: Visit) -> Outcome:
        """Read the card. ``MediumError`` is the runner's business: it asks again."""
        if visit.session.card is not None:
            return Outcome.DONE  # came back from a later step: the card is known
        visit.card_asked = True
        async with visit.tools.devices.lease(ROLE) as device:
            if not isinstance(device, IdReader):
                raise TypeError(f"{ROLE} is a {type(device).__name__}")
            answer = await self._ask(visit, device)
            if isinstance(answer, Intent):
                return Outcome.DECLINED if isinstance(answer, Chose) else Outcome.BACK
        visit.tools.log.emit(CardRead(visit=visit.session.visit, kind=answer.kind.value))
        if answer.expired(visit.today()):
            answer.wipe()
            visit.reason = text("read_card.expired")
            return Outcome.REFUSED
        try:
            await self._use_photo(visit, answer)
        except BaseException:
            answer.wipe()  # a card that is not used is not kept
            raise
        visit.session.card = answer
        return Outcome.DONE

    async def _ask(self, visit: Visit, reader: IdReader) -> IdentityCard | Intent:
        async def card() -> IdentityCard:
            if visit.trouble is None and await waiting(reader, visit.tools.clock):
                # Whose is it? Somebody's who left before, perhaps. Only a card laid down now counts.
                visit.card_laid = True
                visit.stage.update(_view(visit, hint=False, lying=True))
                await lifted(reader, visit.tools.clock)
                visit.stage.update(_view(visit, hint=False))
            await _found(visit, reader)
            visit.card_laid = True
            return await _read(visit, reader)

        hint_s = visit.tools.settings.timings.card_hint_s
        return await visit.stage.ask_while(
            _view(visit, hint=False), card(), back=True, later=(hint_s, _view(visit, hint=True))
        )

    async def _use_photo(self, visit: Visit, card: IdentityCard) -> None:
        """Give the card's picture to the face engine at once: its template takes a second.

        Raises ``MediumError`` when the picture cannot be used: asked again, never a loop over the live face.
        """
        if visit.tools.face is None or visit.service.identity is not Identity.CARD_FACE:
            return
        visit.stage.show(
            Progress(
                title=text("read_card.read", name=plain(masked_name(card.name.reveal()))),
                stages=(ProgressStage(label=text("read_card.checking"), state=StageState.RUNNING),),
            )
        )
        await visit.stage.watch(prepared_check(visit, card))


async def _found(visit: Visit, reader: IdReader) -> None:
    """Wait for a card. A reader that hangs must not look like a resident who lays none: it is asked now and then."""
    clock = visit.tools.clock
    while True:
        try:
            async with deadline(clock, LOOK_S):
                return await reader.wait_card()
        except TimeoutError as error:
            if isinstance(error, DeviceError):
                raise
        if await waiting(reader, clock):
            visit.tools.staff.tell(DeviceCode.TIMEOUT.value, ROLE, lasting=False)
            return None


async def _read(visit: Visit, reader: IdReader) -> IdentityCard:
    try:
        async with deadline(visit.tools.clock, READ_S):
            return await reader.read()
    except TimeoutError as error:
        if isinstance(error, DeviceError):
            raise
        raise DeviceTimeout(f"no card within {READ_S:g} s of finding one", device=ROLE) from None


def _view(visit: Visit, *, hint: bool, lying: bool = False) -> Prompt:
    body: Text = text("read_card.body")
    tone = Tone.NEUTRAL
    tries = NOTHING
    if visit.trouble is not None:
        body = text(f"trouble.{visit.trouble.code}")
        tone = Tone.ATTENTION
        tries = text("read_card.tries", attempt=visit.trouble.attempt + 1)
    elif lying:
        body = text("read_card.lift_first")
        tone = Tone.ATTENTION
    elif hint:
        body = text("read_card.hint")
        tone = Tone.ATTENTION
    return Prompt(
        title=text("read_card.title"),
        body=body,
        slot=Slot.ID_READER,
        tone=tone,
        tries=tries,
        options=(Option(id=NO_CARD, title=text("read_card.no_card"), detail=text("read_card.no_card_means")),),
    )
