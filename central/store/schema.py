"""Tables. Every key that grows with the fleet starts with the terminal, so that the data can be spread later."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, DateTime, Index, Integer, LargeBinary, String, Text, TypeDecorator, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect


RowNumber = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only a column called INTEGER


class UtcTime(TypeDecorator[datetime]):
    """An aware time; SQLite has no zones, so UTC goes in and UTC comes out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn into UTC; a naive time is a bug."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without its zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """All tables."""

    type_annotation_map = {datetime: UtcTime(), int: BigInteger()}  # noqa: RUF012 - SQLAlchemy's own form


class ItemKey:
    """(kiosk, epoch, seq): identity of an item for ever, see ``offline_queue.wire``."""

    kiosk: Mapped[str] = mapped_column(String(64), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Kiosk(Table):
    """An enrolled terminal. Of its token only the digest is kept; ``last_*`` is where it said its chain ends."""

    __tablename__ = "kiosk"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    token_digest: Mapped[str] = mapped_column(String(64))
    token_expires: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(32), default="enrolled", server_default="enrolled")
    enrolled: Mapped[datetime | None]  # client certificates issued before are void
    key_id: Mapped[str | None] = mapped_column(String(64))
    heard: Mapped[datetime | None]
    last_epoch: Mapped[str | None] = mapped_column(String(32))
    last_seq: Mapped[int | None]


class KioskKey(Table):
    """A public key a terminal signs or signed with; slips outlive the key they were signed with."""

    __tablename__ = "kiosk_key"
    key_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kiosk: Mapped[str] = mapped_column(String(64))
    public_key_pem: Mapped[str] = mapped_column(Text)
    registered: Mapped[datetime]
    retired: Mapped[datetime | None]


class Stream(Table):
    """One epoch of a terminal: where it begins, how far it got, whether numbers are missing, whether it is over."""

    __tablename__ = "stream"
    kiosk: Mapped[str] = mapped_column(String(64), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(32), primary_key=True)
    opened: Mapped[datetime]
    order: Mapped[int]  # 1 for a terminal's first epoch, 2 for the next: times may tie or jump
    first: Mapped[int | None]  # the seq whose chain_before begins the epoch; unknown until that item came
    highest: Mapped[int]
    stored: Mapped[int]
    duplicates: Mapped[int] = mapped_column(default=0, server_default="0")
    turned: Mapped[int | None]  # ``highest`` when a newer epoch began; null: the terminal's present epoch
    forked: Mapped[bool] = mapped_column(default=False, server_default=false())  # two histories were seen
    gap_since: Mapped[datetime | None]
    told_order: Mapped[int | None]  # ``order`` of the newest epoch when this one's machine was told it is over
    told_seq: Mapped[int | None]  # and where its chain ended then


class StoredItem(ItemKey, Table):
    """An item in custody, as it came, with what was said about it."""

    __tablename__ = "item"
    lane: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(64))
    schema: Mapped[int]
    key_id: Mapped[str] = mapped_column(String(64))
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    fingerprint: Mapped[str] = mapped_column(String(64))
    chain_before: Mapped[str | None] = mapped_column(String(64))  # null: taken in before it was kept
    chain: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(64))
    received: Mapped[datetime]


class AuditLine(Table):
    """A line of a terminal's audit, as it came; the first word on a number stands."""

    __tablename__ = "audit_line"
    kiosk: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[str] = mapped_column(Text)
    chain: Mapped[str] = mapped_column(String(64))
    received: Mapped[datetime]


class RestoreMark(Table):
    """This database was set back: what was taken in after ``moment`` was lost and is wanted again."""

    __tablename__ = "restore_mark"
    noted: Mapped[datetime] = mapped_column(primary_key=True)
    moment: Mapped[datetime]


class Case(ItemKey, Table):
    """A resident's case. ``body`` is the JSON that came; ``reason`` a business code of a refusal."""

    __tablename__ = "case_file"
    service: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    visit: Mapped[str] = mapped_column(String(64))
    local_number: Mapped[str] = mapped_column(String(64), index=True)
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), index=True)
    number: Mapped[str | None] = mapped_column(String(64), unique=True)
    promise: Mapped[date | None]
    first_reply: Mapped[date | None]
    reason: Mapped[str] = mapped_column(String(64), default="")
    document: Mapped[str | None] = mapped_column(String(64))
    received: Mapped[datetime]
    updated: Mapped[datetime]


class Document(Table):
    """A sealed document; only the terminal whose case it is may fetch it."""

    __tablename__ = "document"
    __table_args__ = (Index("document_case", "kiosk", "epoch", "seq", unique=True),)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kiosk: Mapped[str] = mapped_column(String(64))
    epoch: Mapped[str] = mapped_column(String(32))
    seq: Mapped[int]
    code: Mapped[str] = mapped_column(String(12), unique=True)
    number: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(64))
    holder_masked: Mapped[str] = mapped_column(String(64))
    issued: Mapped[datetime]
    expires: Mapped[datetime]
    pages: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Challenge(Table):
    """A code sent to a phone. Person and code are kept as keyed digests."""

    __tablename__ = "challenge"
    __table_args__ = (Index("challenge_visit", "kiosk", "visit"),)
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kiosk: Mapped[str] = mapped_column(String(64))
    visit: Mapped[str] = mapped_column(String(64))
    person: Mapped[str] = mapped_column(String(64))
    answer: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    attempts_left: Mapped[int]
    sent: Mapped[datetime]
    expires: Mapped[datetime]
    answered: Mapped[datetime | None]


class Sms(Table):
    """The simulated text message gateway's outgoing folder."""

    __tablename__ = "sms"
    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    to: Mapped[str] = mapped_column(String(32))
    text: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime]


class LookupEntry(Table):
    """Who asked the register for what purpose; about whom is not kept here."""

    __tablename__ = "lookup"
    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    kiosk: Mapped[str] = mapped_column(String(64))
    visit: Mapped[str] = mapped_column(String(64))
    service: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(64))
    known: Mapped[bool]
    at: Mapped[datetime]


class Rating(ItemKey, Table):
    """A resident's grade, bound to case and service, never to a name."""

    __tablename__ = "rating"
    service: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    grade: Mapped[int]
    reasons: Mapped[str] = mapped_column(Text)


class PrintReport(ItemKey, Table):
    """Sheets of an official document that came out."""

    __tablename__ = "print_report"
    document: Mapped[str] = mapped_column(String(64))
    sheets: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(32))
    job: Mapped[str] = mapped_column(String(128))


class Alarm(Table):
    """Something staff must see; raised by a terminal or found by central. Once for each subject."""

    __tablename__ = "alarm"
    kiosk: Mapped[str] = mapped_column(String(64), primary_key=True)
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    subject: Mapped[str] = mapped_column(String(128), primary_key=True)
    source: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    ended: Mapped[datetime | None]  # only of what central itself sees the end of


class Counter(Table):
    """Running numbers."""

    __tablename__ = "counter"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[int]
