"""One-time codes to the phone on file. Text messages are simulated: they end in the store's outgoing folder."""

from __future__ import annotations

import enum
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from central.register import masked_mobile
from central.store.schema import Challenge, Sms

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from central.clock import Clock
    from central.register import Person
    from central.store.database import Store

EXPIRES_S: Final = 300
RESEND_AFTER_S: Final = 60
ATTEMPTS: Final = 3
PER_VISIT: Final = 5  # messages cost money and annoy the owner of the number
PROOF_LASTS: Final = timedelta(minutes=30)  # a right answer counts for the case of the same visit, sent soon after
MESSAGE: Final = (
    "【示例政务】验证码 {code}，{minutes} 分钟内有效，用于在自助终端办理“{title}”。非本人操作请勿告知他人。"
)
OPEN, RIGHT, LOCKED, REPLACED = "open", "right", "locked", "replaced"


class Verdict(enum.StrEnum):
    """What became of a code typed in."""

    RIGHT = "right"
    WRONG = "wrong"
    EXPIRED = "expired"
    LOCKED = "locked"


class TooSoon(Exception):
    """Another code may be asked for after ``wait_s``."""

    def __init__(self, wait_s: int) -> None:
        super().__init__("too soon")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Sent:
    """A challenge under way."""

    challenge: str
    masked: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Verdict and tries left."""

    verdict: Verdict
    attempts_left: int


class Challenges:
    """Sends, checks and vouches. ``secret`` keys the digests: the store alone betrays neither code nor person."""

    def __init__(self, store: Store, clock: Clock, secret: bytes) -> None:
        self._store = store
        self._clock = clock
        self._secret = secret

    def send(self, kiosk: str, visit: str, person: Person, title: str) -> Sent:
        """Send a code; an earlier one of the visit ends. Raises ``TooSoon``."""
        now = self._clock.now()
        challenge, code = secrets.token_hex(16), f"{secrets.randbelow(10**6):06d}"
        with self._store.write() as session:
            _check_pace(session, kiosk, visit, now)
            earlier = update(Challenge).where(
                Challenge.kiosk == kiosk, Challenge.visit == visit, Challenge.state == OPEN
            )
            session.execute(earlier.values(state=REPLACED))
            session.add(
                Challenge(
                    id=challenge,
                    kiosk=kiosk,
                    visit=visit,
                    person=self._person(person.id_no),
                    answer=self._digest("code", challenge, code),
                    state=OPEN,
                    attempts_left=ATTEMPTS,
                    sent=now,
                    expires=now + timedelta(seconds=EXPIRES_S),
                )
            )
            text = MESSAGE.format(code=code, minutes=EXPIRES_S // 60, title=title)
            session.add(Sms(to=person.mobile, text=text, code=code, at=now))
        return Sent(challenge, masked_mobile(person.mobile))

    def answer(self, kiosk: str, challenge: str, visit: str, code: str) -> Answer | None:
        """Check a code; ``None``: no such challenge in this visit. The same right answer again stays right."""
        with self._store.write() as session:
            found = session.get(Challenge, challenge, with_for_update=True)
            if found is None or found.kiosk != kiosk or found.visit != visit:
                return None
            return self._judge(found, code)

    def vouches(self, kiosk: str, challenge: str, visit: str, id_no: str) -> bool:
        """Tell whether this person answered this challenge right in this visit, not long ago."""
        with self._store.read() as session:
            found = session.get(Challenge, challenge)
        if found is None or found.state != RIGHT or found.answered is None:
            return False
        same_person = hmac.compare_digest(found.person, self._person(id_no))
        recent = self._clock.now() - found.answered <= PROOF_LASTS
        return same_person and found.kiosk == kiosk and found.visit == visit and recent

    def _judge(self, found: Challenge, code: str) -> Answer:
        now = self._clock.now()
        if found.state in {LOCKED, REPLACED}:
            verdict = Verdict.LOCKED if found.state == LOCKED else Verdict.EXPIRED
            return Answer(verdict, 0)
        if now >= found.expires:
            return Answer(Verdict.EXPIRED, 0)
        right = hmac.compare_digest(found.answer, self._digest("code", found.id, code.strip()))
        if right:
            if found.state != RIGHT:
                found.state, found.answered = RIGHT, now
            return Answer(Verdict.RIGHT, found.attempts_left)
        if found.state == RIGHT:
            return Answer(Verdict.WRONG, found.attempts_left)
        found.attempts_left -= 1
        if found.attempts_left == 0:
            found.state = LOCKED
            return Answer(Verdict.LOCKED, 0)
        return Answer(Verdict.WRONG, found.attempts_left)

    def _person(self, id_no: str) -> str:
        """Digest whom the code was sent to: the number alone, for a name may have changed since the card was made."""
        return self._digest("person", id_no.strip().upper())

    def _digest(self, *parts: str) -> str:
        return hmac.new(self._secret, "\n".join(parts).encode("utf-8"), hashlib.sha256).hexdigest()


def _check_pace(session: Session, kiosk: str, visit: str, now: datetime) -> None:
    mine = select(Challenge.sent).where(Challenge.kiosk == kiosk, Challenge.visit == visit)
    sent = sorted(session.scalars(mine))
    if not sent:
        return
    if len(sent) >= PER_VISIT:
        raise TooSoon(EXPIRES_S)
    since = (now - sent[-1]).total_seconds()
    if 0 <= since < RESEND_AFTER_S:
        raise TooSoon(RESEND_AFTER_S - int(since))
