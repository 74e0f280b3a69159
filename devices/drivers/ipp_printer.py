"""Driver: an A4 printer spoken to directly by IPP (RFC 8010, RFC 8011, PWG 5100.14), never through a queue.

A queue's word is not a printer's: CUPS says *completed* for a job its printer aborted. So the document goes straight
to the printer, and a job counts as printed only when the printer itself says so and no counter of it says otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, TypeVar

from devices.device import DeviceInfo
from devices.drivers.ipp_client import Broken, IppClient, NotReached, Refused
from devices.drivers.ipp_codec import Attribute, Operation, Status, Tag
from devices.drivers.ipp_jobs import PDF, IppJobs, JobRef
from devices.drivers.ipp_status import Ending, conditions, fault
from devices.drivers.ipp_watch import POLL_S, JobWatch
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable
from devices.health import DEGRADING, Condition, Health
from devices.printer import Printer, PrintOutcome, PrintProgress
from devices.values import PdfDocument, PrintReceipt

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from devices.drivers.ipp_codec import Attributes
    from devices.drivers.ipp_status import JobStatus
    from devices.printer import OnProgress
    from devices.values import PrintJob

T = TypeVar("T")

WITHDRAW_S = 0.4  # the port promises that a cancelled wait ends within 0.5 s
BUSY_RETRY_S = 0.3
CLEAR_S = 4.0  # within the manager's limit for a probe; a printer that needs longer is tried again
OUTCOME_S = 2.0  # so long a job that is being stopped, or whose count is short, may change its mind


class IppPrinter(Printer):
    """One printer by its URI. ``media`` is a PWG 5101.1 size name, ``sides`` an RFC 8011 keyword.

    ``owner`` marks the terminal's jobs at the printer. Unfinished ones of an earlier life, which a power cut may leave,
    are cancelled before the printer is used: terminals that share a printer need an ``owner`` each. Raises
    ``ValueError`` without one.
    """

    def __init__(
        self,
        name: str,
        uri: str,
        media: str = "iso_a4_210x297mm",
        sides: str = "one-sided",
        owner: str = "tongban",
    ) -> None:
        if not owner:
            raise ValueError("owner: a printer names nobody for jobs of others, too; give the terminal's jobs a mark")
        self._name = name
        self._owner = owner
        self._uri = uri
        self._sides = sides
        self._template = (Attribute(Tag.KEYWORD, "media", (media,)), Attribute(Tag.KEYWORD, "sides", (sides,)))
        self._client: IppClient | None = None
        self._jobs: IppJobs | None = None
        self._model = ""
        self._two_steps = True
        self._printing = False
        self._clearing = asyncio.Lock()  # a probe's clearing must not meet the job that a print opens

    async def open(self) -> None:
        """Reach the printer, check that it takes PDF, and see that no job of an earlier life is left in it.

        Raises ``DeviceUnavailable`` (also when such a job does not end) or ``DeviceFault``.
        """
        if self._jobs is not None:
            return
        self._client = IppClient(self._uri, self._owner)
        self._jobs = IppJobs(self._client, self._template, self._owner)
        try:
            self._learn(await self._asking(self._jobs.printer()))
            await self._clear()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Free the connection; a job that is still to be withdrawn is found by the next open."""
        client, self._client, self._jobs = self._client, None, None
        if client is not None:
            await client.close()

    async def probe(self) -> Health:
        """Ask the printer itself. Raises ``DeviceUnavailable`` when it does not answer or keeps a forsaken job."""
        if not self._printing:
            await self._clear(probing=True)
        return Health.of(conditions(await self._asking(self._opened().printer())))

    def info(self) -> DeviceInfo:
        """Return the name plate; the model is known after the first open."""
        return DeviceInfo("ipp_printer", self._uri, self._model)

    async def print(self, job: PrintJob, on_progress: OnProgress | None = None) -> PrintReceipt:
        """Print a ``PdfDocument`` unchanged; the port says what is raised when."""
        if not isinstance(job.body, PdfDocument):
            raise TypeError("this printer takes whole PDF documents; slips go to a receipt printer")
        self._opened()
        if self._printing:
            raise DeviceUnavailable(
                "a job is printing: await or cancel it first", code=DeviceCode.BUSY, device=self._name
            )
        self._printing = True
        try:
            verdict = await self._print(job.title, job.body, on_progress or _unheard)
        finally:
            self._printing = False
        if isinstance(verdict, DeviceError):
            raise verdict
        return verdict

    async def outcome(self, job: str) -> PrintOutcome:
        """Look the job up at the printer by number and title. Raises ``DeviceUnavailable`` when it does not answer.

        A job that was cancelled a moment ago is followed to its end: what came of it is certain only then.
        """
        ref = JobRef.parse(job)
        clock = asyncio.get_running_loop()
        until = clock.time() + OUTCOME_S
        while True:
            status = await self._asking(self._opened().find(ref))
            if status is None:
                return PrintOutcome.UNKNOWN  # printers forget: not knowing a job is no proof either way
            ending = status.ending(ref.pages, self._sheets(ref.pages))
            if not (status.stopping or ending is Ending.SHORT) or clock.time() > until:
                return self._judge(ref, status, ending)
            await asyncio.sleep(POLL_S)

    def _judge(self, ref: JobRef, status: JobStatus, ending: Ending) -> PrintOutcome:
        match ending:
            case Ending.PRINTED:
                return PrintOutcome.PRINTED
            case Ending.FAILED | Ending.SHORT:
                sides = ref.pages if status.impressions is not None else self._sheets(ref.pages)
                counted = (status.impressions if status.impressions is not None else status.sheets) or 0
                if counted and not ref.pages:
                    return PrintOutcome.UNKNOWN  # something came out; whether it was all, a bare title does not tell
                # A job cancelled after its last side is a printed one.
                return PrintOutcome.PRINTED if counted and counted >= sides else PrintOutcome.NOT_PRINTED
            case _:
                return PrintOutcome.UNKNOWN

    def _learn(self, attributes: Attributes) -> None:
        if PDF not in attributes.get("document-format-supported", (PDF,)):
            raise DeviceFault("printer does not take PDF: install one that does", device=self._name)
        self._model = str(next(iter(attributes.get("printer-make-and-model", ())), ""))
        operations = set(attributes.get("operations-supported", ()))
        self._two_steps = {Operation.CREATE_JOB, Operation.SEND_DOCUMENT} <= operations

    # -- printing -----------------------------------------------------------------------------------------------------

    async def _print(self, title: str, document: PdfDocument, report: OnProgress) -> PrintReceipt | DeviceError:
        jobs = self._opened()
        ref = JobRef(title, pages=document.pages)
        sheets = self._sheets(document.pages)
        await self._clear()
        blocking = conditions(await self._asking(jobs.printer())) - DEGRADING
        if blocking:
            return fault(blocking, self._name)
        try:
            if self._two_steps:
                ref = await self._create(jobs, ref, sheets, report)
            else:
                ref = await self._asking(jobs.unmistakable(ref))
            watch = JobWatch(self._name, jobs, ref, sheets, report)
        except asyncio.CancelledError:
            await self._withdraw(ref)
            raise
        return await self._deliver_and_watch(jobs, watch, document.content)

    async def _create(self, jobs: IppJobs, ref: JobRef, sheets: int, report: OnProgress) -> JobRef:
        while True:
            try:
                return await jobs.create(ref)
            except NotReached as error:
                raise self._gone("before a job was opened") from error
            except Broken as error:  # an empty job may stay behind: the next clearing finds it
                raise self._gone("before the document was sent") from error
            except Refused as error:
                if error.status != Status.BUSY:
                    raise self._refusal(error) from error
            report(PrintProgress(0, sheets, frozenset({Condition.NOT_ACCEPTING})))
            await asyncio.sleep(BUSY_RETRY_S)  # busy with another job: nothing was taken in, asking again is safe

    async def _deliver_and_watch(self, jobs: IppJobs, watch: JobWatch, pdf: bytes) -> PrintReceipt | DeviceError:
        """Send the document and watch its job at the same time: small printers read on only as paper comes out."""
        async with asyncio.TaskGroup() as tasks:
            delivery = tasks.create_task(self._deliver(jobs, watch, pdf))
            try:
                return await watch.until_ended()
            except asyncio.CancelledError:
                with contextlib.suppress(TimeoutError, NotReached, Broken, Refused, DeviceError):
                    async with asyncio.timeout(WITHDRAW_S):
                        await self._withdraw(
                            watch.ref
                        )  # while the upload lives: a job the printer knows can be cancelled
                        await watch.until_stopped()
                raise
            finally:
                delivery.cancel()

    async def _deliver(self, jobs: IppJobs, watch: JobWatch, pdf: bytes) -> None:
        """Hand the document over and tell the watch what became of it; raises nothing."""
        try:
            watch.delivered(await (jobs.send(watch.ref, pdf) if self._two_steps else self._whole(jobs, watch, pdf)))
        except NotReached:
            watch.not_delivered(self._gone("before the document was sent"))
        except Refused as error:
            watch.not_delivered(self._refusal(error))
        except (Broken, DeviceError):
            watch.delivery_lost()

    async def _whole(self, jobs: IppJobs, watch: JobWatch, pdf: bytes) -> JobRef:
        while True:
            try:
                return await jobs.print_whole(watch.ref, pdf)
            except Refused as error:
                if error.status != Status.BUSY:
                    raise
            watch.refused_for_now()
            await asyncio.sleep(BUSY_RETRY_S)  # as in _create

    # -- withdrawing --------------------------------------------------------------------------------------------------

    async def _withdraw(self, ref: JobRef) -> None:
        """Cancel the job at the printer within ``WITHDRAW_S``; what stays behind is found before the next job."""
        if self._jobs is None:
            return
        with contextlib.suppress(TimeoutError, NotReached, Broken, Refused, DeviceError):
            async with asyncio.timeout(WITHDRAW_S):
                await self._jobs.cancel(ref)

    async def _clear(self, *, probing: bool = False) -> None:
        """Cancel every job of ours and see each gone: nothing of one visit may come out in another.

        Only the printer's own list counts: what this process remembers of its jobs dies with it. Raises
        ``DeviceUnavailable`` when a job does not end within ``CLEAR_S``.
        """
        async with self._clearing:
            if probing and self._printing:
                return
            try:
                async with asyncio.timeout(CLEAR_S):
                    await self._asking(self._opened().clear())
            except TimeoutError as error:
                raise DeviceUnavailable(
                    "an earlier document is still in the printer: cancel it at the printer's panel",
                    code=DeviceCode.BUSY,
                    device=self._name,
                ) from error

    # -- asking -------------------------------------------------------------------------------------------------------

    def _opened(self) -> IppJobs:
        if self._jobs is None:
            raise DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self._name)
        return self._jobs

    async def _asking(self, question: Coroutine[Any, Any, T]) -> T:
        """Await a question that changes nothing and speak the port's errors."""
        try:
            return await question
        except (NotReached, Broken) as error:
            raise self._gone("and does not answer") from error
        except Refused as error:
            raise self._refusal(error) from error

    def _sheets(self, pages: int) -> int:
        return math.ceil(pages / 2) if self._sides.startswith("two-sided") else pages

    def _gone(self, when: str) -> DeviceUnavailable:
        return DeviceUnavailable(f"printer gone {when}: check cable and power", device=self._name)

    def _refusal(self, error: Refused) -> DeviceError:
        if error.status == Status.BUSY:
            return DeviceUnavailable("printer busy with another job", code=DeviceCode.BUSY, device=self._name)
        return DeviceFault(f"printer refused: {error}", code=DeviceCode.JOB_ABORTED, device=self._name)


def _unheard(_: PrintProgress) -> None:
    """Take the place of a listener."""
