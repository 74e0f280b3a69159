"""What is known of the queue as a whole: sizes, ages and the clock, each in constant time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from offline_queue.sql import sqlite_version
from offline_queue.values import AdmissionReason, ClockTrust, Stats

if TYPE_CHECKING:
    from offline_queue.ledger import Ledger
    from offline_queue.sql import Row
    from offline_queue.store import Store
    from offline_queue.values import AdmissionLimits

CLOCK_SLACK_S: Final = 300.0  # a clock kept by the network is right to a second; minutes are a fault
CLOCK_LEAP_S: Final = 400 * 86400.0  # longer than any terminal is away


def clock_trust(wall: float, state: Row) -> ClockTrust:
    """Judge the wall clock by the latest moment central has signed."""
    heard = state["central_time"]
    if heard is None:
        return ClockTrust.TRUSTED
    if wall < heard - CLOCK_SLACK_S:
        return ClockTrust.BEHIND
    return ClockTrust.AHEAD if state["clock_ahead"] or wall > heard + CLOCK_LEAP_S else ClockTrust.TRUSTED


def oldest_age_s(ledger: Ledger) -> float:
    """Return the age of the oldest item that could go.

    Monotonic within one boot; over a reboot by the wall clock, or, where that is not trusted, by central's latest time.
    """
    row, state = ledger.sql.one("oldest_ready"), ledger.state()
    if row is None:
        return 0.0
    if row["boot"] == state["boot"]:
        return max(0.0, ledger.moment.mono - float(row["put_mono"]))
    trusted = clock_trust(ledger.moment.wall, state) is ClockTrust.TRUSTED
    return max(0.0, (ledger.moment.wall if trusted else float(state["central_time"])) - float(row["put_at"]))


def stats(ledger: Ledger, store: Store) -> Stats:
    """Return the figures. Sizes are differences of running totals: nothing is counted."""
    state, head = ledger.state(), ledger.load_head()
    at = state["last_receipt_at"]
    version, wal_race = sqlite_version()
    return Stats(
        epoch=head.epoch,
        pending=head.seq - state["done_items"],
        pending_bytes=head.total - state["done_bytes"],
        quarantined=state["quarantined"],
        oldest_age_s=oldest_age_s(ledger),
        last_receipt=None if at is None else datetime.fromtimestamp(at, UTC),
        last_seq=head.seq,
        clock=clock_trust(ledger.moment.wall, state),
        free_bytes=store.free_bytes(ledger.sql),
        disk_free_bytes=store.disk_free_bytes(),
        sqlite_version=version,
        sqlite_wal_race=wal_race,
    )


def reasons_against(stats: Stats, limits: AdmissionLimits, catalogue_age_s: float) -> list[AdmissionReason]:
    """Return why nothing more may be taken in."""
    checks = {
        AdmissionReason.TOO_OLD: stats.oldest_age_s > limits.max_age_s,
        AdmissionReason.TOO_MANY: stats.pending > limits.max_pending,
        AdmissionReason.DISK_LOW: stats.disk_free_bytes < limits.min_disk_bytes,
        AdmissionReason.QUEUE_FULL: stats.free_bytes < limits.min_free_bytes,
        AdmissionReason.CLOCK_UNTRUSTED: stats.clock is ClockTrust.BEHIND,
        AdmissionReason.CATALOGUE_OLD: catalogue_age_s > limits.max_catalogue_age_s,
    }
    return [reason for reason, holds in checks.items() if holds]
