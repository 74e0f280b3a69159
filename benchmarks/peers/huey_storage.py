"""huey's SqliteStorage with ``fsync`` on (FULL)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from huey.storage import SqliteStorage

from benchmarks.peers.peer import BODY_BYTES, Peer
from benchmarks.peers.raw import steps

if TYPE_CHECKING:
    from pathlib import Path


class HueyStorage(Peer):
    """Taking removes: there is no acknowledgement, a crash in between loses the item."""

    def __init__(self, folder: Path) -> None:
        self._storage = SqliteStorage(filename=str(folder / "huey.db"), fsync=True)

    def put(self, body: bytes) -> None:
        """Enqueue."""
        self._storage.enqueue(body)

    def take_ack(self, count: int) -> None:
        """Dequeue one by one."""
        for _ in range(count):
            self._storage.dequeue()

    def size(self) -> int:
        """Ask it."""
        return int(self._storage.queue_size())

    def fill(self, count: int) -> None:
        """Insert what its enqueue would insert, many a transaction."""
        for step in steps(count - self.size()):
            rows = ((self._storage.name, os.urandom(BODY_BYTES)) for _ in range(step))
            with self._storage.db(commit=True) as cursor:
                cursor.executemany("INSERT INTO task (queue, data, priority) VALUES (?, ?, 0)", rows)

    def close(self) -> None:
        """Close."""
        self._storage.close()
