"""What a developer may see and upset in a demo. Without ``--demo`` none of these routes exists."""

from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, HTTPException
from pydantic import ValidationError
from sqlalchemy import func, select

from central import technicians, work_orders
from central.api.access import OfficeParts
from central.enrolment import ENROLLED, REVOKED
from central.store.schema import Alarm, AuditLine, Case, Kiosk, PrintReport, Rating, Sms, StoredItem, Stream
from central.store.upkeep import WorkOrder

router = APIRouter(prefix="/sim")
ORDER_DAYS: Final = 7
STILL_GOOD: Final = timedelta(hours=1)


@router.get("/sms")
def messages(office: OfficeParts) -> list[dict[str, str]]:
    """Return the text messages sent, oldest first."""
    with office.store.read() as session:
        sent = session.scalars(select(Sms).order_by(Sms.id)).all()
    return [{"to": one.to, "text": one.text, "code": one.code, "at": one.at.isoformat()} for one in sent]


@router.get("/state")
def state(office: OfficeParts) -> dict[str, Any]:
    """Return what central counts."""
    with office.store.read() as session:
        counts = {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in (
                ("items", StoredItem),
                ("ratings", Rating),
                ("prints", PrintReport),
                ("sms", Sms),
                ("audit", AuditLine),
            )
        }
        duplicates = session.scalar(select(func.sum(Stream.duplicates))) or 0
        cases = session.execute(select(Case.service, func.count()).group_by(Case.service)).all()
        states = session.execute(select(Case.state, func.count()).group_by(Case.state)).all()
        alarms = session.scalars(select(Alarm).order_by(Alarm.at)).all()
        begun = Stream.highest - Stream.first + 1 - Stream.stored
        missing = session.scalar(select(func.sum(begun)).where(Stream.stored > 0)) or 0
        kiosks = session.execute(select(Kiosk.id, Kiosk.state).order_by(Kiosk.id)).all()
    return {
        **counts,
        "duplicates": int(duplicates),
        "cases": dict(cases),
        "states": dict(states),
        "missing": int(missing),
        "kiosks": dict(kiosks),
        "alarms": [
            {
                "kiosk": one.kiosk,
                "code": one.code,
                "subject": one.subject,
                "source": one.source,
                "at": one.at.isoformat(),
            }
            for one in alarms
        ],
    }


@router.post("/kiosks/{kiosk}/state")
def change_state(kiosk: str, wanted: dict[str, Any], office: OfficeParts) -> dict[str, str]:
    """Revoke a terminal (``{"state": "kiosk_revoked"}``), or clear it (``{"state": "enrolled"}``)."""
    try:
        if wanted == {"state": REVOKED}:
            office.enrolment.exclude(kiosk)
        elif wanted == {"state": ENROLLED}:
            office.enrolment.clear(kiosk)
        else:
            raise HTTPException(422, {"code": "state_invalid"})
    except LookupError:
        raise HTTPException(404, {"code": "kiosk_unknown"}) from None
    return {"state": str(wanted["state"])}


@router.get("/faults")
def faults(office: OfficeParts) -> dict[str, Any]:
    """Return the faults in force."""
    return office.switches.now.model_dump(by_alias=True)


@router.post("/faults")
def change_faults(wanted: dict[str, Any], office: OfficeParts) -> dict[str, Any]:
    """Switch faults; keys not named stay as they are."""
    try:
        changed = office.switches.change(wanted)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False)
        raise HTTPException(422, {"code": "faults_invalid", "problems": problems}) from None
    office.worker.look()
    return changed.model_dump(by_alias=True)


@router.post("/technicians")
def issue_card(wanted: dict[str, str], office: OfficeParts) -> dict[str, str]:
    """Certify a card's key (``technician``, ``role``, ``public_key`` as PEM); return the ``certificate`` (PEM)."""
    now = office.clock.now()
    root = technicians.authority(office.data, now)
    try:
        with office.store.write() as session:
            public = wanted["public_key"].encode()
            made = technicians.issue(session, root, wanted["technician"], wanted["role"], public_pem=public, now=now)
    except (KeyError, ValueError) as error:
        raise HTTPException(422, {"code": "technician_invalid", "detail": str(error)}) from None
    return {"certificate": made.decode("ascii")}


@router.post("/orders")
def send_order(wanted: dict[str, str], office: OfficeParts) -> dict[str, str]:
    """Send a technician to a terminal (``kiosk``, ``technician``, ``role``), or name the order that does already."""
    now = office.clock.now()
    try:
        kiosk, technician, role = wanted["kiosk"], wanted["technician"], wanted["role"]
        with office.store.write() as session:
            order = session.scalars(
                select(WorkOrder)
                .where(
                    WorkOrder.kiosk == kiosk,
                    WorkOrder.technician == technician,
                    WorkOrder.role == role,
                    WorkOrder.state == work_orders.OPEN,
                    WorkOrder.ends > now + STILL_GOOD,
                )
                .limit(1)
            ).first() or work_orders.open_order(
                session,
                kiosk=kiosk,
                technician=technician,
                role=role,
                begins=now - STILL_GOOD,
                ends=now + timedelta(days=ORDER_DAYS),
                fault="",
                subject="",
                parts=(),
                back=None,
                now=now,
            )
            return {"number": order.number}
    except (KeyError, LookupError, ValueError) as error:
        raise HTTPException(422, {"code": "order_invalid", "detail": str(error)}) from None
