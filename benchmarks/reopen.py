"""Q11: opening after a cut in mid-work, with everything still pending, and proving the chain of all of it.

``python -m benchmarks.reopen FOLDER PUTS`` is the process that is cut: it puts, and kills itself without closing, so
that the database and its WAL stay behind as they were.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.peers.peer import random_bodies
from benchmarks.peers.registry import KINDS, OURS
from benchmarks.peers.tongban import central_of, open_outbox
from kiosk import queue_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from offline_queue.outbox import Outbox

PUTS_BEFORE_THE_CUT: Final = 200  # below SQLite's automatic checkpoint: the WAL is as long as it gets
ROUNDS: Final = 3
_DEADLINE_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Reopened:
    """Seconds to open (median of the rounds); items proven a second, by one thread."""

    open_s: float
    worst_open_s: float
    wal_bytes: int
    chain_rate: float


def measure(folder: Path, count: int, say: Callable[[str], None]) -> Reopened:
    """Fill a queue in ``folder`` with ``count`` items, cut it ``ROUNDS`` times, open it cold each time."""
    peer = KINDS[OURS].open(folder)
    peer.fill(count)
    peer.close()
    say(f"cut: filled with {count:,}")
    opens: list[float] = []
    wal_bytes = 0
    chain_rate = 0.0
    for number in range(ROUNDS):
        cut = subprocess.run(
            [sys.executable, "-m", "benchmarks.reopen", str(folder), str(PUTS_BEFORE_THE_CUT)],
            timeout=_DEADLINE_S,
            check=False,
        )
        if cut.returncode != -signal.SIGKILL:
            raise RuntimeError(f"the process that was to be cut ended with {cut.returncode}")
        wal_bytes = max(wal_bytes, (folder / "queue.db-wal").stat().st_size)
        _forget_cache(folder)
        spent, chain_rate = asyncio.run(_open(folder, prove=number == ROUNDS - 1))
        opens.append(spent)
    return Reopened(statistics.median(opens), max(opens), wal_bytes, chain_rate)


async def _open(folder: Path, *, prove: bool) -> tuple[float, float]:
    before = time.perf_counter()
    outbox = await open_outbox(folder, central_of(folder))
    spent = time.perf_counter() - before
    try:
        return spent, await _prove(outbox) if prove else 0.0
    finally:
        await outbox.close()


async def _prove(outbox: Outbox) -> float:
    """Walk over all there is, piece by piece as in the background; return the items proven a second."""
    walk, spent = queue_view.Walk(), 0.0
    while True:
        began = time.perf_counter()
        problems = await outbox.read(lambda ledger: queue_view.verify(ledger, walk))
        spent += time.perf_counter() - began
        if problems is None:
            return walk.checked / spent
        if problems:
            raise RuntimeError(f"seq {problems[0].seq}: {problems[0].what}")


def _forget_cache(folder: Path) -> None:
    """Drop the files from the page cache, as a machine that was switched off has; without effect on a RAM disk."""
    for file in folder.iterdir():
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


async def _put_and_die(folder: Path, count: int) -> None:
    outbox = await open_outbox(folder, central_of(folder))
    key = outbox.begin_visit("v-cut")
    for body in random_bodies(count):
        await outbox.put(key, "case", body)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(_put_and_die(Path(sys.argv[1]), int(sys.argv[2])))
