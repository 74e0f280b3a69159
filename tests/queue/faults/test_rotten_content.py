"""Rotten pages, content: one rotten byte is named and isolated to its item, wherever in the item's row it is."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from offline_queue import store, wire
from offline_queue.values import AlarmCode, Phase
from tests.queue.conftest import Rig
from tests.queue.faults.pages import find_row, flip
from tests.queue.moves import look, offered, opened, put, settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LANES = ("v-7d1a4e77", "v-93c0b1f2", "v-b5e8206c")
BODIES = [f"body of {lane}".encode() for lane in LANES]
SIDE_COLUMNS = ("first", "put_at", "put_mono", "boot", "total")  # do not travel: places, ages, sizes


async def image(folder: Path, *, entered: bool) -> Rig:
    """Make a file of three items; ``entered``: the courier had already looked at them."""
    rig = Rig(folder)
    outbox = await rig.open()
    for lane, body in zip(LANES, BODIES, strict=True):
        await put(outbox, lane, body)
    if entered:
        assert await offered(outbox) == [1, 2, 3]
    await outbox.close()
    return rig


@pytest.fixture(params=[False, True], ids=["just put", "entered"])
async def sound(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Rig:
    return await image(tmp_path_factory.mktemp("sound"), entered=request.param)


@pytest.fixture
async def copy(sound: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """Make room for a copy of the file to be harmed, with central's keys; the reserve is not what is tried here."""
    monkeypatch.setattr(store, "SPARE_BYTES", 4096)
    rig = Rig(tmp_path)
    rig.central = sound.central
    yield rig
    for outbox in rig.outboxes:
        await outbox.close()


def fresh(sound: Rig, rig: Rig) -> None:
    for name in ("queue.db", "queue.db.mark"):
        shutil.copyfile(sound.path.with_name(name), rig.path.with_name(name))
    rig.path.with_name("queue.db.suspect").unlink(missing_ok=True)
    rig.alarms.clear()


async def only_what_is_sound(rig: Rig, *, may_be_sound: bool) -> bool:
    """Tell whether item 2 was named and set aside; items 1 and 3 flow either way, whole."""
    outbox = await rig.open()
    batch = await outbox.take()
    assert batch is not None
    wire.check_chain(batch)
    taken = dict(zip((item.seq for item in batch.items), opened(rig, batch), strict=True))
    named = [alarm for alarm in rig.alarms if alarm.code is AlarmCode.ITEM_ROTTEN]
    if may_be_sound and not named:
        assert taken == dict(enumerate(BODIES, 1))
    else:
        assert taken == {1: BODIES[0], 3: BODIES[2]}
        assert [alarm.seq for alarm in named] == [2]
        assert (await outbox.state(wire.ItemId("hall-03", outbox.epoch, 2))).phase is Phase.QUARANTINED
        assert await offered(outbox) == [1, 3]  # once: not named again and again
        assert len([alarm for alarm in rig.alarms if alarm.code is AlarmCode.ITEM_ROTTEN]) == 1
        assert (await outbox.stats()).quarantined == 1
    await settle(rig, outbox, 1, 3)
    assert (await put(outbox, "v-after", b"after")).seq == 4
    assert 4 in await offered(outbox)
    await outbox.close()
    return bool(named)


async def test_one_rotten_byte_of_a_body_is_named_and_isolated_to_its_item(sound: Rig, copy: Rig) -> None:
    """Fault 14."""
    body = look(sound, "SELECT body FROM outbox WHERE seq = 2")[0][0]
    for at in find_row(sound.path, body).columns["body"]:
        fresh(sound, copy)
        flip(copy.path, at, 1 << at % 8)
        assert await only_what_is_sound(copy, may_be_sound=False), at


async def test_one_rotten_byte_of_any_column_that_travels_is_named_and_isolated_to_its_item(
    sound: Rig, copy: Rig
) -> None:
    """Fault 14."""
    row = find_row(sound.path, look(sound, "SELECT body FROM outbox WHERE seq = 2")[0][0])
    travelling = [name for name in row.columns if name not in (*SIDE_COLUMNS, "body")]
    assert {len(row.columns[name]) > 0 for name in travelling if name not in {"seq", "epoch", "schema"}} == {True}
    for name in travelling:
        for at in row.columns[name]:
            fresh(sound, copy)
            flip(copy.path, at, 1 << at % 8)
            assert await only_what_is_sound(copy, may_be_sound=False), (name, at)


async def test_one_rotten_byte_of_a_type_or_a_time_is_named_or_does_no_harm(sound: Rig, copy: Rig) -> None:
    """Fault 14."""
    row = find_row(sound.path, look(sound, "SELECT body FROM outbox WHERE seq = 2")[0][0])
    places = [*row.types, *(at for name in SIDE_COLUMNS for at in row.columns[name])]
    assert {row.column_of(at) for at in range(row.start, row.end)} - {"header", "cell"} <= set(row.columns)
    for at in places:
        fresh(sound, copy)
        flip(copy.path, at, 1 << at % 8)
        await only_what_is_sound(copy, may_be_sound=True)


async def test_rotten_byte_of_a_large_body_on_pages_of_its_own_is_named(tmp_path: Path) -> None:
    """Fault 14."""
    rig = Rig(tmp_path)
    outbox = await rig.open()
    for lane in LANES:
        await put(outbox, lane, bytes(50_000))
    await outbox.close()
    body = look(rig, "SELECT body FROM outbox WHERE seq = 2")[0][0]
    data = rig.path.read_bytes()
    flip(rig.path, data.index(body[20_000:20_100]) + 50, 0x10)
    outbox = await rig.open()
    assert await offered(outbox) == [1, 3]
    assert [(alarm.code, alarm.seq) for alarm in rig.alarms] == [(AlarmCode.ITEM_ROTTEN, 2)]
    await outbox.close()
