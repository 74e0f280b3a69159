"""Jobs at an A4 printer told apart, counted to their end and followed over a cable that breaks inside a request."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

import pytest

from devices.drivers.ipp_printer import IppPrinter
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable, OutcomeUnknown
from devices.printer import PrintOutcome, PrintProgress
from devices.sim.ipp_machine import IppMachine
from devices.testing.device import cancelled_in_time, error_of, opened, until
from devices.testing.printer_hands import printing
from devices.values import PrintJob
from tests.sheet_printers import (
    CREATE_JOB,
    PAGES,
    PRINT_JOB,
    SEND_DOCUMENT,
    SLOW_SHEET_S,
    OldFashioned,
    SheetHands,
    pdf,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


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
