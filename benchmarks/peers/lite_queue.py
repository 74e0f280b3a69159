"""litequeue: WAL and NORMAL as shipped, which a power cut undoes; FULL when forced."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from litequeue import LiteQueue as Shipped
from litequeue import MessageStatus, uuid7

from benchmarks.peers.peer import BODY_BYTES, Peer
from benchmarks.peers.raw import steps

if TYPE_CHECKING:
    from pathlib import Path


class LiteQueue(Peer):
    """A pop is a commit, ``done`` another; finished rows stay until the caller prunes them."""

    def __init__(self, folder: Path, *, full: bool) -> None:
        self._queue = Shipped(folder / "litequeue.db")
        if full:
            self._queue.conn.execute("PRAGMA synchronous = full")

    def put(self, body: bytes) -> None:
        """Put."""
        self._queue.put(body)

    def take_ack(self, count: int) -> None:
        """Pop and mark as done one by one."""
        for _ in range(count):
            self._queue.done(self._queue.pop().message_id)

    def size(self) -> int:
        """Ask it."""
        return int(self._queue.qsize())

    def oldest_age_s(self) -> float | None:
        """Peek."""
        message = self._queue.peek()
        return None if message is None else time.time() - message.in_time / 1e9

    def fill(self, count: int) -> None:
        """Insert what its put would insert, many a transaction."""
        self._insert(count - self.size(), MessageStatus.READY)

    def fill_finished(self, count: int) -> None:
        """Insert what acknowledged items leave."""
        self._insert(count, MessageStatus.DONE)

    def _insert(self, count: int, status: int) -> None:
        for step in steps(count):
            rows = ((os.urandom(BODY_BYTES), uuid7(), int(status), time.time_ns()) for _ in range(step))
            with self._queue.transaction(mode="IMMEDIATE"):
                self._queue.conn.executemany(
                    "INSERT INTO [Queue] (data, message_id, status, in_time) VALUES (?, ?, ?, ?)", rows
                )

    def close(self) -> None:
        """Close."""
        self._queue.conn.close()
