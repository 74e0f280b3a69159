"""The SDT driver against the contract of a reader, over USB: pyusb and all above it on a scripted bus."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

import pytest

from devices.drivers.sdt_frames import HEAD_SIZE, body_size
from devices.drivers.sdt_id_reader import SdtIdReader
from devices.sim.sdt_reader import SdtReaderMachine
from devices.sim.usb_line import UsbLine
from devices.testing.id_reader import IdReaderContract
from devices.transport.usb import SplitPipes, UsbAddress, UsbWire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MINISTRY = (0x0400, 0xC35A)


class OnTheBus:
    """The machine and the driver at the two ends of a scripted bus."""

    head: ClassVar[int] = 0

    @pytest.fixture
    async def machine(self, tmp_path: Path) -> AsyncIterator[SdtReaderMachine]:
        vendor, product = MINISTRY
        machine = SdtReaderMachine(
            tmp_path, line=lambda hear: UsbLine(hear, vendor=vendor, product=product, head=self.head)
        )
        await machine.start()
        yield machine
        await machine.stop()
        assert isinstance(machine.line, UsbLine)
        assert machine.line.gadget.opened == 0, "every handle was given back"

    @pytest.fixture
    async def device(self, machine: SdtReaderMachine) -> AsyncIterator[SdtIdReader]:
        assert isinstance(machine.line, UsbLine)
        bus = machine.line.bus
        split = SplitPipes(HEAD_SIZE, body_size) if self.head else None
        device = SdtIdReader("id_reader", "usb:", usb_split=bool(self.head))
        device._new_wire = lambda: UsbWire(UsbAddress(*MINISTRY), split=split, backend=bus)
        yield device
        await device.close()
        assert not [thread for thread in threading.enumerate() if thread.name == "dev-id_reader"]


class TestOverUsb(OnTheBus, IdReaderContract):
    """The ministry's USB class: pyusb and everything above it is the real thing."""


class TestOverSplitUsbPipes(OnTheBus):
    """The older layout: a frame's head on the first pipes, the rest on the second."""

    head = HEAD_SIZE

    test_card_is_read = IdReaderContract.test_card_is_found_read_and_missed_when_lifted
    test_next_card_is_read = IdReaderContract.test_good_card_is_read_after_one_that_was_lifted_too_early
    test_errors = IdReaderContract.test_documented_error_is_told_by_its_type_and_code
    test_another_cable = IdReaderContract.test_machine_plugged_in_again_reads_after_a_reopening
