"""What was put and not yet entered where it stands, read at once or, beside a damaged page, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from offline_queue.errors import QueueError
from offline_queue.values import Tail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offline_queue.sql import Row, Statements

ENLIST_CHUNK: Final = 100  # items at a time, half a millisecond: a put behind it hardly waits; two batches of fifty


def read(sql: Statements, first: int, last: int, limit: int, *, row_by_row: bool = False) -> Tail:
    """Return the next items that are not entered yet, of those from ``first`` to ``last``.

    ``row_by_row``: outside of a transaction, since SQLite lets no write follow a damaged page in the same.
    """
    if not row_by_row:
        rows = list(sql.rows("tail", limit=limit))
        return Tail(rows, [], rows[-1]["seq"] if len(rows) == limit else last)
    last = min(last, first + limit)
    unreadable: list[int] = []
    return Tail(singly(sql, "tail_item", range(first, last + 1), unreadable), unreadable, last)


def singly(sql: Statements, query: str, seqs: Iterable[int], unreadable: list[int]) -> list[Row]:
    """Read one row of ``query`` for each seq; what the disk does not give back is noted in ``unreadable``."""
    rows = []
    for seq in seqs:
        try:
            row = sql.careful(query, seq=seq)
        except QueueError:
            unreadable.append(seq)
        else:
            rows += [] if row is None else [row]
    return rows
