"""What the outbox tells: states, figures, alarms, and the limits of taking in."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from offline_queue.sql import Row
    from offline_queue.wire import ItemId, Receipt


class Phase(enum.StrEnum):
    """Where an item is, for those who put it. Every item ends delivered or quarantined; none expires."""

    PENDING = "pending"
    DELIVERED = "delivered"  # custody proven by a signed receipt
    QUARANTINED = "quarantined"  # set aside with an alarm; the body is kept
    UNKNOWN = "unknown"  # never put here, or its receipt is older than the retention


@dataclass(frozen=True, slots=True)
class ItemState:
    """State of one item. ``receipt`` is set when delivered, and when quarantined by central's rejection."""

    phase: Phase
    attempts: int = 0
    reason: str = ""
    receipt: Receipt | None = None


class AlarmCode(enum.StrEnum):
    """What staff must know of; closed set."""

    ITEM_QUARANTINED = "alarm.item_quarantined"
    ITEM_ROTTEN = "alarm.item_rotten"  # the stored body or head no longer fits its chain, or cannot be read
    RECEIPT_REFUSED = "alarm.receipt_refused"  # unsigned, foreign, or about a body we did not send
    RESERVE_SPENT = "alarm.reserve_spent"  # the disk is full, the reserve file was given up to settle
    DISK_FULL = "alarm.disk_full"  # not even the reserve gave room to settle
    LINK_UNTRUSTED = "alarm.link_untrusted"  # certificate, redirect, web page instead of central
    TOKEN_REFUSED = "alarm.token_refused"  # noqa: S105 - the name of an alarm
    ALL_REFUSED = "alarm.all_refused"  # central refuses everything: sending is paused, nothing is quarantined
    HISTORY_LOST = "alarm.history_lost"  # items that were durable are gone: lying disk, deleted file, old image
    OLD_IMAGE = "alarm.old_image"  # central knows later items than this disk: a new epoch was begun
    CENTRAL_RESTORED = "alarm.central_restored"  # central was set back; what it lost was queued again
    RECEIPT_WITHOUT_BODY = "alarm.receipt_without_body"  # central lost what only our receipt can prove
    CLOCK_BEHIND = "alarm.clock_behind"  # the wall clock is before a moment central has signed
    CLOCK_AHEAD = "alarm.clock_ahead"  # the wall clock is far after central's: times are doubtful
    DISK_FAULT = "alarm.disk_fault"  # the disk refuses what is written; take-in is closed
    LOG_GROWS = "alarm.log_grows"  # a reader keeps the write-ahead log from being folded in


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; ``seq`` names the item, if it is about one. No personal data."""

    code: AlarmCode
    detail: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A word that proved nothing, and why: ``signature``, ``foreign``, ``unknown`` or ``fingerprint``.

    ``item_id`` is ``None`` when the whole reply proved nothing.
    """

    item_id: ItemId | None
    why: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a reply did: sequence numbers delivered, rejected, put off; and the words refused."""

    delivered: tuple[int, ...] = ()
    rejected: tuple[int, ...] = ()
    deferred: tuple[int, ...] = ()
    refused: tuple[Refused, ...] = ()


class ClockTrust(enum.StrEnum):
    """What the times central has signed say about the wall clock."""

    TRUSTED = "trusted"
    BEHIND = "behind"  # before a moment that has been: nothing dated may be made
    AHEAD = "ahead"  # far after the last time central was heard: doubtful, no reason to stop


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures in constant time. ``pending`` counts unsent items, without the quarantined ones."""

    epoch: str
    pending: int
    pending_bytes: int
    quarantined: int
    oldest_age_s: float  # 0 when nothing waits; items held behind a quarantined one do not count
    last_receipt: datetime | None
    last_seq: int
    clock: ClockTrust
    free_bytes: int  # under the cap of the file; the disk may have less
    disk_free_bytes: int
    sqlite_version: str
    sqlite_wal_race: bool  # 3.7.0 to 3.51.2: harmless with one writer, which is the rule here


class AdmissionReason(enum.StrEnum):
    """Why nothing more may be taken in offline."""

    TOO_OLD = "admission.too_old"
    TOO_MANY = "admission.too_many"
    DISK_LOW = "admission.disk_low"
    QUEUE_FULL = "admission.queue_full"
    CLOCK_UNTRUSTED = "admission.clock_untrusted"
    CATALOGUE_OLD = "admission.catalogue_old"
    DISK_FAULT = "admission.disk_fault"  # read-only, or it refused what was written last


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """Limits checked before the resident starts; refused later would be refused too late."""

    max_age_s: float = 72 * 3600.0
    max_pending: int = 500
    min_disk_bytes: int = 1_000_000_000
    min_free_bytes: int = 32 * 1024 * 1024  # two of the largest bodies
    max_catalogue_age_s: float = 7 * 86400.0


class Moment(NamedTuple):
    """Both clocks at the start of a transaction: wall time in seconds UTC, monotonic seconds."""

    wall: float
    mono: float


class Tail(NamedTuple):
    """Items that are not entered yet where they stand, up to ``last``; ``unreadable`` are those the disk withholds."""

    rows: list[Row]
    unreadable: list[int]
    last: int


class Head(NamedTuple):
    """The end of the queue, as the next put finds it. Kept in memory: one process owns the file."""

    kiosk: str
    epoch_id: int
    epoch: str  # name of the present epoch
    seq: int
    chain: bytes
    total: int  # bytes of all bodies up to here
    boot: int
