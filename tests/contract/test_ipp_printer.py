"""The IPP driver against the contract of a printer: over HTTP, with the real ``ippeveprinter`` at the far end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devices.drivers import ipp_printer
from devices.drivers.ipp_printer import IppPrinter
from devices.errors import DeviceCode, DeviceFault, DeviceUnavailable, OutcomeUnknown
from devices.health import Condition
from devices.printer import PrintOutcome, PrintProgress
from devices.sim.ipp_machine import IppMachine
from devices.testing.device import error_of, opened, until
from devices.testing.printer import PrinterContract
from devices.testing.printer_hands import QUIET_S, blocked_by, printing, ready
from devices.values import PdfDocument, PrintJob, Slip
from tests.sheet_printers import (
    PAGES,
    SPECIMEN,
    SheetHands,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(scope="session")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ippeve-build")


@pytest.fixture
async def machine(tmp_path: Path, build_dir: Path) -> AsyncIterator[IppMachine]:
    machine = IppMachine(tmp_path / "paper", tmp_path / "machine", build_dir)
    await machine.start()
    yield machine
    await machine.stop()


@pytest.fixture
def hands(machine: IppMachine) -> SheetHands:
    return SheetHands(machine)


@pytest.fixture
def device(machine: IppMachine) -> IppPrinter:
    return IppPrinter("a4", machine.uri)


class TestIppPrinter(PrinterContract):
    specimen = SPECIMEN


class TestEndings:
    async def test_jam_is_named_and_not_called_printed(
        self, device: IppPrinter, hands: SheetHands, machine: IppMachine
    ) -> None:
        job = hands.new_job()
        await machine.jam(True)
        async with opened(device):
            error = await error_of(lambda: device.print(job))
            assert isinstance(error, DeviceFault)
            assert error.code is DeviceCode.PAPER_JAM
            assert await device.outcome(job.title) is PrintOutcome.NOT_PRINTED
            assert (await device.probe()).conditions == {Condition.PAPER_JAM}
            await machine.jam(False)
            await device.print(job)
        assert hands.copies(job) == 1

    async def test_completed_with_too_few_sheets_is_not_success(
        self, device: IppPrinter, hands: SheetHands, machine: IppMachine
    ) -> None:
        machine.lose(1)
        async with opened(device):
            error = await error_of(lambda: device.print(hands.new_job()))
        assert isinstance(error, DeviceFault)
        assert error.code is DeviceCode.JOB_ABORTED
        assert "1 of 2" in error.detail

    async def test_document_arrives_byte_for_byte_and_nothing_stays_in_the_spool(
        self, device: IppPrinter, hands: SheetHands, machine: IppMachine, tmp_path: Path
    ) -> None:
        job = hands.new_job()
        async with opened(device):
            await device.print(job)
        assert hands.copies(job) == 1
        await until(lambda: not any((tmp_path / "machine" / "spool").iterdir()))

    async def test_printer_that_restarted_does_not_take_another_job_for_ours(
        self, device: IppPrinter, hands: SheetHands, machine: IppMachine
    ) -> None:
        first, second = hands.new_job(), hands.new_job()
        async with opened(device):
            await machine.jam(True)
            await error_of(lambda: device.print(first))
            await machine.unplug()
            await machine.jam(False)
            await machine.plug()
            receipt = await device.print(second)
            assert receipt.job.startswith(f"{second.title}#1#")
            assert await device.outcome(f"{first.title}#1#{PAGES}/{PAGES}") is PrintOutcome.UNKNOWN

    async def test_another_terminals_job_delays_ours_and_it_still_comes_out_once(
        self, device: IppPrinter, hands: SheetHands, machine: IppMachine
    ) -> None:
        theirs, ours = hands.new_job(), hands.new_job()
        other = IppPrinter("a4", machine.uri, owner="another terminal")
        machine.slow(0.5)
        async with opened(other), opened(device), printing(other, theirs) as (running, _):
            await device.print(ours)
            await running
        assert (hands.copies(theirs), hands.copies(ours)) == (1, 1)

    async def test_slip_is_refused_by_type(self, device: IppPrinter) -> None:
        async with opened(device):
            with pytest.raises(TypeError, match="receipt"):
                await device.print(PrintJob("slip", Slip(())))

    async def test_address_that_is_no_printers_is_refused_at_open(self) -> None:
        with pytest.raises(ValueError, match="ipp://"):
            await IppPrinter("a4", "http://127.0.0.1/").open()


# A terminal of its own process, to be killed: prints the file, and says when it waits for paper.
DOOMED_TERMINAL = """
import asyncio, sys
from pathlib import Path
from devices.drivers.ipp_printer import IppPrinter
from devices.drivers.ipp_reasons import PRINTER_REASONS, SAID
from devices.values import PdfDocument, PrintJob

async def main(uri, title, path, pages, two_steps):
    printer = IppPrinter("a4", uri)
    await printer.open()
    printer._two_steps = two_steps == "True"
    job = PrintJob(title, PdfDocument(Path(path).read_bytes(), int(pages)))
    await printer.print(job, lambda progress: progress.blocked and print(*progress.blocked, flush=True))

asyncio.run(main(*sys.argv[1:]))
"""
DOOMED_WORLD = """
import asyncio, sys
from pathlib import Path
from devices.sim.ipp_machine import IppMachine
from devices.sim.ippeve.front_panel import FrontPanel

async def main(out, work, build):
    machine = IppMachine(Path(out), Path(work), Path(build))
    await machine.start()
    print(machine.uri, flush=True)
    await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""


@contextlib.asynccontextmanager
async def doomed(script: str, *arguments: object) -> AsyncIterator[str]:
    """Run a script in a process of its own, give the first line it says, and end it as a power cut would."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, *map(str, arguments)),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            yield (await process.stdout.readline()).decode().strip()
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


async def abandoned(machine: IppMachine, hands: SheetHands, job: PrintJob) -> None:
    """Leave a job in the printer that waits for paper and that nobody cancels: its terminal is gone."""
    await hands.let_paper_end()
    lost = IppPrinter("a4", machine.uri)
    heard = list[PrintProgress]()
    async with opened(lost), asyncio.TaskGroup() as group:
        failing = group.create_task(error_of(lambda: lost.print(job, heard.append)))
        await until(lambda: blocked_by(heard, Condition.PAPER_OUT))
        await lost.close()
    assert isinstance(failing.result(), OutcomeUnknown)


class TestLeftBehind:
    @pytest.mark.parametrize("two_steps", [True, False])
    async def test_blocked_job_of_a_killed_terminal_never_comes_out_in_the_next_visit(
        self, device: IppPrinter, hands: SheetHands, machine: IppMachine, tmp_path: Path, two_steps: bool
    ) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        assert isinstance(job.body, PdfDocument)
        path = tmp_path / "job.pdf"
        path.write_bytes(job.body.content)
        await hands.let_paper_end()
        async with doomed(DOOMED_TERMINAL, machine.uri, job.title, path, PAGES, two_steps) as said:
            assert said == Condition.PAPER_OUT
        async with opened(device):
            await hands.load()
            await ready(device)
            await device.print(next_job)
            await asyncio.sleep(QUIET_S)  # what was left behind would come out now
        assert (hands.copies(job), hands.copies(next_job)) == (0, 1)

    async def test_printer_that_does_not_let_go_of_an_earlier_job_is_not_used_until_it_does(
        self, device: IppPrinter, hands: SheetHands, machine: IppMachine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        monkeypatch.setattr(ipp_printer, "CLEAR_S", 0.5)
        await abandoned(machine, hands, job)
        machine.deaf(True)
        for _ in range(2):
            error = await error_of(device.open)
            assert (type(error), error.code) == (DeviceUnavailable, DeviceCode.BUSY)
            assert (await error_of(device.probe)).code is DeviceCode.CLOSED
        machine.deaf(False)
        await until(lambda: not any((machine._spool).iterdir()))
        async with opened(device):
            await hands.load()
            await ready(device)
            await device.print(next_job)
        assert (hands.copies(job), hands.copies(next_job)) == (0, 1)

    async def test_job_given_up_in_doubt_is_gone_at_the_next_probe(
        self, device: IppPrinter, hands: SheetHands, machine: IppMachine
    ) -> None:
        job = hands.new_job()
        async with opened(device):
            await abandoned(machine, hands, job)
            await device.probe()
            await hands.load()
            await ready(device)
            await asyncio.sleep(QUIET_S)  # what was left behind would come out now
        assert hands.copies(job) == 0

    async def test_job_of_another_owner_is_left_alone(
        self, device: IppPrinter, hands: SheetHands, machine: IppMachine
    ) -> None:
        theirs = hands.new_job()
        other = IppPrinter("a4", machine.uri, owner="another terminal")
        machine.slow(0.5)
        async with opened(other), printing(other, theirs) as (running, _):
            async with opened(device):
                await device.probe()
            await running
        assert hands.copies(theirs) == 1

    async def test_printer_does_not_outlive_the_killed_process_it_belongs_to(
        self, tmp_path: Path, build_dir: Path
    ) -> None:
        async with doomed(DOOMED_WORLD, tmp_path / "paper", tmp_path / "machine", build_dir) as uri:
            port = int(uri.split(":")[2].split("/")[0])
            assert listens(port)
        await until(lambda: not listens(port))


def listens(port: int) -> bool:
    with socket.socket() as link:
        return link.connect_ex(("127.0.0.1", port)) == 0
