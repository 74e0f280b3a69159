"""What a case comes to: approved with a sealed certificate, refused for a reason, or filed for an officer."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from central.bodies import CaseBody
from central.certificates import (
    KIND,
    CaseRef,
    Certificate,
    Period,
    local_date,
    masked_name,
    new_code,
    rows_for,
)
from central.drawing import GlyphMissing, TooLong, draw
from central.promises import ANSWER_DAYS, FIRST_REPLY_DAYS
from central.register import folded
from central.rules import consented, identity_proved
from central.store.database import next_number
from central.store.schema import Document

if TYPE_CHECKING:
    from datetime import date

    from central.challenges import Challenges
    from central.clock import Clock
    from central.packages import Package, Packages
    from central.promises import Calendar
    from central.register import Person, Register
    from central.sealing import DocumentSealer
    from central.store.database import Store
    from central.store.schema import Case
    from central.switches import Switches
    from typefaces import Typefaces

APPROVED, REFUSED, FILED = "approved", "refused", "filed"
CERTIFICATE: Final = "certificate"


class Refusal(Exception):
    """The case is decided: no. ``reason`` is a key of ``central.rules.REASONS``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RegisterDown(Exception):
    """The register cannot be asked now; the case stays pending."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of a case; ``reason`` is a key of ``central.rules.REASONS`` and goes with a refusal."""

    state: str
    reason: str = ""
    number: str | None = None
    first_reply: date | None = None
    promise: date | None = None
    document: Document | None = None


class Desk:
    """Decides one case at a time. ``url`` is where certificates can be checked.

    Drawing takes about a second: it happens outside any transaction, so that the intake never waits for it.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        packages: Packages,
        register: Register,
        challenges: Challenges,
        calendar: Calendar,
        typefaces: Typefaces,
        sealer: DocumentSealer,
        switches: Switches,
        url: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._packages = packages
        self._register = register
        self._challenges = challenges
        self._calendar = calendar
        self._typefaces = typefaces
        self._sealer = sealer
        self._switches = switches
        self._url = url

    def decide(self, case: Case) -> Decision:
        """Return the decision on a pending case. Raises ``RegisterDown``; anything else is a fault of ours."""
        try:
            return self._decide(case, CaseBody.model_validate_json(case.body))
        except Refusal as refusal:
            return Decision(REFUSED, reason=refusal.reason)

    def _decide(self, case: Case, body: CaseBody) -> Decision:
        package = self._packages.find(case.service)
        if package is None:
            raise Refusal("service_unknown")
        if not consented(package, body):
            raise Refusal("consent_missing")
        return self._certify(case, body) if package.kind == CERTIFICATE else self._file(package)

    def _file(self, package: Package) -> Decision:
        """Give an officer's case its ticket and its promised dates."""
        today = local_date(self._clock.now())
        letters = package.code.partition("-")[2][:2]
        return Decision(
            FILED,
            number=f"DEMO-{letters}-{today:%Y%m%d}-{self._number(f'ticket/{today:%Y}'):06d}",
            first_reply=self._calendar.after(today, FIRST_REPLY_DAYS),
            promise=self._calendar.after(today, ANSWER_DAYS),
        )

    def _certify(self, case: Case, body: CaseBody) -> Decision:
        card = body.identity.card
        challenge = body.identity.sms.challenge if body.identity.sms is not None else ""
        answered = card is not None and self._challenges.vouches(case.kiosk, challenge, case.visit, card.id_no)
        if card is None or not identity_proved(body, sms_answered=answered):
            raise Refusal("identity_insufficient")
        if self._switches.now.register_state == "down":
            raise RegisterDown
        person = self._register.find(card.name, card.id_no)
        if person is None:
            raise Refusal("person_unknown")
        if not person.spells:
            raise Refusal("no_record")
        name = card.name
        if self._switches.now.tamper_document == "swap_subject":
            person = self._register.another_than(person)
            name = person.name
        certificate = self._certificate(case, body, person, name)
        return Decision(APPROVED, number=certificate.number, document=self._issue(certificate))

    def _certificate(self, case: Case, body: CaseBody, person: Person, name: str) -> Certificate:
        kinds = body.values.get("si.type", "").split(",")
        show = body.values.get("si.employer") == "yes"
        try:
            period = Period.parse(body.values.get("si.period", ""))
        except ValueError:
            raise Refusal("values_invalid") from None
        rows = rows_for(person, kinds, period, show_employers=show)
        if not rows:
            raise Refusal("values_invalid")
        code, now = new_code(), self._clock.now()
        return Certificate(
            document=secrets.token_hex(16),
            number=f"DEMO-SB-{local_date(now):%Y}-{self._number(f'certificate/{local_date(now):%Y}'):06d}",
            code=code,
            case=CaseRef(case.kiosk, case.epoch, case.seq),
            name=name,
            also=_other_name(person, name),
            id_no=person.id_no,
            period=period,
            rows=rows,
            show_employers=show,
            issued=now,
            verify_url=f"{self._url}/verify?code={code}",
        )

    def _issue(self, certificate: Certificate) -> Document:
        try:
            drawn, pages = draw(certificate, self._typefaces)
        except GlyphMissing:
            raise Refusal("glyph_missing") from None
        except TooLong:
            raise Refusal("too_long") from None
        content = self._sealer.seal(drawn)
        return Document(
            id=certificate.document,
            kiosk=certificate.case.kiosk,
            epoch=certificate.case.epoch,
            seq=certificate.case.seq,
            code=certificate.code,
            number=certificate.number,
            kind=KIND,
            holder_masked=masked_name(certificate.name),
            issued=certificate.issued,
            expires=certificate.expires,
            pages=pages,
            sha256=hashlib.sha256(content).hexdigest(),
            content=content,
        )

    def _number(self, name: str) -> int:
        """Return a running number; a crash right after leaves a hole, never a number given twice."""
        with self._store.write() as session:
            return next_number(session, name)


def _other_name(person: Person, name: str) -> str:
    """Return the line about the other name of somebody who changed it: both are shown."""
    if not person.former_name:
        return ""
    if folded(name) == folded(person.former_name):
        return f"现登记姓名：{person.name}"
    return f"曾用名：{person.former_name}"
