"""Lights on a Modbus board, against the contract of lights: on a (pseudo) serial line, and behind a gateway."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devices.drivers.modbus_lights import ModbusLights
from devices.errors import DeviceFault, DeviceTimeout, DeviceUnavailable
from devices.health import READY
from devices.lights import Light, LightState
from devices.sim.modbus_board import ModbusBoard, ModbusGateway, ModbusSerialLine
from devices.testing.device import error_of, opened, until
from devices.testing.lights import LightsContract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

COILS = {Light.ID_READER: 0, Light.RECEIPT_SLOT: 1, Light.STATUS: 5}
LOCK = 3  # an output that is none of ours, between ours
BAUD = 115200


class BoardHands:
    """The contract's hands on the simulated board, on a line that is plugged in a moment."""

    def __init__(self, board: ModbusBoard, line: ModbusSerialLine) -> None:
        self.board = board
        self.line = line

    async def unplug(self) -> None:
        self.line.unplug()

    async def plug(self) -> None:
        self.line.plug()

    async def mute(self) -> None:
        self.line.silent(True)

    async def unmute(self) -> None:
        self.line.silent(False)

    def lit(self) -> frozenset[Light]:
        return frozenset(light for light, coil in COILS.items() if coil in self.board.outputs)

    def flashes(self, light: Light) -> list[float]:
        return [each.at for each in self.board.switched if each.output == COILS[light] and each.on]


class GatewayHands(BoardHands):
    """The same with a gateway."""

    def __init__(self, board: ModbusBoard, gateway: ModbusGateway) -> None:
        self.board = board
        self.gateway = gateway

    async def unplug(self) -> None:
        await self.gateway.unplug()

    async def plug(self) -> None:
        await self.gateway.plug()

    async def mute(self) -> None:
        self.gateway.silent(True)

    async def unmute(self) -> None:
        self.gateway.silent(False)


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
async def device(line: ModbusSerialLine) -> AsyncIterator[ModbusLights]:
    device = ModbusLights("lights", line.port, lights=COILS, baud=BAUD)
    yield device
    await device.close()


@pytest.fixture
def hands(board: ModbusBoard, line: ModbusSerialLine) -> BoardHands:
    return BoardHands(board, line)


class TestModbusLights(LightsContract):
    """RTU."""


class TestModbusLightsBehindAGateway(LightsContract):
    """Modbus TCP."""

    @pytest.fixture
    async def gateway(self, board: ModbusBoard) -> AsyncIterator[ModbusGateway]:
        gateway = ModbusGateway([board])
        await gateway.start()
        yield gateway
        await gateway.stop()

    @pytest.fixture
    async def device(self, gateway: ModbusGateway) -> AsyncIterator[ModbusLights]:
        device = ModbusLights("lights", f"tcp://127.0.0.1:{gateway.port}", lights=COILS)
        yield device
        await device.close()

    @pytest.fixture
    def hands(self, board: ModbusBoard, gateway: ModbusGateway) -> GatewayHands:
        return GatewayHands(board, gateway)

    async def test_board_the_gateway_does_not_reach_is_absent(self, gateway: ModbusGateway) -> None:
        device = ModbusLights("lights", f"tcp://127.0.0.1:{gateway.port}", lights=COILS, unit=9)
        error = await error_of(device.open)
        assert isinstance(error, DeviceUnavailable)
        assert "gateway" in error.detail


async def test_output_beside_the_lights_is_never_touched(device: ModbusLights, board: ModbusBoard) -> None:
    """It may open a lock."""
    board.answer(bytes([5, 0, LOCK, 0xFF, 0]))
    async with opened(device):
        for states in (dict.fromkeys(COILS, LightState.ON), {}):
            await device.show(states)
            assert LOCK in board.outputs
    assert [each.output for each in board.switched].count(LOCK) == 1


async def test_board_that_was_without_power_is_told_again(
    device: ModbusLights, board: ModbusBoard, hands: BoardHands
) -> None:
    async with opened(device):
        await device.show({Light.STATUS: LightState.ON})
        board.restart()
        assert await device.probe() == READY
        assert hands.lit() == {Light.STATUS}


async def test_spoiled_reply_costs_nothing_but_a_second_question(
    device: ModbusLights, line: ModbusSerialLine, hands: BoardHands
) -> None:
    async with opened(device):
        for spoil in (line.spoil, line.cut_short):
            spoil()
            await device.show({Light.STATUS: LightState.ON})
            assert hands.lit() == {Light.STATUS}


async def test_late_reply_is_not_taken_for_the_answer_to_the_next_question(
    device: ModbusLights, line: ModbusSerialLine, board: ModbusBoard, hands: BoardHands
) -> None:
    async with opened(device):
        await device.show({Light.STATUS: LightState.ON})
        line.delay(0.32)  # its own question has been given up and asked again
        assert await device.probe() == READY
        await device.show({})
        assert await device.probe() == READY
        assert not hands.lit()


@pytest.mark.parametrize(
    ("exception", "error"), [(1, DeviceFault), (2, DeviceFault), (4, DeviceFault), (6, DeviceTimeout)]
)
async def test_refusal_of_the_board_says_what_is_wrong(
    device: ModbusLights, board: ModbusBoard, exception: int, error: type[Exception]
) -> None:
    async with opened(device):
        board.refuse(exception)
        caught = await error_of(device.probe)
        assert isinstance(caught, error)
        assert f"exception {exception:02X}" in caught.detail
        assert await device.probe() == READY, "the line is as good as before"


async def test_coil_the_board_has_not_is_found_out_on_opening(line: ModbusSerialLine) -> None:
    device = ModbusLights("lights", line.port, lights={Light.FACE: 100}, baud=BAUD)
    error = await error_of(device.open)
    assert isinstance(error, DeviceFault)
    assert "no such address" in error.detail


async def test_dead_process_leaves_no_light_on_where_the_board_has_a_watchdog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.drivers.modbus_lights.FEED_S", 0.05)
    board = ModbusBoard(watchdog_output=9, watchdog_s=0.3)
    line = ModbusSerialLine(tmp_path, [board], BAUD)
    await line.start()
    device = ModbusLights("lights", line.port, lights=COILS, baud=BAUD, watchdog_coil=9)
    async with opened(device):
        await device.show({Light.STATUS: LightState.ON})
        await asyncio.sleep(0.6)
        assert COILS[Light.STATUS] in board.outputs, "a living process is not taken for a dead one"
        line.unplug()
        await until(lambda: not board.outputs)
    await line.stop()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lights": {}}, "no coil"),
        ({"lights": {"face": 1, "status": 1}}, "two lights"),
        ({"lights": {"face": -1}}, "coil -1"),
        ({"lights": {"face": 0, "status": 3000}}, "too far apart"),
        ({"lights": {"face": 0}, "unit": 0}, "unit 0"),
        ({"lights": {"face": 0}, "baud": 9601}, "baud 9601"),
        ({"lights": {"face": 0}, "parity": "both"}, "parity 'both'"),
        ({"lights": {"face": 0}, "watchdog_coil": 0}, "watchdog_coil 0"),
    ],
)
def test_setting_that_makes_no_sense_is_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ModbusLights("lights", "/dev/none", **options)  # type: ignore[arg-type]  # as a settings file brings them
