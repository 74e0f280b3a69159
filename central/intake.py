"""Batch intake: items, effects and verdicts in one transaction; the same item twice has one effect.

(kiosk, epoch, seq) is an item's identity. A second arrival gets the first result; the same identity with another body
is never stored: the batch is refused and an alarm raised (queue design, faults 3, 17, 30 and 34).
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, assert_never

from sqlalchemy import func, select

from central.bodies import AlarmBody, Body, BodyInvalid, CaseBody, PrintBody, RatingBody, read_body
from central.store.database import hold, next_number, raise_alarm
from central.store.schema import Case, PrintReport, Rating, StoredItem, Stream
from offline_queue.wire import (
    Batch,
    Item,
    Receipt,
    Verdict,
    WireError,
    check_chain,
    decode_batch,
    encode_reply,
    open_item,
    sign_receipt,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from central.clock import Clock
    from central.keys import Keys
    from central.packages import Packages
    from central.store.database import Store

log = logging.getLogger(__name__)
CREDIT: Final = 50  # one full batch: a single terminal never overruns us
GAP_PATIENCE: Final = timedelta(hours=1)  # four times a courier's longest pause; a lane may be that late
PENDING: Final = "pending"
DUPLICATES: Final = "duplicates"


class BatchRefused(Exception):
    """The whole batch is refused. ``status`` is HTTP's, ``code`` ours; ``problems`` hold no values."""

    def __init__(self, status: int, code: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.problems = problems


class _Conflict(Exception):
    """An item contradicts what is in custody already."""

    def __init__(self, code: str, item: Item) -> None:
        super().__init__(code)
        self.code = code
        self.item = item


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: the reply's bytes, and whether there are new cases to decide."""

    reply: bytes
    new_cases: bool


class Intake:
    """See the module. Thread-safe: the store orders the writers."""

    def __init__(self, store: Store, keys: Keys, packages: Packages, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._packages = packages
        self._clock = clock

    def take(self, kiosk: str, raw: bytes) -> Taken:
        """Take a batch in and return the signed reply once everything is durable. Raises ``BatchRefused``."""
        now = self._clock.now()
        batch = self._read(kiosk, raw, now)
        try:
            with self._store.write() as session:
                hold(session, kiosk)
                new, receipts = self._store_items(session, batch, now)
                self._follow(session, batch, new, now)
        except _Conflict as conflict:
            self._alarm(batch, conflict.code, f"{batch.epoch[:8]}/{conflict.item.seq}", now)
            problems = (f"seq {conflict.item.seq}: {conflict.code}",)
            raise BatchRefused(422, conflict.code, problems) from None
        reply = encode_reply([sign_receipt(self._keys.receipt_key, receipt) for receipt in receipts], CREDIT)
        return Taken(reply, any(item.kind == "case" for item in new))

    def _read(self, kiosk: str, raw: bytes, now: datetime) -> Batch:
        try:
            batch = decode_batch(raw)
        except WireError as error:
            raise BatchRefused(400, "batch_malformed", error.problems) from None
        if batch.kiosk != kiosk:
            raise BatchRefused(403, "kiosk_mismatch")
        try:
            check_chain(batch)
        except WireError as error:
            self._alarm(batch, "intake.chain_broken", f"{batch.epoch[:8]}/{batch.first_seq}", now)
            raise BatchRefused(422, "chain_broken", error.problems) from None
        return batch

    def _store_items(self, session: Session, batch: Batch, now: datetime) -> tuple[list[Item], list[Receipt]]:
        new, receipts = [], []
        for item in batch.items:
            known = session.get(StoredItem, (batch.kiosk, batch.epoch, item.seq))
            if known is None:
                _check_place(session, batch, item)
                verdict, reason = self._apply(session, batch, item, now)
                session.add(_stored(batch, item, verdict, reason, now))
                session.flush()
                new.append(item)
                receipts.append(self._receipt(batch, item, now, verdict, reason))
            elif known.fingerprint == item.fingerprint.hex() and known.chain == item.chain.hex():
                next_number(session, DUPLICATES)
                first = Verdict(known.verdict)
                receipts.append(self._receipt(batch, item, now, Verdict.DUPLICATE, known.reason, first=first))
            else:
                raise _Conflict("intake.fingerprint_conflict", item)
        return new, receipts

    def _apply(self, session: Session, batch: Batch, item: Item, now: datetime) -> tuple[Verdict, str]:
        """Open the item and do what it says; a body that cannot be taken is kept, and rejected for good."""
        try:
            body = self._open(batch, item)
        except BodyInvalid as error:
            subject = f"{batch.epoch[:8]}/{item.seq}"
            raise_alarm(session, batch.kiosk, f"intake.{error.reason}"[:64], subject, at=now)
            log.warning("item rejected kiosk=%s seq=%d reason=%s", batch.kiosk, item.seq, error.reason)
            return Verdict.REJECTED, error.reason
        self._effect(session, batch, item, body, now)
        return Verdict.ACCEPTED, ""

    def _open(self, batch: Batch, item: Item) -> Body:
        if item.key_id != self._keys.seal_key_id:
            raise BodyInvalid("key_unknown")
        try:
            raw = open_item(self._keys.sealing_key, batch.kiosk, batch.epoch, item)
        except WireError:
            raise BodyInvalid("unreadable") from None
        body = read_body(item.kind, item.schema, raw)
        if isinstance(body, CaseBody):
            package = self._packages.find(body.service)
            if package is None:
                raise BodyInvalid("service_unknown")
            if body.version > package.version:  # older ones are taken: a case keeps the version it began with
                raise BodyInvalid("version_unknown")
        return body

    def _effect(self, session: Session, batch: Batch, item: Item, body: Body, now: datetime) -> None:
        key = {"kiosk": batch.kiosk, "epoch": batch.epoch, "seq": item.seq}
        match body:
            case CaseBody():
                session.add(_case(key, body, now))
            case PrintBody():
                report = PrintReport(
                    **key, document=body.document, sheets=body.sheets, outcome=body.outcome, job=body.job
                )
                session.add(report)
            case RatingBody():
                reasons = json.dumps(body.reasons)
                rating = Rating(**key, service=body.service, version=body.version, grade=body.grade, reasons=reasons)
                session.add(rating)
            case AlarmBody():
                raise_alarm(session, batch.kiosk, body.code, body.subject, at=body.at, source="terminal")
            case _:
                assert_never(body)

    def _receipt(
        self, batch: Batch, item: Item, now: datetime, verdict: Verdict, reason: str, *, first: Verdict | None = None
    ) -> Receipt:
        return Receipt(
            kiosk=batch.kiosk,
            epoch=batch.epoch,
            seq=item.seq,
            verdict=verdict,
            first_verdict=first,
            fingerprint=item.fingerprint,
            central_time=now,
            reason=reason,
            key_id=self._keys.receipt_key_id,
        )

    def _follow(self, session: Session, batch: Batch, new: list[Item], now: datetime) -> None:
        """Keep track of the epoch: late numbers are normal, numbers that stay away are not, old epochs are over."""
        if not new:
            return
        stream = session.get(Stream, (batch.kiosk, batch.epoch))
        newest = session.scalar(select(func.max(Stream.order)).where(Stream.kiosk == batch.kiosk)) or 0
        if stream is None:
            stream = Stream(
                kiosk=batch.kiosk, epoch=batch.epoch, opened=now, order=newest + 1, highest=0, stored=0, gap_since=None
            )
            session.add(stream)
        elif stream.order < newest:
            raise_alarm(session, batch.kiosk, "intake.epoch_returned", batch.epoch[:8], at=now)
        stream.highest = max(stream.highest, *(item.seq for item in new))
        stream.stored += len(new)
        if stream.highest == stream.stored:
            stream.gap_since = None
        elif stream.gap_since is None:
            stream.gap_since = now
        elif now - stream.gap_since > GAP_PATIENCE:
            raise_alarm(session, batch.kiosk, "intake.gap", batch.epoch[:8], at=now)

    def _alarm(self, batch: Batch, code: str, subject: str, now: datetime) -> None:
        log.error("alarm kiosk=%s code=%s subject=%s", batch.kiosk, code, subject)
        with self._store.write() as session:
            raise_alarm(session, batch.kiosk, code, subject, at=now)


def _check_place(session: Session, batch: Batch, item: Item) -> None:
    """Compare with the neighbours in custody: an old image of a disk grows a second, different history."""
    before = session.get(StoredItem, (batch.kiosk, batch.epoch, item.seq - 1))
    if before is not None and before.chain != item.chain_before.hex():
        raise _Conflict("intake.chain_fork", item)


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
        chain=item.chain.hex(),
        verdict=verdict.value,
        reason=reason,
        received=now,
    )


def _case(key: dict[str, object], body: CaseBody, now: datetime) -> Case:
    return Case(
        **key,
        service=body.service,
        version=body.version,
        visit=body.visit,
        local_number=body.local_number,
        body=body.model_dump_json(),
        state=PENDING,
        received=now,
        updated=now,
    )
