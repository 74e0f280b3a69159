"""The slip with the local number, and the same on the glass: *taken in* or *received*, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import DeviceError, DeviceTimeout, OutcomeUnknown
from devices.printer import Printer
from devices.values import PrintJob
from kiosk.clock import deadline
from kiosk.documents.slips import ticket_slip
from kiosk.errors import JourneyError
from kiosk.events import Printed
from kiosk.intents import Agreed
from kiosk.journey import Outcome, Step
from kiosk.keys import KeyCode, KeyStoreError
from kiosk.phrases import said_day
from kiosk.stage import Idle
from kiosk.views import Document, Fact, Result, Slot, Text, Tone, plain, text

if TYPE_CHECKING:
    from kiosk.case_desk import CaseTicket
    from kiosk.visit import Visit

ROLE = "receipt_printer"
SLIP_S = 20.0  # a slip is a second's work; after this the number on the glass has to do
SIGN_S = 5.0  # a TPM signs in a third of a second; after this the plain number is printed
KEY = "kiosk_key"  # the trouble's subject
UNSIGNED = "slip.unsigned"


class GiveSlip(Step):
    """Prints the slip where a printer works; the number is shown in any case, and no fault of paper ends a case."""

    name = "give_slip"
    section = "receive"
    outcomes = frozenset({Outcome.DONE})

    async def run(self, visit: Visit) -> Outcome:
        """Print, show, wait until it was read."""
        case = visit.case
        if case is None:
            raise JourneyError("nothing was handed in")
        visit.number_given = True
        printed = await self._print(visit, case)
        received = visit.online
        facts = [Fact(text("slip.number"), plain(case.local_number))]
        decision = visit.decision
        if decision is not None and decision.case_number:
            facts.append(Fact(text("slip.case_number"), plain(decision.case_number)))
        if decision is not None and decision.promise is not None:
            facts.append(Fact(text("slip.promise"), said_day(decision.promise)))
        body: list[Text] = [text("slip.received_means" if received else "slip.taken_in_means")]
        body.append(text("slip.take" if printed else "slip.not_printed"))
        view = Result(
            title=text("slip.title_received" if received else "slip.title_taken_in"),
            tone=Tone.GOOD if received else Tone.TAKEN_IN,
            body=tuple(body),
            facts=tuple(facts),
            done=text("slip.taken" if printed else "slip.done"),
        )
        answer = await visit.stage.ask_while(
            view,
            visit.tools.clock.sleep(visit.tools.settings.timings.paper_take_s),
            accept=(Agreed,),
            idle=Idle.OFF,
        )
        if printed:
            visit.papers[Slot.RECEIPT_SLOT] = isinstance(answer, Agreed)
        return Outcome.DONE

    async def _print(self, visit: Visit, case: CaseTicket) -> bool:
        """Return whether the slip came out. A slip is a convenience: its faults are told, not raised."""
        if Slot.RECEIPT_SLOT in visit.papers:
            return True
        if visit.tools.devices.missing([ROLE]):
            return False
        visit.stage.show(
            Document(
                title=text("slip.printing"),
                body=text("slip.printing_means"),
                slot=Slot.RECEIPT_SLOT,
                sheet=1,
                sheets=1,
                ready=False,
            )
        )
        code = await self._code(visit, case)
        try:
            async with visit.tools.devices.lease(ROLE) as device, deadline(visit.tools.clock, SLIP_S):
                if not isinstance(device, Printer):
                    raise TypeError(f"{ROLE} is a {type(device).__name__}")
                await device.print(PrintJob(title=visit.session.visit, body=ticket_slip(visit, code)))
        except DeviceError as error:
            if isinstance(error, OutcomeUnknown):
                visit.papers[Slot.RECEIPT_SLOT] = False  # perhaps: the goodbye asks to look
            self._told(visit, error)
            return False
        except TimeoutError:
            self._told(visit, DeviceTimeout(f"no slip within {SLIP_S:g} s", device=ROLE))
            return False
        visit.papers[Slot.RECEIPT_SLOT] = False
        visit.tools.log.emit(Printed(visit=visit.session.visit, device=ROLE, sheets=1))
        return True

    def _told(self, visit: Visit, error: DeviceError) -> None:
        """Have the printer asked how it is, and staff told also when it then is well again."""
        visit.tools.devices.report(ROLE, error)
        visit.tools.staff.tell(error.code.value, ROLE, lasting=False)

    async def _code(self, visit: Visit, case: CaseTicket) -> str:
        """Return the signed code, or the plain number and word to the technician: a slip is never refused."""
        tools = visit.tools
        try:
            async with deadline(tools.clock, SIGN_S):
                code = await visit.desk.slip_code(case)
        except TimeoutError:
            tools.staff.tell(KeyCode.NO_ANSWER.value, KEY)
        except KeyStoreError as error:
            tools.staff.tell(error.code.value, KEY)
        except ValueError:  # the kiosk's name has characters no code can hold
            tools.staff.tell(UNSIGNED, KEY)
        else:
            tools.staff.cleared(KEY)
            return code
        return case.local_number
