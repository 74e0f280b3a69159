"""The machine serves itself while nobody is there: what is proven, what is found out, and that nobody waits for it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from devices.camera import Camera
from devices.errors import DeviceFault
from devices.health import READY, Condition, Health
from devices.sensors import Sensor
from devices.values import Frame
from kiosk.errors import GatewayUnreachable
from kiosk.events import FaceCompared, Printed
from kiosk.intents import Touched
from kiosk.maintenance.sections import sections
from kiosk.views import Colour, MaintenancePage
from tests.journeys.test_service_mode import ServiceBook, _There, running
from tests.unit.technicians import Centre, Operator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOUR = 3600


class Eye(_There, Camera):
    """A camera that can be frozen, covered, or slow; ``starts`` counts how often its light was seen."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.on = False
        self.starts = self.count = 0
        self.frozen = self.covered = False
        self.frame_s = 0.05

    async def start(self) -> None:
        self.on = True
        self.starts += 1

    async def stop(self) -> None:
        self.on = False

    async def frame(self) -> Frame:
        await self._clock.sleep(self.frame_s)
        self.count += not self.frozen
        light = bytes(3) if self.covered else b"\x00\x80\xff"
        return Frame(2, 1, light + self.count.to_bytes(3, "big"), self._clock.monotonic())


class HeartBook(ServiceBook):
    """A terminal with a camera and a sensor for people, left alone."""

    def __init__(self, folder: Path, operator: Operator, centre: Centre) -> None:
        super().__init__(folder, operator, centre)
        self.sensors.on[Sensor.PERSON_PRESENT] = False

    @property
    def eye(self) -> Eye:
        return self.more["camera"]

    @property
    def beats(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.events("HeartBeaten")]

    @property
    def messages(self) -> list[dict[str, Any]]:
        sent = [body for kind, body in self.desk.handed_in if kind == "maintenance"]
        return [body["heartbeat"] for body in sent if "heartbeat" in body]

    @property
    def proven(self) -> dict[str, str]:
        return dict(self.heard.proofs.record.proven)

    async def first_beat(self) -> None:
        await self.attract()
        await self.until(lambda: self.messages, "the first beat", within_s=240)

    async def alone(self, seconds: float) -> None:
        """Let time pass in small pieces: files are read in real threads."""
        for _ in range(int(seconds / 10)):
            await self.clock.advance(10)
            for _ in range(3):
                await asyncio.sleep(0.0005)

    def keys(self) -> dict[str, bool]:
        return {option.id: option.enabled for option in self.page.entries}


@pytest.fixture(scope="module")
def operator() -> Operator:
    return Operator()


@pytest.fixture
async def machine(tmp_path: Path, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HeartBook]:
    eye = Eye(None)
    monkeypatch.setattr(HeartBook, "more", {"camera": eye})
    made = HeartBook(tmp_path, operator, Centre())
    eye._clock = made.clock
    made.terminal._tools.face = made.face
    async with running(made):
        yield made


async def test_a_machine_left_alone_proves_every_part_without_paper_and_tells_central_once(machine):
    await machine.first_beat()
    needed = {"id_reader", "card_reader", "camera", "document_printer", "receipt_printer", "sensors", "central", "face"}
    assert machine.proven.keys() >= needed | {"dry_run"}
    assert machine.beats[0]["failed"] == []
    assert not machine.slips.jobs
    assert not machine.printer.jobs
    assert not machine.eye.on
    (told,) = machine.messages
    assert told["done"]
    assert told["parts"]["camera"]["proven"] == machine.proven["camera"]
    assert not told["parts"]["lights"]["alone"]
    assert told["every_s"] == HOUR


async def test_a_healthy_machine_beats_once_an_hour_at_most_an_hour_apart(machine):
    await machine.first_beat()
    await machine.alone(2.5 * HOUR)
    assert 3 <= len(machine.beats) <= 4
    assert all(one["whole"] for one in machine.beats)
    assert len(machine.messages) == len(machine.beats)


async def test_nobody_waits_for_a_heartbeat_a_touch_ends_it_and_the_sensor_goes_off(machine):
    machine.eye.frame_s = 5.0
    await machine.until(lambda: machine.eye.on, "the camera at work", within_s=240)
    machine.does(Touched)
    await machine.clock.settle()
    assert not machine.eye.on
    assert not machine.beats
    machine.eye.frame_s = 0.05
    await machine.until(lambda: machine.beats, "the next try", within_s=240)


async def test_no_beat_while_somebody_stands_before_the_machine_yet_central_hears_of_it(machine):
    await machine.attract()
    machine.sensors.turn(Sensor.PERSON_PRESENT, on=True)
    await machine.alone(HOUR)
    assert not machine.beats
    assert machine.eye.starts == 0
    assert machine.messages
    assert not any(one["done"] for one in machine.messages)
    machine.sensors.turn(Sensor.PERSON_PRESENT, on=False)
    await machine.until(lambda: machine.beats, "the beat once the person has gone", within_s=240)


async def test_a_person_sensor_that_fails_keeps_no_beat_back(machine):
    await machine.attract()
    machine.sensors.turn(Sensor.PERSON_PRESENT, on=True)
    await machine.clock.advance(3)
    machine.sensors.health = Health.of(frozenset({Condition.SILENT}))
    devices = machine.service.mode._workshop.tools.devices
    devices.report("sensors", DeviceFault("the board is dead", device="sensors"))
    await machine.until(lambda: machine.beats, "the beat", within_s=300)
    assert machine.beats[0]["failed"] == ["sensors"]


async def test_no_beat_in_a_visit_or_in_the_service_mode(machine):
    await machine.begin("services")
    await machine.clock.advance(90)
    assert not machine.beats
    await machine.attract(within_s=400)
    machine.cards.lay(machine.operator.card())
    await machine.on(MaintenancePage.SIGN_ON)
    starts = machine.eye.starts
    await machine.clock.advance(250)
    assert machine.eye.starts == starts


async def test_a_camera_that_answers_but_is_frozen_is_withdrawn_before_anybody_stands_there(machine):
    machine.eye.frozen = True
    await machine.first_beat()
    assert machine.beats[0]["failed"] == ["camera"]
    assert machine.terminal._around.failing.keys() == {"camera"}
    trouble = machine.heard.proofs.record.present("camera")
    assert (trouble.first, trouble.by_proof) == ("device.frozen", True)
    await machine.until(lambda: "alarm" in machine.desk.kinds(), "the alarm")
    assert not offered(machine)["DEMO-GF00101000"]
    rows = {row.id: row for row in next(s for s in sections(await _found(machine)) if s.id == "devices").rows}
    assert rows["camera"].colour is Colour.RED
    machine.eye.covered, machine.eye.frozen = True, False  # another cause: the first one stays
    await machine.until(lambda: trouble.last == "device.no_frames", "the second cause", within_s=200)
    assert trouble.first == "device.frozen"
    machine.eye.covered = False
    await machine.until(lambda: not machine.terminal._around.failing, "the camera's return", within_s=200)
    assert trouble.ended
    assert offered(machine)["DEMO-GF00101000"]


async def test_a_printer_without_paper_is_tried_every_minute_and_nothing_else_is_woken(machine):
    await machine.first_beat()
    starts = machine.eye.starts
    machine.printer.now = Health.of(frozenset({Condition.PAPER_OUT}))
    await machine.alone(600)
    tried = [one for one in machine.beats if not one["whole"]]
    assert 5 <= len(tried) <= 12
    assert all(one["failed"] == ["document_printer"] for one in tried)
    assert machine.eye.starts == starts
    assert len(machine.messages) == 2  # the change, not every try
    assert machine.messages[-1]["parts"]["document_printer"]["cause"] == "fault paper_out"
    assert machine.terminal._around.failing == {}  # it says so itself: full again, it is offered at once
    machine.printer.now = READY
    await machine.until(lambda: len(machine.messages) == 3, "all well again", within_s=200)


async def test_work_done_for_a_resident_proves_as_much_as_a_beat(machine):
    machine.printer.now = READY
    machine.eye.frozen = True
    await machine.first_beat()
    assert machine.terminal._around.failing
    tools: Any = machine.terminal._tools
    machine.heard.proofs.record.proven.pop("receipt_printer")
    tools.log.emit(Printed(visit="v", device="receipt_printer", sheets=1))
    assert "receipt_printer" in machine.proven
    tools.log.emit(Printed(visit="v", device="document_printer", sheets=0))  # no paper counted
    tools.log.emit(FaceCompared(visit="v", verdict="match", engine="fake", liveness="none"))
    assert machine.terminal._around.failing == {}


async def test_without_central_no_test_items_pile_up_and_the_devices_are_proven_all_the_same(machine):
    machine.gateway.failures["catalogue"] = GatewayUnreachable("down")
    await machine.attract()
    await machine.until(lambda: machine.beats, "the first beat", within_s=240)
    await machine.alone(900)
    assert "camera" in machine.proven
    assert "case" not in machine.desk.kinds()
    assert "dry_run" not in machine.proven
    assert len(machine.messages) <= 1


async def test_a_test_item_that_is_not_delivered_is_not_put_again_and_again(machine):
    machine.desk.settled_at_once = False
    machine.outbox.pending = 1
    await machine.attract()
    await machine.until(lambda: machine.beats, "the first beat", within_s=400)
    await machine.alone(1200)
    assert machine.desk.kinds().count("case") == 1
    assert machine.beats[-1]["failed"] == ["dry_run"]
    assert any('"heartbeat.not_done"' in line for line in machine.events("AlarmRaised"))


async def test_a_bug_of_a_driver_ends_the_check_and_not_the_terminal(machine):
    async def bug() -> Frame:
        raise ZeroDivisionError

    machine.eye.frame = bug
    await machine.first_beat()
    assert machine.beats[0]["failed"] == ["camera"]
    assert not machine.eye.on
    assert "driver bug: ZeroDivisionError" in machine.events("DeviceFailed")[0]


async def test_a_device_that_hangs_costs_its_deadline_and_no_more(machine):
    async def hangs() -> Frame:
        await asyncio.Event().wait()
        raise AssertionError

    machine.eye.frame = hangs
    await machine.first_beat()
    assert machine.messages[0]["parts"]["camera"]["cause"] == "device.timeout"
    assert not machine.eye.on
    assert machine.proven.keys() >= {"central", "dry_run"}


async def test_a_fleet_switched_on_together_does_not_beat_together(machine):
    heart = machine.service.heartbeat
    pauses = set()
    for drawn in (0.0, 0.5, 1.0):
        heart._draw = lambda drawn=drawn: drawn
        pauses.add(heart._shortened(HOUR))
    assert pauses == {3600, 3420, 3240}


async def _found(machine: HeartBook) -> Any:
    return await machine.service.heartbeat._survey.findings(ask=False)


def offered(machine: HeartBook) -> dict[str, bool]:
    """Return which services could be begun now."""
    return {code: not reason for code, reason in machine.terminal._attraction._obstacles().items()}
