"""Scanners on a (pseudo) serial line against the contract of a scanner, and the manners of their families."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from devices.drivers.serial_scanner import PROFILES, SerialScanner
from devices.errors import DeviceCode, DeviceUnavailable
from devices.sim.scanner_machine import SerialScannerMachine
from devices.testing.device import error_of, opened, running, until
from devices.testing.scanner import ScannerContract, refused, scanned

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any

BAUD = 115200


class SerialScannerHands:
    def __init__(self, machine: SerialScannerMachine) -> None:
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
        await until(lambda: not self.machine.line.busy)

    async def begin(self, content: bytes) -> None:
        before, after = self.machine.around
        whole = before + content + after
        self.rest = whole[len(whole) // 2 :]
        self.machine.send(whole[: len(whole) // 2])
        await until(lambda: not self.machine.line.busy)

    async def finish(self) -> None:
        self.machine.send(self.rest)
        await until(lambda: not self.machine.line.busy)

    async def ready(self) -> None:
        if self.machine.needs_trigger:
            await until(lambda: self.machine.pulled)

    def lit(self) -> bool:
        if not self.machine.needs_trigger:
            pytest.skip("it reads all the time")
        return self.machine.pulled


@pytest.fixture
def shape() -> dict[str, Any]:
    """Return how the machine sends a code."""
    return {}


@pytest.fixture
def options() -> dict[str, Any]:
    """Return what the driver is told of it."""
    return {}


@pytest.fixture
async def machine(tmp_path: Path, shape: dict[str, Any]) -> AsyncIterator[SerialScannerMachine]:
    machine = SerialScannerMachine(tmp_path, baud=BAUD, **shape)
    await machine.start()
    yield machine
    await machine.stop()
    assert not os.listdir(tmp_path)  # noqa: PTH208 - a look at an empty folder blocks nothing


@pytest.fixture
def hands(machine: SerialScannerMachine) -> SerialScannerHands:
    return SerialScannerHands(machine)


@pytest.fixture
async def device(machine: SerialScannerMachine, options: dict[str, Any]) -> AsyncIterator[SerialScanner]:
    device = SerialScanner("scanner", machine.port, BAUD, **options)
    yield device
    await device.close()


class TestContinuousScanner(ScannerContract):
    """Reads whatever it sees, whether anybody waits or not; each code is a line."""


class TestTriggeredScanner(ScannerContract):
    """Between STX and ETX, with its AIM identifier, and only when triggered; answers each command."""

    @pytest.fixture
    def shape(self) -> dict[str, Any]:
        grow = PROFILES["grow"]
        return {
            "before": b"\x02]Q1",
            "after": b"\x03",
            "trigger_on": grow.on,
            "trigger_off": grow.off,
            "answer": b"\x06",
        }

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"framing": "stx-etx", "aim": True, "profile": "grow", "answer": "06"}


@pytest.mark.parametrize("shape", [{"trigger_on": b"\x16T\r", "trigger_off": b"\x16U\r"}])
@pytest.mark.parametrize("options", [{"profile": "honeywell"}])
async def test_trigger_of_the_first_family_is_pulled_and_released(
    device: SerialScanner, hands: SerialScannerHands
) -> None:
    async with opened(device):
        assert await scanned(device, hands, "1") == "1"


@pytest.mark.parametrize(
    "shape",
    [
        {
            "trigger_on": bytes.fromhex("7E000801000201ABCD"),
            "trigger_off": bytes.fromhex("7E000801000200ABCD"),
            "answer": bytes.fromhex("02000001003331"),
        }
    ],
)
@pytest.mark.parametrize("options", [{"profile": "grow"}])
async def test_answers_of_the_second_family_are_no_codes(device: SerialScanner, hands: SerialScannerHands) -> None:
    async with opened(device):
        for text in ("1", "2", "3"):
            assert await scanned(device, hands, text) == text


@pytest.mark.parametrize("shape", [{"trigger_on": b"on", "trigger_off": b"off"}])
@pytest.mark.parametrize("options", [{"trigger_on": "6F6E", "trigger_off": "6F6666", "retrigger_s": 0.05}])
async def test_trigger_that_lasts_a_while_is_pulled_again(device: SerialScanner, machine: SerialScannerMachine) -> None:
    async with opened(device), running(device.scan):
        await until(lambda: machine.pulls > 2)


@pytest.mark.parametrize("options", [{"encoding": "gb18030"}])
async def test_code_in_the_national_character_set_is_read(device: SerialScanner, hands: SerialScannerHands) -> None:
    async with opened(device), running(device.scan) as task:
        await hands.show("通办㐂".encode("gb18030"))
        assert (await task).text.reveal() == "通办㐂"


@pytest.mark.parametrize("shape", [{"before": b"]Q1"}])
@pytest.mark.parametrize("options", [{"aim": True}])
async def test_symbology_is_told_and_a_code_without_it_refused(
    device: SerialScanner, hands: SerialScannerHands, machine: SerialScannerMachine
) -> None:
    async with opened(device):
        async with running(device.scan) as task:
            await hands.show(b"1")
            code = await task
        assert (code.text.reveal(), code.symbology) == ("1", "]Q1")
        machine.around = (b"", b"\r")
        await refused(device, hands, b"999999")


@pytest.mark.parametrize("options", [{"repeat_s": 0.4}])
async def test_telephone_left_before_the_scanner_is_not_the_next_persons_code(
    device: SerialScanner, hands: SerialScannerHands
) -> None:
    async with opened(device):
        assert await scanned(device, hands, "1") == "1"
        async with running(device.scan) as task:
            for _ in range(3):
                await hands.show(b"1")
                await asyncio.wait({task}, timeout=0.1)
            assert not task.done(), "it lies there all the same"
            await hands.show(b"2")
            assert (await task).text.reveal() == "2"
        assert await scanned(device, hands, "1") == "1", "taken away, and shown again"
        async with running(device.scan) as task:
            await asyncio.wait({task}, timeout=0.5)
            await hands.show(b"1")
            assert (await task).text.reveal() == "1"


@pytest.mark.parametrize("options", [{"repeat_s": -1.0}])
async def test_same_code_counts_each_time_where_the_settings_say_so(
    device: SerialScanner, hands: SerialScannerHands
) -> None:
    async with opened(device):
        for _ in range(2):
            assert await scanned(device, hands, "1") == "1"


async def test_second_caller_is_told_that_somebody_waits(device: SerialScanner, hands: SerialScannerHands) -> None:
    async with opened(device), running(device.scan) as first:
        await asyncio.sleep(0)
        error = await error_of(device.scan)
        assert isinstance(error, DeviceUnavailable)
        assert error.code is DeviceCode.BUSY
        await hands.show(b"1")
        assert (await first).text.reveal() == "1"


async def test_scanner_closed_under_a_waiting_caller_frees_it(device: SerialScanner) -> None:
    async with opened(device), running(lambda: error_of(device.scan)) as task:
        await asyncio.sleep(0)
        await device.close()
        assert (await task).code is DeviceCode.CLOSED


@pytest.mark.parametrize(
    "wrong",
    [{"profile": "acme"}, {"framing": "page"}, {"encoding": "ebcdic"}, {"trigger_on": "0x16"}, {"port": "usb:1:2"}],
)
def test_options_that_cannot_be_are_refused_before_anything_is_opened(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"known are|non-hexadecimal|serial line is needed"):
        SerialScanner("scanner", **{"port": "/dev/none", **wrong})
