"""Number pads that are USB keyboards against the contract of a pad, through the wire for hidraw files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from devices.drivers.hid_pin_pad import HidPinPad
from devices.errors import DeviceProtocolError
from devices.pin_pad import PadKey
from devices.sim.pin_pad_machine import USAGES, HidPinPadMachine
from devices.testing.device import error_of, opened
from devices.testing.pin_pad import PinPadContract, nothing_comes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class HidPadHands:
    def __init__(self, machine: HidPinPadMachine) -> None:
        self.machine = machine

    async def unplug(self) -> None:
        self.machine.line.unplug()

    async def plug(self) -> None:
        self.machine.line.plug()

    async def mute(self) -> None:
        self.machine.mute(True)

    async def unmute(self) -> None:
        self.machine.mute(False)

    def present(self) -> tuple[PadKey, ...]:
        return tuple(PadKey)

    async def press(self, *keys: PadKey) -> None:
        self.machine.press(*keys)


class RollingHands(HidPadHands):
    """A quick typist: each key goes down before the one before it is up."""

    async def press(self, *keys: PadKey) -> None:
        self.machine.roll(keys)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[HidPinPadMachine]:
    machine = HidPinPadMachine(tmp_path)
    await machine.start()
    yield machine
    await machine.stop()
    assert not os.listdir(tmp_path)  # noqa: PTH208 - a look at an empty folder blocks nothing


@pytest.fixture
def hands(machine: HidPinPadMachine) -> HidPadHands:
    return HidPadHands(machine)


@pytest.fixture
async def device(machine: HidPinPadMachine) -> AsyncIterator[HidPinPad]:
    device = HidPinPad("pin_pad", machine.port)
    yield device
    await device.close()


class TestHidPinPad(PinPadContract):
    """One key after the other."""


class TestQuickTypist:
    """Keys overlap."""

    test_quick_keys = PinPadContract.test_quick_keys_are_neither_lost_nor_doubled
    test_kept_keys = PinPadContract.test_keys_nobody_fetched_yet_are_kept

    @pytest.fixture
    def hands(self, machine: HidPinPadMachine) -> RollingHands:
        return RollingHands(machine)


async def test_key_held_down_is_one_key_however_often_it_is_reported(
    device: HidPinPad, machine: HidPinPadMachine
) -> None:
    async with opened(device):
        await device.start()
        for _ in range(20):
            machine.down(USAGES["5"])
        await device.open()  # it is open: nothing is forgotten
        machine.down(USAGES["5"])
        assert await device.key() is PadKey.FIVE
        await nothing_comes(device)


async def test_key_held_down_since_before_the_start_is_not_a_new_one(
    device: HidPinPad, machine: HidPinPadMachine
) -> None:
    async with opened(device):
        machine.down(USAGES["5"])
        await device.start()
        machine.down(USAGES["5"], USAGES["6"])
        assert await device.key() is PadKey.SIX


async def test_key_held_down_while_the_pad_was_pulled_is_told_again_when_pressed_again(
    device: HidPinPad, machine: HidPinPadMachine
) -> None:
    async with opened(device):
        await device.start()
        machine.down(USAGES["5"])
        await device.key()
        machine.line.unplug()
        await device.close()
        machine.line.plug()
        await device.open()
        await device.start()
        machine.press("5")
        assert await device.key() is PadKey.FIVE


async def test_flood_of_keys_ends_in_an_error_and_not_in_memory(device: HidPinPad, machine: HidPinPadMachine) -> None:
    async with opened(device):
        await device.start()
        for _ in range(11):
            machine.press(*["1"] * 100)
            await device.probe()
        error = await error_of(device.key)
        assert isinstance(error, DeviceProtocolError)
        await device.close()
        await device.open()
        await device.start()
        machine.press("2")
        assert await device.key() is PadKey.TWO
