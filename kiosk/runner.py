"""Runs a journey. What is common to every step lives here: faults by the policy table, place in the flow, events."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from devices.errors import DeviceCode, DeviceError, MediumError, OutcomeUnknown
from kiosk.errors import (
    DocumentRefused,
    FaceEngineFailed,
    GatewayRejected,
    JourneyError,
    KioskError,
    Recovery,
    recovery_for,
)
from kiosk.events import DocumentRejected, StepEnded, StepFailed
from kiosk.intents import Chose
from kiosk.journey import Ending, Journey, Outcome, Step
from kiosk.stage import Idle, VisitOver
from kiosk.texts import catalogue
from kiosk.views import NOTHING, Fault, Language, Option, Slot, text
from kiosk.visit import Trouble, Visit
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from kiosk.views import Text

ASKED_AT_MOST = 3  # requirements §3.2 row 4: three misses, then another way
SLOT_OF_ROLE = {
    "id_reader": Slot.ID_READER,
    "camera": Slot.CAMERA,
    "document_printer": Slot.DOCUMENT_TRAY,
    "receipt_printer": Slot.RECEIPT_SLOT,
}
FINAL = frozenset({DeviceCode.OUTCOME_UNKNOWN})  # trying again could print twice
AGAIN, END = "fault.again", "fault.end"
OUTBOX, FACE = "outbox", "face"  # subjects of alarms that are no device's


async def run(visit: Visit, journey: Journey) -> Ending:
    """Run ``journey`` from its start to an ending. Raises ``VisitOver`` when the visit ends from inside a step."""
    target: str | Ending = journey.start
    while not isinstance(target, Ending):
        step = journey.step(target)
        place = journey.place(step.name)
        if place is not None:
            visit.stage.place = (place.section, place.sections)
        begun = visit.tools.clock.monotonic()
        outcome = await _run_step(visit, step)
        seconds = round(visit.tools.clock.monotonic() - begun, 3)
        visit.tools.log.emit(
            StepEnded(visit=visit.session.visit, step=step.name, outcome=outcome.value, seconds=seconds)
        )
        if outcome not in step.outcomes:
            raise JourneyError(f"step {step.name} ended with {outcome}, which it does not declare")
        target = journey.after(step.name, outcome)
    return target


async def _run_step(visit: Visit, step: Step) -> Outcome:
    visit.trouble = None
    attempts: Counter[Recovery] = Counter()
    unknown: OutcomeUnknown | None = None
    while True:
        try:
            if unknown is not None:
                asked, unknown = unknown, None
                outcome = await step.resolve(visit, asked)
            else:
                outcome = await step.run(visit)
            if outcome is not None:
                return outcome
        except (DeviceError, KioskError, QueueError) as error:
            recovery = recovery_for(error)
            attempts[recovery] += 1  # a card lifted early uses up no try of a line that crackled
            _note(visit, step, error, recovery)
            if isinstance(error, OutcomeUnknown):
                unknown = error  # every time: what came out has to be known; the step limits its own attempts
                continue
            outcome = await _recover(visit, step, error, recovery, attempts[recovery])
            if outcome is not None:
                return outcome


def _note(visit: Visit, step: Step, error: Exception, recovery: Recovery) -> None:
    code = str(getattr(error, "code", "bug"))
    visit.tools.log.emit(
        StepFailed(visit=visit.session.visit, step=step.name, code=code, recovery=recovery.name.lower())
    )
    if isinstance(error, DeviceError) and error.device:
        visit.tools.devices.report(error.device, error)


async def _recover(visit: Visit, step: Step, error: Exception, recovery: Recovery, attempt: int) -> Outcome | None:
    """Do what the policy table says; ``None`` means: run the step once more."""
    code = str(getattr(error, "code", "bug"))
    if recovery is Recovery.CRASH:
        raise error
    if recovery is Recovery.ASK_AGAIN and attempt < ASKED_AT_MOST:
        visit.trouble = Trouble(code, attempt)
        return None
    if recovery is Recovery.ASK_AGAIN and Outcome.GAVE_UP in step.outcomes:
        return Outcome.GAVE_UP
    if recovery is Recovery.RETRY_ONCE and attempt == 1:
        return None
    if recovery is Recovery.TAKE_IN_OR_APOLOGISE and Outcome.OFFLINE in step.outcomes:
        return Outcome.OFFLINE
    if recovery is Recovery.SAY_REASON and isinstance(error, GatewayRejected) and Outcome.REFUSED in step.outcomes:
        visit.reason = error.words or _reason(error.reason)
        return Outcome.REFUSED
    if recovery is Recovery.REFUSE_AND_ALARM:
        _alarm(visit, error, code)
        return await show_fault(visit, code, error, again=False)
    return await show_fault(visit, code, error, again=code not in FINAL)


def _alarm(visit: Visit, error: Exception, code: str) -> None:
    """Raise an alarm here and, through the outbox, at central."""
    if isinstance(error, DocumentRefused):
        visit.tools.log.emit(DocumentRejected(visit=visit.session.visit, code=code))
    visit.tools.staff.tell(code, visit.session.visit)


def _reason(reason: str) -> Text:
    """Return the words for central's business code; a code without words is not shown to anybody."""
    key = f"rejected.{reason}"
    return text(key if key in catalogue(Language.ZH_CN) else "rejected.other")


async def show_fault(visit: Visit, code: str, error: Exception, *, again: bool) -> Outcome | None:
    """Say what happened and what to do. Returns ``None`` to run the step again; ends the visit otherwise."""
    role = getattr(error, "device", "")
    _tell_staff(visit, error, code)
    options = [Option(id=AGAIN, title=text("fault.again"))] if again else []
    options.append(Option(id=END, title=text("fault.end")))
    view = Fault(
        title=text("fault.title"),
        happened=_part(code, "happened"),
        means=_part(code, "means"),
        do=_part(code, "do"),
        number=visit.number,
        slot=SLOT_OF_ROLE.get(role, Slot.NONE),
        options=tuple(options),
    )
    while True:
        intent = await visit.stage.ask(view, idle=Idle.NORMAL)
        if isinstance(intent, Chose) and intent.option == AGAIN and again:
            if isinstance(error, DeviceError) and error.device:
                # Somebody may have put it right meanwhile: it is asked anew before it is refused once more.
                visit.tools.devices.report(error.device, error)
            return None
        if isinstance(intent, Chose) and intent.option == END:
            raise VisitOver(Ending.FAILED)


def _tell_staff(visit: Visit, error: Exception, code: str) -> None:
    """Make true what the fault view says of staff: also of a device that is well again when it is asked."""
    staff = visit.tools.staff
    if isinstance(error, MediumError):
        return  # the resident's own card
    if isinstance(error, DeviceError) and error.device:
        staff.tell(code, error.device, lasting=False)
    elif isinstance(error, QueueError):
        staff.tell(code, OUTBOX, lasting=False)
    elif isinstance(error, FaceEngineFailed):
        staff.tell(code, FACE, lasting=False)


def _part(code: str, part: str) -> Text:
    return text(f"fault.{code}.{part}") if code else NOTHING
