# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of a printer, of sheets or of slips. A driver proves itself by subclassing ``PrinterContract``.

The subclass gives two fixtures: ``device``, the driver, not opened; and ``hands``, what a person could do to the
machine. With a real machine the hands ask a person, and skip what no person can bring about.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable, OutcomeUnknown
from devices.health import DEGRADING, READY, Condition
from devices.printer import PrintOutcome, PrintProgress
from devices.testing.handles import open_handles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from devices.printer import Printer
    from devices.values import PrintJob, PrintReceipt

CANCEL_WITHIN_S = 0.5  # design: every wait is cancellable within it
PATIENCE_S = 20.0
QUIET_S = 0.3  # nothing may come out for so long after everything has ended
TICK_S = 0.02
REOPENINGS = 20


class PrinterHands(Protocol):
    """What can be done to the machine from outside."""

    conditions: frozenset[Condition]  # those ``provoke`` can bring about

    def new_job(self) -> PrintJob:
        """Return a job that is printed in several steps and can be told from every other."""
        ...

    def copies(self, job: PrintJob) -> int:
        """Count the complete copies of the job that have come out."""
        ...

    async def empty(self) -> None:
        """Take all paper out; the machine notices."""
        ...

    async def let_paper_end(self) -> None:
        """Leave less paper than the next job needs; the machine does not notice yet."""
        ...

    async def load(self) -> None:
        """Load paper."""
        ...

    async def slow(self, on: bool) -> None:
        """Let each job take two seconds or more, or as little as it can."""
        ...

    async def unplug(self) -> None:
        """Pull the power plug."""
        ...

    async def plug(self) -> None:
        """Give power again."""
        ...

    async def provoke(self, condition: Condition) -> None:
        """Bring a condition about."""
        ...

    async def clear(self, condition: Condition) -> None:
        """Put it right again."""
        ...


class PrinterContract:
    """Points every printer has to keep. Names of the tests are the faults they prevent."""

    # -- life ---------------------------------------------------------------------------------------------------------

    async def test_open_and_close_twice_is_the_same_as_once(self, device: Printer) -> None:
        await device.close()
        await device.open()
        await device.open()
        assert await device.probe() == READY
        await device.close()
        await device.close()

    async def test_calls_on_a_closed_printer_say_so_and_name_the_remedy(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        for call in (device.probe, lambda: device.print(hands.new_job())):
            error = await error_of(call)
            assert isinstance(error, DeviceUnavailable)
            assert error.code is DeviceCode.CLOSED
            assert error.device
            assert "open" in error.detail

    async def test_second_job_at_the_same_time_is_refused_and_the_first_comes_out(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        job, other = hands.new_job(), hands.new_job()
        await hands.slow(on=True)
        async with opened(device), printing(device, job) as (first, _):
            error = await error_of(lambda: device.print(other))
            assert error.code is DeviceCode.BUSY
            assert "cancel" in error.detail
            await hands.slow(on=False)
            await first
        assert (hands.copies(job), hands.copies(other)) == (1, 0)

    async def test_open_without_a_printer_fails_and_works_once_it_is_there(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        await hands.unplug()
        assert isinstance(await error_of(device.open), DeviceUnavailable)
        await hands.plug()
        async with opened(device):
            assert await device.probe() == READY

    async def test_many_openings_leave_no_thread_no_handle_no_task(self, device: Printer, hands: PrinterHands) -> None:
        async with opened(device):
            await device.print(hands.new_job())
        threads, tasks, handles = set(threading.enumerate()), len(asyncio.all_tasks()), open_handles()
        for _ in range(REOPENINGS):
            async with opened(device):
                await device.probe()
        await until(lambda: open_handles() == handles)
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        assert set(threading.enumerate()) <= threads

    async def test_name_plate_is_given(self, device: Printer) -> None:
        plate = device.info()
        assert plate.driver
        assert plate.address

    # -- printing -----------------------------------------------------------------------------------------------------

    async def test_print_returns_only_when_the_paper_is_out(self, device: Printer, hands: PrinterHands) -> None:
        job, heard = hands.new_job(), list[PrintProgress]()
        await hands.slow(on=True)
        async with opened(device), printing(device, job, heard) as (running, _):
            while not running.done():
                assert hands.copies(job) == 0 or await settled(running)
                await asyncio.sleep(TICK_S)
            receipt: PrintReceipt = await running
            assert hands.copies(job) == 1
            assert receipt.sheets == heard[-1].sheets_done == heard[-1].sheets >= 1
            assert receipt.job == heard[-1].job
            assert await device.outcome(receipt.job) is PrintOutcome.PRINTED

    async def test_progress_never_counts_backwards_and_ends_unblocked(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        heard = list[PrintProgress]()
        async with opened(device):
            await device.print(hands.new_job(), heard.append)
        done = [progress.sheets_done for progress in heard]
        assert done == sorted(done)
        assert done[0] == 0
        assert not heard[-1].blocked

    async def test_jobs_come_out_once_each_and_in_order(self, device: Printer, hands: PrinterHands) -> None:
        jobs = [hands.new_job() for _ in range(3)]
        async with opened(device):
            for position, job in enumerate(jobs):
                await device.print(job)
                assert [hands.copies(each) for each in jobs] == [1] * (position + 1) + [0] * (2 - position)

    # -- cancelling ---------------------------------------------------------------------------------------------------

    async def test_cancelled_job_ends_at_once_and_never_comes_out(self, device: Printer, hands: PrinterHands) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        await hands.slow(on=True)
        async with opened(device):
            async with printing(device, job) as (running, heard):
                await cancelled_in_time(running)
            await hands.slow(on=False)
            assert await device.outcome(heard[-1].job) is not PrintOutcome.PRINTED
            await device.print(next_job)
            await asyncio.sleep(QUIET_S)  # a late sheet would come now
            assert (hands.copies(job), hands.copies(next_job)) == (0, 1)

    async def test_job_cancelled_while_paper_is_out_never_comes_out(self, device: Printer, hands: PrinterHands) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        await hands.let_paper_end()
        async with opened(device):
            async with printing(device, job) as (running, heard):
                await until(lambda: blocked_by(heard, Condition.PAPER_OUT))
                await cancelled_in_time(running)
            await hands.load()
            await ready(device)
            await device.print(next_job)
            await asyncio.sleep(QUIET_S)  # a late sheet would come now
            assert (hands.copies(job), hands.copies(next_job)) == (0, 1)

    async def test_job_cancelled_before_it_began_leaves_nothing(self, device: Printer, hands: PrinterHands) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        async with opened(device):
            async with asyncio.TaskGroup() as group:
                running = group.create_task(device.print(job))
                await asyncio.sleep(0)
                await cancelled_in_time(running)
            await device.print(next_job)
            assert (hands.copies(job), hands.copies(next_job)) == (0, 1)

    async def test_job_whose_printer_is_closed_under_it_ends_with_an_error(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        await hands.slow(on=True)
        async with opened(device), asyncio.TaskGroup() as group:
            heard = list[PrintProgress]()
            failing = group.create_task(error_of(lambda: device.print(job, heard.append)))
            await until(lambda: bool(heard))
            await asyncio.sleep(QUIET_S)  # into the middle of it
            await device.close()
            assert isinstance(await failing, OutcomeUnknown)
        await hands.slow(on=False)
        async with opened(device):
            await device.print(next_job)
        assert hands.copies(job) <= 1
        assert hands.copies(next_job) == 1

    # -- paper --------------------------------------------------------------------------------------------------------

    async def test_paper_out_before_the_job_is_a_fault_and_nothing_is_sent(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        job = hands.new_job()
        async with opened(device):
            await hands.empty()
            error = await error_of(lambda: device.print(job))
            assert isinstance(error, DeviceFault)
            assert error.code is DeviceCode.PAPER_OUT
            await hands.load()
            await ready(device)
            await asyncio.sleep(QUIET_S)  # a job that was sent all the same would come out now
            assert hands.copies(job) == 0
            await device.print(job)
            assert hands.copies(job) == 1

    async def test_paper_out_during_the_job_is_told_and_the_job_comes_out_once(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        job = hands.new_job()
        await hands.let_paper_end()
        async with opened(device), printing(device, job) as (running, heard):
            await until(lambda: blocked_by(heard, Condition.PAPER_OUT))
            assert hands.copies(job) == 0
            await hands.load()
            await running
            assert not heard[-1].blocked
            assert hands.copies(job) == 1
            assert await device.probe() == READY

    async def test_each_condition_is_seen_by_probe_and_gone_when_cleared(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        async with opened(device):
            for condition in sorted(hands.conditions):
                await hands.provoke(condition)
                health = await device.probe()
                assert health.conditions == {condition}
                assert health.usable == (condition in DEGRADING)
                await hands.clear(condition)
                assert await device.probe() == READY

    async def test_no_condition_but_a_low_one_lets_a_job_through(self, device: Printer, hands: PrinterHands) -> None:
        async with opened(device):
            for condition in sorted(hands.conditions - DEGRADING):
                await hands.provoke(condition)
                job = hands.new_job()
                assert isinstance(await error_of(partial(device.print, job)), DeviceError)
                await hands.clear(condition)
                assert hands.copies(job) == 0

    # -- vanishing ----------------------------------------------------------------------------------------------------

    async def test_printer_gone_before_the_job_is_unavailable_and_not_unknown(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        job = hands.new_job()
        async with opened(device):
            await hands.unplug()
            assert isinstance(await error_of(lambda: device.print(job)), DeviceUnavailable)
            assert isinstance(await error_of(device.probe), DeviceUnavailable)
        await hands.plug()
        async with opened(device):
            await device.print(job)
        assert hands.copies(job) == 1

    async def test_printer_gone_during_the_job_is_told_honestly_and_nothing_prints_twice(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        await hands.slow(on=True)
        async with opened(device):
            reference = await self._vanish(device, hands, job)
        await hands.slow(on=False)
        await self._back_and_honest(device, hands, reference, job, next_job)

    async def test_printer_gone_while_it_waits_for_paper_is_told_honestly(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        job, next_job = hands.new_job(), hands.new_job()
        await hands.let_paper_end()
        async with opened(device):
            reference = await self._vanish(device, hands, job, Condition.PAPER_OUT)
        await hands.load()
        await self._back_and_honest(device, hands, reference, job, next_job)

    async def test_printer_gone_with_the_last_sheet_is_never_called_not_printed(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        job = hands.new_job()
        async with opened(device):
            try:
                async with asyncio.TaskGroup() as group:
                    running = group.create_task(device.print(job))
                    await until(lambda: hands.copies(job) == 1, every=0)
                    await hands.unplug()
                reference = running.result().job
            except* OutcomeUnknown as errors:
                reference = "".join(str(error.job) for error in errors.exceptions if isinstance(error, OutcomeUnknown))
        await hands.plug()
        async with opened(device):
            assert await device.outcome(reference) is not PrintOutcome.NOT_PRINTED
            assert hands.copies(job) == 1

    async def _vanish(self, device: Printer, hands: PrinterHands, job: PrintJob, when: Condition | None = None) -> str:
        """Pull the plug inside the job; return the reference the error gives."""
        heard = list[PrintProgress]()
        async with asyncio.TaskGroup() as group:
            failing = group.create_task(error_of(lambda: device.print(job, heard.append)))
            await until(lambda: bool(heard) and (when is None or blocked_by(heard, when)))
            await asyncio.sleep(QUIET_S)  # into the middle of it
            await hands.unplug()
        error = failing.result()
        assert isinstance(error, OutcomeUnknown)
        assert error.job
        return error.job

    async def _back_and_honest(
        self, device: Printer, hands: PrinterHands, reference: str, job: PrintJob, next_job: PrintJob
    ) -> None:
        await hands.plug()
        async with opened(device):
            await ready(device)
            assert await device.outcome(reference) is not PrintOutcome.PRINTED
            await device.print(next_job)
            await asyncio.sleep(QUIET_S)  # a job sent again would come out now
            assert (hands.copies(job), hands.copies(next_job)) == (0, 1)

    async def test_outcome_of_a_job_never_heard_of_is_unknown(self, device: Printer) -> None:
        async with opened(device):
            assert await device.outcome("never-printed") is PrintOutcome.UNKNOWN


@asynccontextmanager
async def opened(device: Printer) -> AsyncIterator[None]:
    """Open the device around a test that must not take long; closing never depends on its success."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await device.open()
            yield
    finally:
        await device.close()


@asynccontextmanager
async def printing(
    device: Printer, job: PrintJob, heard: list[PrintProgress] | None = None
) -> AsyncIterator[tuple[asyncio.Task[PrintReceipt], list[PrintProgress]]]:
    """Start a job and give its task once the printer has begun, with what it reports."""
    heard = [] if heard is None else heard
    async with asyncio.TaskGroup() as group:
        running = group.create_task(device.print(job, heard.append))
        await until(lambda: bool(heard))
        await asyncio.sleep(QUIET_S)  # into the middle of it
        yield running, heard


async def settled(running: asyncio.Task[PrintReceipt]) -> bool:
    """Give the driver the moment it needs to see what a person sees already."""
    await asyncio.wait({running}, timeout=PATIENCE_S)
    return running.done()


async def cancelled_in_time(running: asyncio.Task[Any]) -> None:
    """Cancel and hold the driver to the promised time."""
    began = time.monotonic()
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert time.monotonic() - began < CANCEL_WITHIN_S


async def ready(device: Printer) -> None:
    """Wait until the printer says that it can print: one that was switched on needs a moment."""
    async with asyncio.timeout(PATIENCE_S):
        for _ in itertools.count():
            if await device.probe() == READY:
                return
            await asyncio.sleep(TICK_S)


def blocked_by(heard: list[PrintProgress], condition: Condition) -> bool:
    """Tell whether the newest report says that the job waits for ``condition`` to go."""
    return bool(heard) and condition in heard[-1].blocked


async def until(condition: Callable[[], bool], every: float = TICK_S) -> None:
    """Wait for a fact about the machine."""
    async with asyncio.timeout(PATIENCE_S):
        for _ in itertools.count():
            if condition():
                return
            await asyncio.sleep(every)


async def error_of(call: Callable[[], Coroutine[Any, Any, object]]) -> DeviceError:
    """Return the error that ``call`` ends with; it has to, and soon."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            await call()
        except DeviceError as error:
            return error
    raise AssertionError("no error was raised")
