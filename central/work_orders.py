"""Work orders: who may open which machine, from when to when, for what. Signed for the machine, closed by its return.

An order closes itself when the machine reports that it is back in service; it opens again when the same fault returns
within seven days. Terminals get ``{"order": TEXT, "key_id": NAME, "signature": BASE64}``, where the signature is the
receipt key's over ``canonical("tongban/work-order/1", [TEXT])``.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from central.store.database import next_number, raise_alarm
from central.store.schema import Kiosk
from central.store.upkeep import WorkOrder
from offline_queue.wire import canonical, sign

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from central.keys import Keys

LABEL: Final = "tongban/work-order/1"
OPEN, CLOSED, WITHDRAWN = "open", "closed", "withdrawn"
ROLES: Final = ("technician", "supervisor")
TECHNICIAN_ID: Final = re.compile(r"[A-Z][A-Z0-9-]{1,15}")
SAME_FAULT: Final = timedelta(days=7)  # requirements §3.4, row 7
LONGEST_WINDOW: Final = timedelta(days=14)
REOPENED: Final = "order.reopened"


def open_order(
    session: Session,
    *,
    kiosk: str,
    technician: str,
    role: str,
    begins: datetime,
    ends: datetime,
    fault: str,
    subject: str,
    parts: Sequence[str],
    back: datetime | None,
    now: datetime,
) -> WorkOrder:
    """Open an order within the caller's transaction. Raises ``LookupError`` (no such terminal), ``ValueError``."""
    if session.get(Kiosk, kiosk) is None:
        raise LookupError(f"no terminal {kiosk} is enrolled")
    if not TECHNICIAN_ID.fullmatch(technician):
        raise ValueError("a technician's id is a capital letter and up to 15 capital letters, digits or dashes")
    if role not in ROLES:
        raise ValueError(f"a role is one of {', '.join(ROLES)}")
    if not timedelta() < ends - begins <= LONGEST_WINDOW:
        raise ValueError(f"an order lasts up to {LONGEST_WINDOW.days} days")
    order = WorkOrder(
        number=f"{now:%y}{next_number(session, f'order/{now:%Y}'):04d}",
        kiosk=kiosk,
        technician=technician,
        role=role,
        begins=begins,
        ends=ends,
        back=back,
        fault=fault,
        subject=subject,
        parts=json.dumps(list(parts)),
        state=OPEN,
        revision=1,
        opened=now,
    )
    session.add(order)
    session.flush()
    return order


def close_order(session: Session, number: str, *, by: str, now: datetime, state: str = CLOSED) -> bool:
    """Close an open order; return whether there was one."""
    order = session.get(WorkOrder, number, with_for_update=True)
    if order is None or order.state != OPEN:
        return False
    order.state, order.closed, order.closed_by = state, now, by
    return True


def reopen_for(session: Session, kiosk: str, fault: str, subject: str, now: datetime) -> str:
    """Open the order again whose fault has returned; return its number, empty when there is none.

    The window is as long as before and begins now; the alarm names the order, so that a dispatcher sees it.
    """
    query = (
        select(WorkOrder)
        .where(
            WorkOrder.kiosk == kiosk,
            WorkOrder.fault == fault,
            WorkOrder.subject == subject,
            WorkOrder.state == CLOSED,
            WorkOrder.closed >= now - SAME_FAULT,
        )
        .order_by(WorkOrder.closed.desc())
        .limit(1)
    )
    order = session.scalars(query).one_or_none()
    if order is None:
        return ""
    order.ends, order.begins = now + (order.ends - order.begins), now
    order.state, order.revision, order.closed, order.closed_by, order.back = OPEN, order.revision + 1, None, "", None
    raise_alarm(session, kiosk, REOPENED, f"{order.number}/{order.revision}", at=now)
    return order.number


def signed_orders(session: Session, keys: Keys, kiosk: str) -> list[dict[str, str]]:
    """Return the open orders of a terminal as it gets them."""
    query = select(WorkOrder).where(WorkOrder.kiosk == kiosk, WorkOrder.state == OPEN).order_by(WorkOrder.number)
    return [_signed(keys, order) for order in session.scalars(query)]


def _signed(keys: Keys, order: WorkOrder) -> dict[str, str]:
    said: dict[str, Any] = {
        "number": order.number,
        "revision": order.revision,
        "kiosk": order.kiosk,
        "technician": order.technician,
        "role": order.role,
        "from": order.begins.isoformat(),
        "to": order.ends.isoformat(),
        "back": None if order.back is None else order.back.isoformat(),
        "fault": order.fault,
        "subject": order.subject,
        "parts": json.loads(order.parts),
        "state": order.state,
    }
    text = json.dumps(said, separators=(",", ":"), sort_keys=True)
    signature = sign(keys.receipt_key, canonical(LABEL, [text]))
    return {"order": text, "key_id": keys.receipt_key_id, "signature": base64.b64encode(signature).decode("ascii")}
