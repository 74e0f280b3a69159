"""Batch intake: items, effects and verdicts in one transaction; the same item twice has one effect.

(kiosk, epoch, seq) is an item's identity. A second arrival gets the first result, 409 while the first is in work; the
same identity with another body is never stored: the batch is refused and an alarm raised. What a batch's head says of
the terminal's chain is followed in :mod:`central.streams`.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from cryptography.hazmat.primitives.serialization import load_pem_public_key

from central.bodies import BodyInvalid
from central.effects import carry_out
from central.enrolment import DOUBLED, ENROLLED
from central.store.database import hold, raise_alarm
from central.store.schema import Kiosk, KioskKey, StoredItem
from central.store.schema import Stream as StoredStream
from central.streams import Conflict, Follower
from offline_queue.wire import (
    Batch,
    Item,
    PublicKey,
    Reply,
    SignatureError,
    Stream,
    Verdict,
    WireError,
    Word,
    check_chain,
    decode_batch,
    encode_reply,
    sign_reply,
    verify_batch,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

    from central.clock import Clock
    from central.keys import Keys
    from central.pacer import Pacer
    from central.packages import Packages
    from central.restores import Restores
    from central.store.database import Store
    from offline_queue.wire import ItemId

log = logging.getLogger(__name__)
IN_WORK_RETRY_S: Final = 1
LEFT_RETRY_S: Final = 1  # it takes a terminal one commit to begin a new epoch


class BatchRefused(Exception):
    """The whole batch is refused. ``status`` is HTTP's, ``code`` ours; ``problems`` hold no values."""

    def __init__(self, status: int, code: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: the reply's bytes, and whether there are new cases to decide."""

    reply: bytes
    new_cases: bool


@dataclass(frozen=True, slots=True)
class _Outcome:
    words: tuple[Word, ...]
    new: tuple[Item, ...]
    stream: Stream
    waiting: int


class Intake:
    """See the module. Thread-safe: the store orders the writers."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        packages: Packages,
        clock: Clock,
        *,
        pacer: Pacer,
        restores: Restores,
        require_signatures: bool = True,
    ) -> None:
        self._store = store
        self._keys = keys
        self._packages = packages
        self._clock = clock
        self._pacer = pacer
        self._restores = restores
        self._require_signatures = require_signatures
        self._in_work: set[ItemId] = set()
        self._lock = threading.Lock()

    def take(self, kiosk: str, raw: bytes) -> Taken:
        """Take a terminal's own batch in; return the signed reply once all is durable. Raises ``BatchRefused``."""
        batch = _decode(raw)
        if batch.kiosk != kiosk:
            raise BatchRefused(403, "kiosk_mismatch")
        return self._take(batch, direct=True)

    def take_carried(self, raw: bytes) -> Taken:
        """Take in what somebody carried here for a terminal that cannot send. Raises ``BatchRefused``."""
        return self._take(_decode(raw), direct=False)

    def _take(self, batch: Batch, *, direct: bool) -> Taken:
        now = self._clock.now()
        self._prove(batch, now, direct=direct)
        with self._working(batch):
            try:
                with self._store.write() as session:
                    outcome = self._store_batch(session, batch, now, direct=direct)
            except Conflict as conflict:
                self._refuse_conflict(batch, conflict, now, direct=direct)
        if outcome is None:
            raise BatchRefused(403, DOUBLED)
        if outcome.new:
            self._restores.took(batch, outcome.new[-1])
        reply = Reply(
            kiosk=batch.kiosk,
            epoch=batch.epoch,
            central_time=now,
            credit=self._pacer.credit(batch.kiosk, len(outcome.new), outcome.waiting),
            stream=outcome.stream,
            words=outcome.words,
            key_id=self._keys.receipt_key_id,
        )
        signed = encode_reply(sign_reply(self._keys.receipt_key, reply))
        return Taken(signed, any(item.kind == "case" for item in outcome.new))

    def _prove(self, batch: Batch, now: datetime, *, direct: bool) -> None:
        """Check who made the batch, and that it is whole."""
        subject = f"{batch.epoch[:8]}/{batch.first_seq}"
        with self._store.read() as session:
            kiosk = session.get(Kiosk, batch.kiosk)
            key = session.get(KioskKey, kiosk.key_id) if kiosk is not None and kiosk.key_id is not None else None
        if kiosk is None:
            raise BatchRefused(404, "kiosk_unknown")
        if kiosk.state != ENROLLED:
            raise BatchRefused(403, kiosk.state)
        if key is not None:
            try:
                verify_batch(_public(key), batch)
            except SignatureError:
                self._alarm(batch, "intake.signature_refused", subject, now)
                raise BatchRefused(403, "signature_refused") from None
        elif self._require_signatures or not direct:
            self._alarm(batch, "intake.key_missing", "", now)
            raise BatchRefused(403, "key_missing")
        try:
            check_chain(batch)
        except WireError as error:
            self._alarm(batch, "intake.chain_broken", subject, now)
            raise BatchRefused(422, "chain_broken", error.problems) from None

    def _store_batch(self, session: Session, batch: Batch, now: datetime, *, direct: bool) -> _Outcome | None:
        """Do all that is one transaction; ``None``: the terminal was blocked, and nothing else was done."""
        kiosk = hold(session, batch.kiosk)
        if kiosk is None or kiosk.state != ENROLLED:
            raise BatchRefused(403, "kiosk_unknown" if kiosk is None else kiosk.state)
        follower = Follower(session, kiosk, batch, now, direct=direct)
        if follower.is_double():
            kiosk.state = DOUBLED
            raise_alarm(session, batch.kiosk, "intake.identity_doubled", batch.epoch[:8], at=now)
            log.error("alarm kiosk=%s code=intake.identity_doubled", batch.kiosk)
            return None
        known = {item.seq: follower.has(item) if follower.is_left else follower.known(item) for item in batch.items}
        words, new = [], []
        for item in batch.items:
            found = known[item.seq]
            if found is not None:
                follower.stream.duplicates += 1
                words.append(_word(item, Verdict.DUPLICATE, found.reason, first=Verdict(found.verdict)))
            elif follower.is_left:
                words.append(_put_off(item))
            else:
                follower.place(item)
                words.append(self._take_item(session, batch, item, now))
                new.append(item)
        state = follower.finish()
        if direct:
            kiosk.heard = now
        session.flush()
        stream = Stream(highest=follower.stream.highest, state=state, restored=self._restores.wanted)
        return _Outcome(tuple(words), tuple(new), stream, follower.waiting())

    def _take_item(self, session: Session, batch: Batch, item: Item, now: datetime) -> Word:
        """Open the item and do what it says; a body that cannot be taken is kept, and rejected for good."""
        verdict, reason = Verdict.ACCEPTED, ""
        try:
            carry_out(session, self._keys, self._packages, batch, item, now=now)
        except BodyInvalid as error:
            verdict, reason = Verdict.REJECTED, error.reason
            subject = f"{batch.epoch[:8]}/{item.seq}"
            raise_alarm(session, batch.kiosk, f"intake.{reason}"[:64], subject, at=now)
            log.warning("item rejected kiosk=%s seq=%d reason=%s", batch.kiosk, item.seq, reason)
        session.add(_stored(batch, item, verdict, reason, now))
        return _word(item, verdict, reason)

    @contextmanager
    def _working(self, batch: Batch) -> Iterator[None]:
        """Let nobody else take the same items at the same time."""
        ids = set(batch.ids())
        with self._lock:
            if ids & self._in_work:
                raise BatchRefused(409, "in_work")
            self._in_work |= ids
        try:
            yield
        finally:
            with self._lock:
                self._in_work -= ids

    def _refuse_conflict(self, batch: Batch, conflict: Conflict, now: datetime, *, direct: bool) -> NoReturn:
        subject = f"{batch.epoch[:8]}/{conflict.item.seq}"
        log.error("alarm kiosk=%s code=%s subject=%s", batch.kiosk, conflict.code, subject)
        with self._store.write() as session:
            hold(session, batch.kiosk)
            raise_alarm(session, batch.kiosk, conflict.code, subject, at=now)
            stream = session.get(StoredStream, (batch.kiosk, batch.epoch))
            if direct and stream is not None and batch.last_epoch == batch.epoch:
                stream.forked = True  # the next greeting is told so
        raise BatchRefused(422, conflict.code, (f"seq {conflict.item.seq}: {conflict.code}",)) from None

    def _alarm(self, batch: Batch, code: str, subject: str, now: datetime) -> None:
        log.error("alarm kiosk=%s code=%s subject=%s", batch.kiosk, code, subject)
        with self._store.write() as session:
            hold(session, batch.kiosk)
            raise_alarm(session, batch.kiosk, code, subject, at=now)


def _decode(raw: bytes) -> Batch:
    try:
        return decode_batch(raw)
    except WireError as error:
        raise BatchRefused(400, "batch_malformed", error.problems) from None


def _public(key: KioskKey) -> PublicKey:
    public = load_pem_public_key(key.public_key_pem.encode("ascii"))
    if not isinstance(public, PublicKey):
        raise TypeError("the register holds a key of another kind")
    return public


def _word(item: Item, verdict: Verdict, reason: str, *, first: Verdict | None = None) -> Word:
    return Word(seq=item.seq, verdict=verdict, fingerprint=item.fingerprint, reason=reason, first_verdict=first)


def _put_off(item: Item) -> Word:
    return Word(
        seq=item.seq,
        verdict=Verdict.DEFERRED,
        fingerprint=item.fingerprint,
        reason="epoch_left",
        retry_after_s=LEFT_RETRY_S,
    )


def _stored(batch: Batch, item: Item, verdict: Verdict, reason: str, now: datetime) -> StoredItem:
    return StoredItem(
        kiosk=batch.kiosk,
        epoch=batch.epoch,
        seq=item.seq,
        lane=item.lane,
        kind=item.kind,
        schema=item.schema,
        key_id=item.key_id,
        sealed_key=item.sealed_key,
        body=item.body,
        fingerprint=item.fingerprint.hex(),
        chain_before=item.chain_before.hex(),
        chain=item.chain.hex(),
        verdict=verdict.value,
        reason=reason,
        received=now,
    )
