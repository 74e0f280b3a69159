"""Fault 41, in small: a step costs no more in a long queue. A million, and the clock, are in `make bench`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offline_queue import wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from offline_queue.outbox import Outbox
    from tests.queue.conftest import Rig

SHORT, LONG = 400, 20_000
GROWTH = 1.3  # Q5: within 1.3 times of an empty queue


async def fill(outbox: Outbox, count: int, name: str) -> None:
    keys = [outbox.begin_visit(f"{name}-{n}") for n in range(count)]
    await outbox.transact(
        lambda ledger: [ledger.put(key, "case", b"x" * 200, priority=n % 3) for n, key in enumerate(keys)]
    )


async def steps(outbox: Outbox, work: Callable[[], Awaitable[Any]]) -> int:
    """Return how many instructions of SQLite's machine ``work`` took."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection: Any = outbox._store._connection
    await outbox._store.worker.do(lambda: connection.set_progress_handler(step, 1))
    await work()
    await outbox._store.worker.do(lambda: connection.set_progress_handler(None, 0))
    return count


async def has_tail(outbox: Outbox) -> bool:
    """Tell whether items were put that are not entered yet where they stand."""
    return await outbox.read(lambda ledger: bool(ledger.load_head().seq > ledger.state()["enlisted"]))


async def costs(rig: Rig, outbox: Outbox, name: str) -> dict[str, int]:
    async def put() -> None:
        with outbox.begin_visit(f"{name}-one") as key:
            await outbox.put(key, "case", b"x")

    async def settle() -> None:
        assert batch is not None
        await outbox.settle(rig.central.reply(batch, [rig.central.receive(batch, item) for item in batch.items]))

    found = {"put": await steps(outbox, put), "stats": await steps(outbox, outbox.stats)}
    while await has_tail(outbox):
        await outbox.take()  # enters some of it where it stands: a bounded number each time
    found["take"] = await steps(outbox, lambda: outbox.take(limit=wire.MAX_BATCH_ITEMS))
    batch = await outbox.take()
    found["settle"] = await steps(outbox, settle)
    return found


async def test_backlog_does_not_make_a_step_dearer(rig: Rig) -> None:
    """Fault 41."""
    outbox = await rig.open()
    await fill(outbox, SHORT, "short")
    short = await costs(rig, outbox, "short")
    await fill(outbox, LONG, "long")
    long = await costs(rig, outbox, "long")
    assert {name: long[name] / short[name] <= GROWTH for name in short} == dict.fromkeys(short, True)


@pytest.mark.parametrize("limit", [1, 50])
async def test_first_batch_after_a_long_silence_does_not_wait_for_all_to_be_sorted(rig: Rig, limit: int) -> None:
    """Fault 41."""
    outbox = await rig.open()
    await fill(outbox, LONG, "v")
    batch = await outbox.take(limit=limit)
    assert batch is not None
    assert batch.count == limit
    assert await has_tail(outbox)


async def test_visits_with_many_items_still_fill_a_batch(rig: Rig) -> None:
    """Fault 41. One item of a lane at a time: many items of few visits may not make many small batches."""
    outbox = await rig.open()
    keys = [outbox.begin_visit(f"v-{n}") for n in range(60)]
    await outbox.transact(lambda ledger: [ledger.put(key, "case", b"x") for key in keys for _ in range(6)])
    batch = await outbox.take()
    assert batch is not None
    assert batch.count == wire.MAX_BATCH_ITEMS


@pytest.mark.parametrize("limit", [1, 50])
async def test_an_urgent_item_does_not_wait_behind_a_day_of_others(rig: Rig, limit: int) -> None:
    """Fault 41. A take enters a short tail whole: else an alarm would stand behind every case put before it."""
    outbox = await rig.open()
    keys = [outbox.begin_visit(f"v-{n}") for n in range(90)]
    await outbox.transact(lambda ledger: [ledger.put(key, "case", b"x", priority=3) for key in keys])
    with outbox.begin_visit("v-alarm") as key:
        alarm = await outbox.put(key, "alarm", b"x", priority=1)
    batch = await outbox.take(limit=limit)
    assert batch is not None
    assert alarm in list(batch.ids())
