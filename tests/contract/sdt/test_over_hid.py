"""The SDT driver against the contract of a reader, in HID reports."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from devices.drivers.sdt_id_reader import SdtIdReader
from devices.sim.sdt_reader import SdtReaderMachine
from devices.sim.socket_line import HidLine
from devices.testing.id_reader import IdReaderContract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class TestOverHid(IdReaderContract):
    """In reports of 64 bytes, filled up with zeros, through the wire that opens the kernel's device files."""

    @pytest.fixture
    async def machine(self, tmp_path: Path) -> AsyncIterator[SdtReaderMachine]:
        machine = SdtReaderMachine(tmp_path, line=lambda hear: HidLine(tmp_path / "hidraw", hear))
        await machine.start()
        yield machine
        await machine.stop()
        assert not os.listdir(tmp_path)  # noqa: PTH208 - a look at an empty folder blocks nothing


class TestOverNumberedHidReports:
    """A maker's own sizes and numbers: settings."""

    test_card_is_read = IdReaderContract.test_card_is_found_read_and_missed_when_lifted

    @pytest.fixture
    async def machine(self, tmp_path: Path) -> AsyncIterator[SdtReaderMachine]:
        machine = SdtReaderMachine(
            tmp_path, line=lambda hear: HidLine(tmp_path / "hidraw", hear, report_size=255, report_id=3)
        )
        await machine.start()
        yield machine
        await machine.stop()

    @pytest.fixture
    async def device(self, machine: SdtReaderMachine) -> AsyncIterator[SdtIdReader]:
        device = SdtIdReader("id_reader", machine.port, report_size=255, report_id=3)
        yield device
        await device.close()
