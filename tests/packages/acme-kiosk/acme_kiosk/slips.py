"""A printer that needs nothing: it keeps what it prints in mind. The smallest sound driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.device import DeviceInfo
from devices.errors import DeviceCode, DeviceUnavailable
from devices.health import READY, Health
from devices.printer import Printer, PrinterCounters, PrintOutcome, PrintProgress
from devices.values import PrintReceipt

if TYPE_CHECKING:
    from devices.printer import OnProgress, Supply
    from devices.values import PrintJob

PAPER_MM = 80


class SlipPrinter(Printer):
    """``width_mm`` of the roll."""

    def __init__(self, name: str, width_mm: int = PAPER_MM) -> None:
        self.name = name
        self._width_mm = width_mm
        self._opened = False
        self._printed: set[str] = set()

    def info(self) -> DeviceInfo:
        """Return the name plate."""
        return DeviceInfo("acme-slips", "nowhere", f"ACME {self._width_mm} mm", "A-1")

    async def open(self) -> None:
        """Be there."""
        self._opened = True

    async def close(self) -> None:
        """Be gone."""
        self._opened = False

    async def probe(self) -> Health:
        """Be well."""
        self._check()
        return READY

    async def print(self, job: PrintJob, on_progress: OnProgress | None = None) -> PrintReceipt:
        """Remember the job's title."""
        self._check()
        if on_progress is not None:
            on_progress(PrintProgress(0, 1, job=job.title))
        self._printed.add(job.title)
        return PrintReceipt(job.title, 1)

    async def outcome(self, job: str) -> PrintOutcome:
        """Say what is remembered."""
        self._check()
        return PrintOutcome.PRINTED if job in self._printed else PrintOutcome.UNKNOWN

    async def supplies(self) -> tuple[Supply, ...]:
        """Say nothing."""
        self._check()
        return ()

    async def counters(self) -> PrinterCounters:
        """Say nothing."""
        self._check()
        return PrinterCounters()

    def _check(self) -> None:
        if not self._opened:
            raise DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self.name)
