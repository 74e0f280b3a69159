"""A sqlite-utils table used as a queue, WAL and FULL: the comfortable way to SQLite, not a queue by itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sqlite_utils import Database

from benchmarks.peers.peer import BODY_BYTES, Peer
from benchmarks.peers.raw import steps

if TYPE_CHECKING:
    from pathlib import Path


class SqliteUtilsTable(Peer):
    """``insert`` for a put, ``rows_where`` and ``delete`` for a take and its acknowledgement."""

    def __init__(self, folder: Path) -> None:
        self._database = Database(folder / "table.db")
        self._database.enable_wal()
        self._database.execute("PRAGMA synchronous = full")
        self._table = self._database.table("item")
        if not self._table.exists():
            self._table.create({"id": int, "body": bytes}, pk="id")

    def put(self, body: bytes) -> None:
        """Insert."""
        self._table.insert({"body": body})

    def take_ack(self, count: int) -> None:
        """Read, then delete in one transaction."""
        rows = list(self._table.rows_where(order_by="id", limit=count))
        with self._database.atomic():
            for row in rows:
                self._table.delete(row["id"])

    def size(self) -> int:
        """Count the rows."""
        return int(self._table.count)

    def fill(self, count: int) -> None:
        """Insert many a transaction."""
        for step in steps(count - self.size()):
            self._table.insert_all(({"body": os.urandom(BODY_BYTES)} for _ in range(step)), batch_size=step)

    def close(self) -> None:
        """Close."""
        self._database.close()
