# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of sensors. A driver proves itself by subclassing ``SensorsContract``, with at least two fitted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from devices.errors import DeviceError
from devices.sensors import Sensor, SensorChange, Sensors
from devices.testing.device import (
    PATIENCE_S,
    DeviceContract,
    Hands,
    cancelled_in_time,
    error_of,
    opened,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping

QUIET_S = 0.5  # of a sensor nobody touches: long enough for several looks


class SensorsHands(Hands, Protocol):
    """What can be done to the machine from outside."""

    async def turn(self, sensor: Sensor, on: bool) -> None:
        """Bring a sensor to where it says ``on``, and leave it long enough to be seen."""
        ...

    async def press(self, sensor: Sensor) -> None:
        """Let a sensor that is off say on and off again, as briefly as the driver promises to notice."""
        ...


class SensorsContract(DeviceContract[Sensors]):
    """Points sensors have to keep. Names of the tests are the faults they prevent."""

    def calls(self, device: Sensors) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {**super().calls(device), "states": device.states}

    def waits(self, device: Sensors) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {"change": device.change}

    async def test_states_name_every_fitted_sensor_and_no_other(self, device: Sensors) -> None:
        async with opened(device):
            assert set(await device.states()) == device.fitted()

    async def test_every_sensor_can_be_told(self, device: Sensors, hands: SensorsHands) -> None:
        """The one that says "too hot" as well as the one that says "somebody broke in"."""
        async with opened(device):
            for sensor in sorted(device.fitted()):
                before = (await device.states())[sensor]
                for on in (not before, before):
                    await hands.turn(sensor, on)
                    assert await told(device, 1) == [SensorChange(sensor, on)]
                    assert (await device.states())[sensor] is on

    async def test_changes_come_in_order_none_lost_none_twice(self, device: Sensors, hands: SensorsHands) -> None:
        async with opened(device):
            first, second, *_ = sorted(device.fitted())
            before = await device.states()
            turns = [
                SensorChange(sensor, on)
                for sensor in (first, second, second, first)
                for on in (not before[sensor], before[sensor])
            ]
            await self._turn(hands, turns)  # while nobody waits
            assert await told(device, len(turns)) == turns
            async with running(lambda: told(device, len(turns))) as wait:
                await self._turn(hands, turns)
                assert await wait == turns
            await self._nothing_more(device)

    async def test_short_press_is_told_with_both_edges(self, device: Sensors, hands: SensorsHands) -> None:
        async with opened(device):
            sensor = min(device.fitted())
            if (await device.states())[sensor]:
                await hands.turn(sensor, on=False)
                await told(device, 1)
            for _ in range(3):
                await hands.press(sensor)
                assert await told(device, 2) == [SensorChange(sensor, on=True), SensorChange(sensor, on=False)]
            await self._nothing_more(device)

    async def test_looking_in_between_takes_no_change_from_who_waits(
        self, device: Sensors, hands: SensorsHands
    ) -> None:
        async with opened(device):
            sensor = min(device.fitted())
            turned = not (await device.states())[sensor]
            await hands.turn(sensor, turned)
            assert (await device.states())[sensor] is turned
            assert await told(device, 1) == [SensorChange(sensor, turned)]
            await self._nothing_more(device)

    async def test_cancelled_wait_loses_no_change(self, device: Sensors, hands: SensorsHands) -> None:
        async with opened(device):
            sensor = min(device.fitted())
            turned = not (await device.states())[sensor]
            async with running(device.change) as wait:
                await asyncio.sleep(0)
                await cancelled_in_time(wait)
            await hands.turn(sensor, turned)
            assert await told(device, 1) == [SensorChange(sensor, turned)]

    async def test_after_a_lost_link_the_truth_of_now_is_told(self, device: Sensors, hands: SensorsHands) -> None:
        """What turned in between is seen in the states; nobody can tell it as changes."""
        async with opened(device):
            first, second, *_ = sorted(device.fitted())
            before = await device.states()
            await hands.turn(first, not before[first])
            assert await told(device, 1) == [SensorChange(first, not before[first])]
            await hands.unplug()
            assert isinstance(await error_of(device.change), DeviceError)
            await hands.turn(second, not before[second])
            await hands.plug()
            await device.close()
            await device.open()
            now = await device.states()
            assert {sensor for sensor in now if now[sensor] != before[sensor]} == {first, second}
            await hands.turn(second, before[second])
            assert await told(device, 1) == [SensorChange(second, before[second])]
            await self._nothing_more(device)

    @staticmethod
    async def _turn(hands: SensorsHands, turns: Iterable[SensorChange]) -> None:
        for turn in turns:
            await hands.turn(turn.sensor, turn.on)

    @staticmethod
    async def _nothing_more(device: Sensors) -> None:
        async with running(device.change) as wait:
            done, _ = await asyncio.wait({wait}, timeout=QUIET_S)
            assert not done, f"told twice, or never happened: {wait.result()}"


async def told(device: Sensors, count: int) -> list[SensorChange]:
    """Return the next changes; they have to come soon."""
    async with asyncio.timeout(PATIENCE_S):
        return [await device.change() for _ in range(count)]
