"""A simulated A4 printer (the real ippeveprinter), and what a person can do to it, for the tests of its driver."""

from __future__ import annotations

import io
import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING

import pypdf

from devices.drivers.ipp_printer import IppPrinter
from devices.drivers.ipp_reasons import SAID
from devices.health import Condition
from devices.values import PdfDocument, PrintJob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.drivers.ipp_codec import Attributes
    from devices.sim.ipp_machine import IppMachine

PAGES = 2
SLOW_SHEET_S = 0.45
CREATE_JOB, SEND_DOCUMENT, PRINT_JOB = 0x05, 0x06, 0x02


# What the real ippeveprinter says of itself, and how its own panel says it.
REASONS = {
    Condition.PAPER_JAM: "media-jam",
    Condition.COVER_OPEN: "cover-open",
    Condition.TRAY_MISSING: "input-tray-missing",
    Condition.WASTE_NEARLY_FULL: "marker-waste-almost-full",
    Condition.WASTE_FULL: "marker-waste-full",
    Condition.MEMORY_FULL: "spool-area-full",
    Condition.PAUSED: "paused",
    Condition.OTHER: "other",
}
LEVELS = frozenset({Condition.PAPER_LOW, Condition.PAPER_OUT, Condition.TONER_LOW, Condition.TONER_OUT})
NO_WORD = "ippeveprinter has no word for it: said by a front panel in TestEveryReason"


class SheetHands:
    """The contract's hands on the simulated machine."""

    said = SAID
    conditions = LEVELS | REASONS.keys()
    out_of_reach: Mapping[Condition, str] = MappingProxyType(dict.fromkeys(SAID - LEVELS - REASONS.keys(), NO_WORD))

    def __init__(self, machine: IppMachine) -> None:
        self.machine = machine
        self.unplug, self.plug, self.mute, self.unmute = machine.unplug, machine.plug, machine.mute, machine.unmute
        self._numbers = itertools.count(1)

    def new_job(self) -> PrintJob:
        title = f"job-{next(self._numbers)}"
        return PrintJob(title, pdf(title, PAGES))

    def copies(self, job: PrintJob) -> int:
        assert isinstance(job.body, PdfDocument)
        return sum(printed.read_bytes() == job.body.content for printed in self.machine.prints)

    async def empty(self) -> None:
        await self.machine.set_paper(False)

    async def let_paper_end(self) -> None:
        self.machine.paper_after(PAGES - 1)

    async def load(self) -> None:
        await self.machine.set_paper(True)

    async def slow(self, on: bool) -> None:
        self.machine.slow(SLOW_SHEET_S if on else 0)

    async def provoke(self, condition: Condition) -> None:
        match condition:
            case Condition.PAPER_LOW:
                await self.machine.paper_low()
            case Condition.PAPER_OUT:
                await self.machine.set_paper(False)
            case Condition.TONER_LOW:
                await self.machine.toner(5)
            case Condition.TONER_OUT:
                await self.machine.toner(0)
            case _:
                await self.machine.report(add=REASONS[condition])

    async def clear(self, condition: Condition) -> None:
        match condition:
            case Condition.PAPER_LOW | Condition.PAPER_OUT:
                await self.machine.set_paper(True)
            case Condition.TONER_LOW | Condition.TONER_OUT:
                await self.machine.toner(80)
            case _:
                await self.machine.report(remove=REASONS[condition])


def pdf(title: str, pages: int) -> PdfDocument:
    writer = pypdf.PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width=595, height=842)
    writer.add_metadata({"/Title": title})
    buffer = io.BytesIO()
    writer.write(buffer)
    return PdfDocument(buffer.getvalue(), pages)


SPECIMEN = PrintJob("specimen", pdf("specimen", PAGES))


class OldFashioned(IppPrinter):
    """The driver as it treats a printer that lists neither Create-Job nor Send-Document."""

    def _learn(self, attributes: Attributes) -> None:
        super()._learn(attributes | {"operations-supported": (PRINT_JOB,)})
