"""What the watch of a job tells before it gives its verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from devices.drivers import ipp_watch
from devices.drivers.ipp_jobs import JobRef
from devices.drivers.ipp_status import JobState, JobStatus
from devices.drivers.ipp_watch import JobWatch
from devices.errors import DeviceCode, DeviceFault
from devices.printer import PrintProgress

if TYPE_CHECKING:
    from devices.drivers.ipp_codec import Attributes
    from devices.drivers.ipp_jobs import IppJobs

PAGES = 3


class ToldJobs:
    """A printer that says one thing after the other of a job and stays with the last."""

    def __init__(self, *told: JobStatus) -> None:
        self._told = list(told)

    async def find(self, ref: JobRef) -> JobStatus:
        del ref
        return self._told.pop(0) if len(self._told) > 1 else self._told[0]

    async def printer(self) -> Attributes:
        return {}


def job(state: JobState, impressions: int, *reasons: str) -> JobStatus:
    return JobStatus(7, "t", state, frozenset(reasons), impressions, None)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipp_watch, "POLL_S", 0.01)
    monkeypatch.setattr(ipp_watch, "STOP_POLL_S", 0.01)
    monkeypatch.setattr(ipp_watch, "SETTLE_S", 0.1)


def watch(heard: list[PrintProgress], *told: JobStatus, number: int = 7) -> JobWatch:
    jobs = cast("IppJobs", ToldJobs(*told))
    return JobWatch("a4", jobs, JobRef("t", number, PAGES, PAGES), heard.append)


@pytest.mark.parametrize("state", [JobState.ABORTED, JobState.CANCELED, JobState.COMPLETED])
@pytest.mark.parametrize("late", [False, True])
async def test_sheets_counted_only_with_the_bad_end_or_after_it_are_told_before_the_fault(
    state: JobState, late: bool
) -> None:
    heard = list[PrintProgress]()
    ends = [job(state, 1), job(state, 2)] if late else [job(state, 2)]
    verdict = await watch(heard, job(JobState.PROCESSING, 0), *ends).until_ended()
    assert isinstance(verdict, DeviceFault)
    assert verdict.code is DeviceCode.JOB_ABORTED
    assert (heard[-1].sheets_done, heard[-1].sheets, heard[-1].blocked) == (2, PAGES, frozenset())


async def test_sheets_of_a_cancelled_job_are_told_until_it_has_stopped() -> None:
    heard = list[PrintProgress]()
    stopping = job(JobState.PROCESSING, 1, "processing-to-stop-point")
    await watch(heard, stopping, job(JobState.CANCELED, 2)).until_stopped()
    assert [progress.sheets_done for progress in heard] == [1, 2]


async def test_number_learnt_late_is_told_as_soon_as_it_is_known() -> None:
    heard = list[PrintProgress]()
    await watch(heard, job(JobState.PROCESSING, 0), job(JobState.COMPLETED, PAGES), number=0).until_ended()
    assert [progress.job for progress in heard] == ["", f"t#7#{PAGES}/{PAGES}", f"t#7#{PAGES}/{PAGES}"]


async def test_sheets_told_once_are_never_taken_back() -> None:
    heard = list[PrintProgress]()
    told = (job(JobState.PROCESSING, 2), job(JobState.PROCESSING, 1), job(JobState.COMPLETED, PAGES))
    await watch(heard, *told).until_ended()
    assert [progress.sheets_done for progress in heard] == [0, 2, PAGES]
