"""What terminals report of their maintenance: the service book's entries, readiness, dry runs. None of it is a case."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from central.silence import take_heartbeat
from central.store.upkeep import DryRun, MaintenanceEntry, Readiness
from central.work_orders import close_order

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from central.bodies import DryRunBody, MaintenanceBody

RETURNED: Final = "returned"


def take_maintenance(session: Session, key: dict[str, object], body: MaintenanceBody, now: datetime) -> None:
    """Store what came; an entry that says the machine is back in service closes its order.

    A terminal that lost power after putting an entry puts it once more: the same number at the same moment is the same.
    """
    kiosk = str(key["kiosk"])
    if body.readiness is not None:
        held = session.get(Readiness, kiosk)
        if held is None:
            held = Readiness(kiosk=kiosk, at=body.readiness.at, sections="[]")
            session.add(held)
        if body.readiness.at >= held.at:
            held.at, held.sections = body.readiness.at, json.dumps(body.readiness.sections)
    if body.heartbeat is not None:
        take_heartbeat(session, kiosk, body.heartbeat, now)
    entry = body.entry
    if entry is None or _known(session, kiosk, entry.n, entry.at):
        return
    session.add(
        MaintenanceEntry(
            **key,
            n=entry.n,
            at=entry.at,
            kind=entry.kind,
            who=entry.who,
            order=entry.order,
            subject=entry.subject,
            outcome=entry.outcome,
            facts=json.dumps(entry.facts),
        )
    )
    if entry.kind == RETURNED and entry.order:
        close_order(session, entry.order, by=entry.who, now=now)


def take_dry_run(session: Session, key: dict[str, object], body: DryRunBody) -> None:
    """Store that a terminal served itself from end to end: proof that the way to us is whole, and no case."""
    session.add(DryRun(**key, service=body.service, version=body.version, at=body.at))


def _known(session: Session, kiosk: str, n: int, at: datetime) -> bool:
    same = (MaintenanceEntry.kiosk == kiosk, MaintenanceEntry.n == n, MaintenanceEntry.at == at)
    return session.scalar(select(MaintenanceEntry.n).where(*same).limit(1)) is not None
