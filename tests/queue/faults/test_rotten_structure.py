"""Rotten pages, structure: the broken file is kept aside, what can be proven moves on, what is missing is named."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from typing import TYPE_CHECKING

import pytest

from offline_queue import salvage, wire
from offline_queue.errors import QueueCode, QueueCorrupt, QueueError
from offline_queue.values import AlarmCode, Phase
from offline_queue.wire import Verdict
from tests.queue.moves import drain, effects, look, offered, put, settle

if TYPE_CHECKING:
    from pathlib import Path

    from offline_queue.outbox import Outbox
    from tests.queue.conftest import Rig

PAGE = 4096
COUNT = 40
BODIES = {seq: f"body {seq} ".encode() * 80 for seq in range(1, COUNT + 1)}  # about four rows a page


async def fill(rig: Rig) -> str:
    """Make a file of forty items in every state, a few lanes of two; return its epoch."""
    outbox = await rig.open()
    for seq in range(1, COUNT + 1):
        await put(outbox, f"v-{seq // 2 if seq > 30 else seq}", BODIES[seq])
    await offered(outbox)
    await settle(rig, outbox, 1, 2, 3)
    await settle(rig, outbox, 4, verdict=Verdict.REJECTED, reason="case.unknown_service")
    await outbox.quarantine(5, "http_422")
    for _ in range(7):
        await outbox.next_number("slip", "2026-11-03")
    epoch = outbox.epoch
    await outbox.tidy()
    await outbox.close()
    rig.alarms.clear()
    return epoch


def pages_of(path: Path, table: str) -> list[int]:
    """Return the leaf pages of a table, by walking its tree as SQLite's file format describes it."""
    connection = sqlite3.connect(path)
    root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    connection.close()
    data, found, todo = path.read_bytes(), [], [root]
    while todo:
        number = todo.pop()
        page = data[(number - 1) * PAGE : number * PAGE]
        if page[0] in (0x0D, 0x0A):
            found.append(number)
            continue
        cells = int.from_bytes(page[3:5], "big")
        pointers = [int.from_bytes(page[12 + 2 * n : 14 + 2 * n], "big") for n in range(cells)]
        todo += [int.from_bytes(page[at : at + 4], "big") for at in pointers]
        todo.append(int.from_bytes(page[8:12], "big"))
    return sorted(found)


def overwrite(path: Path, page: int, content: bytes = b"\xa5" * PAGE) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(content[:PAGE])


def missing(rig: Rig) -> set[int]:
    """Read the numbers named by the alarm."""
    details = [alarm.detail for alarm in rig.alarms if alarm.code is AlarmCode.HISTORY_LOST]
    assert len(details) == 1
    ranges = re.findall(r"(\d+)(?: to (\d+))?", details[0].partition(";")[0])
    return {seq for first, last in ranges for seq in range(int(first), int(last or first) + 1)}


async def salvaged(rig: Rig, epoch: str) -> tuple[Outbox, set[int]]:
    """Open what was broken; all that is there is delivered once, whole and in lane order, in its own epoch."""
    broken = rig.path.read_bytes()
    outbox = await rig.open()
    await rig.until(lambda: AlarmCode.HISTORY_LOST in {alarm.code for alarm in rig.alarms})
    assert outbox.epoch != epoch
    assert rig.path.with_name("queue.db.broken-1").read_bytes() == broken
    assert not rig.path.with_name("queue.db.suspect").exists()
    lost = missing(rig)
    item_id = await put(outbox, "v-new", b"new")
    assert item_id.seq == COUNT + 1
    rig.central.effects.clear()
    await drain(rig, outbox)
    order = effects(rig)
    assert len(order) == len(set(order))
    got = {seq: body for _, seq, _, body in rig.central.effects}
    assert got.pop(COUNT + 1) == b"new"
    assert got == {seq: BODIES[seq] for seq in got}
    assert set(got) <= set(BODIES) - lost
    pairs = [(seq, seq + 1) for seq in range(32, COUNT, 2) if {seq, seq + 1} <= set(got)]
    assert all(order.index(one) < order.index(other) for one, other in pairs)
    return outbox, lost


@pytest.mark.parametrize("nth", range(12))
async def test_any_page_of_items_destroyed_is_salvaged_around(rig: Rig, nth: int) -> None:
    """Fault 15. Found while in use, looked at as a whole at the next start."""
    epoch = await fill(rig)
    leaves = pages_of(rig.path, "outbox")
    assert len(leaves) > 8
    if nth >= len(leaves):
        return
    overwrite(rig.path, leaves[nth])
    rig.path.with_name("queue.db.suspect").touch()
    outbox, lost = await salvaged(rig, epoch)
    sent = set(effects(rig)) - {COUNT + 1}
    delivered = {1, 2, 3}
    assert sent | lost | {4, 5} | delivered == set(BODIES)  # each is somewhere, or named
    assert 0 < len(lost | delivered) <= 9
    for seq in lost - {4, 5}:
        assert (await outbox.state(wire.ItemId("hall-03", epoch, seq))).phase is Phase.UNKNOWN
    assert await outbox.next_number("slip", "2026-11-03") == 8
    assert (await outbox.stats()).quarantined == 2
    await outbox.close()
    rig.alarms.clear()
    again = await rig.open()  # the fresh one is sound: nothing more is found
    assert (await again.stats()).pending == 0
    assert rig.alarms == []


@pytest.mark.parametrize("table", ["ready", "waiting", "quarantine", "reply", "receipt", "counter", "audit"])
async def test_any_other_page_destroyed_loses_no_item(rig: Rig, table: str) -> None:
    """Fault 15. A delivered one whose receipt is gone goes again, and central says duplicate."""
    epoch = await fill(rig)
    for page in pages_of(rig.path, table):
        overwrite(rig.path, page)
    rig.path.with_name("queue.db.suspect").touch()
    outbox, lost = await salvaged(rig, epoch)
    assert lost == set()
    quarantined = (await outbox.stats()).quarantined
    assert quarantined == (0 if table == "quarantine" else 2)
    expected = set(BODIES) if table == "quarantine" else set(BODIES) - {4, 5}
    unproven = {1, 2, 3} if table in {"receipt", "reply"} else set()
    assert set(effects(rig)) - {COUNT + 1} == expected - ({1, 2, 3} - unproven)


@pytest.mark.parametrize("table", ["state", "epoch"])
async def test_page_of_the_state_destroyed_keeps_what_the_rest_proves(rig: Rig, table: str) -> None:
    """Fault 15. Without the state the file cannot be opened at all."""
    epoch = await fill(rig)
    overwrite(rig.path, pages_of(rig.path, table)[0])
    _, lost = await salvaged(rig, epoch)
    assert lost == set()
    assert set(effects(rig)) - {COUNT + 1} == set(BODIES) - {1, 2, 3, 4, 5}


async def test_first_page_destroyed_leaves_nothing_to_read_and_says_so(rig: Rig) -> None:
    """Fault 15."""
    epoch = await fill(rig)
    overwrite(rig.path, 1)
    outbox = await rig.open()
    await rig.until(lambda: AlarmCode.HISTORY_LOST in {alarm.code for alarm in rig.alarms})
    assert missing(rig) == set(BODIES)  # how many there were is known by the mark
    assert outbox.epoch != epoch
    assert (await put(outbox, "v-new")).seq == COUNT + 1
    assert rig.path.with_name("queue.db.broken-1").exists()


async def test_truncated_file_is_salvaged(rig: Rig) -> None:
    """Fault 15. The disk gave back half of the file."""
    epoch = await fill(rig)
    data = rig.path.read_bytes()
    rig.path.write_bytes(data[: len(data) // PAGE // 2 * PAGE])
    rig.path.with_name("queue.db.suspect").touch()
    outbox, lost = await salvaged(rig, epoch)
    assert lost
    assert (await outbox.stats()).pending == 0


async def test_damage_met_in_use_closes_the_put_and_is_mended_at_the_next_start(rig: Rig) -> None:
    """Fault 15. The last page of the items is where the next one goes."""
    epoch = await fill(rig)
    outbox = await rig.open()
    overwrite(rig.path, pages_of(rig.path, "outbox")[-1])
    await outbox._store.read(lambda sql: sql._connection.execute("PRAGMA shrink_memory").fetchall())  # forget the page
    with pytest.raises(QueueCorrupt):
        await put(outbox, "v-x")
    await outbox.close()
    assert rig.path.with_name("queue.db.suspect").exists()
    outbox = await rig.open()
    await rig.until(lambda: AlarmCode.HISTORY_LOST in {alarm.code for alarm in rig.alarms})
    assert outbox.epoch != epoch
    await put(outbox, "v-y")
    await drain(rig, outbox)


async def test_suspicion_that_proves_wrong_changes_nothing(rig: Rig) -> None:
    """Fault 15."""
    epoch = await fill(rig)
    rig.path.with_name("queue.db.suspect").touch()
    outbox = await rig.open()
    assert outbox.epoch == epoch
    assert rig.alarms == []
    assert not rig.path.with_name("queue.db.suspect").exists()
    assert not rig.path.with_name("queue.db.broken-1").exists()


@pytest.mark.parametrize("step", ["_keep", "_flush", "_take_place"])
async def test_cut_in_the_middle_of_a_salvage_loses_nothing_more(
    rig: Rig, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 15. Cut before and after each step, then started again."""
    epoch = await fill(rig)
    overwrite(rig.path, pages_of(rig.path, "outbox")[3])
    rig.path.with_name("queue.db.suspect").touch()
    real = getattr(salvage, step)
    for after in (False, True):

        def cut(*arguments: Path, after: bool = after) -> None:
            if after:
                real(*arguments)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(salvage, step, cut)
            with pytest.raises(KeyboardInterrupt):
                salvage.mend(rig.path, "hall-03")
    outbox = await rig.open()
    await asyncio.sleep(0)
    assert outbox.epoch != epoch
    await drain(rig, outbox)
    assert len(effects(rig)) >= COUNT - 5 - 6
    assert look(rig, "PRAGMA integrity_check") == [("ok",)]


async def test_broken_file_of_another_terminal_is_not_taken_over(rig: Rig) -> None:
    """Fault 15."""
    await fill(rig)
    overwrite(rig.path, pages_of(rig.path, "outbox")[3])
    rig.path.with_name("queue.db.suspect").touch()
    with pytest.raises(QueueError) as caught:
        await rig.open(kiosk="hall-04")
    assert caught.value.code is QueueCode.WRONG_KIOSK
