"""Driver: a receipt printer that speaks ESC/POS over TCP (port 9100 as a rule).

A slip goes out in small blocks. Each ends with a marker the printer answers when it has processed everything before it,
so the driver knows how far the paper is, the printer's buffer never fills up, and status questions always get through.
The cut is a block of its own: it is sent only when the whole slip is on paper.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from devices.blocking import BlockingWorker
from devices.device import DeviceInfo
from devices.drivers.escpos_bytes import ABANDON, ASB_OFF, CLEAR, CONTINUE, compose, voiding
from devices.drivers.escpos_link import EscposLink
from devices.drivers.escpos_raster import SlipFont
from devices.drivers.escpos_status import MARKER_PAPER_END, PrinterStatus
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceTimeout, DeviceUnavailable, OutcomeUnknown
from devices.health import DEGRADING, Condition, Health, HealthState
from devices.printer import (
    Printer,
    PrinterCounters,
    PrintOutcome,
    PrintProgress,
    Supply,
    SupplyKind,
    SupplyState,
)
from devices.transport.tcp import TcpLink
from devices.values import PrintReceipt, Slip

if TYPE_CHECKING:
    from devices.printer import OnProgress
    from devices.values import PrintJob

WITHDRAW_S = 0.4  # the port promises that a cancelled wait ends within 0.5 s
POLL_S = 0.2
BLOCKED_POLL_S = 1.0  # while it waits for staff: questions, too, take room in a small printer's buffer
SILENCE_S = 3.0  # no answer for so long in the middle of a slip: gone
RETRY_S = 1.0  # between two tries to go on after a cutter error
REMEMBERED = 64  # jobs whose fate is kept for outcome()
SILENT = Health(HealthState.UNKNOWN, frozenset({Condition.SILENT}))

# The first that applies names the fault.
FAULT_CODES = (
    (Condition.PAPER_JAM, DeviceCode.PAPER_JAM),
    (Condition.COVER_OPEN, DeviceCode.COVER_OPEN),
    (Condition.PAPER_OUT, DeviceCode.PAPER_OUT),
)
NEEDS_HANDS = frozenset({Condition.PAPER_OUT, Condition.COVER_OPEN})  # going on is pointless before these are cleared


class EscposPrinter(Printer):
    """One printer by its address. ``font`` is the file for characters printers do not have ("" for Noto Sans CJK)."""

    def __init__(self, name: str, host: str, port: int, width_dots: int = 576, font: str = "") -> None:
        self._name = name
        self._width = width_dots
        self._font_path = font
        self._font: SlipFont | None = None
        self._worker: BlockingWorker | None = None
        self._link = EscposLink(TcpLink(host, port, name), name)
        self._busy = asyncio.Lock()
        self._health = Health(HealthState.UNKNOWN)
        self._remnant = False  # lines of an unfinished slip hang in the printer
        self._voiding = False  # ... and the block that voids them has been sent
        self._fates: OrderedDict[str, PrintOutcome] = OrderedDict()

    async def open(self) -> None:
        """Connect and load the font. Raises ``DeviceUnavailable``, or ``DeviceFault`` without a font."""
        if self._worker is not None:
            return
        self._worker = BlockingWorker(self._name)
        try:
            if self._font is None:
                self._font = await self._worker.call(SlipFont, self._font_path)
            await self._link.open()
            self._voiding = False  # what answered before may be answered no more
            await self._link.send(ASB_OFF)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect and end the thread."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.close()
        await self._link.close()

    async def probe(self) -> Health:
        """Ask for the status; a printer that stays silent is ``UNKNOWN``, never ready. Raises ``DeviceUnavailable``."""
        self._require_open()
        if self._busy.locked():
            return self._health  # as last seen by the job that is printing
        async with self._busy:
            try:
                status = await self._link.status()
            except DeviceTimeout:
                self._health = SILENT
            else:
                self._health = Health.of(status.conditions)
            return self._health

    def info(self) -> DeviceInfo:
        """Return the name plate."""
        return DeviceInfo("escpos_printer", self._link.wire.address)

    async def print(self, job: PrintJob, on_progress: OnProgress | None = None) -> PrintReceipt:
        """Print a ``Slip`` and cut it off; the port says what is raised when. The job's reference is its title."""
        if not isinstance(job.body, Slip):
            raise TypeError("this printer takes slips; documents go to an A4 printer")
        worker = self._require_open()
        if self._busy.locked():
            raise DeviceUnavailable(
                "a slip is printing: await or cancel it first", code=DeviceCode.BUSY, device=self._name
            )
        async with self._busy:
            if self._font is None:
                raise DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self._name)
            blocks = await worker.call(compose, job.body, self._width, self._font)
            await self._gate()
            run = _Run(job.title, blocks, on_progress or _unheard)
            try:
                await self._run(run)
            except asyncio.CancelledError:
                await self._withdraw(run)
                raise
            except DeviceError as error:
                self._remnant = self._remnant or (run.started and not run.cut)
                if run.started and isinstance(error, DeviceUnavailable):
                    raise self._unknown(run, "link lost in the middle of a slip") from error
                raise
            return PrintReceipt(job.title, 1)

    async def outcome(self, job: str) -> PrintOutcome:
        """Tell what is known here: a slip whose cut was never sent was not printed. The printer keeps nothing."""
        return self._fates.get(job, PrintOutcome.UNKNOWN)

    async def supplies(self) -> tuple[Supply, ...]:
        """Tell of the roll what its two sensors say: there is no level. Raises ``DeviceUnavailable``."""
        health = await self.probe()
        if health.state is HealthState.UNKNOWN:
            state = SupplyState.UNKNOWN
        elif Condition.PAPER_OUT in health.conditions:
            state = SupplyState.EMPTY
        else:
            state = SupplyState.LOW if Condition.PAPER_LOW in health.conditions else SupplyState.GOOD
        return (Supply(SupplyKind.PAPER, "roll", None, state),)

    async def counters(self) -> PrinterCounters:
        """Tell nothing: printers of this kind have no common question for it."""
        self._require_open()
        return PrinterCounters()

    # -- printing -----------------------------------------------------------------------------------------------------

    async def _gate(self) -> None:
        """Refuse a job that could not come out now. Raises ``DeviceFault``, ``DeviceTimeout``."""
        if not self._voiding:
            self._link.forget_markers()
        status = await self._observe()
        if status.waiting:  # a leftover of an earlier job
            self._voiding = False
            await self._link.send(ABANDON)
            status = await self._observe()
        blocking = status.conditions - DEGRADING
        if blocking:
            code = next((code for condition, code in FAULT_CODES if condition in blocking), DeviceCode.FAULT)
            raise DeviceFault("printer says: " + ", ".join(sorted(blocking)), code=code, device=self._name)

    async def _run(self, run: _Run) -> None:
        run.tell(0, frozenset())
        markers = 0  # printers that stop at the paper's end never answer with its bits; cheaper ones print on without
        if self._remnant:
            if not self._voiding:
                # A printer that kept an earlier connection's bytes would answer their markers to this slip.
                await self._link.send(CLEAR + ABANDON)
                await self._link.forget_late_markers()
                await self._link.send(voiding(self._width))
            await self._processed(run)
            await self._link.forget_late_markers()
            self._remnant = self._voiding = False
        for block in run.blocks[:-1]:
            run.started = True
            self._remember(run.job, PrintOutcome.NOT_PRINTED)
            await self._link.send(block)
            markers |= await self._processed(run)
        self._remember(run.job, PrintOutcome.UNKNOWN)
        run.cutting = True
        await self._link.send(run.blocks[-1])
        markers |= await self._processed(run)
        run.cut = True
        status = await self._observe()
        if Condition.PAPER_OUT in status.conditions or markers & MARKER_PAPER_END:
            raise self._unknown(run, "paper ended with the slip: look whether it is complete")
        if status.conditions - DEGRADING:
            raise DeviceFault("slip printed, then: " + ", ".join(sorted(status.conditions)), device=self._name)
        self._remember(run.job, PrintOutcome.PRINTED)
        run.tell(1, frozenset())

    async def _processed(self, run: _Run) -> int:
        """Wait for the block's marker; tell what stops it and go on when the cause is gone."""
        clock = asyncio.get_running_loop()
        heard = clock.time()
        told_to_continue = 0.0
        await self._link.listen(POLL_S)
        while (marker := self._link.take_marker()) is None:
            try:
                status = await self._observe()
            except DeviceTimeout:
                run.tell(0, frozenset({Condition.SILENT}))
                if clock.time() - heard > SILENCE_S:
                    raise self._unknown(run, "printer fell silent in the middle of a slip") from None
                continue
            heard = clock.time()
            blocked = status.conditions - DEGRADING
            run.tell(0, blocked)
            if Condition.UNRECOVERABLE in blocked:
                raise DeviceFault("printer has an error that only a restart clears", device=self._name)
            if status.waiting and not blocked & NEEDS_HANDS and heard - told_to_continue > RETRY_S:
                told_to_continue = heard
                await self._link.send(CONTINUE)
            await self._link.listen(BLOCKED_POLL_S if blocked else POLL_S)
        run.tell(0, frozenset())
        return marker

    async def _observe(self) -> PrinterStatus:
        status = await self._link.status()
        self._health = Health.of(status.conditions)
        return status

    # -- withdrawing --------------------------------------------------------------------------------------------------

    async def _withdraw(self, run: _Run) -> None:
        """Stop within ``WITHDRAW_S``: empty the printer's buffer and cut off what is on paper already, marked void."""
        if run.cutting or not (run.started or self._remnant):
            return  # nothing on paper, or everything
        self._remnant = True
        try:
            async with asyncio.timeout(WITHDRAW_S):
                await self._link.send(CLEAR + ABANDON)
                if (await self._observe()).conditions - DEGRADING:
                    return  # voided before the next slip
                self._link.forget_markers()
                await self._link.send(voiding(self._width))
                self._voiding = True
                while self._link.take_marker() is None:
                    await self._link.listen(WITHDRAW_S)
        except (TimeoutError, DeviceError):
            return  # voided, or seen to be voided, before the next slip
        self._remnant = self._voiding = False

    # -- words --------------------------------------------------------------------------------------------------------

    def _require_open(self) -> BlockingWorker:
        if self._worker is None:
            raise DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self._name)
        return self._worker

    def _remember(self, job: str, fate: PrintOutcome) -> None:
        self._fates[job] = fate
        self._fates.move_to_end(job)
        if len(self._fates) > REMEMBERED:
            self._fates.popitem(last=False)

    def _unknown(self, run: _Run, detail: str) -> OutcomeUnknown:
        return OutcomeUnknown(detail, job=run.job, device=self._name)


class _Run:
    """One slip on its way."""

    def __init__(self, job: str, blocks: list[bytes], report: OnProgress) -> None:
        self.job = job
        self.blocks = blocks
        self.started = False
        self.cutting = False
        self.cut = False
        self._report = report
        self._told: PrintProgress | None = None

    def tell(self, done: int, blocked: frozenset[Condition]) -> None:
        """Report, when it is news."""
        progress = PrintProgress(done, 1, blocked, self.job)
        if progress != self._told:
            self._told = progress
            self._report(progress)


def _unheard(_: PrintProgress) -> None:
    """Take the place of a listener."""
