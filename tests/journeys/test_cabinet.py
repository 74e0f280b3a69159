"""Contacts, lights and power of a whole terminal: nothing that turns is missed, whoever else listens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from devices.errors import DeviceUnavailable
from devices.lights import Light, LightState
from devices.power import Power, PowerState
from devices.sensors import Sensor
from kiosk.goodbye import say_goodbye
from kiosk.intents import Chose
from kiosk.maintenance.book import EntryKind
from kiosk.power_watch import PowerWatch
from kiosk.views import Goodbye, MaintenancePage, OutOfService, Slot, Tone
from tests.journeys.test_service_mode import ServiceBook, _There, running
from tests.unit.technicians import Centre, Operator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ON, BLINK = LightState.ON, LightState.BLINK


class Supply(_There, Power):
    """An uninterruptible supply on a bench."""

    def __init__(self) -> None:
        self.now = PowerState(on_mains=True)
        self.turned = asyncio.Event()

    def turn(self, *, on_mains: bool, must_end: bool = False) -> None:
        self.now = PowerState(on_mains=on_mains, must_end=must_end)
        self.turned.set()

    async def state(self) -> PowerState:
        return self.now

    async def changed(self) -> PowerState:
        self.turned.clear()
        await self.turned.wait()
        return self.now


class CabinetBook(ServiceBook):
    """A terminal with every contact, lights, and a supply of its own."""

    def __init__(self, folder: Path, operator: Operator, centre: Centre) -> None:
        super().__init__(folder, operator, centre)
        self.sensors.on |= dict.fromkeys(Sensor, False)
        tools: Any = self.terminal._tools
        watch = PowerWatch(tools, self.outbox, self.quiet, self.terminal.power_changed)
        self.terminal._beside = [*self.terminal._beside, watch.run]

    @property
    def supply(self) -> Supply:
        return self.more["power"]

    def alarms(self) -> list[str]:
        return [body["code"] for kind, body in self.desk.handed_in if kind == "alarm"]

    async def lit(self, states: dict[Light, LightState]) -> None:
        await self.until(lambda: self.lights.shown and self.lights.shown[-1] == states, f"{states}")


@pytest.fixture(scope="module")
def operator() -> Operator:
    return Operator()


@pytest.fixture
async def machine(tmp_path: Path, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CabinetBook]:
    monkeypatch.setattr(CabinetBook, "more", {"power": Supply()})
    async with running(CabinetBook(tmp_path, operator, Centre())) as made:
        await made.attract()
        await made.clock.advance(1)
        yield made


async def test_a_door_that_opens_among_other_changes_is_not_missed(machine):
    for sensor in (Sensor.PERSON_PRESENT, Sensor.HEADSET_IN, Sensor.DOOR_OPEN, Sensor.SLIP_IN_SLOT):
        machine.sensors.turn(sensor, on=True)
    await machine.on(MaintenancePage.WAITING)
    assert machine.cabinet.state(Sensor.SLIP_IN_SLOT)
    await machine.until(lambda: "door.opened_without_order" in machine.alarms(), "the alarm")


async def test_a_short_opening_of_the_door_is_not_missed(machine):
    machine.sensors.turn(Sensor.DOOR_OPEN, on=True)
    machine.sensors.turn(Sensor.DOOR_OPEN, on=False)
    await machine.on(MaintenancePage.WAITING)
    await machine.until(lambda: len(machine.book(EntryKind.DOOR)) == 2, "both in the book")


async def test_a_door_opened_while_the_sensors_were_unplugged_is_told_once_they_are_back(machine):
    devices = machine.terminal._tools.devices
    told: list[Any] = []
    machine.cabinet.listen(lambda sensor, on: told.append((sensor, on)) if sensor is Sensor.DOOR_OPEN else None)

    async def gone() -> None:
        raise DeviceUnavailable("pulled", device="sensors")

    machine.sensors.open = gone
    devices.report("sensors", DeviceUnavailable("pulled", device="sensors"))
    await machine.until(lambda: devices.missing(["sensors"]), "the loss")
    await machine.until(lambda: machine.cabinet.state(Sensor.DOOR_OPEN) is None, "nothing known any more")
    machine.sensors.on[Sensor.DOOR_OPEN] = True
    del machine.sensors.open
    await machine.on(MaintenancePage.WAITING, within_s=60)
    assert told == [(Sensor.DOOR_OPEN, False), (Sensor.DOOR_OPEN, None), (Sensor.DOOR_OPEN, True)]


async def test_a_shut_door_told_anew_after_a_replug_is_no_second_shutting(machine):
    machine.cabinet._lost()
    await machine.clock.advance(10)
    assert machine.cabinet.state(Sensor.DOOR_OPEN) is False
    assert not machine.book(EntryKind.DOOR)


@pytest.mark.parametrize(
    ("sensor", "code"), [(Sensor.TAMPERED, "cabinet.tampered"), (Sensor.TOO_HOT, "cabinet.too_hot")]
)
async def test_tampering_and_heat_are_told_once_and_again_when_they_come_back_later(machine, sensor, code):
    machine.sensors.turn(sensor, on=True)
    await machine.until(lambda: machine.alarms() == [code], "the alarm")
    machine.cabinet._lost()  # a sensor that falls silent is no all-clear
    await machine.clock.advance(700)
    assert machine.alarms() == [code]
    machine.sensors.turn(sensor, on=False)
    await machine.clock.advance(5)
    machine.sensors.turn(sensor, on=True)
    await machine.until(lambda: machine.alarms() == [code, code], "the second alarm")


async def test_lights_lead_to_where_the_card_is_wanted_and_say_what_the_machine_is(machine):
    await machine.lit({Light.STATUS: ON})
    machine.sensors.turn(Sensor.DOOR_OPEN, on=True)
    await machine.on(MaintenancePage.WAITING)
    await machine.lit({Light.STATUS: BLINK})


async def test_a_light_that_fails_stops_nothing_and_is_set_again_when_it_is_back(machine):
    await machine.lit({Light.STATUS: ON})

    async def fails(states: Any) -> None:
        raise DeviceUnavailable("pulled", device="lights")

    machine.lights.show = fails
    machine.does(Chose, "services")
    await machine.until(lambda: type(machine.page).__name__ == "Choice", "the services")
    del machine.lights.show
    machine.lights.shown.clear()
    machine.guide.work_at(Light.DOCUMENT_TRAY)
    await machine.until(lambda: machine.lights.shown, "light again", within_s=40)
    assert machine.lights.shown[-1] == {Light.STATUS: ON, Light.DOCUMENT_TRAY: BLINK}


async def test_paper_that_still_lies_there_is_asked_for_with_its_light_and_then_told(machine):
    tools: Any = machine.terminal._tools
    machine.sensors.turn(Sensor.SHEET_IN_TRAY, on=True)
    await machine.clock.advance(1)
    papers = {Slot.DOCUMENT_TRAY: True, Slot.RECEIPT_SLOT: False}  # "taken", says the resident; the sensor knows better
    async with asyncio.TaskGroup() as group:
        saying = group.create_task(say_goodbye(tools, machine.stage, "v" * 32, card_laid=False, papers=papers))
        await machine.until(lambda: isinstance(machine.page, Goodbye), "the goodbye")
        assert [one.taken for one in machine.page.belongings] == [False, True]
        await machine.lit({Light.STATUS: ON, Light.DOCUMENT_TRAY: ON})
        await machine.until(lambda: machine.page.tone is Tone.ATTENTION, "the reminder", within_s=20)
        await machine.lit({Light.STATUS: ON, Light.DOCUMENT_TRAY: BLINK})
        machine.sensors.turn(Sensor.SHEET_IN_TRAY, on=False)
        await machine.until(lambda: machine.page.cleared, "cleared")
        assert all(one.taken for one in machine.page.belongings)
        saying.cancel()
    assert "belonging.paper_left" not in machine.alarms()


async def test_paper_nobody_takes_is_told_and_blocks_the_machine_no_longer(machine):
    tools: Any = machine.terminal._tools
    machine.sensors.turn(Sensor.SHEET_IN_TRAY, on=True)
    await machine.clock.advance(1)
    async with asyncio.TaskGroup() as group:
        papers = {Slot.DOCUMENT_TRAY: False}
        saying = group.create_task(say_goodbye(tools, machine.stage, "v" * 32, card_laid=False, papers=papers))
        await machine.until(saying.done, "the end of the goodbye", within_s=400)
    assert "belonging.paper_left" in machine.alarms()
    assert machine.events("BelongingLeft")


async def test_mains_lost_and_back_are_told_and_residents_read_it(machine):
    machine.supply.turn(on_mains=False)
    await machine.until(lambda: machine.scene.banner.key == "banner.on_battery", "the banner")
    await machine.until(lambda: machine.alarms() == ["power.mains_lost"], "the alarm")
    machine.terminal.link_changed(up=False)
    assert machine.scene.banner.key == "banner.on_battery"
    machine.supply.turn(on_mains=True)
    await machine.until(lambda: machine.alarms()[-1] == "power.mains_back", "the return")
    assert machine.scene.banner.key == "banner.offline"


async def test_a_battery_that_gives_out_ends_the_visit_then_the_terminal_in_order(tmp_path, operator, monkeypatch):
    monkeypatch.setattr(CabinetBook, "more", {"power": Supply()})
    made = CabinetBook(tmp_path, operator, Centre())
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(made.terminal.run())
        await made.begin("services")
        await made.until(lambda: type(made.page).__name__ == "Choice", "the visit")
        made.supply.turn(on_mains=False, must_end=True)
        await made.until(lambda: made.events("VisitEnded"), "the visit's end")
        await made.until(lambda: isinstance(made.page, OutOfService), "out of service", within_s=30)
        assert made.page.body.key == "obstacle.power"
        await made.until(serving.done, "the terminal's end", within_s=60)
        assert serving.exception() is None
        assert made.events("TerminalStopped")
        assert "power.must_end" in made.alarms()


async def test_unsent_items_get_their_time_and_mains_that_come_back_keep_the_terminal(machine):
    machine.outbox.pending = 3
    machine.supply.turn(on_mains=False, must_end=True)
    await machine.until(lambda: isinstance(machine.page, OutOfService), "out of service")
    await machine.clock.advance(3)
    machine.supply.turn(on_mains=True)
    await machine.attract(within_s=30)
    assert not machine.events("TerminalStopped")
