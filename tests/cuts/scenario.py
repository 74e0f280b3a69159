"""A terminal's working day on a real queue, recorded from outside: ``python -m tests.cuts.scenario NAME FOLDER SEED``.

Everything random comes from the seed, so one seed is one sequence of verbs; keys and nonces are fresh each time.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import json
import os
import random
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from offline_queue import wire
from tests.cuts.central import LATER, REFUSED, Central, HandClock, open_outbox
from tests.cuts.recorder import MARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from offline_queue.ledger import Ledger
    from offline_queue.outbox import Outbox

DAY: Final = "2026-11-03"
NUMBER: Final = "slip"
POISON: Final = "poison"  # kind of item the scenario sets aside itself, as the courier does with one central chokes on
LARGE: Final = 300 * 1024
QUEUE: Final = "queue.db"


class Story:
    """The terminal and its words. Each verb says when it begins and what it promised when it returned."""

    outbox: Outbox

    def __init__(self, folder: Path, seed: int) -> None:
        self.luck = random.Random(seed)  # noqa: S311 - the same day for the same seed
        self.clock = HandClock()
        self.central = Central()
        self._path = folder / QUEUE
        self._marks = os.open(folder / MARKS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._puts = 0
        self._opens = 0
        self._numbers = 0

    def mark(self, **words: Any) -> None:
        os.write(self._marks, (json.dumps(words) + "\n").encode())

    async def open(self) -> None:
        self._opens += 1
        self.mark(begin="open")
        self.outbox = await open_outbox(self._path, self.clock, boot_id="boot-1", on_alarm=lambda _: None)
        self.mark(end="open", epoch=self.outbox.epoch)

    async def close(self) -> None:
        self.mark(begin="close")
        await self.outbox.close()
        self.mark(end="close")

    async def reopen(self) -> None:
        await self.close()
        await self.open()

    async def put(
        self, lane: str, kind: str = "case", size: int = 40, priority: int = 5, *, number: bool = False
    ) -> None:
        """Put one item; with ``number`` draw a number in the same commit, as a visit does for its slip."""
        lane = f"{lane}-{self._opens}"  # a visit does not outlive the process, so no lane does
        self._puts += 1
        drawn = self._numbers + 1 if number else 0
        body = f"{self._puts} {lane} {drawn} ".encode() + self.luck.randbytes(size)
        promise = {"body": hashlib.sha256(body).hexdigest(), "lane": lane, "number": drawn}
        self.mark(begin="put", **promise)
        with self.outbox.begin_visit(lane) as key:
            if number:

                def work(ledger: Ledger) -> tuple[int, wire.ItemId]:
                    return ledger.next_number(NUMBER, DAY), ledger.put(key, kind, body, priority=priority)

                self._numbers, item_id = await self.outbox.transact(work)
                if self._numbers != drawn:
                    raise AssertionError(f"number {self._numbers} instead of {drawn}")
            else:
                item_id = await self.outbox.put(key, kind, body, priority=priority)
        self.mark(end="put", **promise, epoch=item_id.epoch, seq=item_id.seq)
        self.mark(begin="shown", seq=item_id.seq)

    async def number(self) -> None:
        self.mark(begin="number")
        self._numbers = await self.outbox.next_number(NUMBER, DAY)
        self.mark(end="number", number=self._numbers)

    async def deliver(self, limit: int = 50, *, lose: bool = False) -> bool:
        """Send one batch, ``lose`` the answer or settle it; set poison aside. Returns whether there was a batch."""
        batch = await self.outbox.take(limit=limit)
        if batch is None:
            return False
        poison = [item.seq for item in batch.items if item.kind == POISON]
        if poison:
            await self.hold(batch.epoch, poison[0])
            return True
        raw = wire.encode_batch(batch)
        self.mark(sent=base64.b64encode(raw).decode())
        reply = self.central.receive(raw, self.clock.now())
        if not lose:
            self.mark(begin="settle")
            done = await self.outbox.settle(reply)
            self.mark(end="settle", epoch=batch.epoch, delivered=done.delivered, rejected=done.rejected)
        return True

    async def hold(self, epoch: str, seq: int) -> None:
        self.mark(begin="hold", epoch=epoch, seq=seq)
        await self.outbox.quarantine(seq, "http_422")
        self.mark(end="hold", epoch=epoch, seq=seq)

    async def tidy(self) -> None:
        self.mark(begin="tidy")
        await self.outbox.tidy()
        self.mark(end="tidy")


async def mixed(story: Story) -> None:
    """All verbs, in an order the seed decides."""
    lanes = [f"v-{number}" for number in range(1, 8)]
    luck = story.luck

    def put(**changes: Any) -> Callable[[], Coroutine[Any, Any, object]]:
        return lambda: story.put(luck.choice(lanes), priority=luck.choice((1, 5, 9)), **changes)

    def deliver(*, lose: bool = False) -> Callable[[], Coroutine[Any, Any, object]]:
        return lambda: story.deliver(luck.randint(1, 6), lose=lose)

    actions: list[Callable[[], Coroutine[Any, Any, object]]] = [
        *(put(size=luck.choice((0, 40, 2048))) for _ in range(24)),
        *(put(number=True) for _ in range(6)),
        *(put(kind=REFUSED) for _ in range(2)),
        *(put(kind=LATER) for _ in range(3)),
        put(kind=POISON),
        put(size=LARGE),
        *(story.number for _ in range(3)),
        *(deliver() for _ in range(10)),
        *(deliver(lose=True) for _ in range(4)),
        story.tidy,
        story.tidy,
        story.reopen,
    ]
    luck.shuffle(actions)
    await story.open()
    for action in actions:
        story.clock.seconds += luck.choice((1, 1, 90))
        await action()
    await story.close()


async def growth(story: Story) -> None:
    """Large bodies until the WAL has grown over the automatic checkpoint, twice, with small puts between."""
    await story.open()
    for step in range(30):
        story.clock.seconds += 1
        await story.put(f"v-{step % 3}", size=LARGE if step % 2 else 700)
        await story.put(f"v-{step % 5}", number=True)
        for _ in range(2):
            await story.deliver()
    await story.tidy()
    await story.close()


async def first_open(story: Story) -> None:
    """Start a terminal for the first time, take its first item in, start it again."""
    await story.open()
    await story.put("v-1", number=True)
    await story.reopen()
    await story.put("v-2")
    await story.deliver()
    await story.close()


async def migration(story: Story) -> None:
    """Start on a file of an earlier schema, go on where it was, start again."""
    await story.open()
    await story.put("v-a")
    await story.number()
    await story.deliver()
    await story.reopen()
    await story.put("v-c", size=2048)
    while await story.deliver():
        story.clock.seconds += 1
    await story.close()


SCENARIOS: Final[dict[str, Callable[[Story], Coroutine[Any, Any, None]]]] = {
    "mixed": mixed,
    "growth": growth,
    "first_open": first_open,
    "migration": migration,
}


class Unflushing(sqlite3.Connection):
    """Does not flush its commits, as queues do that lose them in a power cut, and says that it does."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "PRAGMA synchronous":
            return super().execute("SELECT 2")
        return super().execute(sql.replace("synchronous = full", "synchronous = normal"), *values)


async def _play(scenario: Callable[[Story], Coroutine[Any, Any, None]], story: Story) -> None:
    try:
        await scenario(story)
    finally:
        await story.outbox.close()  # idempotent; after a failure its thread would keep the process


def main(name: str, folder: str, seed: str, weak: str = "") -> None:
    if weak == "normal":
        vars(sqlite3)["connect"] = functools.partial(sqlite3.connect, factory=Unflushing)
    asyncio.run(_play(SCENARIOS[name], Story(Path(folder), int(seed))))


if __name__ == "__main__":
    main(*sys.argv[1:])
