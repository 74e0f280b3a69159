"""Devices with a truth of their own: what lies on the reader, what fell into the tray, whatever is said of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.camera import Camera
from devices.device import DeviceInfo
from devices.errors import DeviceCode, DeviceError, MediumError, OutcomeUnknown
from devices.health import DEGRADING, READY, Condition, Health
from devices.id_reader import IdReader
from devices.printer import Printer, PrinterCounters, PrintOutcome, PrintProgress, Supply
from devices.values import Frame, PrintReceipt
from tests.faults.closed_sets import error_of
from tests.faults.matrix import AFTER, CALL, DIES, LOST, WAIT
from tests.journeys.conftest import card

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.values import IdentityCard
    from kiosk.clock import ManualClock
    from tests.faults.plant import Plant

READ_S = 0.6
FRAME_S = 0.2
SHEET_S = 1.0
HELP_LOOK_S = 1.0
# What a driver that loses its link inside print() may raise although the port asks for OutcomeUnknown: hostile.
LINK = frozenset(
    {
        DeviceCode.ABSENT,
        DeviceCode.CLOSED,
        DeviceCode.BUSY,
        DeviceCode.DRIVER_CRASHED,
        DeviceCode.TIMEOUT,
        DeviceCode.PROTOCOL,
    }
)


class _Machine:
    """Opens, closes and is probed through its plants."""

    def __init__(self, role: str, clock: ManualClock, note: Callable[[str], None]) -> None:
        self.role, self.clock, self.note = role, clock, note
        self.plants: list[Plant] = []

    async def open(self) -> None:
        await self._ask("open")

    async def close(self) -> None: ...

    async def probe(self) -> Health:
        await self._ask("probe")
        said = frozenset(plant.condition for plant in self.plants if plant.condition)
        for plant in self.plants:
            plant.health()
        return Health.of(frozenset(said)) if said else READY

    def info(self) -> DeviceInfo:
        return DeviceInfo("planted", self.role)

    async def _ask(self, method: str) -> None:
        for plant in self.plants:
            await plant.asked(method)

    async def _use(self, method: str, moment: str) -> None:
        for plant in self.plants:
            await plant.used(method, moment)

    def _reach(self, moment: str) -> None:
        for plant in self.plants:
            plant.reach(moment)

    def _said(self) -> frozenset[Condition]:
        return frozenset(plant.condition for plant in self.plants if plant.condition)


class Reader(_Machine, IdReader):
    """A card lies there or not (``lying``); one that was read is not found anew before it is laid anew."""

    def __init__(self, clock: ManualClock, note: Callable[[str], None]) -> None:
        super().__init__("id_reader", clock, note)
        self.lying = False
        self.fresh = asyncio.Event()
        self.read_one: list[IdentityCard] = []

    def lay(self) -> None:
        self.note("hands: lay the card")
        self.lying = True
        self.fresh.set()

    def lift(self) -> None:
        self.note("hands: lift the card")
        self.lying = False
        self.fresh.clear()

    async def wait_card(self) -> None:
        await self.clock.sleep(READ_S)
        await self._use("wait_card", WAIT)
        await self.fresh.wait()

    async def read(self) -> IdentityCard:
        await self.clock.sleep(READ_S / 2)
        await self._use("read", CALL)
        await self.clock.sleep(READ_S / 2)
        if not self.lying:
            raise MediumError("lifted", code=DeviceCode.CARD_LIFTED, device=self.role)
        self.fresh.clear()
        found = card()
        self.read_one.append(found)
        self._reach(AFTER)
        return found

    async def card_present(self) -> bool:
        await self._ask("card_present")
        return self.lying and not self.fresh.is_set()

    async def card_waiting(self) -> bool:
        await self._ask("card_waiting")
        return self.fresh.is_set()

    async def wait_removed(self) -> None:
        while self.lying:
            await self.clock.sleep(FRAME_S)


class Cam(_Machine, Camera):
    """Pictures while it is on. ``dark`` is what a face engine finds in them."""

    def __init__(self, clock: ManualClock, note: Callable[[str], None]) -> None:
        super().__init__("camera", clock, note)
        self.on = False
        self.count = 0

    @property
    def dark(self) -> bool:
        return bool(self._said() & {Condition.TOO_DARK, Condition.TOO_BRIGHT})

    async def start(self) -> None:
        await self._use("start", WAIT)
        self.on = True

    async def stop(self) -> None:
        if self.on:
            self._reach(AFTER)
        self.on = False

    async def frame(self) -> Frame:
        await self.clock.sleep(FRAME_S)
        self.count += 1
        await self._use("frame", CALL if self.count > 2 else "")
        return Frame(1, 1, self.count.to_bytes(3, "big"), self.clock.monotonic())


@dataclass(slots=True)
class Job:
    """One job at the machine: what truly came out of it, and what the machine would say of it."""

    title: str
    body: object
    sheets: int
    out: int = 0
    told: int = 0  # sheets its user has heard of
    outcome: PrintOutcome = PrintOutcome.NOT_PRINTED

    @property
    def whole(self) -> bool:
        return self.out >= self.sheets


class Press(_Machine, Printer):
    """Sheets fall one by one. A job whose link was lost goes on or not, as its fault says."""

    def __init__(self, role: str, clock: ManualClock, note: Callable[[str], None]) -> None:
        super().__init__(role, clock, note)
        self.jobs: list[Job] = []

    async def print(self, job: Any, on_progress: Any = None) -> PrintReceipt:
        done = Job(job.title, job.body, getattr(job.body, "pages", 1))
        self.jobs.append(done)
        name = f"{self.role}-{len(self.jobs)}"
        self.note(f"{self.role}.print: {name}, {done.sheets} sheets")

        def tell(blocked: frozenset[Condition] = frozenset()) -> None:
            done.told = done.out
            if on_progress is not None:
                on_progress(PrintProgress(done.out, done.sheets, blocked, name))

        try:
            await self._moment(done, WAIT)
            tell()
            while not done.whole:
                await self._helped(tell)
                await self.clock.sleep(SHEET_S / 2)
                if done.out or done.sheets == 1:
                    await self._moment(done, CALL)
                await self.clock.sleep(SHEET_S / 2)
                done.out += 1
                self.note(f"{self.role}: sheet {done.out} of {done.sheets} falls into the tray")
                tell()
            done.outcome = PrintOutcome.PRINTED
            await self._moment(done, AFTER, only_lost=True)
        except OutcomeUnknown as lost:
            lost.job = name
            raise
        self._reach(AFTER)
        return PrintReceipt(name, done.sheets)

    async def _helped(self, tell: Callable[[frozenset[Condition]], None]) -> None:
        """Wait while something stops the machine."""
        stopped = False
        while blocked := self._said() - DEGRADING:
            tell(blocked)
            stopped = True
            for plant in self.plants:
                plant.fired += 1
            await self.clock.sleep(HELP_LOOK_S)
        if stopped:
            tell(frozenset())

    async def _moment(self, done: Job, moment: str, *, only_lost: bool = False) -> None:
        for plant in self.plants:
            fault = plant.cell.fault
            if fault in LOST.values():
                plant.reach(moment)
                if plant.cell.moment == moment and plant.strikes():
                    self.note(f"{self.role}.print: {fault} at {moment}")
                    self._lose(done, fault)
                    raise error_of(DeviceCode.OUTCOME_UNKNOWN, self.role)
            elif not only_lost:
                await self._fail(done, plant, moment)

    async def _fail(self, done: Job, plant: Plant, moment: str) -> None:
        fault = plant.cell.fault
        before = plant.fired
        try:
            await plant.used("print", moment)
        except DeviceError:
            if moment == CALL and plant.fired > before and (fault == DIES or fault in LINK):
                self._lose(done, LOST["printed"])  # the link is lost; the machine itself goes on
            raise

    def _lose(self, done: Job, fault: str) -> None:
        if fault == LOST["printed"]:
            done.out, done.outcome = done.sheets, PrintOutcome.PRINTED
            self.note(f"{self.role}: goes on alone; all {done.sheets} sheets fall into the tray")
        elif fault == LOST["not_printed"]:
            done.outcome = PrintOutcome.PRINTED if done.whole else PrintOutcome.NOT_PRINTED
        else:
            done.out = done.sheets if len(self.jobs) % 2 else done.out
            done.outcome = PrintOutcome.UNKNOWN

    async def outcome(self, job: str) -> PrintOutcome:
        await self._ask("outcome")
        number = int(job.rpartition("-")[2]) if job.startswith(self.role) else 0
        found = self.jobs[number - 1] if number else next(one for one in self.jobs if one.title == job)
        self.note(f"{self.role}.outcome: {found.outcome.value}")
        return found.outcome

    async def supplies(self) -> tuple[Supply, ...]:
        return ()

    async def counters(self) -> PrinterCounters:
        return PrinterCounters()


MACHINES: dict[str, Callable[[ManualClock, Callable[[str], None]], Any]] = {
    "id_reader": Reader,
    "camera": Cam,
    "document_printer": lambda clock, note: Press("document_printer", clock, note),
    "receipt_printer": lambda clock, note: Press("receipt_printer", clock, note),
}
