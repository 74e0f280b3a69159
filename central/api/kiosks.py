"""What a terminal asks for itself: its key registered, a new token; and the keys of all terminals, for checkers."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from central.api.access import Certified, OfficeParts, OwnKiosk, Terminal, check_token, refuse
from central.enrolment import KeyConflictError, KeyUnusableError

router = APIRouter(prefix="/v1/kiosks")
MAX_PEM = 1024  # a key on P-256 has about 180 characters


class KeyShown(BaseModel):
    """The public half of the key a terminal signs with."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    public_key_pem: Annotated[str, StringConstraints(max_length=MAX_PEM)]


@router.get("/keys")
def keys(office: OfficeParts, _caller: Terminal) -> dict[str, dict[str, str]]:
    """Return the public keys of all terminals by name: with them a slip is checked without us."""
    return office.enrolment.public_keys()


@router.post("/{kiosk}/key")
def register_key(kiosk: OwnKiosk, shown: KeyShown, office: OfficeParts, response: Response) -> dict[str, str]:
    """Register the terminal's key: 201 the first time, 200 for the same again, 409 for another."""
    try:
        name, is_new = office.enrolment.register_key(kiosk, shown.public_key_pem)
    except KeyUnusableError:
        refuse(422, "key_unusable")
    except KeyConflictError:
        refuse(409, "key_conflict")
    response.status_code = 201 if is_new else 200
    return {"key_id": name}


@router.post("/{kiosk}/token")
def renew_token(
    kiosk: str, office: OfficeParts, caller: Certified, authorization: Annotated[str, Header()] = ""
) -> dict[str, Any]:
    """Give a new token to who shows the terminal's certificate; the old one may have expired."""
    if kiosk != caller.id:
        refuse(403, "kiosk_mismatch")
    if not office.client_certificates:  # development: the old token, expired or not, has to do
        check_token(caller, authorization)
    token, expires = office.enrolment.renew_token(kiosk)
    return {"token": token, "expires": expires.isoformat()}
