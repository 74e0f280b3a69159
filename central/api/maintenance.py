"""What a terminal fetches for its technicians: the orders that open it, and whose card opens nothing any more."""

from typing import Any

from fastapi import APIRouter, Response

from central.api.access import OfficeParts, OwnKiosk, Terminal
from central.technicians import authority, revocation_list
from central.work_orders import signed_orders

router = APIRouter(prefix="/v1")


@router.get("/kiosks/{kiosk}/work-orders")
def work_orders(kiosk: OwnKiosk, office: OfficeParts) -> dict[str, Any]:
    """Return the terminal's open orders, each signed; what is not in the list was withdrawn or is done."""
    with office.store.read() as session:
        return {"orders": signed_orders(session, office.keys, kiosk)}


@router.get("/technicians/revoked", response_class=Response)
def revoked(office: OfficeParts, _caller: Terminal) -> Response:
    """Return the revocation list of technicians' cards (RFC 5280, DER)."""
    now = office.clock.now()
    with office.store.read() as session:
        content = revocation_list(session, authority(office.data, now), now)
    return Response(content, media_type="application/pkix-crl")
