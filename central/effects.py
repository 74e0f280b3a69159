"""What an item does once it is open: a case, a report, a grade, an alarm, lines of audit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, assert_never

from central.audits import take_lines
from central.bodies import (
    AlarmBody,
    AuditBody,
    Body,
    BodyInvalid,
    CaseBody,
    DryRunBody,
    MaintenanceBody,
    PrintBody,
    RatingBody,
    audit_within,
    read_body,
)
from central.maintenance import take_dry_run, take_maintenance
from central.store.database import raise_alarm
from central.store.schema import Case, PrintReport, Rating
from central.work_orders import reopen_for
from offline_queue.wire import Batch, Item, WireError, open_item

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from central.keys import Keys
    from central.packages import Packages

PENDING: Final = "pending"


def carry_out(session: Session, keys: Keys, packages: Packages, batch: Batch, item: Item, *, now: datetime) -> None:
    """Open an item and do what it says, within the caller's transaction.

    Raises ``BodyInvalid``; then nothing was done, save that audit lines inside a body that opens are taken all the
    same: the terminal counts them as carried and sends them with nothing else.
    """
    raw = _unseal(keys, batch, item)
    try:
        body = _read(packages, item, raw)
    except BodyInvalid:
        run = audit_within(raw)
        if run is not None:
            take_lines(session, batch.kiosk, run, now)
        raise
    _apply(session, batch, item, body, now)


def _unseal(keys: Keys, batch: Batch, item: Item) -> bytes:
    key = keys.sealing_keys.get(item.key_id)  # the present one or an older
    if key is None:
        raise BodyInvalid("key_unknown")
    try:
        return open_item(key, batch.kiosk, batch.epoch, item)
    except WireError:
        raise BodyInvalid("unreadable") from None


def _read(packages: Packages, item: Item, raw: bytes) -> Body:
    body = read_body(item.kind, item.schema, raw)
    if isinstance(body, CaseBody):
        package = packages.find(body.service)
        if package is None:
            raise BodyInvalid("service_unknown")
        if body.version > package.version:  # older ones are taken: a case keeps the version it began with
            raise BodyInvalid("version_unknown")
    return body


def _apply(session: Session, batch: Batch, item: Item, body: Body, now: datetime) -> None:
    key = {"kiosk": batch.kiosk, "epoch": batch.epoch, "seq": item.seq}
    match body:
        case CaseBody():
            session.add(_case(key, body, now))
            if body.audit is not None:
                take_lines(session, batch.kiosk, body.audit, now)
        case PrintBody():
            report = PrintReport(**key, document=body.document, sheets=body.sheets, outcome=body.outcome, job=body.job)
            session.add(report)
        case RatingBody():
            reasons = json.dumps(body.reasons)
            session.add(Rating(**key, service=body.service, version=body.version, grade=body.grade, reasons=reasons))
        case AlarmBody():
            raise_alarm(session, batch.kiosk, body.code, body.subject, at=body.at, source="terminal")
            reopen_for(session, batch.kiosk, body.code, body.subject, now)
        case AuditBody():
            take_lines(session, batch.kiosk, body.audit, now)
        case MaintenanceBody():
            take_maintenance(session, key, body, now)
        case DryRunBody():
            take_dry_run(session, key, body)
        case _:
            assert_never(body)


def _case(key: dict[str, object], body: CaseBody, now: datetime) -> Case:
    return Case(
        **key,
        service=body.service,
        version=body.version,
        visit=body.visit,
        local_number=body.local_number,
        body=body.model_dump_json(exclude={"audit"}),
        state=PENDING,
        received=now,
        updated=now,
    )
