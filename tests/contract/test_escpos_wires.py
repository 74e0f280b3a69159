"""The ESC/POS driver on a serial line and as a USB printer's file, and what the wire changes for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.drivers import escpos_printer
from devices.drivers.escpos_printer import EscposPrinter
from devices.drivers.escpos_profile import Profile
from devices.drivers.escpos_status import SAID, SAID_WITH_FULL_STATUS
from devices.errors import DeviceCode, DeviceUnavailable
from devices.health import Condition
from devices.printer import PrinterCounters, PrintOutcome
from devices.sim.escpos_machine import EscposLineMachine
from devices.testing.device import error_of, opened, until
from devices.testing.printer import PrinterContract
from devices.testing.printer_faults import PrinterFaultPoints
from devices.testing.printer_hands import blocked_by, printing
from devices.values import PrintJob, Slip, SlipText
from tests.receipt_printers import LINES, SPECIMEN, SlipHands, let_go, switched_on, texts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def hands(machine: EscposLineMachine) -> SlipHands:
    return SlipHands(machine)


class TestEscposPrinterOnASerialLine(PrinterContract):
    """At 115200 baud, with a printer that stops the host before its buffer overflows."""

    specimen = SPECIMEN

    @pytest.fixture
    async def machine(self, tmp_path: Path) -> AsyncIterator[EscposLineMachine]:
        async with switched_on(EscposLineMachine(tmp_path / "paper", tmp_path / "tty", 115200, stops_host=True)) as it:
            yield it

    @pytest.fixture
    async def device(self, machine: EscposLineMachine) -> AsyncIterator[EscposPrinter]:
        async with let_go(EscposPrinter("receipt", serial=machine.path, flow="xonxoff")) as device:
            yield device


class TestEscposPrinterOnUsb(PrinterFaultPoints):
    """As a printer-class file; of a family with names, counters and a sensor in the outlet."""

    @pytest.fixture
    async def machine(self, tmp_path: Path) -> AsyncIterator[EscposLineMachine]:
        async with switched_on(EscposLineMachine(tmp_path / "paper", tmp_path / "lp0")) as it:
            yield it

    @pytest.fixture
    def hands(self, machine: EscposLineMachine) -> SlipHands:
        hands = SlipHands(machine)
        hands.said = hands.conditions = SAID | SAID_WITH_FULL_STATUS
        return hands

    @pytest.fixture
    async def device(self, machine: EscposLineMachine, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EscposPrinter]:
        everything = Profile(names=True, counters=True, full_status=True)
        monkeypatch.setattr(escpos_printer, "profile_of", {"generic": everything}.__getitem__)
        async with let_go(EscposPrinter("receipt", file=machine.path)) as device:
            yield device

    reopenings = 20
    test_counters = PrinterContract.test_machines_own_counters_grow_by_what_it_printed_or_are_not_told
    test_reopenings = PrinterContract.test_reopenings_leave_no_thread_no_handle_no_task

    async def test_printer_says_what_it_is_and_how_often_it_has_cut(
        self, device: EscposPrinter, hands: SlipHands
    ) -> None:
        async with opened(device):
            assert (device.info().model, device.info().serial) == ("SP-80", "SIM0001")
            await device.print(hands.new_job())
            assert await device.counters() == PrinterCounters(cuts=1, lines=LINES, strobes=24 * LINES)

    async def test_counters_of_a_printer_at_work_are_refused_and_the_slip_comes_out(
        self, device: EscposPrinter, hands: SlipHands
    ) -> None:
        job = hands.new_job()
        await hands.slow(on=True)
        async with opened(device), printing(device, job) as (running, _):
            error = await error_of(device.counters)
            assert (type(error), error.code) == (DeviceUnavailable, DeviceCode.BUSY)
            await hands.slow(on=False)
            await running
        assert hands.copies(job) == 1


class TestSlowLine:
    """At 9600 baud, with no flow control at all."""

    @pytest.fixture
    async def machine(self, tmp_path: Path) -> AsyncIterator[EscposLineMachine]:
        async with switched_on(EscposLineMachine(tmp_path / "paper", tmp_path / "tty", 9600)) as machine:
            yield machine

    async def test_pictures_overrun_no_buffer_and_questions_are_answered_between_them(
        self, machine: EscposLineMachine, hands: SlipHands
    ) -> None:
        job = PrintJob("slow", Slip((SlipText("㛃" * 24), SlipText("完"))))
        async with let_go(EscposPrinter("receipt", serial=machine.path, baud=9600)) as device, opened(device):
            async with printing(device, job) as (running, heard):
                machine.cover(is_open=True)
                await until(lambda: blocked_by(heard, Condition.COVER_OPEN))
                machine.cover(is_open=False)
                await running
            assert await device.outcome("slow") is PrintOutcome.PRINTED
        assert machine.lost == 0
        assert "完" in texts(machine)[0]


class TestNews:
    @pytest.fixture
    async def machine(self, tmp_path: Path) -> AsyncIterator[EscposLineMachine]:
        async with switched_on(EscposLineMachine(tmp_path / "paper", tmp_path / "tty")) as machine:
            yield machine

    async def test_paper_end_is_told_by_the_printer_and_not_asked_for(
        self, machine: EscposLineMachine, hands: SlipHands
    ) -> None:
        machine.pace(0.1)
        await hands.let_paper_end()
        async with (
            let_go(EscposPrinter("receipt", serial=machine.path)) as device,
            opened(device),
            printing(device, hands.new_job()) as (running, heard),
        ):
            asked = machine.asked
            await until(lambda: blocked_by(heard, Condition.PAPER_OUT))
            assert machine.asked - asked <= 4  # one look at most in the second since it began
            await hands.load()
            await running


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({}, "host, serial and file"),
        ({"host": "10.0.0.9", "serial": "/dev/ttyS0"}, "host, serial and file"),
        ({"serial": "/dev/ttyS0", "baud": 1234}, "115200"),
        ({"serial": "/dev/ttyS0", "flow": "soft"}, "xonxoff"),
        ({"file": "/dev/usb/lp0", "profile": "acme"}, "generic"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_what_can(options: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        EscposPrinter("receipt", **options)
