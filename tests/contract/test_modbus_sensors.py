"""Sensors on a Modbus board, against the contract of sensors; and boards that share one line with lights."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from devices.drivers.modbus_lights import ModbusLights
from devices.drivers.modbus_sensors import ModbusSensors
from devices.errors import DeviceError, DeviceFault, DeviceProtocolError, DeviceTimeout, DeviceUnavailable
from devices.health import READY
from devices.lights import Light, LightState
from devices.sensors import Sensor, SensorChange
from devices.sim.modbus_board import ModbusBoard, ModbusGateway, ModbusSerialLine
from devices.testing.device import error_of, opened, outcome_of, until
from devices.testing.handles import open_handles
from devices.testing.sensors import SensorsContract, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

INPUTS = {Sensor.DOOR_OPEN: 0, Sensor.HEADSET_IN: 1, Sensor.TAMPERED: 2, Sensor.TOO_HOT: 7}
INVERTED = {Sensor.DOOR_OPEN: True, Sensor.TAMPERED: False}
BAUD = 115200
POLL_S = 0.05


class BoardHands:
    """The contract's hands on the simulated board; a turned contact is left until the board was asked twice."""

    def __init__(self, board: ModbusBoard, line: ModbusSerialLine | ModbusGateway, *, counts: bool) -> None:
        self.board = board
        self.line = line
        self.counts = counts
        self.plugged = True

    async def unplug(self) -> None:
        self.plugged = False
        if isinstance(self.line, ModbusGateway):
            await self.line.unplug()
        else:
            self.line.unplug()

    async def plug(self) -> None:
        self.plugged = True
        if isinstance(self.line, ModbusGateway):
            await self.line.plug()
        else:
            self.line.plug()

    async def mute(self) -> None:
        self.line.silent(True)

    async def unmute(self) -> None:
        self.line.silent(False)

    async def turn(self, sensor: Sensor, on: bool) -> None:
        self.board.contact(INPUTS[sensor], on != INVERTED.get(sensor, False))
        await self._seen()

    async def press(self, sensor: Sensor) -> None:
        for on in (True, False):
            self.board.contact(INPUTS[sensor], on != INVERTED.get(sensor, False))
            if not self.counts:
                await self._seen()

    async def _seen(self) -> None:
        """Two looks: the first may have been answered before the contact turned. With counters each asks thrice."""
        enough = self.board.asked + (6 if self.counts else 2)
        if self.plugged:
            await until(lambda: self.board.asked >= enough)


@pytest.fixture
def board() -> ModbusBoard:
    return ModbusBoard()


@pytest.fixture
async def line(tmp_path: Path, board: ModbusBoard) -> AsyncIterator[ModbusSerialLine]:
    line = ModbusSerialLine(tmp_path, [board], BAUD)
    await line.start()
    yield line
    await line.stop()


@pytest.fixture
async def device(line: ModbusSerialLine) -> AsyncIterator[ModbusSensors]:
    device = ModbusSensors(
        "sensors", line.port, sensors=INPUTS, inverted=INVERTED, counters=INPUTS, baud=BAUD, poll_interval_s=POLL_S
    )
    yield device
    await device.close()


@pytest.fixture
def hands(board: ModbusBoard, line: ModbusSerialLine) -> BoardHands:
    return BoardHands(board, line, counts=True)


class TestModbusSensors(SensorsContract):
    """RTU, on a board that counts: no press is too short."""


class TestModbusSensorsWithoutCounters(SensorsContract):
    """Modbus TCP, on a board that does not count: a press has to last two looks."""

    @pytest.fixture
    async def gateway(self, board: ModbusBoard) -> AsyncIterator[ModbusGateway]:
        gateway = ModbusGateway([board])
        await gateway.start()
        yield gateway
        await gateway.stop()

    @pytest.fixture
    async def device(self, gateway: ModbusGateway) -> AsyncIterator[ModbusSensors]:
        at = f"tcp://127.0.0.1:{gateway.port}"
        device = ModbusSensors("sensors", at, sensors=INPUTS, inverted=INVERTED, poll_interval_s=POLL_S)
        yield device
        await device.close()

    @pytest.fixture
    def hands(self, board: ModbusBoard, gateway: ModbusGateway) -> BoardHands:
        return BoardHands(board, gateway, counts=False)


async def test_wiggling_contact_is_not_believed_at_once(board: ModbusBoard, line: ModbusSerialLine) -> None:
    device = ModbusSensors("sensors", line.port, sensors=INPUTS, baud=BAUD, debounce_s=5.0)
    async with opened(device):
        board.contact(INPUTS[Sensor.HEADSET_IN], closed=True)
        assert not (await device.states())[Sensor.HEADSET_IN]


async def test_changes_nobody_asks_for_do_not_fill_the_memory(
    device: ModbusSensors, board: ModbusBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.drivers.modbus_sensors.MOST_UNTOLD", 40)
    async with opened(device):
        error = None
        while error is None:
            for _ in range(10):
                board.press(INPUTS[Sensor.HEADSET_IN])
            error = await outcome_of(device.probe)
        assert isinstance(error, DeviceFault)
        assert isinstance(await error_of(device.change), DeviceFault)


async def test_board_that_restarts_is_not_taken_for_a_thousand_presses(
    device: ModbusSensors, board: ModbusBoard
) -> None:
    for place in INPUTS.values():
        board.count(place, 1000)
    async with opened(device):
        board.restart()
        await device.probe()
        board.press(INPUTS[Sensor.HEADSET_IN])
        assert await told(device, 2) == [
            SensorChange(Sensor.HEADSET_IN, on=True),
            SensorChange(Sensor.HEADSET_IN, on=False),
        ]


async def test_silent_board_is_told_to_who_waits_for_a_change(device: ModbusSensors, line: ModbusSerialLine) -> None:
    async with opened(device):
        line.silent(True)
        assert isinstance(await error_of(device.change), DeviceTimeout)
        assert isinstance(await error_of(device.probe), DeviceTimeout), "nobody looks any more: open it again"
        line.silent(False)
        await device.close()
        await device.open()
        assert await device.probe() == READY


async def test_noise_instead_of_replies_is_no_state(device: ModbusSensors, line: ModbusSerialLine) -> None:
    async with opened(device):
        line.spoil(1000)
        assert isinstance(await error_of(device.states), DeviceProtocolError | DeviceTimeout)


async def test_word_nobody_asked_for_is_not_taken_for_an_answer(device: ModbusSensors, line: ModbusSerialLine) -> None:
    async with opened(device):
        before = await device.states()
        line.send(bytes.fromhex("010202ffffb9c8"))  # all inputs closed, says a frame that is right in itself
        assert await device.states() == before


class TestSharedLine:
    """Lights and sensors on two boards of one line."""

    @pytest.fixture
    async def line(self, tmp_path: Path, board: ModbusBoard) -> AsyncIterator[ModbusSerialLine]:
        line = ModbusSerialLine(tmp_path, [board, ModbusBoard(2)], BAUD)
        await line.start()
        yield line
        await line.stop()

    @pytest.fixture
    async def lights(self, line: ModbusSerialLine) -> AsyncIterator[ModbusLights]:
        lights = ModbusLights("lights", line.port, lights={Light.STATUS: 0}, unit=2, baud=BAUD)
        yield lights
        await lights.close()

    async def test_both_work_at_the_same_time_and_neither_gets_the_others_answers(
        self, device: ModbusSensors, lights: ModbusLights, line: ModbusSerialLine, board: ModbusBoard
    ) -> None:
        async with opened(device), opened(lights), asyncio.timeout(10):
            for turn in range(20):
                closed = turn % 2 == 0
                board.contact(INPUTS[Sensor.HEADSET_IN], closed)
                async with asyncio.TaskGroup() as group:
                    group.create_task(lights.show({Light.STATUS: LightState.ON if closed else LightState.OFF}))
                    states = group.create_task(device.states())
                    group.create_task(lights.probe())
                assert states.result()[Sensor.HEADSET_IN] is closed
                assert bool(line.boards[2].outputs) is closed
                assert await told(device, 1) == [SensorChange(Sensor.HEADSET_IN, closed)]

    async def test_port_is_let_go_of_when_the_last_one_leaves(
        self, device: ModbusSensors, lights: ModbusLights, line: ModbusSerialLine
    ) -> None:
        handles, threads = open_handles(), set(threading.enumerate())
        async with asyncio.TaskGroup() as group:
            group.create_task(device.open())
            group.create_task(lights.open())
        await device.close()
        assert await lights.probe() == READY
        other = ModbusLights("other", line.port, lights={Light.FACE: 1}, unit=2, baud=9600)
        error = await error_of(other.open)
        assert isinstance(error, DeviceFault)
        assert f"{BAUD} baud" in error.detail
        async with asyncio.TaskGroup() as group:
            group.create_task(lights.close())
            group.create_task(device.open())  # while the line is being let go of
        assert await device.probe() == READY
        await device.close()
        assert open_handles() == handles
        assert set(threading.enumerate()) == threads

    async def test_one_that_is_back_does_not_wait_for_the_other_to_notice(
        self, device: ModbusSensors, lights: ModbusLights, line: ModbusSerialLine
    ) -> None:
        async with opened(device), opened(lights):
            line.unplug()
            assert isinstance(await error_of(device.change), DeviceUnavailable)
            line.plug()
            await device.close()
            await device.open()
            assert await device.probe() == READY
            error = await error_of(lights.probe)  # it has the old line, and says so
            assert isinstance(error, DeviceError)
            await lights.close()
            await lights.open()
            assert await lights.probe() == READY

    async def test_cancelled_opening_leaves_the_line_to_the_other(
        self, device: ModbusSensors, lights: ModbusLights
    ) -> None:
        async with opened(device):
            task = asyncio.get_running_loop().create_task(lights.open())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            assert await device.probe() == READY
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("dev-modbus")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sensors": {}}, "no input"),
        ({"sensors": {"too_hot": 0}, "inverted": {"tampered": True}}, "tampered: inverted or counted"),
        ({"sensors": {"too_hot": 0}, "counters": {"tampered": 0}}, "tampered: inverted or counted"),
        ({"sensors": {"too_hot": 0}, "poll_interval_s": 0.01}, "poll_interval_s"),
        ({"sensors": {"too_hot": 0}, "debounce_s": -1.0}, "debounce_s"),
        ({"sensors": {"too_hot": 0, "tampered": 1}, "counters": {"too_hot": 0, "tampered": 200}}, "too far apart"),
    ],
)
def test_setting_that_makes_no_sense_is_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ModbusSensors("sensors", "/dev/none", **options)  # type: ignore[arg-type]  # as a settings file brings them


async def test_loss_is_told_at_once_to_who_asked_for_it(
    device: ModbusSensors, board: ModbusBoard, line: ModbusSerialLine
) -> None:
    heard: list[DeviceError] = []
    device.on_lost(heard.append)
    lights = ModbusLights("lights", line.port, lights={Light.STATUS: 0}, baud=BAUD)
    lights.on_lost(heard.append)
    async with opened(device), opened(lights):
        line.unplug()
        await until(lambda: {error.device for error in heard} == {"sensors", "lights"})
    line.plug()
    heard.clear()
    async with opened(device):
        line.silent(True)
        await until(lambda: [type(error) for error in heard] == [DeviceTimeout])
    gateway = ModbusGateway([board])
    await gateway.start()
    heard.clear()
    lights = ModbusLights("lights", f"tcp://127.0.0.1:{gateway.port}", lights={Light.STATUS: 0})
    lights.on_lost(heard.append)
    async with opened(lights):
        await gateway.unplug()
        await until(lambda: [type(error) for error in heard] == [DeviceUnavailable])
    assert len(heard) == 1, "a close is no loss"
    await gateway.stop()
