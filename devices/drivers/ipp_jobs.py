"""Jobs at an IPP printer: how one is named, opened, filled, found again and cancelled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from devices.drivers.ipp_client import Refused
from devices.drivers.ipp_codec import Attribute, GroupTag, Operation, Status, Tag
from devices.drivers.ipp_media import LEARNT, LOADED
from devices.drivers.ipp_status import JobStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devices.drivers.ipp_client import IppClient
    from devices.drivers.ipp_codec import Attributes

PDF = "application/pdf"
# RFC 8011 section 4.2.1.1: a job the printer cannot do as asked is refused, not done on other sheets.
FAITHFUL = Attribute(Tag.BOOLEAN, "ipp-attribute-fidelity", (True,))
ENDED = frozenset({Status.NOT_POSSIBLE, Status.NOT_FOUND, Status.GONE})  # answers to Cancel-Job for a job that is over
CLEAR_POLL_S = 0.1
PRINTER_ATTRIBUTES = (
    "printer-state",
    "printer-state-reasons",
    "printer-is-accepting-jobs",
    *LOADED,
)
LEARNT_ATTRIBUTES = (
    "printer-make-and-model",
    "printer-serial-number",
    "document-format-supported",
    "operations-supported",
    *("cups-version", "device-uri"),  # only a queue of a print server has these
    *LEARNT,
)
JOB_ATTRIBUTES = (
    "job-id",
    "job-name",
    "job-state",
    "job-state-reasons",
    "job-impressions-completed",
    "job-media-sheets-completed",
    "job-originating-user-name",
)


class Substituted(Exception):
    """The printer took the job and said it would print it otherwise; nothing was sent. Holds the attributes' names."""


@dataclass(frozen=True, slots=True)
class JobRef:
    """A job as the kiosk remembers it. ``job_id`` 0: the printer's number was never learnt, the title must do.

    ``pages`` and ``sheets`` are what shall come out (0: not known). ``older`` are the numbers of jobs that had the
    title before this one was sent: none of them is this one.
    """

    title: str
    job_id: int = 0
    pages: int = 0
    sheets: int = 0
    older: tuple[int, ...] = ()

    def __str__(self) -> str:
        numbers = ",".join(str(number) for number in (self.job_id, *self.older))
        return f"{self.title}#{numbers}#{self.pages}/{self.sheets}"

    @classmethod
    def parse(cls, text: str) -> JobRef:
        """Read what ``str()`` wrote; a bare title is a reference too."""
        title, numbers, paper = ([*text.rsplit("#", 2), "", ""])[:3]
        job_id, *older = numbers.split(",")
        pages, _, sheets = paper.partition("/")
        if all(number.isdecimal() for number in (job_id, *older, pages, sheets)):
            return cls(title, int(job_id), int(pages), int(sheets), tuple(int(number) for number in older))
        return cls(text)

    def numbered(self, job_id: int) -> JobRef:
        """Return the same job under the printer's number."""
        return replace(self, job_id=job_id, older=() if job_id else self.older)


class IppJobs:
    """The job operations; each raises what ``IppClient.request`` raises.

    Every job bears ``owner`` in front of its title, so that a later life of the terminal, which remembers nothing,
    knows it for its own.
    """

    def __init__(self, client: IppClient, owner: str) -> None:
        self._client = client
        self._owner = owner

    async def printer(self, names: Sequence[str] = PRINTER_ATTRIBUTES) -> Attributes:
        """Return printer attributes, if not told otherwise those the driver judges by."""
        answer = await self._client.request(Operation.GET_PRINTER_ATTRIBUTES, (_wanted(names),))
        return answer.first_of(GroupTag.PRINTER)

    async def create(self, ref: JobRef, template: Sequence[Attribute]) -> JobRef:
        """Open a job without content: the printer's number is known before anything could be printed.

        Raises ``Substituted`` when the printer would print on other sheets than asked; the job is cancelled then.
        """
        answer = await self._client.request(Operation.CREATE_JOB, (self._named(ref), FAITHFUL), template)
        ref = ref.numbered(JobStatus.of(answer.first_of(GroupTag.JOB)).job_id)
        ignored = answer.first_of(GroupTag.UNSUPPORTED).keys() & {attribute.name for attribute in template}
        if ignored:
            await self._cancel(ref.job_id)
            raise Substituted(", ".join(sorted(ignored)))
        return ref

    async def send(self, ref: JobRef, pdf: bytes) -> JobRef:
        """Send the only document of an open job; takes as long as the printer takes to read it."""
        target = (
            _number(ref.job_id),
            Attribute(Tag.MIME_TYPE, "document-format", (PDF,)),
            Attribute(Tag.BOOLEAN, "last-document", (True,)),
        )
        await self._client.request(Operation.SEND_DOCUMENT, target, document=pdf)
        return ref

    async def print_whole(self, ref: JobRef, template: Sequence[Attribute], pdf: bytes) -> JobRef:
        """Open and fill a job in one request, for printers that know no Create-Job."""
        target = (self._named(ref), FAITHFUL, Attribute(Tag.MIME_TYPE, "document-format", (PDF,)))
        answer = await self._client.request(Operation.PRINT_JOB, target, template, document=pdf)
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
            return status if status.name == self._name(ref) else None
        for which in ("not-completed", "completed"):
            found = [status for status in await self._namesakes(ref, which) if status.job_id not in ref.older]
            if found:
                return max(found, key=lambda status: status.job_id)
        return None

    async def unmistakable(self, ref: JobRef) -> JobRef:
        """Return the reference with the numbers of all jobs that have its title already."""
        namesakes = [*await self._namesakes(ref, "not-completed"), *await self._namesakes(ref, "completed")]
        return replace(ref, older=tuple(sorted({status.job_id for status in namesakes})))

    async def cancel(self, ref: JobRef) -> None:
        """Cancel the job. One that is over already, or not known, is no error."""
        status = await self.find(ref)
        if status is not None:
            await self._cancel(status.job_id)

    async def clear(self) -> None:
        """Cancel every job of the owner's and return when none is left; the caller sets the limit.

        One whose cancellation is under way counts until the printer says that it is over: paper may still come.
        """
        while True:
            ours = [status for status in await self._listed("not-completed") if self._owns(status)]
            if not ours:
                return
            for status in ours:
                await self._cancel(status.job_id)
            await asyncio.sleep(CLEAR_POLL_S)

    async def _cancel(self, job_id: int) -> None:
        try:
            await self._client.request(Operation.CANCEL_JOB, (_number(job_id),))
        except Refused as error:
            if error.status not in ENDED:
                raise

    async def _listed(self, which: str) -> list[JobStatus]:
        target = (Attribute(Tag.KEYWORD, "which-jobs", (which,)), _wanted(JOB_ATTRIBUTES))
        answer = await self._client.request(Operation.GET_JOBS, target)
        return [JobStatus.of(attributes) for attributes in answer.all_of(GroupTag.JOB)]

    async def _namesakes(self, ref: JobRef, which: str) -> list[JobStatus]:
        return [status for status in await self._listed(which) if status.name == self._name(ref)]

    def _owns(self, status: JobStatus) -> bool:
        # Either mark will do: printers that ask for no password may note everybody as "anonymous".
        return status.user == self._owner or status.name.startswith(self._prefix)

    @property
    def _prefix(self) -> str:
        return f"{self._owner}:"

    def _name(self, ref: JobRef) -> str:
        return self._prefix + ref.title

    def _named(self, ref: JobRef) -> Attribute:
        return Attribute(Tag.NAME, "job-name", (self._name(ref),))


def _number(job_id: int) -> Attribute:
    return Attribute(Tag.INTEGER, "job-id", (job_id,))


def _wanted(names: Sequence[str]) -> Attribute:
    return Attribute(Tag.KEYWORD, "requested-attributes", tuple(names))
