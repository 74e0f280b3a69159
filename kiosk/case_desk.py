"""The desk between a visit and the outbox: seals, numbers, hands in, and knows what became of it.

Each visit has a sealing key of its own; it is dropped with the visit, so the terminal cannot read what it queued.
Whatever is handed in takes the audit lines that wait along in its commit; a case also carries them to central.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kiosk.audit import AUDIT, carried
from kiosk.catalogue.values import applicable
from kiosk.documents.slip_code import slip_code
from kiosk.events import CaseDelivered, CaseTakenIn
from kiosk.keys import KeyCode, KeyStoreError
from kiosk.queue_view import entry
from offline_queue.wire import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from devices.values import Clock
    from kiosk.audit import AuditTrail
    from kiosk.event_log import EventLog
    from kiosk.keys import KioskKey
    from kiosk.visit import Visit
    from offline_queue.ledger import Ledger
    from offline_queue.outbox import Outbox
    from offline_queue.values import Settlement
    from offline_queue.wire import Batch, ItemId

CASE, PRINT, RATING, ALARM = "case", "print", "rating", "alarm"
MAINTENANCE, DRY_RUN = "maintenance", "dry_run"
SCHEMA = 1
PRIORITY = {ALARM: 1, MAINTENANCE: 2, CASE: 3, DRY_RUN: 3, PRINT: 4, RATING: 7}  # 0 goes first
RANDOM_DIGITS = 4  # part of the slip number nobody can guess from the slip before


@dataclass(frozen=True, slots=True)
class CaseTicket:
    """A case in the outbox. ``fingerprint`` is the SHA-256 of its sealed body; ``taken_at`` has its zone."""

    item: ItemId
    local_number: str
    taken_at: datetime
    fingerprint: bytes


def tell_deliveries(log: EventLog, batch: Batch, settlement: Settlement) -> None:
    """Write down what became of each case of a batch, also long after its visit."""
    for verdict, seqs in ((Verdict.ACCEPTED, settlement.delivered), (Verdict.REJECTED, settlement.rejected)):
        for item in batch.items:
            if item.kind == CASE and item.seq in seqs:
                log.emit(CaseDelivered(seq=item.seq, verdict=verdict.value))


class VisitDesk:
    """The desk of one visit. ``key`` is asked for the kiosk's key when a slip is to be signed: it may come late."""

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        log: EventLog,
        kiosk: str,
        visit: str,
        *,
        trail: AuditTrail,
        key: Callable[[], KioskKey | None],
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._log = log
        self._kiosk = kiosk
        self._visit = visit
        self._trail = trail
        self._kiosk_key = key
        self._key = outbox.begin_visit(visit)

    async def put_case(self, visit: Visit, link: str) -> CaseTicket:
        """Make the case durable; returns only then. Raises ``QueueError``.

        Number, audit lines and case are one commit: no number without a case, no case without what led to it.
        """
        now, day = self._clock.now(), visit.today()
        body = case_body(visit, "", now.isoformat(), offline=not visit.online)
        guard = f"{secrets.randbelow(10**RANDOM_DIGITS):0{RANDOM_DIGITS}d}"

        def take_in(ledger: Ledger) -> CaseTicket:
            number = self._local_number(day, ledger.next_number("slip", day.isoformat()), guard)
            whole = body | {"local_number": number, AUDIT: carried(ledger)}
            item = self._add(ledger, CASE, whole)
            return CaseTicket(item, number, now, _fingerprint(ledger, item.seq))

        ticket = await self._trail.within(take_in)
        self._log.emit(CaseTakenIn(visit=self._visit, service=visit.service.code, seq=ticket.item.seq, link=link))
        return ticket

    async def slip_code(self, ticket: CaseTicket) -> str:
        """Return the text of the code on the case's slip: signed where the kiosk's key is at hand, else the number.

        Raises the key's ``KeyStoreError``, and ``ValueError`` for a name of the kiosk that does not fit into a code.
        """
        key = self._kiosk_key()
        if key is None:
            raise KeyStoreError(KeyCode.MISSING, "the key could not be opened", "see KeyUnavailable in the log")
        return await asyncio.to_thread(
            slip_code,
            key,
            kiosk=self._kiosk,
            epoch=ticket.item.epoch,
            seq=ticket.item.seq,
            number=ticket.local_number,
            taken_at=ticket.taken_at,
            fingerprint=ticket.fingerprint,
        )

    async def put_print(self, ticket: CaseTicket, document: str, sheets: int, outcome: str, job: str) -> None:
        """Account for sheets of an official document."""
        case = {"epoch": ticket.item.epoch, "seq": ticket.item.seq}
        await self._put(PRINT, {"case": case, "document": document, "sheets": sheets, "outcome": outcome, "job": job})

    async def put_rating(
        self, ticket: CaseTicket | None, service: str, version: int, grade: int, reasons: tuple[str, ...]
    ) -> None:
        """Hand in a rating, bound to case and item, not to a name."""
        case = {"epoch": ticket.item.epoch, "seq": ticket.item.seq} if ticket is not None else None
        body = {"case": case, "service": service, "version": version, "grade": grade, "reasons": list(reasons)}
        await self._put(RATING, body)

    async def put_alarm(self, code: str, subject: str) -> None:
        """Hand in an alarm."""
        await self._put(ALARM, {"code": code, "subject": subject, "at": self._clock.now().isoformat()})

    async def put_maintenance(self, entry: Mapping[str, object]) -> None:
        """Hand in an entry of the service book, or a report on the machine."""
        await self._put(MAINTENANCE, entry)

    async def settled(self, ticket: CaseTicket) -> Verdict:
        """Return central's verdict once its signed receipt is stored; waits as long as it takes."""
        return await self._outbox.wait_settled(ticket.item)

    def close(self) -> None:
        """Drop the visit's key: from now on the terminal cannot read what it queued."""
        self._key.drop()

    async def _put(self, kind: str, body: Mapping[str, object]) -> None:
        await self._trail.within(lambda ledger: self._add(ledger, kind, body))

    def _add(self, ledger: Ledger, kind: str, body: Mapping[str, object]) -> ItemId:
        """On the queue's thread: seal the body and put it."""
        encoded = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return ledger.put(self._key, kind, encoded, schema=SCHEMA, priority=PRIORITY[kind])

    def _local_number(self, day: date, count: int, guard: str) -> str:
        """Return kiosk, day, the day's count, and digits nobody can guess: 0001-261121-0007-4821."""
        place = re.sub(r"\D", "", self._kiosk)[-4:].zfill(4)
        return f"{place}-{day:%y%m%d}-{count:04d}-{guard}"


def _fingerprint(ledger: Ledger, seq: int) -> bytes:
    stored = entry(ledger, seq)
    if stored is None:
        raise RuntimeError("the item that was just put is not there")
    return bytes.fromhex(stored.fingerprint)


def case_body(visit: Visit, number: str, taken_at: str, *, offline: bool) -> dict[str, object]:
    """Return the case as central reads it: the only place where a session's personal values leave it."""
    session = visit.session
    face = session.face
    card = session.card
    answers = {name: value.reveal() for name, value in session.values.items()}
    applies = [field.id for field in applicable(visit.service.fields, answers)]
    level = "none" if card is None else "card+face+sms" if face and session.challenge else "card"
    return {
        "service": visit.service.code,
        "version": visit.service.version,
        "visit": session.visit,
        "local_number": number,
        "taken_at": taken_at,
        "offline": offline,
        "language": visit.stage.language.value,
        "identity": {
            "level": level,
            "card": {"kind": card.kind.value, "name": card.name.reveal(), "id_no": card.number.reveal()}
            if card
            else None,
            "face": {
                "engine": face.engine.name,
                "engine_version": face.engine.version,
                "verdict": face.verdict.value,
                "score": face.score,
                "liveness": face.liveness,
            }
            if face
            else None,
            "sms": {"challenge": session.challenge} if session.challenge else None,
        },
        "consents": [
            {"id": record.id, "text_sha256": record.text_sha256, "at": record.at.isoformat()}
            for record in session.consents
        ],
        "values": {name: answers[name] for name in applies if name in answers},
    }
