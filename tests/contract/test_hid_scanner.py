"""USB scanners of the point-of-sale class against the contract of a scanner, through the wire for hidraw files."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from devices.drivers.hid_scanner import HidScanner
from devices.sim.scanner_machine import HidScannerMachine
from devices.testing.device import opened, running, until
from devices.testing.scanner import ScannerContract, refused, scanned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class HidScannerHands:
    def __init__(self, machine: HidScannerMachine) -> None:
        self.machine = machine
        self.rest = b""

    async def unplug(self) -> None:
        self.machine.unplug()

    async def plug(self) -> None:
        self.machine.plug()

    async def mute(self) -> None:
        self.machine.mute(True)

    async def unmute(self) -> None:
        self.machine.mute(False)

    async def show(self, content: bytes) -> None:
        self.machine.show(content)

    async def begin(self, content: bytes) -> None:
        half = len(content) // 2
        self.rest = content[half:]
        self.machine.send(content[:half], goes_on=True)

    async def finish(self) -> None:
        self.machine.send(self.rest)

    async def ready(self) -> None:
        if self.machine.needs_trigger:
            await until(lambda: self.machine.pulled)

    def lit(self) -> bool:
        if not self.machine.needs_trigger:
            pytest.skip("it reads all the time")
        return self.machine.pulled


@pytest.fixture
def interactive() -> bool:
    return False


@pytest.fixture
async def machine(tmp_path: Path, interactive: bool) -> AsyncIterator[HidScannerMachine]:
    machine = HidScannerMachine(tmp_path, interactive=interactive)
    await machine.start()
    yield machine
    await machine.stop()
    assert not os.listdir(tmp_path)  # noqa: PTH208 - a look at an empty folder blocks nothing


@pytest.fixture
def hands(machine: HidScannerMachine) -> HidScannerHands:
    return HidScannerHands(machine)


@pytest.fixture
async def device(machine: HidScannerMachine, interactive: bool) -> AsyncIterator[HidScanner]:
    device = HidScanner("scanner", machine.port, trigger=interactive)
    yield device
    await device.close()


class TestScannerThatReadsAllTheTime(ScannerContract):
    """Sends what it sees."""


class TestInteractiveScanner(ScannerContract):
    """Reads only while it is told to."""

    @pytest.fixture
    def interactive(self) -> bool:
        return True


async def test_symbology_is_told(device: HidScanner, machine: HidScannerMachine) -> None:
    async with opened(device):
        for digit, aim, told in ((b"1", b"]d2", "]d2"), (b"2", bytes(3), "")):
            async with running(device.scan) as task:
                await asyncio.sleep(0)
                machine.show(digit * 60, aim)
                assert (await task).symbology == told


async def test_report_that_cannot_be_is_refused_and_costs_not_the_next(
    device: HidScanner, hands: HidScannerHands, machine: HidScannerMachine
) -> None:
    async with opened(device):
        for report in (b"\x39]Q1" + bytes(59), b"\x01]Q1"):

            async def show(content: bytes, report: bytes = report) -> None:
                machine.line.send_report(report, 2)

            hands.show = show  # type: ignore[method-assign]  # another thing is held before it
            await refused(device, hands, b"")
        del hands.show
        assert await scanned(device, hands, "1") == "1"


async def test_reports_of_another_number_are_none_of_ours(device: HidScanner, machine: HidScannerMachine) -> None:
    async with opened(device), running(device.scan) as task:
        await asyncio.sleep(0)
        machine.line.send_report(bytes(63), 9)
        machine.show(b"1")
        assert (await task).text.reveal() == "1"
