"""The simulated reader, the contract's hands on it, and the driver: by default over a serial line."""

from __future__ import annotations

import os
import threading
from datetime import date
from typing import TYPE_CHECKING

import pytest

from devices.drivers.sdt_id_reader import SdtIdReader
from devices.errors import DeviceCode
from devices.sim.sdt_reader import SdtReaderMachine, SimCard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CARD = SimCard.resident(
    name="测试",
    sex="1",
    birth=date(1990, 3, 7),
    number="999999199003070012",
    valid_from=date(2020, 6, 1),
    valid_until=None,
    photo=b"picture",
)
PROVOKED = {
    DeviceCode.CARD_UNREADABLE: 0x81,
    DeviceCode.CARD_UNKNOWN_KIND: 0x40,
    DeviceCode.CARD_REFUSED: 0x32,
    DeviceCode.SECURITY_MODULE: 0x66,
}


class SdtHands:
    """The contract's hands on the simulated machine."""

    def __init__(self, machine: SdtReaderMachine) -> None:
        self.machine = machine

    async def put(self) -> None:
        self.machine.insert(CARD)

    async def lift(self) -> None:
        self.machine.lift()

    async def unplug(self) -> None:
        self.machine.unplug()

    async def plug(self) -> None:
        self.machine.plug()

    async def mute(self) -> None:
        self.machine.silent(True)

    async def unmute(self) -> None:
        self.machine.silent(False)

    def asked(self) -> int:
        return self.machine.asked

    async def provoke(self, code: DeviceCode) -> None:
        self.machine.insert(CARD)
        match code:
            case DeviceCode.CARD_LIFTED:
                self.machine.lift_during_read()
            case DeviceCode.CARD_INVALID:
                self.machine.insert(SimCard(CARD.text[:122] + b"1\0" + CARD.text[124:], CARD.photo))
            case DeviceCode.TIMEOUT:
                self.machine.delay(60, command="select")
            case DeviceCode.PROTOCOL:
                self.machine.corrupt(command="read")
            case DeviceCode.ABSENT:
                self.machine.unplug_during_read()
            case _:
                self.machine.fault(PROVOKED[code], times=1)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[SdtReaderMachine]:
    machine = SdtReaderMachine(tmp_path)
    await machine.start()
    yield machine
    await machine.stop()
    assert not os.listdir(tmp_path)  # noqa: PTH208 - a look at an empty folder blocks nothing


@pytest.fixture
def hands(machine: SdtReaderMachine) -> SdtHands:
    return SdtHands(machine)


@pytest.fixture
async def device(machine: SdtReaderMachine) -> AsyncIterator[SdtIdReader]:
    device = SdtIdReader("id_reader", machine.port)
    yield device
    await device.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "dev-id_reader"]
