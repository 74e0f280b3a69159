# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""What a printer has to keep when something is wrong with it: paper, conditions, and a machine that vanishes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable, OutcomeUnknown
from devices.health import DEGRADING, READY, Condition
from devices.printer import PrintOutcome, PrintProgress, SupplyKind, SupplyState
from devices.testing.device import error_of, opened, until
from devices.testing.printer_hands import INTO_IT_S, QUIET_S, blocked_by, printing, ready

if TYPE_CHECKING:
    from devices.printer import Printer
    from devices.testing.printer_hands import PrinterHands
    from devices.values import PrintJob


class PrinterFaultPoints:
    """The second half of ``PrinterContract``."""

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

    def test_every_condition_the_driver_can_tell_is_brought_about_or_named_with_a_reason(
        self, hands: PrinterHands
    ) -> None:
        assert not hands.conditions & hands.out_of_reach.keys()
        assert hands.conditions | hands.out_of_reach.keys() == hands.said

    async def test_supplies_tell_of_an_empty_tray_and_never_call_the_unknown_good(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        async with opened(device):
            await hands.empty()
            paper = {each.state for each in await device.supplies() if each.kind is SupplyKind.PAPER}
            assert SupplyState.GOOD not in paper
            assert SupplyState.EMPTY in paper or not paper - {SupplyState.UNKNOWN}
            await hands.load()
            await ready(device)
            for each in await device.supplies():
                assert each.name
                assert each.level is None or 0 <= each.level <= 1
                assert (each.state is SupplyState.EMPTY) <= (not each.level)
            assert SupplyState.EMPTY not in {each.state for each in await device.supplies() if each.level != 0}

    async def test_supplies_of_a_mute_printer_are_unknown_or_an_error(
        self, device: Printer, hands: PrinterHands
    ) -> None:
        async with opened(device):
            await hands.mute()
            try:
                told = await device.supplies()
            except DeviceError:
                told = ()
            finally:
                await hands.unmute()
            assert {each.state for each in told} <= {SupplyState.UNKNOWN}

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
                    await until(lambda: hands.copies(job) == 1)
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
            await asyncio.sleep(INTO_IT_S)
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
