"""The ESC/POS driver against the contract of a printer: over TCP, with a machine that reads the bytes by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devices import registry
from devices.drivers.escpos_printer import EscposPrinter
from devices.errors import DeviceCode, DeviceFault, DeviceTimeout, OutcomeUnknown
from devices.health import READY, Condition, Health, HealthState
from devices.hosted.confine import Limits
from devices.printer import PrintOutcome, PrintProgress
from devices.sim.escpos_machine import EscposMachine
from devices.testing.device import error_of, opened, until
from devices.testing.printer import PrinterContract
from devices.testing.printer_hands import blocked_by, printing
from devices.values import Align, PdfDocument, PrintJob, Slip, SlipCode, SlipRule, SlipText
from tests.receipt_printers import SLOW_LINE_S, SPECIMEN, SlipHands, switched_on, texts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from devices.device import Device


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[EscposMachine]:
    async with switched_on(EscposMachine(tmp_path / "paper")) as machine:
        yield machine


@pytest.fixture
def hands(machine: EscposMachine) -> SlipHands:
    return SlipHands(machine)


@pytest.fixture
def device(machine: EscposMachine) -> EscposPrinter:
    return EscposPrinter("receipt", machine.host, machine.port)


class TestEscposPrinter(PrinterContract):
    """On the network."""

    specimen = SPECIMEN


class TestHostedEscposPrinter(PrinterContract):
    """In a process of its own: progress, withdrawal and honest unknowns cross."""

    reopenings = 4

    specimen = SPECIMEN

    @pytest.fixture
    async def device(self, machine: EscposMachine) -> AsyncIterator[Device]:
        options = {"host": machine.host, "port": machine.port}
        device = registry.create_hosted("escpos", "receipt_printer", options, Limits())
        yield device
        await device.close()


class TestSlips:
    async def test_whole_slip_reads_as_written_and_rare_names_become_pictures(
        self, device: EscposPrinter, machine: EscposMachine
    ) -> None:
        slip = Slip(
            (
                SlipText("政务服务", size=2, bold=True, align=Align.CENTRE),
                SlipRule(),
                SlipText("张三·abc — $5 #"),
                SlipText("㛃𠮷"),
                SlipCode("https://example.cn/q?k=1"),
            )
        )
        async with opened(device):
            await device.print(PrintJob("one", slip))
        words = texts(machine)[0].split("\n")
        assert words[0] == "政务服务"
        assert "张三·abc — $5 #" in words
        assert "[qr https://example.cn/q?k=1]" in words
        assert [word for word in words if word.startswith("[picture")] == ["[picture 576x2]", "[picture 576x30]"]
        assert "□" not in texts(machine)[0]

    async def test_long_picture_slip_fits_a_small_buffer_and_questions_still_get_through(
        self, device: EscposPrinter, machine: EscposMachine
    ) -> None:
        job = PrintJob("long", Slip(tuple(SlipText("㛃" * 24) for _ in range(20))))
        machine.paper_after(9)
        async with opened(device), printing(device, job) as (running, heard):
            await until(lambda: blocked_by(heard, Condition.PAPER_OUT))
            machine.paper("ok")
            await running
        assert texts(machine)[0].count("[picture 576x30]") == 20

    async def test_control_characters_in_a_text_never_reach_the_printer_as_commands(
        self, device: EscposPrinter, machine: EscposMachine
    ) -> None:
        async with opened(device):
            await device.print(PrintJob("odd", Slip((SlipText("甲\x1dV\x00乙\x1b@"),))))
        assert len(machine.slips) == 1
        assert "甲 V 乙 @" in texts(machine)[0]

    async def test_document_is_refused_by_type(self, device: EscposPrinter) -> None:
        async with opened(device):
            with pytest.raises(TypeError, match="A4"):
                await device.print(PrintJob("pdf", PdfDocument(b"%PDF", 1)))


class TestHalfSlips:
    async def test_next_slip_never_carries_lines_of_the_one_before(
        self, device: EscposPrinter, hands: SlipHands, machine: EscposMachine
    ) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        await hands.let_paper_end()
        async with opened(device):
            async with printing(device, job) as (running, heard):
                await until(lambda: blocked_by(heard, Condition.PAPER_OUT))
                running.cancel()
            await hands.load()
            await device.print(next_job)
            assert await device.outcome(job.title) is PrintOutcome.NOT_PRINTED
        half, whole = texts(machine)
        assert "以上作废" in half
        assert next_job.title not in half
        assert job.title not in whole

    async def test_half_slip_of_a_cancelled_job_is_voided_and_cut_off_at_once(
        self, device: EscposPrinter, hands: SlipHands, machine: EscposMachine
    ) -> None:
        machine.pace(0.05)
        async with opened(device), printing(device, hands.new_job()) as (running, _):
            running.cancel()
            await until(lambda: len(machine.slips) == 1)
        assert "以上作废" in texts(machine)[0]

    async def test_power_cut_leaves_a_half_slip_that_is_voided_before_the_next(
        self, device: EscposPrinter, hands: SlipHands, machine: EscposMachine
    ) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        await hands.slow(on=True)
        async with opened(device):
            heard: list[PrintProgress] = []
            async with asyncio.TaskGroup() as group:
                failing = group.create_task(error_of(lambda: device.print(job, heard.append)))
                await until(lambda: bool(heard))
                await asyncio.sleep(3 * SLOW_LINE_S)  # some lines
                await machine.unplug()
            assert isinstance(failing.result(), OutcomeUnknown)
        await hands.slow(on=False)
        await machine.plug()
        async with opened(device):
            await device.print(next_job)
        assert job.title not in texts(machine)[-1]
        assert next_job.title in texts(machine)[-1]


class TestStops:
    async def test_cover_opened_in_the_middle_is_told_and_the_slip_comes_out_once(
        self, device: EscposPrinter, hands: SlipHands, machine: EscposMachine
    ) -> None:
        job = hands.new_job()
        machine.pace(0.05)
        async with opened(device), printing(device, job) as (running, heard):
            machine.cover(is_open=True)
            await until(lambda: blocked_by(heard, Condition.COVER_OPEN))
            machine.cover(is_open=False)
            await running
        assert hands.copies(job) == 1

    async def test_cut_that_failed_is_made_once_the_knife_is_free(
        self, device: EscposPrinter, hands: SlipHands, machine: EscposMachine
    ) -> None:
        job = hands.new_job()
        machine.pace(0.05)
        async with opened(device), printing(device, job) as (running, heard):
            machine.cutter_error(True)
            await until(lambda: blocked_by(heard, Condition.CUTTER_ERROR))
            machine.cutter_error(False)
            await running
        assert hands.copies(job) == 1

    async def test_silence_before_a_slip_is_never_taken_for_paper(
        self, device: EscposPrinter, hands: SlipHands, machine: EscposMachine
    ) -> None:
        job = hands.new_job()
        async with opened(device):
            machine.silent(True)
            assert await device.probe() == Health(HealthState.UNKNOWN, frozenset({Condition.SILENT}))
            assert isinstance(await error_of(lambda: device.print(job)), DeviceTimeout)
            machine.silent(False)
            assert await device.probe() == READY
        assert hands.copies(job) == 0

    async def test_silence_in_the_middle_of_a_slip_is_told_and_then_unknown(
        self, device: EscposPrinter, hands: SlipHands, machine: EscposMachine
    ) -> None:
        machine.pace(0.05)
        heard: list[PrintProgress] = []
        async with opened(device), asyncio.TaskGroup() as group:
            failing = group.create_task(error_of(lambda: device.print(hands.new_job(), heard.append)))
            await until(lambda: bool(heard))
            machine.silent(True)
            await until(lambda: blocked_by(heard, Condition.SILENT))
            assert isinstance(await failing, OutcomeUnknown)

    async def test_printer_that_runs_on_without_paper_is_not_believed(
        self, device: EscposPrinter, hands: SlipHands, machine: EscposMachine
    ) -> None:
        job = hands.new_job()
        machine.heedless(True)
        await hands.let_paper_end()
        async with opened(device):
            error = await error_of(lambda: device.print(job))
        assert isinstance(error, OutcomeUnknown)
        assert error.job == job.title
        assert hands.copies(job) == 0

    async def test_font_that_is_not_there_is_named_at_open(self, machine: EscposMachine, tmp_path: Path) -> None:
        device = EscposPrinter("receipt", machine.host, machine.port, font=str(tmp_path / "none.ttc"))
        error = await error_of(device.open)
        assert isinstance(error, DeviceFault)
        assert error.code is DeviceCode.FAULT
        assert "fonts-noto-cjk" in error.detail
