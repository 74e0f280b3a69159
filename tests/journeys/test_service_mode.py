"""The technician's visit, from the card on the reader to the dry run, on a terminal without wires and waiting."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from devices.device import DeviceInfo
from devices.errors import DeviceFault
from devices.health import READY, Condition, Health
from devices.lights import Light, Lights, LightState
from devices.manager import DeviceManager
from devices.printer import PrinterCounters
from devices.sensors import Sensor, SensorChange, Sensors
from kiosk.cabinet import Cabinet
from kiosk.events import DeviceChanged
from kiosk.guide_lights import GuideLights
from kiosk.intents import Agreed, Chose, Submitted
from kiosk.maintenance import assembly
from kiosk.maintenance.assembly import Listeners, assemble
from kiosk.maintenance.book import EntryKind, entries
from kiosk.maintenance.found_items import read_found
from kiosk.quiet import Quiet
from kiosk.settings import MaintenanceSettings
from kiosk.stage import Stage
from kiosk.terminal import Terminal
from kiosk.views import Attract, Maintenance, MaintenancePage
from offline_queue.values import ClockTrust, Stats
from tests.journeys.conftest import FakeDesk, FakePrinter, Playbook, _Idle
from tests.unit.technicians import KIOSK, NOW, NUMBER, PIN, PIV, Card, Centre, Operator, TechnicianReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MANY_TURNS = 4000


class _There:
    health = READY

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def probe(self) -> Health:
        return self.health

    def info(self) -> DeviceInfo:
        return DeviceInfo("fake", "here")


class FakeLights(_There, Lights):
    def __init__(self) -> None:
        self.shown: list[Any] = []

    def fitted(self) -> frozenset[Light]:
        return frozenset({Light.DOCUMENT_TRAY})

    async def show(self, states: Any) -> None:
        self.shown.append(dict(states))


class FakeSensors(_There, Sensors):
    def __init__(self) -> None:
        self.on = {Sensor.DOOR_OPEN: False}
        self.changes: asyncio.Queue[SensorChange] = asyncio.Queue()

    def turn(self, sensor: Sensor, *, on: bool) -> None:
        self.on[sensor] = on
        self.changes.put_nowait(SensorChange(sensor, on))

    def fitted(self) -> frozenset[Sensor]:
        return frozenset(self.on)

    async def states(self) -> Any:
        return dict(self.on)

    async def change(self) -> SensorChange:
        return await self.changes.get()


class Paper(FakePrinter):
    """A printer whose health can be anything."""

    def __init__(self) -> None:
        super().__init__()
        self.now = READY

    async def probe(self) -> Health:
        return self.now

    async def supplies(self) -> tuple[Any, ...]:
        return ()

    async def counters(self) -> PrinterCounters:
        return PrinterCounters()


class FakeOutbox:
    pending = 0

    async def stats(self) -> Stats:
        return Stats("ab" * 16, self.pending, 0, 0, 0.0, None, 0, ClockTrust.TRUSTED, 10**9, 10**9, "3", False)

    async def read(self, work: Any) -> Any:
        return None


class ServiceDesk(FakeDesk):
    async def put_maintenance(self, message: Any) -> None:
        self.handed_in.append(("maintenance", json.loads(json.dumps(message))))


class ServiceBook(Playbook):
    """A terminal with a technician authority, a chip card reader, sensors and lights."""

    more: ClassVar[dict[str, Any]] = {}  # devices of other tests' machines, by role

    def __init__(self, folder: Path, operator: Operator, centre: Centre) -> None:
        super().__init__()
        self.folder = folder
        self.operator, self.centre = operator, centre
        self.desk = ServiceDesk()
        self.printer, self.slips = Paper(), Paper()
        self.cards, self.sensors, self.lights = TechnicianReader(), FakeSensors(), FakeLights()
        self.orders: list[Any] = [centre.order()]
        self.revoked = b""
        tools: Any = self.terminal._tools
        settings = replace(
            tools.settings,
            terminal=replace(tools.settings.terminal, kiosk=KIOSK),
            maintenance=MaintenanceSettings(
                technician_ca=str(operator.write_root(folder)), usb_root=str(folder / "usb")
            ),
        )
        devices = {
            "id_reader": self.reader,
            "document_printer": self.printer,
            "receipt_printer": self.slips,
            "card_reader": self.cards,
            "sensors": self.sensors,
            "lights": self.lights,
            **self.more,
        }
        heard = Listeners(folder, settings, self.clock, tools.log)
        manager = DeviceManager(
            devices,  # type: ignore[arg-type]
            clock=self.clock,
            on_change=self._device_changed,
        )
        tools.staff._open_desk = lambda _lane: self.desk
        tools = replace(tools, settings=settings, devices=manager, face=None)
        self.outbox = FakeOutbox()
        self.guide = GuideLights(self.screen)
        tools.log.listen(self.guide.hear)
        self.stage = Stage(self.guide, self.clock, settings.timings)
        self.heard = heard

        async def fetch_orders() -> list[Any]:
            return self.orders

        async def fetch_list() -> bytes:
            return self.revoked

        self.quiet, self.cabinet = Quiet(self.clock), Cabinet(manager, self.clock, tools.staff)
        tools.cabinet = self.cabinet
        self.cabinet.listen(self.quiet.sensed)
        self.service = assemble(
            heard,
            tools,
            self.stage,
            self.outbox,  # type: ignore[arg-type]
            version="0.1.0",
            open_desk=lambda _visit: self.desk,  # type: ignore[arg-type,return-value]
            open_dry_desk=lambda _visit: self.desk,  # type: ignore[arg-type,return-value]
            link_up=lambda: self.terminal.link_up,
            order_keys=centre.keys,
            piv=lambda: PIV,
            fetch_orders=fetch_orders,
            fetch_list=fetch_list,
            cabinet=self.cabinet,
            quiet=self.quiet,
            lights=self.guide,
        )

        async def nothing() -> None: ...

        async def none_reached() -> tuple[str, ...]:
            return ()

        self.terminal = Terminal(
            tools,
            self.stage,
            _Idle(),  # type: ignore[arg-type]
            _Idle(),  # type: ignore[arg-type]
            open_desk=lambda _visit: self.desk,  # type: ignore[arg-type,return-value]
            limits_reached=none_reached,
            stop_queue=nothing,
            heard=nothing,
            refused=nothing,
            beside=[*self.service.tasks, self.cabinet.run, lambda: self.guide.run(tools)],
            service_mode=self.service.mode,
            quiet=self.quiet,
        )
        self.service.heartbeat.on_failing = self.terminal.failing_changed

    def _device_changed(self, role: str, health: Health, _error: object) -> None:
        conditions = tuple(sorted(condition.value for condition in health.conditions))
        tools: Any = self.terminal._tools
        tools.log.emit(DeviceChanged(device=role, state=health.state.value, conditions=conditions, detail=""))
        self.terminal.device_changed(role, health)

    @property
    def page(self) -> Any:
        return self.scene.view

    async def until(self, happened: Any, what: str, *, within_s: float = 5) -> None:
        """Let things settle, moving time a little, until ``happened``."""
        moved, step = 0.0, max(0.1, within_s / 100)
        for _ in range(MANY_TURNS):
            if self.screen.scenes and happened():
                return
            for _ in range(20):
                await asyncio.sleep(0)
            if moved < within_s:
                await self.clock.advance(step)
                moved += step
            await asyncio.sleep(0.0005)  # files are flushed in real threads
        shown = self.scene.view
        raise AssertionError(f"{what}: the screen shows {type(shown).__name__} {getattr(shown, 'page', '')} {shown}")

    async def on(self, page: MaintenancePage, *, lead: str = "", within_s: float = 5) -> Maintenance:
        def there() -> bool:
            view = self.scene.view
            return isinstance(view, Maintenance) and view.page is page and (not lead or view.lead.key == lead)

        await self.until(there, f"{page} {lead}", within_s=within_s)
        return self.page  # type: ignore[no-any-return]

    async def attract(self, within_s: float = 5) -> None:
        await self.until(lambda: isinstance(self.scene.view, Attract), "attract", within_s=within_s)

    def types(self, **values: str) -> None:
        self.does(Submitted, tuple(values.items()))

    def chooses(self, option: str) -> None:
        self.does(Chose, option)

    async def sign_on(self, card: Card, *, number: str = NUMBER, pin: str = PIN) -> None:
        await self.attract()
        self.cards.lay(card)
        await self.on(MaintenancePage.SIGN_ON)
        self.types(number=number, pin=pin)

    def book(self, *kinds: EntryKind) -> list[Any]:
        return [entry for entry in entries(self.folder / "maintenance") if not kinds or entry.kind in kinds]

    async def answer_tests(self) -> None:
        """Stand for the technician while all tests run: yes, look, turn, or leave it out."""
        self.chooses("do.tests")
        await self.on(MaintenancePage.QUESTION)
        self.chooses("all")
        for _ in range(40):
            answered = self.scene.turn
            await self.until(
                lambda turn=answered: (
                    self.scene.turn != turn and self.page.page in {MaintenancePage.QUESTION, MaintenancePage.DONE}
                ),
                "a question of the tests",
            )
            if self.page.page is MaintenancePage.DONE:
                self.chooses("done")
                await self.on(MaintenancePage.OVERVIEW)
                return
            if self.page.lead.key == "maintenance.ask.toggle":
                self.sensors.turn(Sensor.DOOR_OPEN, on=True)
                await self.clock.advance(0.1)
                self.sensors.turn(Sensor.DOOR_OPEN, on=False)
            elif any(option.id == "yes" for option in self.page.options):
                self.chooses("yes")
            else:
                self.chooses("skip")
        raise AssertionError("the tests never ended")


@pytest.fixture(scope="module")
def operator() -> Operator:
    return Operator()


@pytest.fixture(autouse=True)
def one_typeface(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no pages here: the report has tests of its own."""
    monkeypatch.setattr(assembly, "draw_test_page", lambda *_: b"%PDF test page")


@asynccontextmanager
async def running(book: ServiceBook) -> AsyncIterator[ServiceBook]:
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        task = group.create_task(book.terminal.run())
        try:
            yield book
        finally:
            task.cancel()


@pytest.fixture
async def machine(tmp_path: Path, operator: Operator) -> AsyncIterator[ServiceBook]:
    async with running(ServiceBook(tmp_path, operator, Centre())) as book:
        yield book


async def test_a_technician_signs_on_and_the_pin_is_written_nowhere(machine, tmp_path):
    await machine.sign_on(machine.operator.card())
    view = await machine.on(MaintenancePage.OVERVIEW)
    assert {section.id for section in view.sections} >= {"identity", "devices", "queue", "link", "supplies", "tests"}
    opened = machine.book(EntryKind.OPENED)[0]
    assert (opened.who, opened.order, opened.subject) == ("T-0042", NUMBER, "document_printer")
    assert machine.events("ModeChanged")[-1].count('"maintenance"')
    written = machine.log.getvalue() + "".join(p.read_text() for p in tmp_path.rglob("*.json*"))
    assert PIN not in written
    assert repr(machine.screen.scenes).count(PIN) == 0


async def test_a_wrong_pin_waits_a_minute_and_is_in_the_book(machine):
    card = machine.operator.card()
    await machine.sign_on(card, pin="000000")
    await machine.on(MaintenancePage.SIGN_ON, lead="maintenance.access.wrong_pin")
    machine.types(number=NUMBER, pin=PIN)
    await machine.on(MaintenancePage.SIGN_ON, lead="maintenance.access.locked_out")
    await machine.clock.advance(60)
    machine.types(number=NUMBER, pin=PIN)
    await machine.on(MaintenancePage.OVERVIEW)
    assert [entry.outcome for entry in machine.book(EntryKind.REFUSED)] == ["access.wrong_pin", "access.locked_out"]


async def test_an_order_for_another_machine_says_so_and_the_machine_goes_on_serving(machine):
    machine.orders.append(machine.centre.order("260009", kiosk="K0009"))
    await machine.attract()
    await machine.clock.advance(301)
    await machine.sign_on(machine.operator.card(), number="260009")
    await machine.on(MaintenancePage.SIGN_ON, lead="maintenance.order.other_machine")
    await machine.clock.advance(301)
    await machine.attract()
    assert not machine.service.mode.closed


async def test_a_residents_bank_card_on_the_reader_changes_nothing(machine):
    await machine.attract()
    machine.cards.lay(Operator("Some bank").card())
    await machine.clock.advance(10)
    assert isinstance(machine.page, Attract)


async def test_a_running_visit_may_finish_but_not_for_ever(machine):
    await machine.begin("services")
    await machine.until(lambda: type(machine.page).__name__ == "Choice", "the languages")
    machine.cards.lay(machine.operator.card())
    await machine.until(lambda: machine.scene.banner.key == "maintenance.waiting.announced", "the banner")
    assert type(machine.page).__name__ == "Choice"
    await machine.on(MaintenancePage.SIGN_ON, within_s=200)
    assert any('"timed_out"' in line for line in machine.events("VisitEnded"))


async def test_the_door_opened_without_an_order_is_out_of_service_at_once_also_after_a_restart(machine, tmp_path):
    await machine.attract()
    machine.sensors.turn(Sensor.DOOR_OPEN, on=True)
    view = await machine.on(MaintenancePage.WAITING)
    assert view.lead.key == "maintenance.waiting.closed"
    await machine.until(lambda: "alarm" in machine.desk.kinds(), "the alarm")
    await machine.until(lambda: machine.book(EntryKind.DOOR), "the entry")
    machine.sensors.turn(Sensor.DOOR_OPEN, on=False)
    await machine.until(lambda: len(machine.book(EntryKind.DOOR)) == 2, "the door shut again")
    assert machine.page.page is MaintenancePage.WAITING
    again = ServiceBook(tmp_path, machine.operator, machine.centre)
    assert again.service.mode.closed == "door"


async def test_a_note_of_being_out_of_service_that_is_damaged_does_not_bring_the_machine_back(machine, tmp_path):
    machine.sensors.turn(Sensor.DOOR_OPEN, on=True)
    await machine.on(MaintenancePage.WAITING)
    await machine.until(lambda: machine.book(EntryKind.DOOR), "the entry")
    next(tmp_path.rglob("closed.json")).write_bytes(b"\0\0")
    for _ in range(2):  # also after the file was set aside
        assert ServiceBook(tmp_path, machine.operator, machine.centre).service.mode.closed == "service"


async def test_the_door_opened_in_a_visit_ends_it_at_once(machine):
    await machine.begin("services")
    await machine.until(lambda: type(machine.page).__name__ == "Choice", "the languages")
    machine.sensors.turn(Sensor.DOOR_OPEN, on=True)
    await machine.on(MaintenancePage.WAITING, within_s=10)
    assert machine.screen.wipes


async def test_back_in_service_only_after_tests_and_a_dry_run_and_the_order_is_used_up(machine):
    card = machine.operator.card()
    await machine.sign_on(card)
    await machine.on(MaintenancePage.OVERVIEW)
    machine.chooses("do.return")
    await machine.on(MaintenancePage.DONE, lead="maintenance.return.tests_first")
    machine.chooses("done")
    await machine.on(MaintenancePage.OVERVIEW)
    await machine.answer_tests()
    machine.chooses("do.return")
    await machine.attract(within_s=30)
    dry = machine.book(EntryKind.DRY_RUN)[-1]
    assert dry.outcome == "passed", dry
    assert dry.facts["views"][:2] == ["Guide", "Form"]
    assert machine.book(EntryKind.RETURNED)
    assert '"degraded"' in machine.events("ModeChanged")[-1]  # as before: it has no camera
    first: Any = machine.slips.jobs[0]
    assert any("TEST SLIP" in line.text for line in first.lines)
    machine.cards.lay(None)
    await machine.clock.advance(3)
    machine.cards.lay(card)
    await machine.on(MaintenancePage.SIGN_ON)
    machine.types(number=NUMBER, pin=PIN)
    await machine.on(MaintenancePage.SIGN_ON, lead="maintenance.order.closed")


async def test_a_dry_run_that_fails_keeps_the_machine_out_of_service(machine):
    await machine.sign_on(machine.operator.card())
    await machine.on(MaintenancePage.OVERVIEW)
    await machine.answer_tests()
    machine.slips.script = [DeviceFault("jam", device="receipt_printer")] * 3
    machine.chooses("do.return")
    await machine.on(MaintenancePage.DONE, lead="maintenance.return.failed", within_s=60)
    assert machine.book(EntryKind.DRY_RUN)[-1].facts["fault"] == "no_slip"
    machine.chooses("done")
    await machine.on(MaintenancePage.OVERVIEW)
    machine.chooses("do.leave")
    view = await machine.on(MaintenancePage.WAITING)
    assert view.promised


async def test_an_open_door_is_not_given_back(machine):
    await machine.sign_on(machine.operator.card())
    await machine.on(MaintenancePage.OVERVIEW)
    machine.sensors.turn(Sensor.DOOR_OPEN, on=True)
    await machine.until(lambda: machine.book(EntryKind.DOOR), "the door in the book")
    assert machine.book(EntryKind.DOOR)[0].order == NUMBER
    machine.chooses("do.return")
    await machine.on(MaintenancePage.DONE, lead="maintenance.return.door")


async def test_a_screen_left_alone_locks_and_asks_for_the_pin_again(machine):
    card = machine.operator.card()
    await machine.sign_on(card)
    await machine.on(MaintenancePage.OVERVIEW)
    machine.cards.lay(None)
    await machine.on(MaintenancePage.WAITING, within_s=310)
    machine.cards.lay(machine.operator.card("T-0077"))
    await machine.on(MaintenancePage.SIGN_ON)
    machine.types(pin=PIN)
    await machine.on(MaintenancePage.SIGN_ON, lead="maintenance.order.other_technician")
    machine.cards.lay(card)
    machine.types(pin=PIN)
    await machine.on(MaintenancePage.OVERVIEW)


async def test_a_repair_goes_on_by_what_the_machine_sees_and_calls_a_word_a_word(machine):
    machine.printer.now = Health.of(frozenset({Condition.PAPER_JAM}))
    devices = machine.service.mode._workshop.tools.devices
    await machine.until(lambda: not devices.health("document_printer").usable, "the jam", within_s=10)
    await machine.sign_on(machine.operator.card())
    await machine.on(MaintenancePage.OVERVIEW)
    machine.chooses("do.repair")
    view = await machine.on(MaintenancePage.QUESTION)
    assert view.options[0].id == "sheets_jammed"
    machine.chooses("sheets_jammed")
    view = await machine.on(MaintenancePage.REPAIR)
    assert [option.id for option in view.options] == ["give_up"]
    machine.does(Agreed)  # a tap confirms nothing
    await machine.clock.advance(3)
    assert machine.page.lead.key == "maintenance.repair.waiting"
    machine.printer.now = Health.of(frozenset({Condition.PAPER_JAM, Condition.COVER_OPEN}))
    await machine.on(MaintenancePage.REPAIR, lead="maintenance.repair.stated")
    machine.chooses("stated")
    await machine.on(MaintenancePage.REPAIR, lead="maintenance.repair.waiting")
    machine.printer.now = READY
    await machine.on(MaintenancePage.DONE, lead="maintenance.repair.finished")
    steps = [entry.outcome for entry in machine.book(EntryKind.REPAIR_STEP)]
    assert steps == ["seen", "stated", "seen", "seen"]
    assert machine.book(EntryKind.REPAIRED)[0].facts["stated_steps"] == 1
    assert {Light.DOCUMENT_TRAY: LightState.BLINK, Light.STATUS: LightState.BLINK} in machine.lights.shown
    assert machine.lights.shown[-1] == {Light.STATUS: LightState.BLINK}
    trouble = machine.heard.proofs.record.troubles[-1]
    assert trouble.first == "fault paper_jam"


async def test_seals_need_a_second_person_who_is_a_supervisor(machine):
    card = machine.operator.card()
    await machine.sign_on(card)
    await machine.on(MaintenancePage.OVERVIEW)
    machine.chooses("do.seals")
    await machine.on(MaintenancePage.SIGN_ON, lead="maintenance.sign_on.second_lead")
    machine.types(pin=PIN)
    await machine.on(MaintenancePage.SIGN_ON, lead="maintenance.access.same_person")
    machine.cards.lay(machine.operator.card("T-0099"))
    machine.types(pin=PIN)
    await machine.on(MaintenancePage.SIGN_ON, lead="maintenance.access.needs_supervisor")
    machine.cards.lay(machine.operator.card("S-0001", "supervisor"))
    machine.types(pin=PIN)
    await machine.on(MaintenancePage.RECORD)
    machine.types(old="SEAL-1", new="SEAL-2")
    await machine.on(MaintenancePage.DONE)
    assert machine.book(EntryKind.SEALS)[0].facts == {"old": "SEAL-1", "second": "S-0001"}


async def test_a_found_item_stays_open_until_somebody_signed_for_it(machine, tmp_path):
    card = machine.operator.card()
    await machine.sign_on(card)
    await machine.on(MaintenancePage.OVERVIEW)
    machine.chooses("do.found")
    await machine.on(MaintenancePage.QUESTION)
    machine.chooses("new")
    await machine.on(MaintenancePage.RECORD)
    machine.types(kind="id_card", place="id_reader", bag="999999195203070019")
    await machine.until(lambda: any(field.error for field in machine.page.fields), "the refusal")
    machine.types(kind="id_card", place="id_reader", bag="BAG-0001")
    await machine.on(MaintenancePage.DONE)
    assert len(read_found(tmp_path / "maintenance")[1]) == 1
    machine.chooses("done")
    await machine.on(MaintenancePage.OVERVIEW)
    machine.chooses("do.found")
    await machine.on(MaintenancePage.QUESTION)
    machine.chooses("1")
    await machine.on(MaintenancePage.SIGN_ON)
    machine.cards.lay(machine.operator.card("W-0003"))
    machine.types(staff="", pin=PIN)
    await machine.on(MaintenancePage.DONE, lead="maintenance.found.handed_over")
    assert machine.book(EntryKind.HANDED_OVER)[0].outcome == "card:W-0003"
    assert not read_found(tmp_path / "maintenance")[1]


async def test_every_entry_reaches_central(machine):
    await machine.sign_on(machine.operator.card())
    await machine.on(MaintenancePage.OVERVIEW)
    machine.chooses("do.refill")
    await machine.on(MaintenancePage.QUESTION)
    machine.chooses("sheets")
    await machine.on(MaintenancePage.RECORD)
    machine.types(amount="450")
    await machine.on(MaintenancePage.DONE)

    def sent() -> list[str]:
        return [body["entry"]["kind"] for kind, body in machine.desk.handed_in if kind == "maintenance"]

    await machine.until(lambda: sent() == ["opened", "refilled"], "the entries")


async def test_a_revoked_card_stops_opening_within_minutes(machine):
    card = machine.operator.card()
    machine.revoked = machine.operator.revoking(card, at=NOW)
    await machine.attract()
    await machine.clock.advance(301)
    machine.cards.lay(card)
    await machine.clock.advance(10)
    assert isinstance(machine.page, Attract)


async def test_no_shift_outlives_its_order(machine):
    machine.orders[:] = [machine.centre.order(to=(NOW + timedelta(minutes=10)).isoformat())]
    await machine.sign_on(machine.operator.card())
    await machine.on(MaintenancePage.OVERVIEW)
    machine.cards.lay(None)
    await machine.on(MaintenancePage.WAITING, within_s=310)
    await machine.clock.advance(300)
    await machine.until(lambda: machine.book(EntryKind.LEFT), "the end of the shift")
    assert machine.service.mode.closed == "service"
