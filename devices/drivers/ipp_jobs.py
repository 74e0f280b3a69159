"""Jobs at an IPP printer: how one is named, opened, filled, found again and cancelled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devices.drivers.ipp_client import Refused
from devices.drivers.ipp_codec import Attribute, GroupTag, Operation, Status, Tag
from devices.drivers.ipp_status import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.drivers.ipp_client import IppClient
    from devices.drivers.ipp_codec import Attributes

PDF = "application/pdf"
ENDED = frozenset({Status.NOT_POSSIBLE, Status.NOT_FOUND, Status.GONE})  # answers to Cancel-Job for a job that is over
PRINTER_ATTRIBUTES = (
    "printer-state",
    "printer-state-reasons",
    "printer-is-accepting-jobs",
    "printer-make-and-model",
    "document-format-supported",
    "operations-supported",
)
JOB_ATTRIBUTES = (
    "job-id",
    "job-name",
    "job-state",
    "job-state-reasons",
    "job-impressions-completed",
    "job-media-sheets-completed",
)


@dataclass(frozen=True, slots=True)
class JobRef:
    """A job as the kiosk remembers it. ``job_id`` 0: the printer's number was never learnt, the title must do."""

    title: str
    job_id: int = 0
    pages: int = 0

    def __str__(self) -> str:
        return f"{self.title}#{self.job_id}#{self.pages}"

    @classmethod
    def parse(cls, text: str) -> JobRef:
        """Read what ``str()`` wrote; a bare title is a reference too."""
        title, job_id, pages = ([*text.rsplit("#", 2), "", ""])[:3]
        if job_id.isdecimal() and pages.isdecimal():
            return cls(title, int(job_id), int(pages))
        return cls(text)

    def numbered(self, job_id: int) -> JobRef:
        """Return the same job under the printer's number."""
        return replace(self, job_id=job_id)


class IppJobs:
    """The job operations; each raises what ``IppClient.request`` raises."""

    def __init__(self, client: IppClient, template: Sequence[Attribute]) -> None:
        self._client = client
        self._template = template  # Job Template attributes of every job: media, sides

    async def printer(self) -> Attributes:
        """Return the printer attributes the driver judges by."""
        answer = await self._client.request(Operation.GET_PRINTER_ATTRIBUTES, (_wanted(PRINTER_ATTRIBUTES),))
        return answer.first_of(GroupTag.PRINTER)

    async def create(self, ref: JobRef) -> JobRef:
        """Open a job without content: the printer's number is known before anything could be printed."""
        answer = await self._client.request(Operation.CREATE_JOB, (_named(ref),), self._template)
        return ref.numbered(JobStatus.of(answer.first_of(GroupTag.JOB)).job_id)

    async def send(self, ref: JobRef, pdf: bytes) -> JobRef:
        """Send the only document of an open job; takes as long as the printer takes to read it."""
        target = (
            _number(ref.job_id),
            Attribute(Tag.MIME_TYPE, "document-format", (PDF,)),
            Attribute(Tag.BOOLEAN, "last-document", (True,)),
        )
        await self._client.request(Operation.SEND_DOCUMENT, target, document=pdf)
        return ref

    async def print_whole(self, ref: JobRef, pdf: bytes) -> JobRef:
        """Open and fill a job in one request, for printers that know no Create-Job."""
        target = (_named(ref), Attribute(Tag.MIME_TYPE, "document-format", (PDF,)))
        answer = await self._client.request(Operation.PRINT_JOB, target, self._template, document=pdf)
        return ref.numbered(JobStatus.of(answer.first_of(GroupTag.JOB)).job_id)

    async def find(self, ref: JobRef) -> JobStatus | None:
        """Return the job by its number, or by its title when the number was never learnt; ``None``: not known there.

        A printer that lost its memory counts from 1 again, so the title must agree with the number.
        """
        if ref.job_id:
            target = (_number(ref.job_id), _wanted(JOB_ATTRIBUTES))
            try:
                answer = await self._client.request(Operation.GET_JOB_ATTRIBUTES, target)
            except Refused as error:
                if error.status in ENDED:
                    return None
                raise
            status = JobStatus.of(answer.first_of(GroupTag.JOB))
            return status if status.name == ref.title else None
        for which in ("not-completed", "completed"):
            target = (Attribute(Tag.KEYWORD, "which-jobs", (which,)), _wanted(JOB_ATTRIBUTES))
            answer = await self._client.request(Operation.GET_JOBS, target)
            for attributes in answer.all_of(GroupTag.JOB):
                if (status := JobStatus.of(attributes)).name == ref.title:
                    return status
        return None

    async def cancel(self, ref: JobRef) -> bool:
        """Cancel the job; return whether the printer knew it. One that is over already is no error."""
        status = await self.find(ref)
        if status is None:
            return False
        try:
            await self._client.request(Operation.CANCEL_JOB, (_number(status.job_id),))
        except Refused as error:
            if error.status not in ENDED:
                raise
        return True


def _named(ref: JobRef) -> Attribute:
    return Attribute(Tag.NAME, "job-name", (ref.title,))


def _number(job_id: int) -> Attribute:
    return Attribute(Tag.INTEGER, "job-id", (job_id,))


def _wanted(names: Sequence[str]) -> Attribute:
    return Attribute(Tag.KEYWORD, "requested-attributes", tuple(names))
