# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of a printer, of sheets or of slips. A driver proves itself by subclassing ``PrinterContract``.

The subclass gives two fixtures: ``device``, the driver, not opened; and ``hands``, what a person could do to the
machine; and a ``specimen``, any job of the kind. With a real machine the hands ask a person, and skip what no person
can bring about.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar

from devices.errors import DeviceCode, OutcomeUnknown
from devices.health import READY, Condition
from devices.printer import Printer, PrintOutcome, PrintProgress
from devices.testing.device import (
    IDLE_S,
    IDLE_SHARE,
    DeviceContract,
    cancelled_in_time,
    error_of,
    opened,
    until,
)
from devices.testing.printer_faults import PrinterFaultPoints
from devices.testing.printer_hands import INTO_IT_S, QUIET_S, TICK_S, PrinterHands, blocked_by, printing, ready, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from devices.values import PrintJob, PrintReceipt


class PrintingPoints:
    """What comes out, when, how often, and what a cancelled job leaves."""

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

    async def test_machines_own_counters_grow_by_what_it_printed_or_are_not_told(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        async with opened(device):
            before = await device.counters()
            receipt = await device.print(hands.new_job())
            after = await device.counters()
        for name in ("sheets", "sides", "cuts", "lines", "strobes"):
            then, now = getattr(before, name), getattr(after, name)
            assert (then is None) == (now is None), name
            if then is not None and name in {"sheets", "cuts"}:
                assert now - then == receipt.sheets, name
            elif then is not None:
                assert now - then >= receipt.sheets, name

    async def test_jobs_come_out_once_each_and_in_order(self, device: Printer, hands: PrinterHands) -> None:
        jobs = [hands.new_job() for _ in range(3)]
        async with opened(device):
            for position, job in enumerate(jobs):
                await device.print(job)
                assert [hands.copies(each) for each in jobs] == [1] * (position + 1) + [0] * (2 - position)

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
            await asyncio.sleep(INTO_IT_S)
            await device.close()
            assert isinstance(await failing, OutcomeUnknown)
        await hands.slow(on=False)
        async with opened(device):
            await device.print(next_job)
        assert hands.copies(job) <= 1
        assert hands.copies(next_job) == 1

    async def test_outcome_of_a_job_never_heard_of_is_unknown(self, device: Printer) -> None:
        async with opened(device):
            assert await device.outcome("never-printed") is PrintOutcome.UNKNOWN


class PrinterContract(PrintingPoints, PrinterFaultPoints, DeviceContract[Printer]):
    """Points every printer has to keep. Names of the tests are the faults they prevent."""

    specimen: ClassVar[PrintJob]

    def calls(self, device: Printer) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {
            "probe": device.probe,
            "supplies": device.supplies,
            "counters": device.counters,
            "outcome": lambda: device.outcome("never-printed"),
        }

    def waits(self, device: Printer) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {"print": lambda: device.print(self.specimen)}

    async def make_ready(self, device: Printer, hands: PrinterHands, call: str) -> None:
        del device
        if call == "print":
            await hands.slow(on=True)

    async def test_printer_that_was_opened_is_ready_and_not_merely_usable(self, device: Printer) -> None:
        async with opened(device):
            assert await device.probe() == READY

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

    async def test_waiting_does_not_poll_busily(self, device: Printer, hands: Any) -> None:
        """Of a printer it is the wait for paper that may last for hours."""
        await hands.let_paper_end()
        async with opened(device), printing(device, hands.new_job()) as (running, heard):
            await until(lambda: blocked_by(heard, Condition.PAPER_OUT))
            used = time.process_time()
            await asyncio.wait({running}, timeout=IDLE_S)
            used = time.process_time() - used
            await cancelled_in_time(running)
        assert used < IDLE_SHARE * IDLE_S, f"used {used:.3f} s of processor time in {IDLE_S:g} s"
