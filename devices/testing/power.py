# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of a supply with a battery. A driver proves itself by subclassing ``PowerContract``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from devices.errors import DeviceError
from devices.health import READY, Condition, HealthState
from devices.power import Power, PowerState
from devices.testing.device import (
    PATIENCE_S,
    TICK_S,
    DeviceContract,
    Hands,
    cancelled_in_time,
    error_of,
    opened,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

QUIET_S = 1.2  # nothing changes within it when nothing happens
FULL = 100.0


class PowerHands(Hands, Protocol):
    """What can be done to the supply. A real one is unplugged from the wall; its battery is emptied with patience."""

    async def supply(self, *, mains: bool, low: bool = False, worn: bool = False, end: bool = False) -> None:
        """Bring the supply to where it says this; ``end``: that it is about to cut the power."""
        ...

    async def forget(self) -> None:
        """Cut the supply off from what watches it, and leave the watcher running."""
        ...

    async def remember(self) -> None:
        """Take :meth:`forget` back."""
        ...


class PowerContract(DeviceContract[Power]):
    """Points a supply has to keep. Names of the tests are the faults they prevent."""

    def calls(self, device: Power) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {**super().calls(device), "state": device.state}

    def waits(self, device: Power) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {"changed": device.changed}

    async def test_mains_and_battery_are_told_apart(self, device: Power, hands: PowerHands) -> None:
        async with opened(device):
            state = await device.state()
            assert state.on_mains
            assert not state.must_end
            assert state.battery_percent is None or 0 <= state.battery_percent <= FULL
            assert state.runtime_s is None or state.runtime_s >= 0
            await hands.supply(mains=False)
            state = await until_known(device, lambda state: not state.on_mains)
            assert not state.must_end

    async def test_end_is_told_on_an_empty_battery_and_by_the_supplys_own_word(
        self, device: Power, hands: PowerHands
    ) -> None:
        async with opened(device):
            for case in ({"mains": False, "low": True}, {"mains": True, "end": True}):
                await hands.supply(**case)
                await until_known(device, lambda state: state.must_end)
                await hands.supply(mains=True)
                await until_known(device, lambda state: not state.must_end)
            await hands.supply(mains=True, low=True)  # it charges: nobody has to go home
            await until_health(device, Condition.BATTERY_LOW)
            assert not (await device.state()).must_end

    async def test_every_condition_is_told_and_goes_again(self, device: Power, hands: PowerHands) -> None:
        async with opened(device):
            for case, condition in (
                ({"mains": False}, Condition.ON_BATTERY),
                ({"mains": False, "low": True}, Condition.BATTERY_LOW),
                ({"mains": True, "worn": True}, Condition.BATTERY_WORN),
            ):
                await hands.supply(**case)
                await until_health(device, condition)
                await hands.supply(mains=True)
                await until_health(device, None)
            assert await device.probe() == READY

    async def test_each_change_is_told_once_and_in_order(self, device: Power, hands: PowerHands) -> None:
        async with opened(device), asyncio.timeout(PATIENCE_S):
            for case, seen in (
                ({"mains": False}, (False, False)),
                ({"mains": False, "low": True}, (False, True)),
                ({"mains": True, "low": True}, (True, False)),
            ):
                async with running(device.changed) as wait:
                    await asyncio.sleep(0)
                    await hands.supply(**case)
                    state = await wait
                    assert (state.on_mains, state.must_end) == seen
            async with running(device.changed) as wait:
                await hands.supply(mains=True)  # the battery is charged: neither of the two
                done, _ = await asyncio.wait({wait}, timeout=QUIET_S)
                assert not done
                await cancelled_in_time(wait)

    async def test_change_between_two_waits_is_not_missed(self, device: Power, hands: PowerHands) -> None:
        async with opened(device), asyncio.timeout(PATIENCE_S):
            await hands.supply(mains=False)
            assert not (await device.changed()).on_mains

    async def test_supply_nobody_hears_is_unknown_and_never_fine(self, device: Power, hands: PowerHands) -> None:
        async with opened(device), asyncio.timeout(PATIENCE_S):
            await hands.forget()
            while (health := await device.probe()).usable:  # noqa: ASYNC110 - the watcher waits before it doubts
                await asyncio.sleep(TICK_S)
            assert health.state is HealthState.UNKNOWN
            assert isinstance(await error_of(device.state), DeviceError)
            assert isinstance(await error_of(device.changed), DeviceError)
            await hands.remember()
            while not (await device.probe()).usable:  # noqa: ASYNC110 - as above
                await asyncio.sleep(TICK_S)
            assert (await device.state()).on_mains


async def until_known(device: Power, wanted: Callable[[PowerState], bool]) -> PowerState:
    """Ask until the supply says so; what watches it may look every few seconds only."""
    async with asyncio.timeout(PATIENCE_S):
        while not wanted(state := await device.state()):  # noqa: ASYNC110 - a supply sets no event
            await asyncio.sleep(TICK_S)
    return state


async def until_health(device: Power, condition: Condition | None) -> None:
    """Ask until the supply is in this condition, or in none."""
    async with asyncio.timeout(PATIENCE_S):
        while not _told(condition, (await device.probe()).conditions):  # noqa: ASYNC110 - as above
            await asyncio.sleep(TICK_S)


def _told(condition: Condition | None, conditions: frozenset[Condition]) -> bool:
    return condition in conditions if condition is not None else not conditions
