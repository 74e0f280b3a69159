"""Every sheet of an official document is accounted for, also when the first try to write it down fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.printer import PrintOutcome
from kiosk.events import Printed
from kiosk.views import Slot

if TYPE_CHECKING:
    from kiosk.visit import Visit


async def account(visit: Visit) -> None:
    """Hand in the record of a finished print, once. Raises ``QueueError``; asked again, it tries again."""
    trail, case = visit.trail, visit.case
    if trail is None or case is None or not trail.printed or trail.accounted:
        return
    visit.papers.setdefault(Slot.DOCUMENT_TRAY, False)
    if visit.session.document is not None:
        visit.session.document.wipe()
        visit.session.document = None
    await visit.desk.put_print(case, trail.document, trail.sheets_out, PrintOutcome.PRINTED.value, trail.job)
    trail.accounted = True
    visit.tools.log.emit(Printed(visit=visit.session.visit, device="document_printer", sheets=trail.sheets_out))
