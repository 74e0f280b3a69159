"""One document on its way into an IPP printer: opened, sent, watched, withdrawn."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from devices.drivers.ipp_client import Broken, NotReached, Refused
from devices.drivers.ipp_codec import Status
from devices.drivers.ipp_jobs import Substituted
from devices.drivers.ipp_watch import JobWatch
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable
from devices.health import Condition
from devices.printer import PrintProgress

if TYPE_CHECKING:
    from devices.drivers.ipp_codec import Attribute
    from devices.drivers.ipp_jobs import IppJobs, JobRef
    from devices.printer import OnProgress
    from devices.values import PrintReceipt

WITHDRAW_S = 0.4  # the port promises that a cancelled wait ends within 0.5 s
BUSY_RETRY_S = 0.3


class Delivery:
    """One job. ``two_steps``: the printer knows Create-Job and Send-Document."""

    def __init__(
        self, device: str, jobs: IppJobs, template: tuple[Attribute, ...], report: OnProgress, *, two_steps: bool
    ) -> None:
        self._device = device
        self._jobs = jobs
        self._template = template
        self._report = report
        self._two_steps = two_steps

    async def run(self, ref: JobRef, pdf: bytes) -> PrintReceipt | DeviceError:
        """Print and return the receipt, or the error to raise. Cancelled, it withdraws the job."""
        try:
            if self._two_steps:
                ref = await self._create(ref)
            else:
                ref = await self._unmistakable(ref)
            watch = JobWatch(self._device, self._jobs, ref, self._report)
        except asyncio.CancelledError:
            await self._withdraw(ref)
            raise
        return await self._deliver_and_watch(watch, pdf)

    async def _create(self, ref: JobRef) -> JobRef:
        while True:
            try:
                return await self._jobs.create(ref, self._template)
            except NotReached as error:
                raise gone("before a job was opened", self._device) from error
            except Broken as error:  # an empty job may stay behind: the next clearing finds it
                raise gone("before the document was sent", self._device) from error
            except Substituted as error:
                detail = f"printer would print it otherwise than asked: {error}"
                raise DeviceFault(detail, code=DeviceCode.JOB_ABORTED, device=self._device) from error
            except Refused as error:
                if error.status != Status.BUSY:
                    raise refusal(error, self._device) from error
            self._report(PrintProgress(0, ref.sheets, frozenset({Condition.NOT_ACCEPTING})))
            await asyncio.sleep(BUSY_RETRY_S)  # busy with another job: nothing was taken in, asking again is safe

    async def _unmistakable(self, ref: JobRef) -> JobRef:
        try:
            return await self._jobs.unmistakable(ref)
        except (NotReached, Broken) as error:
            raise gone("before the document was sent", self._device) from error
        except Refused as error:
            raise refusal(error, self._device) from error

    async def _deliver_and_watch(self, watch: JobWatch, pdf: bytes) -> PrintReceipt | DeviceError:
        """Send the document and watch its job at the same time: small printers read on only as paper comes out."""
        async with asyncio.TaskGroup() as tasks:
            delivery = tasks.create_task(self._deliver(watch, pdf))
            try:
                return await watch.until_ended()
            except asyncio.CancelledError:
                with contextlib.suppress(TimeoutError, NotReached, Broken, Refused, DeviceError):
                    async with asyncio.timeout(WITHDRAW_S):
                        # While the upload lives: only a job the printer knows can be cancelled.
                        await self._withdraw(watch.ref)
                        await watch.until_stopped()
                raise
            finally:
                delivery.cancel()

    async def _deliver(self, watch: JobWatch, pdf: bytes) -> None:
        """Hand the document over and tell the watch what became of it; raises nothing."""
        try:
            watch.delivered(await (self._jobs.send(watch.ref, pdf) if self._two_steps else self._whole(watch, pdf)))
        except NotReached:
            watch.not_delivered(gone("before the document was sent", self._device))
        except Refused as error:
            watch.not_delivered(refusal(error, self._device))
        except (Broken, DeviceError):
            watch.delivery_lost()

    async def _whole(self, watch: JobWatch, pdf: bytes) -> JobRef:
        while True:
            try:
                return await self._jobs.print_whole(watch.ref, self._template, pdf)
            except Refused as error:
                if error.status != Status.BUSY:
                    raise
            watch.refused_for_now()
            await asyncio.sleep(BUSY_RETRY_S)  # as in _create

    async def _withdraw(self, ref: JobRef) -> None:
        """Cancel the job at the printer within ``WITHDRAW_S``; what stays behind is found before the next job."""
        with contextlib.suppress(TimeoutError, NotReached, Broken, Refused, DeviceError):
            async with asyncio.timeout(WITHDRAW_S):
                await self._jobs.cancel(ref)


def gone(when: str, device: str) -> DeviceUnavailable:
    """Return the error of a printer that is not to be reached."""
    return DeviceUnavailable(f"printer gone {when}: check cable and power", device=device)


def refusal(error: Refused, device: str) -> DeviceError:
    """Return the error of a printer that says no."""
    match error.status:
        case Status.BUSY:
            return DeviceUnavailable("printer busy with another job", code=DeviceCode.BUSY, device=device)
        case Status.UNSUPPORTED_VALUES | Status.CONFLICTING:
            detail = f"printer cannot print on these sheets as asked: check its paper settings ({error})"
            return DeviceFault(detail, code=DeviceCode.JOB_ABORTED, device=device)
        case _:
            return DeviceFault(f"printer refused: {error}", code=DeviceCode.JOB_ABORTED, device=device)
