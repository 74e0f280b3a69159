"""Follow one job at the printer until it has ended, one way or the other."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from devices.drivers.ipp_client import Broken, NotReached, Refused
from devices.drivers.ipp_status import Ending, JobState, JobStatus, conditions
from devices.errors import DeviceCode, DeviceError, DeviceFault, OutcomeUnknown
from devices.health import DEGRADING, Condition
from devices.printer import PrintProgress
from devices.values import PrintReceipt

if TYPE_CHECKING:
    from devices.drivers.ipp_jobs import IppJobs, JobRef
    from devices.printer import OnProgress

POLL_S = 0.15
BLOCKED_POLL_S = 0.5  # while it waits for a person
LOST_S = 2.0  # no sensible answer for so long: the printer is gone. Shorter gaps are a network's hiccup
SETTLE_S = 1.0  # a printer may count its last sheet a moment after it says that the job is over
STOP_POLL_S = 0.05
HELD_S = 2.0  # a job kept back for longer waits for a person, though the printer itself says nothing


class JobWatch:
    """Polls a job and tells its progress; the delivery of the document runs beside it and reports here."""

    def __init__(self, device: str, jobs: IppJobs, ref: JobRef, report: OnProgress) -> None:
        self.ref = ref
        self._device = device
        self._jobs = jobs
        self._sheets = ref.sheets
        self._report = report
        self._told: PrintProgress | None = None
        self._refused: DeviceError | None = None
        self._delivered = False
        self._lost = False
        self._waiting_since: float | None = None
        self._held_since: float | None = None
        self._doubt_since: float | None = None

    def delivered(self, ref: JobRef) -> None:
        """Note that the printer has the whole document."""
        self.ref = ref
        self._delivered = True

    def refused_for_now(self) -> None:
        """Note that the printer is busy with somebody else's job."""
        self._tell(0, frozenset({Condition.NOT_ACCEPTING}))

    def not_delivered(self, error: DeviceError) -> None:
        """Note that the printer certainly has no document."""
        self._refused = error

    def delivery_lost(self) -> None:
        """Note that the link broke inside the delivery: only the printer knows how much it has."""
        self._lost = True

    async def until_ended(self) -> PrintReceipt | DeviceError:
        """Return the receipt, or the error to raise. A stop that staff can clear is reported and waited for."""
        clock = asyncio.get_running_loop()
        self._tell(0, frozenset())
        heard = clock.time()
        while True:
            if self._refused is not None:
                return self._refused
            should_be_known = bool(self.ref.job_id) or self._lost  # as of now: the delivery may end during the reading
            try:
                status, printer = await self._read()
            except (NotReached, Broken, Refused, DeviceError):
                if clock.time() - heard > LOST_S:
                    return self._unknown("printer gone while the job was in it")
            else:
                heard = clock.time()
                await self._give_up_half_delivered(status, heard)
                verdict = (
                    self._gone_from_printer(should_be_known) if status is None else self._weigh(status, printer, heard)
                )
                if verdict is not None:
                    return verdict
            await asyncio.sleep(BLOCKED_POLL_S if self._told and self._told.blocked else POLL_S)

    async def until_stopped(self) -> None:
        """Tell the sheets that still come out of a cancelled job; raises what asking raises."""
        while (status := await self._find()) is not None:
            self._tell(self._done(status), frozenset())
            if status.over:
                return
            await asyncio.sleep(STOP_POLL_S)

    async def _read(self) -> tuple[JobStatus | None, frozenset[Condition]]:
        status = await self._find()
        return status, conditions(await self._jobs.printer())

    async def _find(self) -> JobStatus | None:
        status = await self._jobs.find(self.ref)
        if status is not None and not self.ref.job_id:
            self.ref = self.ref.numbered(status.job_id)
        return status

    async def _give_up_half_delivered(self, status: JobStatus | None, now: float) -> None:
        """Cancel a job that waits for a document whose delivery broke off: its end is then a certain one."""
        if not self._lost or status is None or status.state not in {JobState.PENDING, JobState.HELD}:
            self._waiting_since = None
            return
        self._waiting_since = self._waiting_since or now
        if now - self._waiting_since > LOST_S:
            with contextlib.suppress(NotReached, Broken, Refused, DeviceError):  # asked again at the next reading
                await self._jobs.cancel(self.ref)

    def _gone_from_printer(self, should_be_known: bool) -> DeviceError | None:
        return self._unknown("printer does not know the job (any more)") if should_be_known else None

    def _weigh(self, status: JobStatus, printer: frozenset[Condition], now: float) -> PrintReceipt | DeviceError | None:
        done = self._done(status)
        match status.ending(self.ref.pages, self._sheets):
            case Ending.PRINTED if self._lost and not status.counts:
                return self._unknown("link lost inside the document, and this printer does not count sheets")
            case Ending.PRINTED:
                self._tell(self._sheets, frozenset())
                return PrintReceipt(str(self.ref.numbered(status.job_id)), status.sheets or self._sheets)
            case Ending.OPEN:
                self._doubt_since = None
                blocked = printer - DEGRADING
                if status.state == JobState.PROCESSING:
                    blocked -= {Condition.NOT_ACCEPTING}  # busy with this very job
                elif self._held(status, now) and not blocked:
                    blocked = frozenset({Condition.PAUSED})  # somebody has to release it at the printer's panel
                self._tell(done, blocked)
                return None
            case ending:
                self._tell(done, frozenset())  # the caller has to know what lies in the tray
                self._doubt_since = self._doubt_since or now
                return None if now - self._doubt_since < SETTLE_S else self._ended_badly(ending, status, printer)

    def _held(self, status: JobStatus, now: float) -> bool:
        """Tell whether the printer keeps a whole job back; for a moment each one is, before it begins."""
        if not self._delivered or status.state not in {JobState.HELD, JobState.STOPPED}:
            self._held_since = None
            return False
        self._held_since = self._held_since or now
        return now - self._held_since > HELD_S

    def _ended_badly(self, ending: Ending, status: JobStatus, printer: frozenset[Condition]) -> DeviceError:
        if ending is Ending.DOUBTFUL:
            return self._unknown("says completed as a queue does: address the printer itself")
        if ending is Ending.SHORT:
            counted = f"{self._done(status)} of {self._sheets}"
            return self._fault(f"says completed but counts {counted} sheets", DeviceCode.JOB_ABORTED)
        code = DeviceCode.PAPER_JAM if Condition.PAPER_JAM in printer else DeviceCode.JOB_ABORTED
        return self._fault(f"printer ended the job: {', '.join(sorted(status.reasons))}", code)

    def _done(self, status: JobStatus) -> int:
        if status.sheets is not None:
            return min(status.sheets, self._sheets)
        sides = -(-self.ref.pages // self._sheets) if self._sheets else 1
        return min((status.impressions or 0) // sides, self._sheets)

    def _tell(self, done: int, blocked: frozenset[Condition]) -> None:
        if self._told is not None:
            done = max(done, self._told.sheets_done)  # paper that is out stays out
        progress = PrintProgress(done, self._sheets, blocked, str(self.ref) if self.ref.job_id else "")
        if progress != self._told:
            self._told = progress
            self._report(progress)

    def _fault(self, detail: str, code: DeviceCode) -> DeviceFault:
        return DeviceFault(detail, code=code, device=self._device)

    def _unknown(self, detail: str) -> OutcomeUnknown:
        return OutcomeUnknown(detail, job=str(self.ref), device=self._device)
