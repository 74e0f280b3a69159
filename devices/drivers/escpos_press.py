"""One slip on its way through a receipt printer: let in, printed block by block, cut off, or withdrawn and voided."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from devices.drivers.escpos_bytes import ABANDON, CLEAR, CONTINUE, voiding
from devices.drivers.escpos_status import MARKER_PAPER_END
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceTimeout, DeviceUnavailable, OutcomeUnknown
from devices.health import DEGRADING, Condition, Health, HealthState
from devices.printer import PrintOutcome, PrintProgress

if TYPE_CHECKING:
    from devices.drivers.escpos_link import EscposLink
    from devices.drivers.escpos_status import PrinterStatus
    from devices.printer import OnProgress

WITHDRAW_S = 0.4  # the port promises that a cancelled wait ends within 0.5 s
POLL_S = 0.2  # a printer that says nothing by itself
SLOW_POLL_S = 1.0  # one that does, or that waits for staff: questions, too, take room in a small printer's buffer
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


class SlipRun:
    """One slip: its blocks, and how far it is."""

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


class Press:
    """The printer as slips see it. ``health`` is what was last seen; an unfinished slip is remembered for the next."""

    def __init__(self, device: str, link: EscposLink, width: int) -> None:
        self.health = Health(HealthState.UNKNOWN)
        self._device = device
        self._link = link
        self._width = width
        self._remnant = False  # lines of an unfinished slip hang in the printer
        self._voiding = False  # ... and the block that voids them has been sent
        self._fates: OrderedDict[str, PrintOutcome] = OrderedDict()

    def reconnected(self) -> None:
        """Forget what a lost connection would have brought."""
        self._voiding = False

    def fate(self, job: str) -> PrintOutcome:
        """Tell what is known of a job."""
        return self._fates.get(job, PrintOutcome.UNKNOWN)

    async def look(self) -> Health:
        """Ask for the status; a printer that stays silent is ``UNKNOWN``, never ready. Raises ``DeviceUnavailable``."""
        try:
            await self._observe()
        except DeviceTimeout:
            self.health = SILENT
        return self.health

    async def print(self, run: SlipRun) -> None:
        """Print and cut; raises as the port says. Cancelled, it voids what is on paper."""
        await self._gate()
        try:
            await self._run(run)
        except asyncio.CancelledError:
            await self._withdraw(run)
            raise
        except DeviceError as error:
            self._remnant = self._remnant or (run.started and not run.cut)
            if run.started and isinstance(error, DeviceUnavailable | DeviceTimeout):
                raise self._unknown(run, "link lost in the middle of a slip") from error
            raise

    async def _gate(self) -> None:
        """Refuse a job that could not come out now. Raises ``DeviceFault``, ``DeviceTimeout``."""
        if not self._voiding:
            self._link.forget_markers()
        status = await self._observe()
        if status.waiting:  # a leftover of an earlier job, or the knife was freed
            self._voiding = False
            await self._link.send(ABANDON)
            status = await self._observe()
        blocking = status.conditions - DEGRADING
        if blocking:
            code = next((code for condition, code in FAULT_CODES if condition in blocking), DeviceCode.FAULT)
            raise DeviceFault("printer says: " + ", ".join(sorted(blocking)), code=code, device=self._device)

    async def _run(self, run: SlipRun) -> None:
        run.tell(0, frozenset())
        markers = 0  # printers that stop at the paper's end never answer with its bits; cheaper ones print on without
        if self._remnant:
            await self._void_remnant(run)
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
            raise DeviceFault("slip printed, then: " + ", ".join(sorted(status.conditions)), device=self._device)
        self._remember(run.job, PrintOutcome.PRINTED)
        run.tell(1, frozenset())

    async def _void_remnant(self, run: SlipRun) -> None:
        if not self._voiding:
            # A printer that kept an earlier connection's bytes would answer their markers to this slip.
            await self._link.send(CLEAR + ABANDON)
            await self._link.forget_late_markers()
            await self._link.send(voiding(self._width))
        await self._processed(run)
        await self._link.forget_late_markers()
        self._remnant = self._voiding = False

    async def _processed(self, run: SlipRun) -> int:
        """Wait for the block's marker; tell what stops it and go on when the cause is gone.

        A printer that says by itself what happens is only asked now and then, to see that it is still there.
        """
        watch = _Watch(asyncio.get_running_loop().time())
        await self._link.listen(POLL_S)
        while (marker := self._link.take_marker()) is None:
            now = asyncio.get_running_loop().time()
            status = self._link.news()
            if status is None and now - watch.asked >= self._pause(watch):
                watch.asked = now
                try:
                    status = await self._observe()
                except DeviceTimeout:
                    run.tell(0, frozenset({Condition.SILENT}))
                    if asyncio.get_running_loop().time() - watch.heard > SILENCE_S:
                        raise self._unknown(run, "printer fell silent in the middle of a slip") from None
                    continue
            if status is not None:
                watch.heard = asyncio.get_running_loop().time()
                watch.status = status
                await self._act_on(run, watch, status)
            await self._link.listen(self._pause(watch))
        run.tell(0, frozenset())
        return marker

    def _pause(self, watch: _Watch) -> float:
        quiet = self._link.pushes or (watch.status is not None and watch.status.conditions - DEGRADING)
        return SLOW_POLL_S if quiet else POLL_S

    async def _act_on(self, run: SlipRun, watch: _Watch, status: PrinterStatus) -> None:
        self.health = Health.of(status.conditions)
        blocked = status.conditions - DEGRADING
        run.tell(0, blocked)
        if Condition.UNRECOVERABLE in blocked:
            raise DeviceFault("printer has an error that only a restart clears", device=self._device)
        if status.waiting and not blocked & NEEDS_HANDS and watch.heard - watch.told_to_continue > RETRY_S:
            watch.told_to_continue = watch.heard
            await self._link.send(CONTINUE)

    async def _observe(self) -> PrinterStatus:
        status = await self._link.status()
        self.health = Health.of(status.conditions)
        return status

    async def _withdraw(self, run: SlipRun) -> None:
        """Stop within ``WITHDRAW_S``: empty the printer's buffer and cut off what is on paper already, marked void."""
        if run.cutting:
            # Whole, and as a rule cut. With the knife stuck it still hangs there: the next slip must not hang on it.
            self._remnant = self._remnant or Condition.CUTTER_ERROR in self.health.conditions
            return
        if not (run.started or self._remnant):
            return  # nothing on paper
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

    def _remember(self, job: str, fate: PrintOutcome) -> None:
        self._fates[job] = fate
        self._fates.move_to_end(job)
        if len(self._fates) > REMEMBERED:
            self._fates.popitem(last=False)

    def _unknown(self, run: SlipRun, detail: str) -> OutcomeUnknown:
        return OutcomeUnknown(detail, job=run.job, device=self._device)


class _Watch:
    """What is known while a block is being printed."""

    def __init__(self, now: float) -> None:
        self.heard = self.asked = now
        self.told_to_continue = 0.0
        self.status: PrinterStatus | None = None
