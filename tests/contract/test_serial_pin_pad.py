"""Number pads on a (pseudo) serial line against the contract of a pad."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from devices.drivers.serial_pin_pad import SerialPinPad
from devices.pin_pad import PadKey
from devices.sim.pin_pad_machine import CHARACTERS, SerialPinPadMachine
from devices.testing.device import opened, until
from devices.testing.pin_pad import PinPadContract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class SerialPadHands:
    def __init__(self, machine: SerialPinPadMachine) -> None:
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
        return tuple(PadKey(key) for key in CHARACTERS)

    async def press(self, *keys: PadKey) -> None:
        self.machine.press(*keys)
        await until(lambda: not self.machine.line.busy)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[SerialPinPadMachine]:
    machine = SerialPinPadMachine(tmp_path)
    await machine.start()
    yield machine
    await machine.stop()
    assert not os.listdir(tmp_path)  # noqa: PTH208 - a look at an empty folder blocks nothing


@pytest.fixture
def hands(machine: SerialPinPadMachine) -> SerialPadHands:
    return SerialPadHands(machine)


@pytest.fixture
async def device(machine: SerialPinPadMachine) -> AsyncIterator[SerialPinPad]:
    device = SerialPinPad("pin_pad", machine.port)
    yield device
    await device.close()


class TestSerialPinPad(PinPadContract):
    """One character a key."""


async def test_pad_is_switched_on_and_off_where_it_needs_that(tmp_path: Path) -> None:
    machine = SerialPinPadMachine(tmp_path, wake=b"\x8a", rest=b"\x8b")
    await machine.start()
    device = SerialPinPad("pin_pad", machine.port, wake="8A", rest="8B")
    async with opened(device):
        assert not machine.awake
        await device.start()
        await until(lambda: machine.awake)
        machine.press("1")
        assert await device.key() is PadKey.ONE
        await device.stop()
        await until(lambda: not machine.awake)
    await machine.stop()


async def test_characters_of_no_key_are_ignored(device: SerialPinPad, machine: SerialPinPadMachine) -> None:
    async with opened(device):
        await device.start()
        machine.line.send(b"*A\x00\xff1")
        assert await device.key() is PadKey.ONE
