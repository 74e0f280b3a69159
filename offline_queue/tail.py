"""What was put and not yet entered where it stands: read, row by row if need be, and entered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offline_queue.errors import QueueError
from offline_queue.values import AlarmCode, Tail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offline_queue.ledger import Ledger
    from offline_queue.sql import Row

ENLIST_CHUNK: Final = (
    250  # items in one transaction: a millisecond, so that a put behind it does not wait; five batches
)


def read(ledger: Ledger, *, row_by_row: bool = False) -> Tail:
    """Return the next items that are not entered yet.

    ``row_by_row``: outside of a transaction, since SQLite lets no write follow a damaged page in the same.
    """
    first, last = ledger.state()["enlisted"] + 1, ledger.load_head().seq
    if not row_by_row:
        rows = list(ledger.sql.rows("tail", limit=ENLIST_CHUNK))
        return Tail(rows, [], rows[-1]["seq"] if len(rows) == ENLIST_CHUNK else last)
    last = min(last, first + ENLIST_CHUNK)
    unreadable: list[int] = []
    return Tail(singly(ledger, "tail_item", range(first, last + 1), unreadable), unreadable, last)


def enlist(ledger: Ledger, tail: Tail) -> None:
    """Enter items where they stand: ready, or waiting in their lane; set aside what the disk does not give back."""
    for row in tail.rows:
        place = {"seq": row["seq"], "lane": row["lane"], "priority": row["priority"]}
        # A lane's first item has nothing before it.
        if not ledger.sql.run("make_ready" if row["seq"] == row["lane"] else "enlist", **place):
            ledger.sql.run("make_wait", **place)
    ledger.sql.run("enlisted", seq=tail.last)
    for seq in tail.unreadable:
        ledger.settled(1, 0)
        ledger.set_aside(seq, seq, "unreadable", None, AlarmCode.ITEM_ROTTEN)


def singly(ledger: Ledger, query: str, seqs: Iterable[int], unreadable: list[int]) -> list[Row]:
    """Read one row of ``query`` for each seq; what the disk does not give back is noted in ``unreadable``."""
    rows = []
    for seq in seqs:
        try:
            row = ledger.sql.careful(query, seq=seq)
        except QueueError:
            unreadable.append(seq)
        else:
            rows += [] if row is None else [row]
    return rows
