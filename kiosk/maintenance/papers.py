"""What leaves the machine on paper or on a stick: the readiness report, and the log for support."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devices.errors import DeviceError
from devices.printer import Printer
from devices.values import PdfDocument, PrintJob
from kiosk.clock import deadline
from kiosk.events import Printed
from kiosk.maintenance import report
from kiosk.maintenance.book import EntryKind
from kiosk.maintenance.export import PersonalDataFound, export, sticks
from kiosk.maintenance.sections import sections, told
from kiosk.views import (
    Tone,
    plain,
    text,
)
from offline_queue.errors import QueueError
from typefaces import FontMissing

if TYPE_CHECKING:
    from kiosk.maintenance.findings import Section
    from kiosk.maintenance.shift import Shift

PRINT_S: Final = 120.0
REPORT_ROLE: Final = "document_printer"
REPORTS_KEPT: Final = 60


async def survey(shift: Shift) -> tuple[Section, ...]:
    """Return how the machine is. Raises ``QueueError``, ``OSError``."""
    return sections(await shift.workshop.survey.findings())


async def readiness(shift: Shift) -> None:
    """Make, keep, print and send the readiness report. Raises ``LeftAlone``, ``OSError``."""
    try:
        printed = await make_report(shift, printed=True)
    except (QueueError, FontMissing):
        await shift.glass.done(text("maintenance.report.failed"), tone=Tone.SORRY)
        return
    how = text(f"maintenance.report.{'printed' if printed else 'not_printed'}")
    await shift.glass.done(text("maintenance.report.made", printed=how))


async def make_report(shift: Shift, *, printed: bool) -> bool:
    """Make and keep the report, send its sections to central; return whether paper came out.

    Raises ``QueueError``, ``FontMissing``, ``OSError``.
    """
    workshop = shift.workshop
    found, now = await survey(shift), workshop.tools.clock.now()
    terminal = workshop.tools.settings.terminal
    draw = partial(report.draw_report, technician=shift.technician.id)
    pdf, pages = await asyncio.to_thread(draw, found, terminal, now, workshop.typefaces)
    name = f"readiness-{now:%Y%m%d-%H%M%S}.pdf"
    await asyncio.to_thread(_keep_report, workshop.folder / "reports", name, pdf)
    out = printed and await _print_report(shift, pdf, pages)
    await workshop.send({"readiness": {"at": now.isoformat(), "sections": told(found)}})
    await shift.note(EntryKind.REPORTED, subject=name, outcome="printed" if out else "kept")
    return out


def _keep_report(folder: Path, name: str, pdf: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / name).write_bytes(pdf)
    for old in sorted(folder.glob("readiness-*.pdf"))[:-REPORTS_KEPT]:
        old.unlink()


async def _print_report(shift: Shift, pdf: bytes, pages: int) -> bool:
    tools = shift.workshop.tools
    if REPORT_ROLE not in tools.devices.names():
        return False
    try:
        async with tools.devices.lease(REPORT_ROLE) as device, deadline(tools.clock, PRINT_S):
            if not isinstance(device, Printer):
                raise TypeError(f"{REPORT_ROLE} is a {type(device).__name__}")
            receipt = await device.print(PrintJob(title="readiness", body=PdfDocument(pdf, pages)))
    except (DeviceError, TimeoutError):
        return False
    tools.log.emit(Printed(visit="report", device=REPORT_ROLE, sheets=receipt.sheets))
    return True


async def export_log(shift: Shift) -> None:
    """Write the log to a USB stick. Raises ``LeftAlone``, ``OSError``."""
    workshop, glass = shift.workshop, shift.glass
    root = Path(workshop.tools.settings.maintenance.usb_root)
    target = next(iter(await asyncio.to_thread(sticks, root)), None)
    if target is None:
        await glass.done(text("maintenance.export.no_stick"), tone=Tone.ATTENTION)
        return
    work = partial(
        export,
        workshop.folder,
        target,
        kiosk=workshop.tools.settings.terminal.kiosk,
        at=workshop.tools.clock.now().isoformat(),
        sections=told(await survey(shift)),
    )
    try:
        done = await asyncio.to_thread(work)
    except PersonalDataFound as hit:
        workshop.tools.staff.tell("export.personal_data", hit.file)
        await shift.note(EntryKind.EXPORTED, subject=hit.file, outcome="refused", line=hit.line)
        words = text("maintenance.export.refused", file=plain(hit.file), line=hit.line)
        await glass.done(words, tone=Tone.SORRY)
    except OSError:
        await glass.done(text("maintenance.export.failed"), tone=Tone.SORRY)
    else:
        await shift.note(EntryKind.EXPORTED, subject=done.name, outcome="written", bytes=done.size)
        await glass.done(text("maintenance.export.done", name=plain(done.name)))
