"""Looking at the queue without changing it: what lies where, and whether all of it is what was stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from offline_queue import epochs, wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from offline_queue.ledger import Ledger
    from offline_queue.sql import Row

_CHUNK: Final = 500  # rows in one read: a reader that lingers keeps the log from being folded in


@dataclass(frozen=True, slots=True)
class Entry:
    """What may be shown of an item: sizes, times and codes, never a body. ``place`` is one word."""

    seq: int
    epoch: str
    lane: str
    kind: str
    priority: int
    put_at: datetime
    size: int  # sealed bytes
    key_id: str
    place: str  # new | ready | put_off | waiting | held | rejected | delivered
    attempts: int
    reason: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was stored; ``seq`` names the item."""

    seq: int
    what: str


def entries(ledger: Ledger, *, after: int = 0, limit: int = _CHUNK) -> list[Entry]:
    """Return items by rising seq. Page with ``after``."""
    return [_entry(row) for row in ledger.sql.rows("entries", after=after, limit=limit, mono=ledger.moment.mono)]


def entry(ledger: Ledger, seq: int) -> Entry | None:
    """Return one item, if its row is still there."""
    found = entries(ledger, after=seq - 1, limit=1)
    return found[0] if found and found[0].seq == seq else None


@dataclass(slots=True)
class Walk:
    """Where a check of the whole chain stands; one step is one short read."""

    after: int = 0
    chain: bytes = b""  # after item ``after``; empty: not known
    epoch: str = ""
    checked: int = 0


def verify(ledger: Ledger, walk: Walk, *, limit: int = _CHUNK) -> list[Problem] | None:
    """Check the next items against their chain and their neighbours; ``None``: the end is reached.

    A row that is gone is missing unless it was delivered, which its receipt or the receipts' retention shows.
    """
    names = {row["id"]: row["name"] for row in ledger.sql.rows("epochs")}
    found: list[Problem] = []
    rows = ledger.sql.rows("walk", after=walk.after, limit=limit)
    count = 0
    for epoch_id, fingerprint, *values in rows:
        item, epoch = wire.Item(*values), names.get(epoch_id, "")
        found += _gap(ledger, walk.after, item.seq)
        if not ledger.fits(epoch, item, fingerprint):
            found.append(Problem(item.seq, "its content does not fit its chain"))
        elif not _follows(ledger, walk, item, epoch):
            found.append(Problem(item.seq, "it does not follow the item before it"))
        walk.after, walk.chain, walk.epoch = item.seq, item.chain, epoch
        walk.checked += 1
        count += 1
    if count:
        return found
    head = ledger.load_head()
    found += _gap(ledger, walk.after, head.seq + 1)
    walk.after = max(walk.after, head.seq)
    return found or None


def _follows(ledger: Ledger, walk: Walk, item: wire.Item, epoch: str) -> bool:
    """Tell whether an item goes on where the one before it ended, or begins its epoch."""
    if not walk.chain or item.seq != walk.after + 1 or item.chain_before == walk.chain:
        return True
    return item.chain_before == wire.chain_start(ledger.load_head().kiosk, epoch)


def _gap(ledger: Ledger, after: int, before: int) -> list[Problem]:
    after = max(after, ledger.state()["receipts_swept"]) if before > after + 1 else after
    if before <= after + 1:
        return []
    row = ledger.sql.one("receipts_between", after=after, before=before)
    if row is not None and row["count"] == before - after - 1:
        return []
    known = {found["seq"] for found in ledger.sql.rows("receipt_seqs", after=after, before=before)}
    return [Problem(seq, "it is missing, and no receipt says where it went") for seq in _absent(after, before, known)]


def _absent(after: int, before: int, known: set[int]) -> Iterator[int]:
    return (seq for seq in range(after + 1, before) if seq not in known)


def _entry(row: Row) -> Entry:
    return Entry(
        seq=row["seq"],
        epoch=row["epoch"],
        lane=row["lane"],
        kind=row["kind"],
        priority=row["priority"],
        put_at=datetime.fromtimestamp(row["put_at"], UTC),
        size=row["size"],
        key_id=row["key_id"],
        place=row["place"],
        attempts=row["attempts"],
        reason=row["reason"],
        fingerprint=row["fingerprint"].hex(),
    )


def mark_beside(path: Path) -> wire.ChainEnd | None:
    """Return the end of the queue as it was noted beside the file at the last commit, if it was."""
    try:
        return epochs.read_mark(path.with_name(f"{path.name}.mark").read_bytes())
    except OSError:
        return None


def beyond_the_end(ledger: Ledger, mark: wire.ChainEnd | None) -> list[Problem]:
    """Return what the mark knows and the file does not: items deleted from the end leave the chain whole."""
    head = ledger.load_head()
    if mark is None or mark.seq <= head.seq:
        return []
    return [
        Problem(seq, "it is missing: the mark beside the file knows it") for seq in range(head.seq + 1, mark.seq + 1)
    ]
