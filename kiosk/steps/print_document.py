"""Row 15: the paper. What is printed is verified first; what was printed is accounted for; nothing is printed twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devices.errors import DeviceError, DeviceFault, OutcomeUnknown
from devices.health import Health
from devices.printer import Printer, PrintOutcome
from devices.values import PdfDocument, Pii, PrintJob
from kiosk.clock import deadline
from kiosk.documents.guard import check_subject
from kiosk.errors import JourneyError
from kiosk.events import PrintBlocked, Printed
from kiosk.intents import Agreed
from kiosk.journey import Outcome, Step
from kiosk.stage import Idle
from kiosk.views import NOTHING, Document, Slot, Tone, text

if TYPE_CHECKING:
    from devices.health import Condition
    from devices.printer import PrintProgress
    from devices.values import PrintReceipt
    from kiosk.documents.seal import SealedDocument
    from kiosk.visit import Visit

ROLE = "document_printer"
ASK_PRINTER_EVERY_S = 2.0


class PrintDocument(Step):
    """Fetch, verify the seal, compare the person, print, wait until it is taken."""

    name = "print_document"
    section = "receive"
    outcomes = frozenset({Outcome.DONE})

    async def run(self, visit: Visit) -> Outcome:
        """Print once. Raises ``DocumentRefused`` (alarm), ``DeviceError``, ``GatewayUnreachable``."""
        if Slot.DOCUMENT_TRAY not in visit.papers:
            sealed = await self._fetch(visit)
            receipt = await self._print(visit, sealed)
            await self._account(visit, receipt.job, receipt.sheets)
        return await self._taken(visit)

    async def resolve(self, visit: Visit, error: OutcomeUnknown) -> Outcome:
        """Ask the printer what became of the job; print again only when it says that nothing came out."""
        timings = visit.tools.settings.timings
        outcome = PrintOutcome.UNKNOWN
        visit.stage.show(_view(1, self._pages(visit), tone=Tone.ATTENTION, blocked="asking"))
        try:
            async with deadline(visit.tools.clock, timings.print_s):
                while outcome is PrintOutcome.UNKNOWN:
                    outcome = await self._outcome(visit, error.job)
        except TimeoutError:
            pass  # the printer stayed silent: the sheet counts as lost, see below
        if outcome is PrintOutcome.PRINTED:
            await self._account(visit, error.job, self._pages(visit))
            return await self._taken(visit)
        if outcome is PrintOutcome.NOT_PRINTED:
            return await self.run(visit)
        await visit.desk.put_alarm("print.outcome_unknown", visit.session.visit)
        raise DeviceFault("the printer never told what became of the job", code=error.code, device=ROLE)

    async def _outcome(self, visit: Visit, job: str) -> PrintOutcome:
        try:
            async with visit.tools.devices.lease(ROLE) as device:
                outcome = await _printer(device).outcome(job)
        except DeviceError:
            outcome = PrintOutcome.UNKNOWN
        if outcome is PrintOutcome.UNKNOWN:
            await visit.tools.clock.sleep(ASK_PRINTER_EVERY_S)
        return outcome

    async def _fetch(self, visit: Visit) -> SealedDocument:
        decision, person, case = visit.decision, visit.session.person, visit.case
        if decision is None or decision.document is None or person is None or case is None:
            raise JourneyError("no document was decided")
        if visit.tools.verifier is None:
            raise JourneyError("no authority for documents is configured")
        visit.stage.show(_view(1, decision.document.pages))
        content = await visit.tools.gateway.document(decision.document.id)
        sealed = await asyncio.to_thread(
            visit.tools.verifier.verify, content, decision.document.sha256, visit.tools.clock.now()
        )
        check_subject(sealed, person, case.item)
        visit.session.document = Pii(bytearray(content))
        return sealed

    async def _print(self, visit: Visit, sealed: SealedDocument) -> PrintReceipt:
        document = visit.session.document
        if document is None:
            raise JourneyError("no document was verified")
        pages = sealed.pages
        blocked_before: frozenset[Condition] = frozenset()

        def progress(now: PrintProgress) -> None:
            nonlocal blocked_before
            if now.blocked and now.blocked != blocked_before:
                names = tuple(sorted(condition.value for condition in now.blocked))
                visit.tools.log.emit(PrintBlocked(visit=visit.session.visit, device=ROLE, conditions=names))
                visit.tools.staff.device(ROLE, Health.of(now.blocked))
            elif blocked_before and not now.blocked:
                visit.tools.staff.cleared(ROLE)
            blocked_before = now.blocked
            sheet = min(now.sheets_done + 1, pages)
            cause = min(now.blocked, default=None)
            visit.stage.update(
                _view(sheet, pages, tone=Tone.ATTENTION, blocked=cause.value) if cause else _view(sheet, pages)
            )

        visit.stage.show(_view(1, pages))
        job = PrintJob(title=f"{visit.session.visit}", body=PdfDocument(bytes(document.reveal()), pages))
        async with visit.tools.devices.lease(ROLE) as device:
            try:
                async with deadline(visit.tools.clock, visit.tools.settings.timings.print_s):
                    return await _printer(device).print(job, progress)
            except TimeoutError as error:
                if isinstance(error, DeviceError):
                    raise
                raise DeviceFault("the printer was not helped in time; the job was withdrawn", device=ROLE) from None

    async def _account(self, visit: Visit, job: str, sheets: int) -> None:
        """Remember that paper is out before anything else can go wrong."""
        visit.papers[Slot.DOCUMENT_TRAY] = False
        visit.tools.log.emit(Printed(visit=visit.session.visit, device=ROLE, sheets=sheets))
        if visit.session.document is not None:
            visit.session.document.wipe()
            visit.session.document = None
        if visit.case is not None and visit.decision is not None and visit.decision.document is not None:
            await visit.desk.put_print(visit.case, visit.decision.document.id, sheets, PrintOutcome.PRINTED.value, job)

    async def _taken(self, visit: Visit) -> Outcome:
        pages = self._pages(visit)
        answer = await visit.stage.ask_while(
            _view(pages, pages, ready=True),
            visit.tools.clock.sleep(visit.tools.settings.timings.paper_take_s),
            accept=(Agreed,),
            idle=Idle.OFF,
        )
        visit.papers[Slot.DOCUMENT_TRAY] = isinstance(answer, Agreed)
        return Outcome.DONE

    def _pages(self, visit: Visit) -> int:
        decision = visit.decision
        return decision.document.pages if decision is not None and decision.document is not None else 1


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
