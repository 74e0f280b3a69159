"""A terminal on a bench, the hands before it, and the story of one visit under faults."""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import kiosk.terminal as terminal_module
from devices.manager import DeviceManager
from kiosk import settings as settings_module
from kiosk.catalogue import model
from kiosk.clock import ManualClock
from kiosk.event_log import EventLog
from kiosk.gateway import ServiceState
from kiosk.session import Session
from kiosk.staff import StaffNotices
from kiosk.stage import Stage
from kiosk.terminal import Terminal
from kiosk.visit import Tools
from tests.faults.hands import Hands
from tests.faults.machines import MACHINES
from tests.faults.matrix import BEFORE, CATALOGUE, CENTRAL, FACE, GOODBYE, QUEUE, SLIP_KEY, packages
from tests.faults.others import Central, Engine, Outbox, Planted, Proof
from tests.faults.plant import Plant
from tests.journeys.conftest import FakeScreen, SimDecoder, _Idle

if TYPE_CHECKING:
    from collections.abc import Callable

    from kiosk.settings import Settings
    from kiosk.views import Scene
    from tests.faults.matrix import Run

STEP_S = 0.5
TROUBLE = ("device.other", "bench")
STAFF_S = 40.0  # staff are told of what the queue did not take at first
AFTERWARDS_S = 130.0  # three such refusals; central is asked again
ACTS_AT_MOST = 20  # taps without time passing
END_S = 1900.0  # the session's cap, its goodbye, and no more


class _Here(ThreadPoolExecutor):
    """Runs at once what is meant for a thread: a story is the same every time it is told."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - carried to whoever waits, as a pool does
            done.set_exception(error)
        return done


@dataclass
class Story:
    """What truly happened, gathered for the oracle."""

    run: Run
    scenes: list[tuple[float, Scene]] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    crash: BaseException | None = None
    stuck: bool = False
    lying_at_end: bool = False  # when the visit ended
    lying_at_attract: bool = False
    never_begun: bool = False

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == name]

    lines: list[dict[str, Any]] = field(default_factory=list)


class _Screen(FakeScreen):
    def __init__(self, told: Callable[[Scene], None]) -> None:
        super().__init__()
        self._told = told

    def show(self, scene: Scene) -> None:
        self.scenes.append(scene)
        self._told(scene)


@cache
def _catalogue() -> Any:
    return model.load(CATALOGUE)[0]


@cache
def _settings() -> Settings:
    return settings_module.load("demo")


class Bench:
    """One terminal with the faults of one run planted."""

    def __init__(self, run: Run) -> None:
        self.clock = ManualClock()
        self.story = Story(run)
        self._log = io.StringIO()
        self._last = ""
        self.screen = _Screen(self._scene)
        self.machines = {role: make(self.clock, self.note) for role, make in MACHINES.items()}
        self.planted = {role: Planted() for role in (CENTRAL, FACE, QUEUE, SLIP_KEY)}
        self.plants = [Plant(cell, self.clock, self.note) for cell in run.cells]
        for plant in self.plants:
            place = self.machines.get(plant.cell.role) or self.planted[plant.cell.role]
            place.plants.append(plant)
            plant.reach(BEFORE)
        service = next(one for one in packages() if one.code == run.cells[0].service)
        self.central = Central(self.clock, self.planted[CENTRAL])
        self.central.services = tuple(ServiceState(p.code, p.version, open=True) for p in packages())
        slips = any(cell.role in {"receipt_printer", SLIP_KEY} for cell in run.cells)
        self.central.paper = "document_printer" in service.needs and not slips
        self.central.submitting = lambda: self._last == "submit.title"
        self.desk = Outbox(self.clock, self.planted[QUEUE], self.planted[SLIP_KEY], self.planted[CENTRAL])
        self.terminal = self._build()
        self.hands = Hands(self, service)

    def _build(self) -> Terminal:
        settings, clock = _settings(), self.clock
        log = EventLog(clock, self._log)
        log.listen(self._heard)
        catalogue = _catalogue()
        manager = DeviceManager(
            self.machines, clock=clock, on_change=lambda role, health, _: self.terminal.device_changed(role, health)
        )
        tools = Tools(
            settings=settings,
            clock=clock,
            log=log,
            devices=manager,
            gateway=self.central,
            catalogue=catalogue,
            face=Engine(self.planted[FACE], self.machines["camera"]),
            photo_decoder=SimDecoder(),
            verifier=Proof(self.planted[CENTRAL]),  # type: ignore[arg-type]
            staff=StaffNotices(log, clock, lambda _: self.desk),  # type: ignore[arg-type,return-value]
        )

        async def nothing() -> None: ...

        async def none() -> tuple[str, ...]:
            return ()

        return Terminal(
            tools,
            Stage(self.screen, clock, settings.timings),
            _Idle(),  # type: ignore[arg-type]
            _Idle(),  # type: ignore[arg-type]
            open_desk=lambda _: self.desk,  # type: ignore[arg-type,return-value]
            limits_reached=none,
            stop_queue=nothing,
            heard=nothing,
            refused=nothing,
        )

    def note(self, words: str) -> None:
        self.story.trace.append(f"{self.clock.monotonic():8.1f}  {words}")

    def _scene(self, scene: Scene) -> None:
        self._last = scene.view.title.key
        self.story.scenes.append((self.clock.monotonic(), scene))
        words = scene_words(scene)
        if not self.story.trace or not self.story.trace[-1].endswith(words):
            self.note(words)

    def _heard(self, event: Any) -> None:
        name = type(event).__name__
        fields = {key: getattr(event, key) for key in event.__dataclass_fields__}
        self.story.lines.append({"event": name, "t": self.clock.monotonic()} | fields)
        self.note(f"event {name} " + " ".join(f"{key}={value}" for key, value in fields.items() if key != "visit"))
        if name == "VisitStarted" and any(cell.moment == "alarm" for cell in self.story.run.cells):
            self.terminal._tools.staff.tell(*TROUBLE)  # so that there is an alarm for the outbox to refuse
        if name == "VisitEnded":
            self.story.lying_at_end = self.machines["id_reader"].lying
            for plant in self.plants:
                plant.reach(GOODBYE)

    @property
    def log(self) -> str:
        return self._log.getvalue()

    async def play(self) -> Story:
        """Play one visit to its end and back to an untouched terminal."""
        asyncio.get_running_loop().set_default_executor(_Here(max_workers=1))
        made = self.story.sessions

        def session() -> Session:
            made.append(Session())
            return made[-1]

        original = terminal_module.Session
        terminal_module.Session = session  # type: ignore[assignment,misc]
        try:
            async with asyncio.TaskGroup() as group:
                running = group.create_task(self._run())
                await self._until_over(running)
                running.cancel()
        finally:
            terminal_module.Session = original  # type: ignore[misc]
        return self.story

    async def _run(self) -> None:
        """Run the terminal; what comes out of it is the crash policy's, and told."""
        try:
            await self.terminal.run()
        except BaseExceptionGroup as crash:  # cancelling arrives alone, never in a group
            self.story.crash = crash
            self.note(f"CRASH {crash!r} {[repr(one) for one in crash.exceptions]}")

    async def _until_over(self, running: asyncio.Task[None]) -> None:
        acts = 0
        while self.clock.monotonic() < END_S:
            await self.clock.settle()
            if running.done():
                return
            if self.hands.act() and (acts := acts + 1) < ACTS_AT_MOST:
                continue
            acts = 0
            if self.hands.over:
                self.story.lying_at_attract = self.machines["id_reader"].lying
                slow = any(cell.role in {QUEUE, CENTRAL} for cell in self.story.run.cells)
                await self.clock.advance(AFTERWARDS_S if slow else STAFF_S)
                return
            await self.clock.advance(STEP_S)
        self.story.stuck = True
        self.note("STUCK")


def scene_words(scene: Scene) -> str:
    """Return a scene in one line: view, title, body or hint, overlay."""
    view = scene.view
    body = getattr(view, "body", None) or getattr(view, "happened", None) or getattr(view, "hint", None)
    first = body[0] if isinstance(body, tuple) and body else body
    key = getattr(first, "key", "") if first else ""
    overlay = f" over it: {scene.overlay.kind}" if scene.overlay else ""
    title = view.title.key or dict(view.title.words).get("en", "")
    return f"scene {type(view).__name__} {title} {key}{overlay}"


def play(run: Run) -> Bench:
    """Play a run on a bench of its own; return the bench with its story."""

    async def whole() -> Bench:
        bench = Bench(run)
        await bench.play()
        return bench

    return asyncio.run(whole())
