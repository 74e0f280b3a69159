"""Row 15: the paper. What is printed is verified first; what was printed is accounted for; nothing is printed twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable, OutcomeUnknown
from devices.health import Health
from devices.printer import Printer, PrintOutcome
from devices.values import PdfDocument, Pii, PrintJob
from kiosk.accounting import account
from kiosk.clock import deadline
from kiosk.documents.guard import check_subject
from kiosk.errors import JourneyError
from kiosk.events import PrintBlocked
from kiosk.intents import Agreed
from kiosk.journey import Outcome, Step
from kiosk.stage import Idle
from kiosk.views import NOTHING, Document, Slot, Tone, text
from kiosk.visit import PaperTrail

if TYPE_CHECKING:
    from devices.health import Condition
    from devices.printer import PrintProgress
    from kiosk.clock import Deadline
    from kiosk.visit import Visit

ROLE = "document_printer"
ASK_PRINTER_EVERY_S = 2.0
ATTEMPTS = 3  # at a job whose link is lost; then the resident is asked
PARTIAL = "partial"  # outcome of a job that ended after some of its sheets


class PrintDocument(Step):
    """Fetch, verify the seal, compare the person, print, account for every sheet, wait until it is taken."""

    name = "print_document"
    section = "receive"
    outcomes = frozenset({Outcome.DONE})

    async def run(self, visit: Visit) -> Outcome:
        """Print once. Raises ``DocumentRefused`` (alarm), ``DeviceError``, ``GatewayUnreachable``, ``QueueError``.

        Run again after a fault, it goes on where it was: what is printed is not printed again, only accounted for.
        """
        trail = visit.trail or await self._fetch(visit)
        if not trail.printed:
            await self._print(visit, trail)
        await account(visit)
        return await self._taken(visit, trail)

    async def resolve(self, visit: Visit, error: OutcomeUnknown) -> Outcome | None:
        """Ask the printer what became of the job; ``None``: nothing came out, print again."""
        trail = visit.trail
        if trail is None:
            raise JourneyError("nothing was printed yet")
        outcome = PrintOutcome.UNKNOWN
        visit.stage.show(_view(1, trail.pages, tone=Tone.ATTENTION, blocked="asking"), leave=False)
        try:
            async with deadline(visit.tools.clock, visit.tools.settings.timings.print_s):
                while outcome is PrintOutcome.UNKNOWN:
                    outcome = await self._outcome(visit, error.job or trail.job)
        except TimeoutError:
            outcome = PrintOutcome.UNKNOWN  # the printer stayed silent: the sheet counts as lost, see below
        if outcome is PrintOutcome.PRINTED:
            trail.printed, trail.sheets_out = True, trail.pages
            return await self.run(visit)
        if outcome is PrintOutcome.NOT_PRINTED:
            await self._account_part(visit, trail)
            if trail.attempts % ATTEMPTS:
                return None
            detail = f"{ATTEMPTS} attempts, and the link was lost in each"
            raise DeviceFault(detail, code=DeviceCode.JOB_ABORTED, device=ROLE)
        await self._account_part(visit, trail, PrintOutcome.UNKNOWN.value)
        visit.papers[Slot.DOCUMENT_TRAY] = False  # perhaps: the goodbye asks to look
        visit.tools.staff.tell("print.outcome_unknown", visit.session.visit)
        detail = "the printer never told what became of the job"
        raise DeviceFault(detail, code=DeviceCode.OUTCOME_UNKNOWN, device=ROLE)

    async def _outcome(self, visit: Visit, job: str) -> PrintOutcome:
        try:
            async with visit.tools.devices.lease(ROLE) as device:
                outcome = await _printer(device).outcome(job)
        except DeviceError:
            outcome = PrintOutcome.UNKNOWN
        if outcome is PrintOutcome.UNKNOWN:
            await visit.tools.clock.sleep(ASK_PRINTER_EVERY_S)
        return outcome

    async def _fetch(self, visit: Visit) -> PaperTrail:
        decision, person, case = visit.decision, visit.session.person, visit.case
        if decision is None or decision.document is None or person is None or case is None:
            raise JourneyError("no document was decided")
        if visit.tools.verifier is None:
            raise JourneyError("no authority for documents is configured")
        visit.stage.show(_view(1, decision.document.pages), leave=False)
        content = await visit.stage.watch(visit.tools.gateway.document(decision.document.id))
        sealed = await asyncio.to_thread(
            visit.tools.verifier.verify, content, decision.document.sha256, visit.tools.clock.now()
        )
        check_subject(sealed, person, case.item)
        if visit.session.document is not None:
            visit.session.document.wipe()
        visit.session.document = Pii(bytearray(content))
        visit.trail = PaperTrail(decision.document.id, sealed.pages)
        return visit.trail

    async def _print(self, visit: Visit, trail: PaperTrail) -> None:
        document = visit.session.document
        if document is None:
            raise JourneyError("no document was verified")
        visit.stage.raise_if_over()
        trail.attempts += 1
        trail.sheets_out = 0
        # A title of its own for each attempt: a printer asked by title must never mean the attempt before.
        trail.job = title = f"{visit.session.visit}-{trail.attempts}"
        job = PrintJob(title=title, body=PdfDocument(bytes(document.reveal()), trail.pages))
        visit.stage.show(_view(1, trail.pages), leave=False)
        try:
            async with (
                visit.tools.devices.lease(ROLE) as device,
                deadline(visit.tools.clock, visit.tools.settings.timings.print_s) as limit,
            ):
                receipt = await _printer(device).print(job, _Watch(visit, trail, limit))
        except OutcomeUnknown:
            raise
        except DeviceFault:
            await self._account_part(visit, trail)
            raise  # the printer's own word: no more will come out
        except DeviceError as error:
            if isinstance(error, DeviceUnavailable) and trail.job == title and not trail.sheets_out:
                raise  # the job never reached the printer
            # The port asks a driver for OutcomeUnknown here. One that forgets it must not have us print twice.
            raise OutcomeUnknown(error.detail, job=trail.job, device=ROLE) from error
        except TimeoutError:
            # Withdrawn at the printer, perhaps a moment too late: only the printer knows.
            raise OutcomeUnknown("not helped in time; the job was withdrawn", job=trail.job, device=ROLE) from None
        trail.printed, trail.sheets_out, trail.job = True, receipt.sheets, receipt.job

    async def _account_part(self, visit: Visit, trail: PaperTrail, outcome: str = PARTIAL) -> None:
        """Account for sheets seen to come out before a fault: they are void, and the goodbye names them."""
        if trail.sheets_out and visit.case is not None:
            visit.papers[Slot.DOCUMENT_TRAY] = False
            sheets, trail.sheets_out = trail.sheets_out, 0
            await visit.desk.put_print(visit.case, trail.document, sheets, outcome, trail.job)

    async def _taken(self, visit: Visit, trail: PaperTrail) -> Outcome:
        answer = await visit.stage.ask_while(
            _view(trail.pages, trail.pages, ready=True),
            visit.tools.clock.sleep(visit.tools.settings.timings.paper_take_s),
            accept=(Agreed,),
            idle=Idle.OFF,
        )
        visit.papers[Slot.DOCUMENT_TRAY] = isinstance(answer, Agreed)
        return Outcome.DONE


class _Watch:
    """Follows one attempt: sheets counted, staff told of what stops it, the deadline renewed while it moves."""

    def __init__(self, visit: Visit, trail: PaperTrail, limit: Deadline) -> None:
        self._visit = visit
        self._trail = trail
        self._limit = limit
        self._blocked: frozenset[Condition] = frozenset()

    def __call__(self, now: PrintProgress) -> None:
        visit, trail = self._visit, self._trail
        if now.sheets_done > trail.sheets_out or (self._blocked and not now.blocked):
            self._limit.restart()  # the limit is for standing still, not for long documents
        trail.sheets_out = max(trail.sheets_out, now.sheets_done)
        trail.job = now.job or trail.job
        if now.blocked and now.blocked != self._blocked:
            names = tuple(sorted(condition.value for condition in now.blocked))
            visit.tools.log.emit(PrintBlocked(visit=visit.session.visit, device=ROLE, conditions=names))
            visit.tools.staff.device(ROLE, Health.of(now.blocked))
        elif self._blocked and not now.blocked:
            visit.tools.staff.cleared(ROLE)
        self._blocked = now.blocked
        sheet = min(now.sheets_done + 1, trail.pages)
        cause = min(now.blocked, default=None)
        view = (
            _view(sheet, trail.pages, tone=Tone.ATTENTION, blocked=cause.value) if cause else _view(sheet, trail.pages)
        )
        visit.stage.update(view)


def _printer(device: object) -> Printer:
    if not isinstance(device, Printer):
        raise TypeError(f"{ROLE} is a {type(device).__name__}")
    return device


def _view(sheet: int, sheets: int, *, ready: bool = False, tone: Tone = Tone.NEUTRAL, blocked: str = "") -> Document:
    body = f"print.blocked.{blocked}" if blocked else "print.take" if ready else "print.printing"
    return Document(
        title=text("print.title_ready" if ready else "print.title"),
        body=text(body),
        slot=Slot.DOCUMENT_TRAY,
        sheet=sheet,
        sheets=sheets,
        ready=ready,
        tone=tone,
        done=text("print.taken") if ready else NOTHING,
    )
