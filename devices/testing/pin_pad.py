# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of a number pad. A driver proves itself by subclassing ``PinPadContract``.

The subclass gives two fixtures: ``device``, the driver, not opened; and ``hands``, what a person could do to the
machine. With a real machine the hands ask a person, and skip what no person can bring about.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from devices.errors import DeviceCode, DeviceUnavailable
from devices.pin_pad import PadKey, PinPad
from devices.testing.device import DeviceContract, Hands, error_of, opened, running

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    import pytest

QUIET_S = 0.2  # how long nothing may come before it is believed that nothing will
MANY = 100
DIGITS = tuple(PadKey(str(digit)) for digit in range(10))
PUBLIC = {"open", "close", "probe", "info", "start", "stop", "key"}  # the port, and not one method more


class PadHands(Hands, Protocol):
    """What can be done to the machine from outside. Each returns when the machine has sent all it sends."""

    def present(self) -> tuple[PadKey, ...]:
        """Return the keys the pad has."""
        ...

    async def press(self, *keys: PadKey) -> None:
        """Press ``keys`` one after the other, as quickly as the machine takes them."""
        ...


class PinPadContract(DeviceContract[PinPad]):
    """Points every pad has to keep. Names of the tests are the faults they prevent."""

    can_be_asked = False  # it only speaks

    def calls(self, device: PinPad) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {"probe": device.probe, "start": device.start}

    def waits(self, device: PinPad) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {"key": device.key}

    async def make_ready(self, device: PinPad, hands: PadHands, call: str) -> None:
        del hands
        if call == "key":
            await device.start()

    async def test_every_key_of_the_pad_is_told(self, device: PinPad, hands: PadHands) -> None:
        async with opened(device):
            await device.start()
            for key in hands.present():
                await hands.press(key)
                assert await device.key() is key

    async def test_quick_keys_are_neither_lost_nor_doubled(self, device: PinPad, hands: PadHands) -> None:
        typed = [DIGITS[number * 7 % 10] for number in range(MANY)]
        typed[10:14] = [PadKey.FIVE] * 4  # the same key again is another key
        async with opened(device), asyncio.TaskGroup() as group:
            await device.start()
            group.create_task(hands.press(*typed))
            assert [await device.key() for _ in typed] == typed
            await nothing_comes(device)

    async def test_keys_nobody_fetched_yet_are_kept(self, device: PinPad, hands: PadHands) -> None:
        typed = [DIGITS[number * 3 % 10] for number in range(MANY)]
        async with opened(device):
            await device.start()
            await hands.press(*typed)
            assert [await device.key() for _ in typed] == typed

    async def test_keys_pressed_before_the_start_are_dropped(self, device: PinPad, hands: PadHands) -> None:
        """Otherwise what one resident typed would be the next one's."""
        async with opened(device):
            await hands.press(PadKey.ONE, PadKey.TWO)
            await device.start()
            await nothing_comes(device)
            await hands.press(PadKey.THREE)
            assert await device.key() is PadKey.THREE

    async def test_keys_not_fetched_by_the_stop_are_dropped(self, device: PinPad, hands: PadHands) -> None:
        async with opened(device):
            await device.start()
            await hands.press(PadKey.ONE)
            await device.stop()
            await hands.press(PadKey.TWO)
            await device.start()
            await nothing_comes(device)

    async def test_cancelled_wait_costs_no_key(self, device: PinPad, hands: PadHands) -> None:
        async with opened(device):
            await device.start()
            for _ in range(10):
                async with running(device.key) as task:
                    await asyncio.sleep(0)
                    task.cancel()
                    await hands.press(PadKey.SEVEN)
                assert await device.key() is PadKey.SEVEN

    async def test_key_of_a_pad_nobody_listens_to_says_what_to_call_first(self, device: PinPad) -> None:
        async with opened(device):
            for _ in range(2):
                error = await error_of(device.key)
                assert isinstance(error, DeviceUnavailable)
                assert error.code is DeviceCode.CLOSED
                assert error.device
                assert "start" in error.detail
                await device.start()
                await device.stop()

    async def test_start_and_stop_twice_are_the_same_as_once(self, device: PinPad, hands: PadHands) -> None:
        await device.stop()
        async with opened(device):
            await device.stop()
            await device.start()
            await hands.press(PadKey.ONE)
            await device.start()
            await hands.press(PadKey.TWO)
            assert [await device.key(), await device.key()] == [PadKey.ONE, PadKey.TWO]
            await device.stop()
            await device.stop()
        await device.stop()

    async def test_pad_stopped_under_a_waiting_caller_frees_it(self, device: PinPad) -> None:
        async with opened(device):
            await device.start()
            async with running(lambda: error_of(device.key)) as task:
                await asyncio.sleep(0)
                await device.stop()
                assert (await task).code is DeviceCode.CLOSED

    async def test_pad_has_no_call_that_could_take_a_bank_pin(self, device: PinPad) -> None:
        assert public(PinPad) == PUBLIC
        assert public(type(device)) == PUBLIC

    async def test_what_is_typed_reaches_no_log(
        self, device: PinPad, hands: PadHands, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with opened(device):
            await device.start()
            before = len(caplog.records)
            await hands.press(PadKey.SEVEN, PadKey.THREE, PadKey.NINE)
            assert "7" not in repr(device).rpartition(" at ")[0]
            assert [await device.key() for _ in range(3)] == [PadKey.SEVEN, PadKey.THREE, PadKey.NINE]
            said = [record for record in caplog.records[before:] if record.name.startswith("devices")]
        assert not said, "not even that a key was pressed: the rhythm tells something, too"


async def nothing_comes(device: PinPad) -> None:
    """Demand that no key is there."""
    async with running(device.key) as task:
        done, _ = await asyncio.wait({task}, timeout=QUIET_S)
        assert not done


def public(kind: type) -> set[str]:
    """Return what can be called from outside."""
    return {name for name in dir(kind) if not name.startswith("_")}
