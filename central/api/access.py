"""Who calls: a terminal, known by its client certificate and its token. What it gets when something is wrong.

Modules of this folder do without postponed annotations: FastAPI reads them when a route is declared.
"""

import hmac
import logging
from typing import Annotated, NoReturn

from fastapi import Depends, Header, HTTPException, Request

from central.enrolment import ENROLLED, token_digest
from central.office import Office
from central.packages import Package
from central.peer import CLIENT_CERTIFICATE, Peer
from central.register import Person
from central.rules import REASONS
from central.store.schema import Kiosk

log = logging.getLogger(__name__)
BEARER = {"WWW-Authenticate": "Bearer"}


def office_of(request: Request) -> Office:
    """Return the parts of this central."""
    office = request.app.state.office
    if not isinstance(office, Office):
        raise TypeError("the application was built without its office")
    return office


OfficeParts = Annotated[Office, Depends(office_of)]


def refuse(status: int, code: str, headers: dict[str, str] | None = None) -> NoReturn:
    """Answer no, with a business code and, where there are any, words for residents."""
    detail: dict[str, object] = {"code": code}
    if code in REASONS:
        detail["words"] = dict(REASONS[code])
    raise HTTPException(status, detail, headers)


def certified(request: Request, office: OfficeParts, x_kiosk: Annotated[str, Header()] = "") -> Kiosk:
    """Return the terminal whose client certificate the connection bears; it is asked for no token yet."""
    with office.store.read() as session:
        kiosk = session.get(Kiosk, x_kiosk)
    if kiosk is not None and office.client_certificates:
        peer = getattr(request.state, CLIENT_CERTIFICATE, None)
        if not isinstance(peer, Peer) or not peer.is_terminal(kiosk.id, kiosk.enrolled):
            log.warning("client certificate refused")
            refuse(403, "certificate_refused")
    if kiosk is None:
        log.warning("token refused")
        refuse(401, "token_refused", BEARER)
    if kiosk.state != ENROLLED:
        refuse(403, kiosk.state)
    return kiosk


Certified = Annotated[Kiosk, Depends(certified)]


def terminal(kiosk: Certified, office: OfficeParts, authorization: Annotated[str, Header()] = "") -> str:
    """Return the id of the calling terminal."""
    check_token(kiosk, authorization)
    if kiosk.token_expires is not None and office.clock.now() >= kiosk.token_expires:
        refuse(401, "token_expired", BEARER)
    return kiosk.id


def check_token(kiosk: Kiosk, authorization: str) -> None:
    """Refuse who does not know the terminal's token."""
    scheme, _, token = authorization.partition(" ")
    right = hmac.compare_digest(kiosk.token_digest, token_digest(token.strip()))
    if scheme.lower() != "bearer" or not right:
        log.warning("token refused")
        refuse(401, "token_refused", BEARER)


Terminal = Annotated[str, Depends(terminal)]


def own_path(kiosk: str, caller: Terminal) -> str:
    """Return the terminal in the path when it is the caller."""
    if kiosk != caller:
        refuse(403, "kiosk_mismatch")
    return kiosk


OwnKiosk = Annotated[str, Depends(own_path)]


def open_service(office: Office, code: str, version: int | None = None) -> Package:
    """Return a service that may be begun now, or refuse."""
    package = office.packages.find(code)
    if package is None:
        refuse(404, "service_unknown")
    if version is not None and version != package.version:
        refuse(409, "version_unknown")
    if office.switches.now.pause_service == code:
        refuse(409, "service_paused")
    return package


def known_person(office: Office, name: str, id_no: str) -> Person | None:
    """Ask the register, or refuse when it cannot be asked."""
    if office.switches.now.register_state == "down":
        refuse(503, "register_down", {"Retry-After": "30"})
    return office.register.find(name, id_no)
