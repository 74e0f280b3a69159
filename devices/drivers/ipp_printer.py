"""Driver: an A4 printer spoken to directly by IPP (RFC 8010, RFC 8011, PWG 5100.14), never through a queue.

A queue's word is not a printer's: CUPS says *completed* for a job its printer aborted. So the document goes straight
to the printer, a queue's address is refused at open, and a job counts as printed only when the printer itself says so
and no counter of it says otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

from devices.device import DeviceInfo
from devices.drivers.ipp_client import Broken, IppClient, NotReached, Refused, fingerprint
from devices.drivers.ipp_codec import Operation
from devices.drivers.ipp_delivery import Delivery, gone, refusal
from devices.drivers.ipp_jobs import LEARNT_ATTRIBUTES, PDF, IppJobs, JobRef
from devices.drivers.ipp_media import SheetWish
from devices.drivers.ipp_reasons import unlisted
from devices.drivers.ipp_status import Ending, conditions, fault, reasons
from devices.drivers.ipp_supplies import COUNTER_ATTRIBUTES, SUPPLY_ATTRIBUTES, read_counters, read_supplies
from devices.drivers.ipp_watch import POLL_S
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable
from devices.health import DEGRADING, Condition, Health
from devices.printer import Printer, PrintOutcome
from devices.values import PdfDocument, Sides

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from devices.drivers.ipp_codec import Attributes
    from devices.drivers.ipp_status import JobStatus
    from devices.printer import OnProgress, PrinterCounters, PrintProgress, Supply
    from devices.values import PrintJob, PrintReceipt

T = TypeVar("T")

CLEAR_S = 4.0  # within the manager's limit for a probe; a printer that needs longer is tried again
OUTCOME_S = 2.0  # so long a job that is being stopped, or whose count is short, may change its mind

_log = logging.getLogger(__name__)


class IppPrinter(Printer):
    """One printer by its URI. What a job does not say itself, ``media``, ``sides`` and ``tray`` say (see the port).

    ``certificate_sha256`` pins the certificate of an ``ipps`` address, for printers that signed their own.
    ``owner`` marks the terminal's jobs at the printer. Unfinished ones of an earlier life, which a power cut may leave,
    are cancelled before the printer is used: terminals that share a printer need an ``owner`` each. Raises
    ``ValueError`` without one, and for ``media``, ``sides`` or a fingerprint that are none.
    """

    def __init__(
        self,
        name: str,
        uri: str,
        media: str = "iso_a4_210x297mm",
        sides: str = "one-sided",
        *,
        tray: str = "",
        owner: str = "tongban",
        certificate_sha256: str = "",
    ) -> None:
        if not owner:
            raise ValueError("owner: a printer names nobody for jobs of others, too; give the terminal's jobs a mark")
        if certificate_sha256:
            fingerprint(certificate_sha256)
        self._name = name
        self._owner = owner
        self._uri = uri
        self._pin = certificate_sha256
        self._wish = SheetWish(media, Sides(sides), tray)
        self._client: IppClient | None = None
        self._jobs: IppJobs | None = None
        self._learnt: Attributes = {}
        self._two_steps = True
        self._printing = False
        self._clearing = asyncio.Lock()  # a probe's clearing must not meet the job that a print opens
        self._named: frozenset[str] = frozenset()  # reasons nobody here has a word for, as logged

    async def open(self) -> None:
        """Reach the printer, check that it takes PDF, and see that no job of an earlier life is left in it.

        Raises ``DeviceUnavailable`` (also when such a job does not end) or ``DeviceFault``.
        """
        if self._jobs is not None:
            return
        self._client = IppClient(self._uri, self._owner, self._pin)
        self._jobs = IppJobs(self._client, self._owner)
        try:
            self._learn(await self._asking(self._jobs.printer(LEARNT_ATTRIBUTES)))
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
        now = await self._asking(self._opened().printer())
        self._name_unlisted(now)
        found = conditions(now)
        if self._wish.not_loaded(now):
            found = (found - {Condition.PAPER_LOW}) | {Condition.PAPER_OUT}  # there is paper, and none that will do
        return Health.of(found)

    def info(self) -> DeviceInfo:
        """Return the name plate; model and serial number are known after the first open."""
        model, serial = (
            str(next(iter(self._learnt.get(name, ())), ""))
            for name in ("printer-make-and-model", "printer-serial-number")
        )
        return DeviceInfo("ipp_printer", self._uri, model, serial)

    async def print(self, job: PrintJob, on_progress: OnProgress | None = None) -> PrintReceipt:
        """Print a ``PdfDocument`` unchanged; the port says what is raised when.

        A job for paper that is not loaded, for a tray or a side the printer does not have, is refused before anything
        is sent. Raises ``ValueError`` for a ``media`` that is no name of a size.
        """
        if not isinstance(job.body, PdfDocument):
            raise TypeError("this printer takes whole PDF documents; slips go to a receipt printer")
        wish = self._wish.of(job)
        self._opened()
        if self._printing:
            raise DeviceUnavailable(
                "a job is printing: await or cancel it first", code=DeviceCode.BUSY, device=self._name
            )
        self._printing = True
        try:
            await self._clear()
            await self._gate(wish)
            delivery = Delivery(
                *(self._name, self._opened(), wish.template(self._learnt), on_progress or _unheard),
                two_steps=self._two_steps,
            )
            pages = job.body.pages
            verdict = await delivery.run(JobRef(job.title, 0, pages, wish.sheets(pages)), job.body.content)
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
            ending = status.ending(ref.pages, ref.sheets)
            if not (status.stopping or ending is Ending.SHORT) or clock.time() > until:
                return _judge(ref, status, ending)
            await asyncio.sleep(POLL_S)

    async def supplies(self) -> tuple[Supply, ...]:
        """Ask for markers and trays. Raises ``DeviceError``."""
        return read_supplies(await self._asking(self._opened().printer(SUPPLY_ATTRIBUTES)))

    async def counters(self) -> PrinterCounters:
        """Ask for sheets and printed sides. Raises ``DeviceError``."""
        return read_counters(await self._asking(self._opened().printer(COUNTER_ATTRIBUTES)))

    def _learn(self, attributes: Attributes) -> None:
        """Keep what the printer can do; refuse what is no printer for us."""
        if attributes.keys() & {"cups-version", "device-uri"}:
            target = str(next(iter(attributes.get("device-uri", ())), "the printer itself")).rpartition("@")[2]
            detail = f"this is a queue, and a queue says printed for what its printer lost: address {target} instead"
            raise DeviceFault(detail, device=self._name)
        if PDF not in attributes.get("document-format-supported", (PDF,)):
            raise DeviceFault("printer does not take PDF: install one that does", device=self._name)
        self._learnt = attributes
        operations = attributes.get("operations-supported", ())
        self._two_steps = Operation.CREATE_JOB in operations and Operation.SEND_DOCUMENT in operations
        impossible = self._wish.impossible(attributes)
        if impossible:
            raise DeviceFault(f"{impossible}: correct the settings", device=self._name)

    async def _gate(self, wish: SheetWish) -> None:
        """Refuse a job that could not come out now. Raises ``DeviceFault``."""
        impossible = wish.impossible(self._learnt)
        if impossible:
            raise DeviceFault(impossible, device=self._name)
        now = await self._asking(self._opened().printer())
        blocking = conditions(now) - DEGRADING
        if blocking:
            raise fault(blocking, self._name)
        not_loaded = wish.not_loaded(now)
        if not_loaded:
            raise DeviceFault(not_loaded, code=DeviceCode.PAPER_OUT, device=self._name)

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

    def _name_unlisted(self, now: Attributes) -> None:
        """Log a reason that has no word here, once for as long as the printer says it."""
        found = unlisted(reasons(now))
        for reason in sorted(found - self._named):
            _log.warning("%s: printer-state-reason %r is not known here", self._name, reason)
        self._named = found

    def _opened(self) -> IppJobs:
        if self._jobs is None:
            raise DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self._name)
        return self._jobs

    async def _asking(self, question: Coroutine[Any, Any, T]) -> T:
        """Await a question that changes nothing and speak the port's errors."""
        try:
            return await question
        except (NotReached, Broken) as error:
            raise gone(f"or deaf ({error})", self._name) from error
        except Refused as error:
            raise refusal(error, self._name) from error
        except DeviceError as error:
            error.device = self._name
            raise


def _judge(ref: JobRef, status: JobStatus, ending: Ending) -> PrintOutcome:
    match ending:
        case Ending.PRINTED:
            return PrintOutcome.PRINTED
        case Ending.FAILED | Ending.SHORT:
            expected = ref.pages if status.impressions is not None else ref.sheets
            counted = (status.impressions if status.impressions is not None else status.sheets) or 0
            if counted and not ref.pages:
                return PrintOutcome.UNKNOWN  # something came out; whether it was all, a bare title does not tell
            # A job cancelled after its last side is a printed one.
            return PrintOutcome.PRINTED if counted and counted >= expected else PrintOutcome.NOT_PRINTED
        case _:
            return PrintOutcome.UNKNOWN


def _unheard(_: PrintProgress) -> None:
    """Take the place of a listener."""
