"""Playbooks: a visit without Qt, without wires and without waiting. Something arrives, something is expected."""

from __future__ import annotations

import asyncio
import io
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devices.camera import Camera
from devices.device import DeviceInfo
from devices.errors import DeviceError
from devices.health import READY, Health
from devices.id_reader import IdReader
from devices.manager import DeviceManager
from devices.photo_decoder import PhotoDecoder
from devices.printer import Printer, PrinterCounters, PrintOutcome, Supply
from devices.values import CardKind, Frame, IdentityCard, Pii, PrintReceipt, Sex
from kiosk import settings as settings_module
from kiosk.case_desk import CaseTicket, case_body
from kiosk.catalogue import model
from kiosk.clock import ManualClock
from kiosk.documents.seal import SealedDocument, Subject
from kiosk.event_log import EventLog
from kiosk.gateway import (
    Challenge,
    CodeAnswer,
    CodeVerdict,
    Decision,
    DecisionState,
    DocumentRef,
    Gateway,
    Lookup,
    ServiceState,
)
from kiosk.identity.face import EngineInfo, FaceAnswer, FaceCheck, FaceCode, FaceEngine, FaceEngineError, Look, Verdict
from kiosk.intents import Chose, Intent
from kiosk.staff import StaffNotices
from kiosk.stage import Stage
from kiosk.terminal import Terminal
from kiosk.views import Language, Scene
from kiosk.visit import Tools
from offline_queue import wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

NAME, NUMBER = "测试·张老伯", "999999195203070019"
NUMBER_GIVEN = "0001-261121-0001-0000"
CATALOGUE = Path(__file__).parents[2] / "config" / "catalogue"
TURNS = 400  # turns of the loop after which nothing more can be expected without time


def card(**changes: Any) -> IdentityCard:
    """Return an invented card."""
    made = IdentityCard(
        kind=CardKind.RESIDENT,
        name=Pii(NAME),
        number=Pii(NUMBER),
        sex=Sex.MALE,
        birth=Pii(date(1952, 3, 7)),
        valid_from=date(2020, 1, 1),
        valid_until=None,
        photo=Pii(bytearray(1024)),
    )
    return replace(made, **changes)


class _Always:
    """A device that is simply there."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def probe(self) -> Health:
        return READY

    def info(self) -> DeviceInfo:
        return DeviceInfo("fake", "here")


class FakeReader(_Always, IdReader):
    """With the lift rule: a card once read is not found again before it is laid anew."""

    def __init__(self) -> None:
        self.reads: list[IdentityCard | DeviceError] = []
        self.fresh = asyncio.Event()
        self.lifted = asyncio.Event()
        self.lifted.set()

    def lay(self, *results: IdentityCard | DeviceError) -> None:
        self.reads.extend(results or (card(),))
        self.lifted.clear()
        self.fresh.set()

    def lift(self) -> None:
        self.fresh.clear()
        self.lifted.set()

    async def wait_card(self) -> None:
        await self.fresh.wait()

    async def read(self) -> IdentityCard:
        result = self.reads.pop(0)
        if not self.reads:
            self.fresh.clear()
        if isinstance(result, DeviceError):
            raise result
        return result

    async def card_waiting(self) -> bool:
        return self.fresh.is_set()

    async def card_present(self) -> bool:
        return not self.lifted.is_set()

    async def wait_removed(self) -> None:
        await self.lifted.wait()


class FakeCamera(_Always, Camera):
    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.on = False
        self.count = 0

    async def start(self) -> None:
        self.on = True

    async def stop(self) -> None:
        self.on = False

    async def frame(self) -> Frame:
        await self._clock.sleep(0.05)
        self.count += 1
        return Frame(1, 1, self.count.to_bytes(3, "big"), self._clock.monotonic())


class FakePrinter(_Always, Printer):
    def __init__(self) -> None:
        self.jobs: list[object] = []
        self.script: list[DeviceError | None] = []
        self.outcomes: list[PrintOutcome] = []

    async def print(self, job: Any, on_progress: Any = None) -> PrintReceipt:
        trouble = self.script.pop(0) if self.script else None
        if trouble is not None:
            raise trouble
        self.jobs.append(job.body)
        return PrintReceipt("job-1", 1)

    async def outcome(self, job: str) -> PrintOutcome:
        return self.outcomes.pop(0) if self.outcomes else PrintOutcome.UNKNOWN

    async def supplies(self) -> tuple[Supply, ...]:
        return ()

    async def counters(self) -> PrinterCounters:
        return PrinterCounters()


class FakeCheck(FaceCheck):
    def __init__(self, engine: FakeFace) -> None:
        self._engine = engine

    async def use_card_photo(self, picture: bytes) -> bool:
        return self._engine.photos.pop(0) if self._engine.photos else True

    async def look(self, frame: Frame) -> Look:
        return Look.OK

    async def compare(self, frames: Sequence[Frame]) -> FaceAnswer:
        if self._engine.deaths:
            self._engine.deaths -= 1
            raise FaceEngineError(FaceCode.CRASHED)
        verdict = self._engine.verdicts.pop(0) if self._engine.verdicts else Verdict.MATCH
        return FaceAnswer(verdict, 0.3, self._engine.info())


class FakeFace(FaceEngine):
    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self.photos: list[bool] = []
        self.deaths = self.made = 0
        self.open_checks = 0

    def info(self) -> EngineInfo:
        return EngineInfo("fake", "1", "nobody", (), "none")

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def ready(self) -> bool:
        return True

    @asynccontextmanager
    async def check(self) -> AsyncIterator[FaceCheck]:
        self.open_checks += 1
        self.made += 1
        try:
            yield FakeCheck(self)
        finally:
            self.open_checks -= 1


class FakeGateway(Gateway):
    def __init__(self) -> None:
        self.services: tuple[ServiceState, ...] = ()
        self.failures: dict[str, Exception] = {}
        self.decisions: list[Decision] = []
        self.lookup = Lookup(known=True, record=True)

    def _trip(self, name: str) -> None:
        if name in self.failures:
            raise self.failures[name]

    async def catalogue(self) -> tuple[ServiceState, ...]:
        self._trip("catalogue")
        return self.services

    async def look_up(self, *_: object) -> Lookup:
        self._trip("look_up")
        return self.lookup

    async def send_code(self, *_: object) -> Challenge:
        self._trip("send_code")
        return Challenge("ch-1", "138****0019", 300, 60)

    async def check_code(self, challenge: str, visit: str, code: str) -> CodeAnswer:
        return CodeAnswer(CodeVerdict.RIGHT if code == "123456" else CodeVerdict.WRONG, 2)

    async def decision(self, epoch: str, seq: int, wait_s: float) -> Decision:
        if self.decisions:
            return self.decisions.pop(0)
        return Decision(DecisionState.APPROVED, document=DocumentRef("doc-1", "00" * 32, 1))

    async def document(self, document: str) -> bytes:
        return b"%PDF-made-for-this-test"

    async def progress(self, local_number: str) -> None:
        return None

    async def close(self) -> None: ...


class FakeVerifier:
    """Says what a signed document would say. The real one has tests of its own."""

    def __init__(self) -> None:
        self.subject = Subject("K0001", "ab" * 16, 1, Pii(NAME), Pii(NUMBER), "doc-1", Pii("CODE"))
        self.refusal: Exception | None = None

    def verify(self, pdf: bytes, sha256: str, at: object) -> SealedDocument:
        if self.refusal is not None:
            raise self.refusal
        return SealedDocument(subject=self.subject, pages=1, signer="test", text=Pii(""))


@dataclass
class FakeDesk:
    """Keeps what was handed in, as the outbox would, and says when it is settled."""

    handed_in: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    settled_at_once: bool = True
    slip_fault: Exception | None = None
    slip_hangs: bool = False
    closed: int = 0

    async def put_case(self, visit: Any, link: str) -> CaseTicket:
        self.handed_in.append(("case", case_body(visit, NUMBER_GIVEN, "now", offline=not visit.online)))
        item = wire.ItemId("K0001", "ab" * 16, 1)
        return CaseTicket(item, NUMBER_GIVEN, datetime(2026, 11, 21, tzinfo=UTC), bytes(32))

    async def slip_code(self, ticket: CaseTicket) -> str:
        if self.slip_fault is not None:
            raise self.slip_fault
        if self.slip_hangs:
            await asyncio.Event().wait()
        return "TB1:SIGNED"

    async def put_print(self, ticket: object, document: str, sheets: int, outcome: str, job: str) -> None:
        self.handed_in.append(("print", {"document": document, "sheets": sheets}))

    async def put_rating(self, ticket: object, service: str, version: int, grade: int, reasons: object) -> None:
        self.handed_in.append(("rating", {"grade": grade}))

    async def put_alarm(self, code: str, subject: str) -> None:
        self.handed_in.append(("alarm", {"code": code}))

    async def settled(self, ticket: object) -> wire.Verdict:
        if not self.settled_at_once:
            await asyncio.Event().wait()
        return wire.Verdict.ACCEPTED

    def close(self) -> None:
        self.closed += 1

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.handed_in]


class FakeScreen:
    def __init__(self) -> None:
        self.scenes: list[Scene] = []
        self.wipes = 0

    def show(self, scene: Scene) -> None:
        self.scenes.append(scene)

    def frame(self, frame: Frame) -> None: ...

    def wipe(self) -> None:
        self.wipes += 1


class SimDecoder(PhotoDecoder):
    name = "sim-test"

    def decode(self, block: bytes) -> bytes | None:
        return b"picture"


class _Idle:
    """Stands for outbox and courier where a journey does not need them."""

    async def run(self) -> None:
        await asyncio.Event().wait()

    def nudge(self) -> None: ...


class Playbook:
    """A terminal and the hands before it."""

    card = staticmethod(card)

    def __init__(self, *, simulated: bool = True) -> None:
        self.clock = ManualClock()
        self.screen = FakeScreen()
        self.reader, self.camera = FakeReader(), FakeCamera(self.clock)
        self.printer, self.slips = FakePrinter(), FakePrinter()
        self.face, self.gateway, self.verifier, self.desk = FakeFace(), FakeGateway(), FakeVerifier(), FakeDesk()
        self.sessions: list[Any] = []
        self.log = io.StringIO()
        loaded = settings_module.load("demo")
        catalogue, refused = model.load(CATALOGUE)
        assert not refused
        self.gateway.services = tuple(ServiceState(p.code, p.version, open=True) for p in catalogue.packages)
        devices = {
            "id_reader": self.reader,
            "camera": self.camera,
            "document_printer": self.printer,
            "receipt_printer": self.slips,
        }
        log = EventLog(self.clock, self.log)
        tools = Tools(
            settings=loaded,
            clock=self.clock,
            log=log,
            devices=DeviceManager(
                devices,
                clock=self.clock,
                on_change=lambda role, health, _error: self.terminal.device_changed(role, health),
            ),
            gateway=self.gateway,
            catalogue=catalogue,
            face=self.face,
            photo_decoder=SimDecoder(),
            verifier=self.verifier,  # type: ignore[arg-type]
            staff=StaffNotices(log, self.clock, lambda _lane: self.desk),  # type: ignore[arg-type,return-value]
        )

        async def nothing() -> None: ...

        async def none_reached() -> tuple[str, ...]:
            return ()

        self.terminal = Terminal(
            tools,
            Stage(self.screen, self.clock, loaded.timings),
            _Idle(),  # type: ignore[arg-type]
            _Idle(),  # type: ignore[arg-type]
            open_desk=lambda _visit: self.desk,  # type: ignore[arg-type,return-value]
            limits_reached=none_reached,
            stop_queue=nothing,
            heard=nothing,
            refused=nothing,
        )

    @property
    def scene(self) -> Scene:
        return self.screen.scenes[-1]

    def events(self, name: str) -> list[str]:
        return [line for line in self.log.getvalue().splitlines() if f'"event": "{name}"' in line]

    async def expect(self, kind: str, *, key: str = "", within_s: float = 0) -> Scene:
        """Let things settle, moving time by at most ``within_s``, until a view of this kind (and title) shows."""
        moved = 0.0
        for _ in range(TURNS + int(within_s / 0.05)):
            await asyncio.sleep(0)
            for _ in range(50):
                await asyncio.sleep(0)
            if self.screen.scenes and type(self.scene.view).__name__ == kind:
                if not key or key in (self.scene.view.title.key, getattr(self.scene.view, "body", None)):
                    return self.scene
                if key == getattr(getattr(self.scene.view, "body", None), "key", ""):
                    return self.scene
            if moved < within_s:
                await self.clock.advance(0.05)
                moved += 0.05
            else:
                await asyncio.sleep(0.001)  # a verification runs in a real thread
        shown = type(self.scene.view).__name__, self.scene.view.title.key
        raise AssertionError(f"expected {kind} {key}, the screen shows {shown}")

    def does(self, intent: type[Intent], *args: Any, **fields: Any) -> None:
        """Post an intent for the scene that is shown."""
        self.terminal.post(intent(self.scene.turn, *args, **fields))

    async def begin(self, entry: str) -> None:
        await self.expect("Attract", within_s=1)
        self.does(Chose, entry)

    async def to_service(self, code: str) -> None:
        await self.begin("services")
        await self.expect("Choice", key="choose_language.title")
        self.does(Chose, "zh_CN")
        await self.expect("Choice", key="choose_service.title")
        self.does(Chose, code)
        await self.expect("Guide")


@pytest.fixture
async def book() -> AsyncIterator[Playbook]:
    playbook = Playbook()
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        running = group.create_task(playbook.terminal.run())
        yield playbook
        running.cancel()
    assert playbook.scene.language in Language
