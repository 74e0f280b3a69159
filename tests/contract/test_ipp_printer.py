"""The IPP driver against the contract of a printer: over HTTP, with the real ``ippeveprinter`` at the far end."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import itertools
import signal
import socket
import ssl
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import pypdf
import pytest

from devices.drivers import ipp_printer
from devices.drivers.ipp_printer import IppPrinter
from devices.drivers.ipp_reasons import PRINTER_REASONS, SAID
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable, OutcomeUnknown
from devices.health import DEGRADING, READY, Condition, Health, HealthState
from devices.printer import PrinterCounters, PrintOutcome, PrintProgress, Supply, SupplyKind, SupplyState
from devices.sim.ipp_machine import IppMachine
from devices.sim.ippeve.front_panel import FrontPanel
from devices.testing.device import cancelled_in_time, error_of, opened, until
from devices.testing.printer import PrinterContract
from devices.testing.printer_hands import QUIET_S, blocked_by, printing, ready
from devices.values import PdfDocument, PrintJob, Sides, Slip

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from devices.drivers.ipp_codec import Attributes

PAGES = 2
SLOW_SHEET_S = 0.6
CREATE_JOB, SEND_DOCUMENT, PRINT_JOB = 0x05, 0x06, 0x02


# What the real ippeveprinter says of itself, and how its own panel says it.
REASONS = {
    Condition.PAPER_JAM: "media-jam",
    Condition.COVER_OPEN: "cover-open",
    Condition.TRAY_MISSING: "input-tray-missing",
    Condition.WASTE_NEARLY_FULL: "marker-waste-almost-full",
    Condition.WASTE_FULL: "marker-waste-full",
    Condition.MEMORY_FULL: "spool-area-full",
    Condition.PAUSED: "paused",
    Condition.OTHER: "other",
}
LEVELS = frozenset({Condition.PAPER_LOW, Condition.PAPER_OUT, Condition.TONER_LOW, Condition.TONER_OUT})
NO_WORD = "ippeveprinter has no word for it: said by a front panel in TestEveryReason"


class SheetHands:
    """The contract's hands on the simulated machine."""

    said = SAID
    conditions = LEVELS | REASONS.keys()
    out_of_reach: Mapping[Condition, str] = MappingProxyType(dict.fromkeys(SAID - LEVELS - REASONS.keys(), NO_WORD))

    def __init__(self, machine: IppMachine) -> None:
        self.machine = machine
        self.unplug, self.plug, self.mute, self.unmute = machine.unplug, machine.plug, machine.mute, machine.unmute
        self._numbers = itertools.count(1)

    def new_job(self) -> PrintJob:
        title = f"job-{next(self._numbers)}"
        return PrintJob(title, pdf(title, PAGES))

    def copies(self, job: PrintJob) -> int:
        assert isinstance(job.body, PdfDocument)
        return sum(printed.read_bytes() == job.body.content for printed in self.machine.prints)

    async def empty(self) -> None:
        await self.machine.set_paper(False)

    async def let_paper_end(self) -> None:
        self.machine.paper_after(PAGES - 1)

    async def load(self) -> None:
        await self.machine.set_paper(True)

    async def slow(self, on: bool) -> None:
        self.machine.slow(SLOW_SHEET_S if on else 0)

    async def provoke(self, condition: Condition) -> None:
        match condition:
            case Condition.PAPER_LOW:
                await self.machine.paper_low()
            case Condition.PAPER_OUT:
                await self.machine.set_paper(False)
            case Condition.TONER_LOW:
                await self.machine.toner(5)
            case Condition.TONER_OUT:
                await self.machine.toner(0)
            case _:
                await self.machine.report(add=REASONS[condition])

    async def clear(self, condition: Condition) -> None:
        match condition:
            case Condition.PAPER_LOW | Condition.PAPER_OUT:
                await self.machine.set_paper(True)
            case Condition.TONER_LOW | Condition.TONER_OUT:
                await self.machine.toner(80)
            case _:
                await self.machine.report(remove=REASONS[condition])


def pdf(title: str, pages: int) -> PdfDocument:
    writer = pypdf.PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width=595, height=842)
    writer.add_metadata({"/Title": title})
    buffer = io.BytesIO()
    writer.write(buffer)
    return PdfDocument(buffer.getvalue(), pages)


SPECIMEN = PrintJob("specimen", pdf("specimen", PAGES))


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


class OldFashioned(IppPrinter):
    """The driver as it treats a printer that lists neither Create-Job nor Send-Document."""

    def _learn(self, attributes: Attributes) -> None:
        super()._learn(attributes | {"operations-supported": (PRINT_JOB,)})


class TestIppPrinterWithoutCreateJob(PrinterContract):
    """The same for printers that only know Print-Job: there a job's number is learnt late, and its title must do."""

    specimen = SPECIMEN

    @pytest.fixture
    def device(self, machine: IppMachine) -> IppPrinter:
        return OldFashioned("a4", machine.uri)


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


@pytest.fixture
async def panel(machine: IppMachine) -> AsyncIterator[FrontPanel]:
    async with FrontPanel(machine.uri) as panel:
        yield panel


class TestEveryReason:
    """Over HTTP from the real printer, with a front panel that knows every word of the registry."""

    @pytest.fixture
    def device(self, panel: FrontPanel) -> IppPrinter:
        return IppPrinter("a4", panel.uri)

    async def test_every_condition_of_the_driver_is_seen_and_only_a_low_one_lets_a_job_through(
        self, device: IppPrinter, panel: FrontPanel, hands: SheetHands
    ) -> None:
        words = {condition: word for word, condition in PRINTER_REASONS.items() if condition is not None}
        assert words.keys() == SAID
        async with opened(device):
            for condition, word in words.items():
                panel.say("printer-state-reasons", f"{word}-warning")
                health = await device.probe()
                assert health.conditions == {condition}
                assert health.usable == (condition in DEGRADING)
                if not health.usable:
                    job = hands.new_job()
                    assert isinstance(await error_of(partial(device.print, job)), DeviceFault)
                    assert hands.copies(job) == 0
            panel.say("printer-state-reasons")
            assert await device.probe() == READY

    async def test_word_of_a_vendors_own_is_degraded_and_named_in_the_log_once(
        self, device: IppPrinter, panel: FrontPanel, caplog: pytest.LogCaptureFixture
    ) -> None:
        panel.say("printer-state-reasons", "acme-eco-mode-report", "media-low-report")
        async with opened(device):
            for _ in range(2):
                health = await device.probe()
                assert health == Health(HealthState.DEGRADED, frozenset({Condition.OTHER, Condition.PAPER_LOW}))
        assert [record.getMessage() for record in caplog.records if "acme-eco-mode" in record.getMessage()] == [
            "a4: printer-state-reason 'acme-eco-mode' is not known here"
        ]

    async def test_machines_counters_are_told_and_what_it_does_not_know_is_not(
        self, device: IppPrinter, panel: FrontPanel
    ) -> None:
        async with opened(device):
            assert await device.counters() == PrinterCounters()
            panel.say("printer-impressions-completed", 1200)
            panel.say("printer-media-sheets-completed", -2)
            assert await device.counters() == PrinterCounters(sides=1200)

    async def test_queue_of_a_print_server_is_refused_and_the_printer_behind_it_named(
        self, device: IppPrinter, panel: FrontPanel
    ) -> None:
        panel.say("cups-version", "2.4.2")
        panel.say("device-uri", "ipp://user:secret@10.0.0.7/ipp/print")
        error = await error_of(device.open)
        assert isinstance(error, DeviceFault)
        assert "10.0.0.7/ipp/print" in error.detail
        assert "secret" not in error.detail
        assert (await error_of(device.probe)).code is DeviceCode.CLOSED


class TestSheets:
    async def test_letter_in_the_tray_is_no_paper_for_an_a4_document(
        self, device: IppPrinter, hands: SheetHands, machine: IppMachine
    ) -> None:
        job = hands.new_job()
        async with opened(device):
            await machine.load_size("na_letter_8.5x11in")
            assert (await device.probe()).conditions == {Condition.PAPER_OUT}
            error = await error_of(lambda: device.print(job))
            assert (type(error), error.code) == (DeviceFault, DeviceCode.PAPER_OUT)
            assert "loaded is na_letter_8.5x11in" in error.detail
            await hands.load()
            assert hands.copies(job) == 0
            await device.print(job)
            assert hands.copies(job) == 1

    async def test_tray_is_chosen_by_its_name_and_one_that_is_not_there_is_refused(
        self, device: IppPrinter, hands: SheetHands
    ) -> None:
        job = hands.new_job()
        async with opened(device):
            await device.print(replace(job, tray="main"))
            for tray, word in (("cellar", "no tray 'cellar'"), ("by-pass-tray", "in tray by-pass-tray")):
                error = await error_of(partial(device.print, replace(job, tray=tray)))
                assert isinstance(error, DeviceFault)
                assert word in error.detail
        assert hands.copies(job) == 1

    async def test_size_that_is_none_is_a_mistake_of_the_caller(self, device: IppPrinter, hands: SheetHands) -> None:
        async with opened(device):
            with pytest.raises(ValueError, match="iso_a4_210x297mm"):
                await device.print(replace(hands.new_job(), media="A4"))

    async def test_printer_of_one_side_refuses_both_and_one_of_both_counts_its_sheets(
        self, device: IppPrinter, tmp_path: Path, build_dir: Path
    ) -> None:
        three = PrintJob("three", pdf("three", 3), sides=Sides.BOTH)
        async with opened(device):
            assert "both sides" in (await error_of(lambda: device.print(three))).detail
        assert "both sides" in (await error_of(IppPrinter("a4", device.info().address, sides=Sides.BOTH).open)).detail
        duplex = IppMachine(tmp_path / "paper2", tmp_path / "machine2", build_dir, duplex=True)
        await duplex.start()
        try:
            printer, heard = IppPrinter("a4", duplex.uri), list[PrintProgress]()
            async with opened(printer):
                receipt = await printer.print(three, heard.append)
                assert (receipt.sheets, heard[-1].sheets) == (2, 2)
                assert await printer.outcome(receipt.job) is PrintOutcome.PRINTED
                duplex.lose(1)
                error = await error_of(lambda: printer.print(replace(three, title="again")))
                assert "1 of 2" in error.detail
        finally:
            await duplex.stop()

    async def test_supplies_are_named_with_what_is_left(self, device: IppPrinter, machine: IppMachine) -> None:
        async with opened(device):
            await machine.toner(5)
            told = {each.name: each for each in await device.supplies()}
        assert told["Black Toner"] == Supply(SupplyKind.TONER, "Black Toner", 0.05, SupplyState.LOW)
        assert told["Toner Waste Tank"] == Supply(SupplyKind.WASTE, "Toner Waste Tank", 0.75, SupplyState.GOOD)
        assert told["main"] == Supply(SupplyKind.PAPER, "main", 1.0, SupplyState.GOOD)
        assert told["by-pass-tray"].state is SupplyState.UNKNOWN


class TestEncrypted:
    async def test_printer_with_its_own_certificate_is_known_by_it_and_by_no_other(
        self, machine: IppMachine, hands: SheetHands
    ) -> None:
        uri, job = machine.uri.replace("ipp://", "ipps://"), hands.new_job()
        found = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", int(uri.split(":")[2].split("/")[0])))
        pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(found)).hexdigest()
        async with opened(printer := IppPrinter("a4", uri, certificate_sha256=pin)):
            await printer.print(job)
        assert hands.copies(job) == 1
        for other in ("00" * 32, ""):
            error = await error_of(IppPrinter("a4", uri, certificate_sha256=other).open)
            assert isinstance(error, DeviceUnavailable)
        assert "certificate" in (await error_of(IppPrinter("a4", uri, certificate_sha256="00" * 32).open)).detail

    async def test_pin_without_encryption_is_a_mistake_in_the_settings(self, machine: IppMachine) -> None:
        with pytest.raises(ValueError, match="ipps"):
            await IppPrinter("a4", machine.uri, certificate_sha256="00" * 32).open()


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


class TestNamesakes:
    async def test_second_attempt_of_one_title_is_not_taken_for_the_first(
        self, hands: SheetHands, machine: IppMachine
    ) -> None:
        device = OldFashioned("a4", machine.uri)
        first, again, third = (PrintJob("one title", hands.new_job().body) for _ in range(3))
        async with opened(device):
            await machine.jam(True)
            await error_of(lambda: device.print(first))
            await machine.jam(False)
            machine.slow(0.3)
            numbers = set()
            for job in (again, third):
                numbers.add((await device.print(job)).job)
                assert hands.copies(job) == 1  # when it returns, and not some time later
        assert len(numbers) == 2
        assert hands.copies(first) == 0

    async def test_attempt_whose_number_was_never_learnt_does_not_borrow_an_older_ones_outcome(
        self, wired: IppPrinter, tripwire: Tripwire, hands: SheetHands, machine: IppMachine
    ) -> None:
        job = hands.new_job()
        async with opened(wired):
            wired._two_steps = False
            await wired.print(job)
            tripwire.set(PRINT_JOB, 0)
            async with asyncio.TaskGroup() as group:
                failing = group.create_task(error_of(lambda: wired.print(job)))
                await until(lambda: tripwire.tripped)
                error = await failing
            assert isinstance(error, OutcomeUnknown)
            assert await wired.outcome(error.job) is not PrintOutcome.PRINTED
            assert await wired.outcome(job.title) is PrintOutcome.PRINTED
        assert hands.copies(job) == 1


class TestCountedToTheEnd:
    @pytest.mark.parametrize("kind", [IppPrinter, OldFashioned])
    async def test_sheets_out_before_a_jam_are_told_before_the_fault(
        self, kind: type[IppPrinter], hands: SheetHands, machine: IppMachine
    ) -> None:
        device, heard = kind("a4", machine.uri), list[PrintProgress]()
        job = PrintJob("three", pdf("three", 3))
        machine.slow(0.4)
        async with opened(device), asyncio.TaskGroup() as group:
            failing = group.create_task(error_of(lambda: device.print(job, heard.append)))
            await until(lambda: bool(heard) and heard[-1].sheets_done == 1)
            await machine.jam(True)
            assert (await failing).code is DeviceCode.PAPER_JAM
            assert (heard[-1].sheets_done, heard[-1].sheets, heard[-1].blocked) == (1, 3, frozenset())
            assert await device.outcome(heard[-1].job) is PrintOutcome.NOT_PRINTED
        assert [progress.sheets_done for progress in heard] == sorted(progress.sheets_done for progress in heard)

    @pytest.mark.parametrize("kind", [IppPrinter, OldFashioned])
    async def test_each_sheet_is_told_when_it_is_out(
        self, kind: type[IppPrinter], hands: SheetHands, machine: IppMachine
    ) -> None:
        device, heard = kind("a4", machine.uri), list[PrintProgress]()
        machine.slow(0.4)
        async with opened(device):
            await device.print(PrintJob("three", pdf("three", 3)), heard.append)
        assert {progress.sheets_done for progress in heard} == {0, 1, 2, 3}
        assert all(progress.job for progress in heard if progress.sheets_done)

    @pytest.mark.parametrize("kind", [IppPrinter, OldFashioned])
    async def test_job_cancelled_too_late_is_called_printed(
        self, kind: type[IppPrinter], hands: SheetHands, machine: IppMachine
    ) -> None:
        device, job = kind("a4", machine.uri), hands.new_job()
        machine.slow(SLOW_SHEET_S)
        machine.deaf(True)
        async with opened(device):
            async with printing(device, job) as (running, heard):
                await until(lambda: heard[-1].sheets_done == 1)
                await cancelled_in_time(running)
            assert await device.outcome(heard[-1].job) is PrintOutcome.PRINTED
            assert hands.copies(job) == 1

    async def test_job_cancelled_after_its_first_sheet_tells_of_it(
        self, device: IppPrinter, hands: SheetHands, machine: IppMachine
    ) -> None:
        job = hands.new_job()
        machine.slow(SLOW_SHEET_S)
        async with opened(device):
            async with printing(device, job) as (running, heard):
                await until(lambda: heard[-1].sheets_done == 1)
                await cancelled_in_time(running)
            assert heard[-1].sheets_done == 1
            assert await device.outcome(heard[-1].job) is PrintOutcome.NOT_PRINTED
            assert await device.outcome(job.title) is PrintOutcome.UNKNOWN  # a bare title does not tell how many pages
        assert hands.copies(job) == 0


class Tripwire:
    """A cable between driver and machine that breaks at one operation, once: before it, half-way in, or after it."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._operation = 0
        self._share = 0.0
        self.tripped = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def uri(self) -> str:
        assert self._server is not None
        return f"ipp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ipp/print"

    def set(self, operation: int, share: float) -> None:
        """Break when ``share`` of such a request has passed; 1: all of it, none of the answer."""
        self._operation, self._share, self.tripped = operation, share, False

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far: asyncio.StreamWriter | None = None
        try:
            request = await self._request(reader)
            body = request.index(b"\r\n\r\n") + 4
            trip = not self.tripped and int.from_bytes(request[body + 2 : body + 4], "big") == self._operation
            answers, far = await asyncio.open_connection("127.0.0.1", self._target)
            far.write(request[: body + int((len(request) - body) * self._share)] if trip else request)
            await far.drain()
            if not trip or self._share == 1:
                far.write_eof()
                answer = await answers.read()
            self.tripped = self.tripped or trip
            if not trip:
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            for end in (writer, far):
                if end is not None:
                    end.transport.abort() if self.tripped else end.close()
                    with contextlib.suppress(ConnectionError):
                        await end.wait_closed()

    async def _request(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.decode().split("\r\n") if line.lower().startswith("content-length:"))
        return head + await reader.readexactly(int(length.split(":")[1]))


@pytest.fixture
async def tripwire(machine: IppMachine) -> AsyncIterator[Tripwire]:
    async with Tripwire(int(machine.uri.split(":")[2].split("/")[0])) as tripwire:
        yield tripwire


@pytest.fixture
def wired(tripwire: Tripwire) -> IppPrinter:
    return IppPrinter("a4", tripwire.uri)


class TestBrokenCable:
    @pytest.mark.parametrize("share", [0, 0.5, 1])
    async def test_cable_broken_while_the_job_is_opened_prints_nothing_and_says_so(
        self, wired: IppPrinter, tripwire: Tripwire, hands: SheetHands, share: float
    ) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        async with opened(wired):
            tripwire.set(CREATE_JOB, share)
            assert isinstance(await error_of(lambda: wired.print(job)), DeviceUnavailable)
            await wired.print(next_job)
        assert (hands.copies(job), hands.copies(next_job)) == (0, 1)

    @pytest.mark.parametrize(("share", "copies"), [(0, 0), (0.5, 0), (1, 1)])
    async def test_cable_broken_inside_the_document_is_resolved_by_the_printers_word(
        self, wired: IppPrinter, tripwire: Tripwire, hands: SheetHands, share: float, copies: int
    ) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        async with opened(wired):
            tripwire.set(SEND_DOCUMENT, share)
            if copies:
                assert (await wired.print(job)).sheets == PAGES
            else:
                error = await error_of(lambda: wired.print(job))
                assert (type(error), error.code) == (DeviceFault, DeviceCode.JOB_ABORTED)
            assert tripwire.tripped
            await wired.print(next_job)
        assert (hands.copies(job), hands.copies(next_job)) == (copies, 1)

    @pytest.mark.parametrize(("share", "copies"), [(0, 0), (0.5, 0), (1, 1)])
    async def test_cable_broken_inside_print_job_finds_the_job_by_its_title(
        self, wired: IppPrinter, tripwire: Tripwire, hands: SheetHands, share: float, copies: int
    ) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        async with opened(wired):
            wired._two_steps = False
            tripwire.set(PRINT_JOB, share)
            if copies:
                receipt = await wired.print(job)
                assert await wired.outcome(job.title) is await wired.outcome(receipt.job) is PrintOutcome.PRINTED
            else:
                error: DeviceError = await error_of(lambda: wired.print(job))
                assert isinstance(error, OutcomeUnknown | DeviceFault)
            await wired.print(next_job)
        assert (hands.copies(job), hands.copies(next_job)) == (copies, 1)

    async def test_job_cancelled_while_the_cable_is_out_is_withdrawn_before_the_next(
        self, wired: IppPrinter, hands: SheetHands, machine: IppMachine, tripwire: Tripwire
    ) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        machine.slow(1.5)
        async with opened(wired):
            async with printing(wired, job) as (running, _):
                tripwire.set(0x09, 0)  # the question that finds the job to cancel gets lost
                await cancelled_in_time(running)
            machine.slow(0)
            await wired.print(next_job)
            assert (hands.copies(job), hands.copies(next_job)) == (0, 1)
