"""persist-queue's SQLiteAckQueue: WAL, the library's default of ``synchronous`` (FULL where Debian built it)."""

from __future__ import annotations

import os
import pickle
import time
from typing import TYPE_CHECKING, Any

from persistqueue import SQLiteAckQueue
from persistqueue.sqlackqueue import AckStatus

from benchmarks.peers.peer import BODY_BYTES, Peer
from benchmarks.peers.raw import steps

if TYPE_CHECKING:
    from pathlib import Path


class PersistQueue(Peer):
    """A take is a commit, an acknowledgement another; finished rows stay until the caller clears them."""

    def __init__(self, folder: Path) -> None:
        self._queue = SQLiteAckQueue(str(folder))

    def put(self, body: bytes) -> None:
        """Put."""
        self._queue.put(body)

    def take_ack(self, count: int) -> None:
        """Get and acknowledge one by one."""
        for _ in range(count):
            item = self._queue.get(block=False, raw=True)
            self._queue.ack(item)

    def size(self) -> int:
        """Return its counter."""
        return int(self._queue.size)

    def fill(self, count: int) -> None:
        """Insert what its put would insert, many a transaction; its counter is made anew when it is opened again."""
        self._insert(count - self.size(), AckStatus.inited)
        self._queue.resume_unack_tasks()

    def fill_finished(self, count: int) -> None:
        """Insert what acknowledged items leave."""
        self._insert(count, AckStatus.acked)

    def _insert(self, count: int, status: str) -> None:
        connection: Any = self._queue._putter  # noqa: SLF001 - its own put would take an hour for a million
        for step in steps(count):
            rows = ((pickle.dumps(os.urandom(BODY_BYTES)), time.time(), status) for _ in range(step))
            with connection:
                connection.executemany("INSERT INTO ack_queue_default (data, timestamp, status) VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Close."""
        self._queue.close()
