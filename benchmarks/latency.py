"""Q6: how long a put takes while the courier drains and SQLite checkpoints, against the flushes of the same minute."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.measure import percentile
from benchmarks.peers.peer import random_bodies
from benchmarks.peers.raw import Flush
from benchmarks.peers.tongban import ITEMS_PER_VISIT, Central, open_outbox, put_many
from offline_queue import wire

if TYPE_CHECKING:
    from pathlib import Path

    from offline_queue.outbox import Outbox

PAUSE_S: Final = 0.02  # mean between two puts: residents come at random, and never this fast
BACKLOG_A_PUT: Final = 30  # so that the drain, at 50 items a round trip, never runs dry
ROUND_TRIP_S: Final = 0.05  # of the drain's stand-in for a line
SLACK_S: Final = 0.001  # of the goal: two flushes and a millisecond


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds."""

    put_p50: float
    put_p99: float
    put_worst: float
    flush_p50: float
    flush_p99: float
    drained: int  # items settled meanwhile

    @property
    def goal(self) -> float:
        """Two flushes and a millisecond."""
        return 2 * self.flush_p50 + SLACK_S * 1e3


async def measure(room: Path, puts: int) -> Waits:
    """Put at random moments while a drain settles batch after batch; after each put flush a page beside it."""
    central = Central()
    outbox = await open_outbox(room, central)
    flush = Flush(room, append=True)
    bodies = random_bodies(puts)
    backlog = BACKLOG_A_PUT * puts
    waits: list[float] = []
    flushes: list[float] = []
    try:
        await put_many(outbox, backlog)
        async with asyncio.TaskGroup() as group:
            drain = group.create_task(_drain(outbox, central))
            key = None
            for number, body in enumerate(bodies):
                if key is None or number % ITEMS_PER_VISIT == 0:
                    key = outbox.begin_visit(f"v-{uuid.uuid4().hex}")
                await asyncio.sleep(random.expovariate(1 / PAUSE_S))
                before = time.perf_counter()
                await outbox.put(key, "case", body)
                waits.append(time.perf_counter() - before)
                before = time.perf_counter()
                await asyncio.to_thread(flush.put, b"")
                flushes.append(time.perf_counter() - before)
            drain.cancel()
        drained = backlog + puts - (await outbox.stats()).pending
    finally:
        flush.close()
        await outbox.close()
    return Waits(
        put_p50=statistics.median(waits) * 1e3,
        put_p99=percentile(waits, 0.99) * 1e3,
        put_worst=max(waits) * 1e3,
        flush_p50=statistics.median(flushes) * 1e3,
        flush_p99=percentile(flushes, 0.99) * 1e3,
        drained=drained,
    )


async def _drain(outbox: Outbox, central: Central) -> None:
    while True:
        batch: wire.Batch | None = await outbox.take()
        if batch is not None:
            await outbox.settle(wire.decode_reply(central.reply(batch)))
        await asyncio.sleep(ROUND_TRIP_S)
