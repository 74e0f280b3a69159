"""Health, catalogue, and what is asked of the register and the phone before a case exists."""

import logging
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from central.api.access import OfficeParts, Terminal, known_person, open_service, refuse
from central.challenges import EXPIRES_S, RESEND_AFTER_S, TooSoon
from central.office import Office
from central.packages import DATA_CONSENT, Package
from central.register import Person, masked_mobile
from central.rules import REASONS
from central.store.schema import LookupEntry

log = logging.getLogger(__name__)
router = APIRouter(prefix="/v1")
Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Holder(_Asked):
    """Whom the card names."""

    name: Name = Field(repr=False)
    id_no: Name = Field(repr=False)


class LookupAsked(_Asked):
    """A question to the register, for a purpose the resident agreed to."""

    visit: Name
    service: Name
    version: int
    purpose: Name
    person: Holder


class ChallengeAsked(_Asked):
    """A code wanted on the phone on file."""

    visit: Name
    service: Name
    person: Holder


class CodeTyped(_Asked):
    """A code as the resident typed it."""

    visit: Name
    code: Annotated[str, StringConstraints(max_length=16)] = Field(repr=False)


@router.get("/health")
def health(office: OfficeParts) -> dict[str, str]:
    """Tell that central answers, and its time."""
    return {"status": "ok", "time": office.clock.now().isoformat()}


@router.get("/catalogue")
def catalogue(office: OfficeParts, _caller: Terminal) -> dict[str, Any]:
    """Tell which services may be begun now."""
    services = [_state(office, package) for package in office.packages]
    version = sum(package.version for package in office.packages) + office.switches.changes
    return {"version": version, "services": services}


@router.get("/catalogue/{code}")
def package(code: str, office: OfficeParts, _caller: Terminal) -> dict[str, Any]:
    """Return one service package."""
    found = office.packages.find(code)
    if found is None:
        refuse(404, "service_unknown")
    return found.raw


@router.post("/lookups")
def look_up(asked: LookupAsked, office: OfficeParts, caller: Terminal) -> dict[str, Any]:
    """Pull what the register knows of a person for a service; every question is recorded with its purpose."""
    service = open_service(office, asked.service, asked.version)
    if not service.asks_register or asked.purpose != DATA_CONSENT:
        refuse(403, "purpose_refused")
    person = known_person(office, asked.person.name, asked.person.id_no)
    with office.store.write() as session:
        entry = LookupEntry(
            kiosk=caller,
            visit=asked.visit,
            service=asked.service,
            purpose=asked.purpose,
            known=person is not None,
            at=office.clock.now(),
        )
        session.add(entry)
    log.info("lookup kiosk=%s visit=%s service=%s purpose=%s", caller, asked.visit, asked.service, asked.purpose)
    if person is None:
        return {"known": False, "record": False, "other_regions": [], "fields": {}, "sms_masked": None}
    return {
        "known": True,
        "record": bool(person.spells),
        "other_regions": list(person.other_regions),
        "fields": _fields(office, service, person),
        "sms_masked": masked_mobile(person.mobile) or None,
    }


@router.post("/sms-challenges")
def send_code(asked: ChallengeAsked, office: OfficeParts, caller: Terminal) -> dict[str, Any]:
    """Send a code to the phone on file."""
    service = open_service(office, asked.service)
    person = known_person(office, asked.person.name, asked.person.id_no)
    if person is None or not person.mobile:
        refuse(404, "person_unknown")
    try:
        sent = office.challenges.send(caller, asked.visit, person, service.title.zh_CN)
    except TooSoon as soon:
        refuse(429, "too_soon", {"Retry-After": str(soon.wait_s)})
    return {
        "challenge": sent.challenge,
        "masked": sent.masked,
        "expires_s": EXPIRES_S,
        "resend_after_s": RESEND_AFTER_S,
    }


@router.post("/sms-challenges/{challenge}/answers")
def answer_code(challenge: str, typed: CodeTyped, office: OfficeParts, caller: Terminal) -> dict[str, Any]:
    """Check a code; three tries."""
    answer = office.challenges.answer(caller, challenge, typed.visit, typed.code)
    if answer is None:
        refuse(404, "challenge_unknown")
    return {"verdict": answer.verdict.value, "attempts_left": answer.attempts_left}


def _state(office: Office, package: Package) -> dict[str, Any]:
    faults = office.switches.now
    reason = ""
    if faults.pause_service == package.code:
        reason = "service_paused"
    elif faults.register_state == "down" and package.asks_register:
        reason = "register_down"
    return {
        "code": package.code,
        "version": package.version,
        "state": "paused" if reason else "open",
        "reason": dict(REASONS[reason]) if reason else None,
    }


def _fields(office: Office, service: Package, person: Person) -> dict[str, str]:
    """Return the fields of this service the register fills; no other datum leaves it."""
    held = {"p.mobile": person.mobile}
    wanted = office.packages.prefilled(service)
    return {name: value for name, value in held.items() if name in wanted and value}
