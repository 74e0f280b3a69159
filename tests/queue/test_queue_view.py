"""Looking at a queue: each item where it is, every fault by number, and no fault where items went their way."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from kiosk import queue_view
from offline_queue.settlement import BODIES_KEPT_S

if TYPE_CHECKING:
    from offline_queue.outbox import Outbox
    from tests.queue.conftest import Rig


async def put(outbox: Outbox, *lanes: str) -> None:
    keys = {lane: outbox.begin_visit(lane) for lane in lanes}
    for lane in lanes:
        await outbox.put(keys[lane], "case", b"{}")


async def walk(outbox: Outbox, limit: int = 3) -> tuple[int, list[tuple[int, str]]]:
    """Check all in small steps; return how many rows, and the problems."""

    def work(ledger: Any) -> tuple[int, list[tuple[int, str]]]:
        at, problems = queue_view.Walk(), []
        while (found := queue_view.verify(ledger, at, limit=limit)) is not None:
            problems += [(one.seq, one.what) for one in found]
        return at.checked, problems

    return await outbox.read(work)


def edit(rig: Rig, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(rig.path)) as connection, connection:
        connection.execute(statement)


async def test_places_follow_an_item_through_its_life(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, "a", "b", "a")

    async def places() -> list[str]:
        found = await outbox.read(queue_view.entries)
        return [entry.place for entry in found]

    assert await places() == ["new"] * 3
    batch = await outbox.take()
    assert batch is not None
    assert await places() == ["ready", "ready", "waiting"]
    await outbox.transact(lambda ledger: ledger.put_off([2], 60.0))
    assert await places() == ["ready", "put_off", "waiting"]
    await outbox.settle(rig.central.reply(batch, [rig.central.receive(batch, batch.items[0])]))
    assert await places() == ["delivered", "put_off", "ready"]
    await outbox.quarantine(3, "http_422")
    assert await places() == ["delivered", "put_off", "held"]


async def test_one_entry_is_that_entry_or_none(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, "a", "b")
    edit(rig, "DELETE FROM outbox WHERE seq = 1")
    assert await outbox.read(lambda ledger: queue_view.entry(ledger, 1)) is None
    found = await outbox.read(lambda ledger: queue_view.entry(ledger, 2))
    assert found is not None
    assert (found.seq, found.epoch, found.lane) == (2, outbox.epoch, "b")


async def test_a_new_queue_is_sound(rig: Rig) -> None:
    assert await walk(await rig.open()) == (0, [])


async def test_what_was_delivered_and_dropped_is_not_missing(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, *(f"lane{number}" for number in range(10)))
    async with rig.running(rig.courier(outbox)):
        await rig.pending(outbox, 0)
    await put(outbox, "late")
    rig.time.advance(BODIES_KEPT_S + 1)
    await outbox.tidy(pressed=True)
    assert await walk(outbox) == (1, [])


async def test_epochs_of_one_file_join(rig: Rig) -> None:
    outbox = await rig.open()
    for _ in range(3):
        await put(outbox, "a", "b")
        await outbox.transact(lambda ledger: ledger.new_epoch())
    assert await walk(outbox) == (6, [])


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        ("UPDATE outbox SET lane = 'other' WHERE seq = 4", [4]),
        ("UPDATE outbox SET sealed_key = x'00' WHERE seq = 1", [1]),
        ("UPDATE outbox SET chain_before = zeroblob(32) WHERE seq = 2", [2]),
        ("DELETE FROM outbox WHERE seq IN (2, 3)", [2, 3]),
        ("DELETE FROM outbox WHERE seq = 1", [1]),
    ],
)
async def test_whatever_is_done_to_an_item_is_named_by_number(rig: Rig, statement: str, problems: list[int]) -> None:
    outbox = await rig.open()
    await put(outbox, *"abcde")
    edit(rig, statement)
    assert [seq for seq, _ in (await walk(outbox))[1]] == problems


async def test_a_tail_that_is_gone_is_named(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, *"abcde")
    edit(rig, "DELETE FROM outbox WHERE seq > 3")
    assert [seq for seq, _ in (await walk(outbox))[1]] == [4, 5]  # the open queue remembers its end


async def test_two_items_of_one_history_in_each_others_place_are_named(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, *"abcd")
    for old, new in ((2, 100), (3, 2), (100, 3)):
        edit(rig, f"UPDATE outbox SET seq = {new} WHERE seq = {old}")  # noqa: S608 - numbers of this test
    assert [seq for seq, _ in (await walk(outbox))[1]] == [2, 3, 4]  # 4 follows another 3
