"""Raw sqlite3, one table, WAL and FULL: what everything here is a ratio of. And a bare flush: what the disk can do."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from benchmarks.peers.peer import BODY_BYTES, Peer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

PAGE_BYTES: Final = 4096
FILL_STEP: Final = 5000  # rows in one transaction while filling


class Raw(Peer):
    """``BEGIN IMMEDIATE; INSERT; COMMIT`` for a put, a ``SELECT`` and a ``DELETE`` of its own commit for an ack."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
        for pragma in ("journal_mode = wal", "synchronous = full"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")

    def put(self, body: bytes) -> None:
        """Insert one row in a transaction of its own."""
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        execute("INSERT INTO item (body) VALUES (?)", (body,))
        execute("COMMIT")

    def take(self, count: int) -> list[tuple[int, bytes]]:
        """Read the oldest rows."""
        return self._connection.execute("SELECT id, body FROM item ORDER BY id LIMIT ?", (count,)).fetchall()

    def ack(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """Delete rows in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        for number, _ in rows:
            self._connection.execute("DELETE FROM item WHERE id = ?", (number,))
        self._connection.execute("COMMIT")

    def take_ack(self, count: int) -> None:
        """Read, then delete in one transaction."""
        self.ack(self.take(count))

    def size(self) -> int:
        """Count the rows."""
        return int(self._connection.execute("SELECT count(*) FROM item").fetchone()[0])

    def fill(self, count: int) -> None:
        """Insert many rows a transaction."""
        for step in steps(count - self.size()):
            self._connection.execute("BEGIN IMMEDIATE")
            rows = ((os.urandom(BODY_BYTES),) for _ in range(step))
            self._connection.executemany("INSERT INTO item (body) VALUES (?)", rows)
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection; the last one checkpoints."""
        self._connection.close()


class RawAwaited(Peer):
    """Raw sqlite3 as an asyncio program must use it: on a thread of its own, each call awaited."""

    def __init__(self, folder: Path) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._runner = asyncio.Runner()
        self._raw = self._thread.submit(Raw, folder).result()

    def put(self, body: bytes) -> None:
        """Put, without a loop."""
        self._thread.submit(self._raw.put, body).result()

    def take_ack(self, count: int) -> None:
        """Take and acknowledge, without a loop."""
        self._thread.submit(self._raw.take_ack, count).result()

    def size(self) -> int:
        """Count the rows."""
        return self._thread.submit(self._raw.size).result()

    def fill(self, count: int) -> None:
        """Insert many rows a transaction."""
        self._thread.submit(self._raw.fill, count).result()

    def close(self) -> None:
        """Close the connection, end the thread and the loop."""
        self._thread.submit(self._raw.close).result()
        self._thread.shutdown()
        self._runner.close()

    def time_puts(self, bodies: Sequence[bytes], budget_s: float) -> list[float]:
        """Await each put."""
        return self._runner.run(self._time_puts(bodies, budget_s))

    def time_take_acks(self, batches: int, size: int, budget_s: float) -> list[float]:
        """Await each take, then each ack: two crossings, as a program that sends in between must."""
        return self._runner.run(self._time_take_acks(batches, size, budget_s))

    async def _time_puts(self, bodies: Sequence[bytes], budget_s: float) -> list[float]:
        loop = asyncio.get_running_loop()
        spent: list[float] = []
        end = time.perf_counter() + budget_s
        for body in bodies:
            before = time.perf_counter()
            await loop.run_in_executor(self._thread, self._raw.put, body)
            spent.append(time.perf_counter() - before)
            if before > end:
                break
        return spent

    async def _time_take_acks(self, batches: int, size: int, budget_s: float) -> list[float]:
        loop = asyncio.get_running_loop()
        spent: list[float] = []
        end = time.perf_counter() + budget_s
        for _ in range(batches):
            before = time.perf_counter()
            rows = await loop.run_in_executor(self._thread, self._raw.take, size)
            await loop.run_in_executor(self._thread, self._raw.ack, rows)
            spent.append(time.perf_counter() - before)
            if before > end:
                break
        return spent


class Flush(Peer):
    """A page and a flush: what the disk can do. Appending makes the file system write the new length down as well."""

    def __init__(self, folder: Path, *, append: bool) -> None:
        self._file = os.open(folder / "flush", os.O_WRONLY | os.O_CREAT, 0o600)
        self._page = os.urandom(PAGE_BYTES)
        self._step = PAGE_BYTES if append else 0
        self._at = 0

    def put(self, body: bytes) -> None:
        """Write 4 KiB, whatever the body, and flush."""
        del body
        os.pwrite(self._file, self._page, self._at)
        self._at += self._step
        os.fdatasync(self._file)

    def take_ack(self, count: int) -> None:
        """Not a queue."""
        raise NotImplementedError

    def size(self) -> int:
        """Return the pages written."""
        return os.fstat(self._file).st_size // PAGE_BYTES

    def fill(self, count: int) -> None:
        """Not a queue: nothing to fill."""

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def steps(count: int) -> Iterator[int]:
    """Cut ``count`` into transactions."""
    while count > 0:
        yield min(count, FILL_STEP)
        count -= FILL_STEP
