"""A visit by nobody: the real journey of a real service, on the real devices and queue, answered by the machine itself.

What is handed in is an item of its own kind, ``dry_run``, for the person ``dry-run``: central takes it into custody and
acknowledges it like a case, but no case is made of it, so that nothing of it can reach an office. Used before the
machine goes back into service, and by the hourly heartbeat.
"""

from __future__ import annotations

import asyncio
import dataclasses
import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kiosk.case_desk import DRY_RUN, CaseTicket, VisitDesk
from kiosk.catalogue.model import Identity
from kiosk.catalogue.plan import plan
from kiosk.clock import deadline
from kiosk.errors import JourneyError
from kiosk.events import DeviceProved
from kiosk.gateway import Decision, DecisionState, Gateway
from kiosk.intents import Agreed, Chose, Declined, Submitted, Touched
from kiosk.journey import Ending
from kiosk.queue_view import entry
from kiosk.runner import run
from kiosk.session import Session
from kiosk.stage import Stage, VisitOver
from kiosk.views import (
    Choice,
    Document,
    Fault,
    FieldKind,
    Form,
    Goodbye,
    Guide,
    Prompt,
    Rating,
    Result,
    Review,
    Slot,
)
from kiosk.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.values import Frame
    from kiosk.catalogue.model import Package
    from kiosk.gateway import CaseProgress, Challenge, CodeAnswer, Lookup, ServiceState
    from kiosk.intents import Intent
    from kiosk.views import Field, Scene
    from kiosk.visit import Tools
    from offline_queue.ledger import Ledger

PERSON: Final = "dry-run"
NUMBER: Final = "TEST"  # before the number on the slip
WORDS: Final = "设备自检，请勿办理。DRY RUN, do not act on this."
LONGEST_S: Final = 240.0  # a minute for paper, a quarter for central, and what a slow machine needs
PHONE: Final = "13800000000"  # the shape of a number; nobody is called


class DryRunFault(enum.StrEnum):
    """Why a dry run did not pass. Closed."""

    NO_SERVICE = "no_service"  # none that can be begun without a person
    FAULT_SHOWN = "fault_shown"
    NOT_COMPLETED = "not_completed"
    NO_SLIP = "no_slip"
    NOT_DELIVERED = "not_delivered"  # though central is reached
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """``fault`` is ``None`` when it passed; ``shown``: the kinds of view gone through; ``delivered``: to central."""

    fault: DryRunFault | None
    shown: tuple[str, ...]
    delivered: bool
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether a resident would have been served."""
        return self.fault is None


class DryDesk(VisitDesk):
    """Hands in no case, rating or record of a document: one item that says which service was gone through."""

    async def put_case(self, visit: Visit, link: str) -> CaseTicket:  # noqa: ARG002 - of the desk
        """Make the item durable, as a case would be; returns only then. Raises ``QueueError``."""
        now = self._clock.now()
        number = f"{NUMBER}-{self._kiosk[:12]}-{now:%y%m%d-%H%M%S}"
        body = {
            "person": PERSON,
            "service": visit.service.code,
            "version": visit.service.version,
            "visit": visit.session.visit,
            "local_number": number,
            "at": now.isoformat(),
        }

        def take_in(ledger: Ledger) -> CaseTicket:
            item = self._add(ledger, DRY_RUN, body)
            stored = entry(ledger, item.seq)
            if stored is None:
                raise RuntimeError("the item that was just put is not there")
            return CaseTicket(item, number, now, bytes.fromhex(stored.fingerprint))

        return await self._trail.within(take_in)

    async def put_print(self, *_: object) -> None:
        """Refuse: no official document is made in a dry run."""
        raise JourneyError("a dry run prints no official document")

    async def put_rating(self, *_: object) -> None:
        """Nobody was served, nobody rates."""


class DryGateway(Gateway):
    """Central as a dry run may ask it: what is open, and nothing about anybody."""

    def __init__(self, real: Gateway) -> None:
        self._real = real

    async def catalogue(self) -> tuple[ServiceState, ...]:
        """Ask central."""
        return await self._real.catalogue()

    async def decision(self, epoch: str, seq: int, wait_s: float) -> Decision:  # noqa: ARG002 - of the port
        """Answer as an office would that takes it up: none ever sees it."""
        return Decision(DecisionState.FILED)

    async def look_up(self, *_: object) -> Lookup:
        """Refuse: nobody is asked about."""
        raise JourneyError("a dry run asks no register")

    async def send_code(self, *_: object) -> Challenge:
        """Refuse: nobody is called."""
        raise JourneyError("a dry run calls nobody")

    async def check_code(self, *_: object) -> CodeAnswer:
        """Refuse: nobody answers."""
        raise JourneyError("a dry run has no code")

    async def document(self, *_: object) -> bytes:
        """Refuse: no document is made."""
        raise JourneyError("a dry run has no document")

    async def progress(self, local_number: str) -> CaseProgress | None:  # noqa: ARG002 - of the port
        """Answer for nobody's case."""
        return None

    async def close(self) -> None:
        """Close nothing: the real one goes on."""


class DryRun:
    """Runs one. ``open_desk`` makes a :class:`DryDesk` for a visit's id; ``link_up``: is central reached."""

    def __init__(self, tools: Tools, open_desk: Callable[[str], DryDesk], link_up: Callable[[], bool]) -> None:
        self._tools = tools
        self._open_desk = open_desk
        self._link_up = link_up

    def service(self) -> Package | None:
        """Return the service that is gone through: the settings', else the first nobody has to be known for."""
        wanted = self._tools.settings.maintenance.dry_run_service
        for package in self._tools.catalogue.packages:
            possible = package.identity is Identity.NONE and not package.consents
            if possible and wanted in {"", package.code}:
                return package
        return None

    async def run(self, *, paper: bool = True) -> DryRunResult:
        """Go through the service once; ``paper``: with a slip. Raises nothing but bugs."""
        package = self.service()
        if package is None:
            return DryRunResult(DryRunFault.NO_SERVICE, (), delivered=False)
        tools = dataclasses.replace(self._tools, gateway=DryGateway(self._tools.gateway))
        robot = _Robot()
        stage = Stage(robot, tools.clock, tools.settings.timings)
        robot.stage = stage
        session = Session()
        visit = Visit(tools=tools, stage=stage, session=session, desk=self._open_desk(session.visit), package=package)
        visit.online = online = self._link_up()
        if not paper:
            visit.papers[Slot.RECEIPT_SLOT] = True  # as if the slip were out already and taken: no other is made
        try:
            async with deadline(tools.clock, LONGEST_S):
                ending = await run(visit, plan(package, tools.settings.face))
        except VisitOver as over:
            ending = over.ending
        except TimeoutError:
            return DryRunResult(DryRunFault.TOO_LONG, tuple(robot.shown), delivered=False)
        finally:
            stage.end_visit()
            session.wipe()
            visit.desk.close()
            await visit.closing.aclose()
        return self._judged(visit, robot, ending, online=online)

    def _judged(self, visit: Visit, robot: _Robot, ending: Ending, *, online: bool) -> DryRunResult:
        delivered = visit.case is not None and visit.online
        fault, detail = None, ""
        if robot.fault:
            fault, detail = DryRunFault.FAULT_SHOWN, robot.fault
        elif ending not in {Ending.COMPLETED, Ending.TAKEN_IN}:
            fault, detail = DryRunFault.NOT_COMPLETED, ending.value
        elif "receipt_printer" in self._tools.devices.names() and Slot.RECEIPT_SLOT not in visit.papers:
            fault = DryRunFault.NO_SLIP
        elif online and not delivered:
            fault = DryRunFault.NOT_DELIVERED
        if fault is None:
            self._tools.log.emit(DeviceProved(device="dry_run", how="dry_run"))
            if delivered:
                self._tools.log.emit(DeviceProved(device="central", how="dry_run"))
        return DryRunResult(fault, tuple(robot.shown), delivered=delivered, detail=detail)


class _Robot:
    """The screen nobody looks at, and the finger that answers what it shows."""

    def __init__(self) -> None:
        self.stage: Stage | None = None
        self.shown: list[str] = []
        self.fault = ""
        self._answered = 0

    def show(self, scene: Scene) -> None:
        """Answer each question once."""
        kind = type(scene.view).__name__
        if not self.shown or self.shown[-1] != kind:
            self.shown.append(kind)
        if isinstance(scene.view, Fault):
            self.fault = scene.view.happened.key
        answer = self._answer(scene)
        stage = self.stage
        if answer is not None and stage is not None and self._answered != scene.turn:
            self._answered = scene.turn
            asyncio.get_running_loop().call_soon(stage.post, answer)  # after the question is really waited for

    def frame(self, frame: Frame) -> None:
        """Nobody looks."""

    def wipe(self) -> None:
        """Nothing was kept."""

    def _answer(self, scene: Scene) -> Intent | None:  # noqa: PLR0911 - one line for each kind of view
        view, turn = scene.view, scene.turn
        match view:
            case Guide() | Review() | Result():
                return Agreed(turn)
            case Document():
                return Agreed(turn) if view.ready else None
            case Form():
                return Submitted(turn, tuple((field.id, _value(field)) for field in view.fields))
            case Choice():
                return Chose(turn, next(option.id for option in view.options if option.enabled))
            case Rating():
                return Declined(turn)
            case Fault():
                return Chose(turn, view.options[-1].id)
            case Prompt() if view.options:
                return Chose(turn, view.options[-1].id)
            case Goodbye():
                return Touched(turn)
            case _:
                return None


def _value(field: Field) -> Any:
    """Return what the machine types: the shape of an answer, nobody's data."""
    if not field.required:
        return field.value
    match field.kind:
        case FieldKind.CHOICE | FieldKind.MULTI_CHOICE:
            return field.value or field.options[0].id
        case FieldKind.YES_NO:
            return field.value or "no"
        case FieldKind.DIGITS:
            return PHONE
        case FieldKind.DATE | FieldKind.MONTH_RANGE:
            return field.value or field.maximum
        case _:
            return WORDS[: field.max_length or None]
