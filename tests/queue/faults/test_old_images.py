"""Files that are not what they were: logs deleted or swapped, yesterday's image put back. Never silent."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from offline_queue import wire
from offline_queue.link import Link
from offline_queue.values import AlarmCode, Phase
from tests.queue.moves import drain, effects, offered, put

if TYPE_CHECKING:
    from pathlib import Path

    from offline_queue.outbox import Outbox
    from tests.queue.conftest import Rig

FILES = ("queue.db", "queue.db-wal", "queue.db-shm")


def copy_of(rig: Rig, names: tuple[str, ...] = FILES) -> dict[str, bytes]:
    """Read the files as they lie on the disk at this moment, beside the running queue."""
    paths = [rig.path.with_name(name) for name in names]
    return {path.name: path.read_bytes() for path in paths if path.exists()}


def put_back(rig: Rig, image: dict[str, bytes], names: tuple[str, ...] = FILES) -> None:
    for name in names:
        rig.path.with_name(name).unlink(missing_ok=True)
    for name, content in image.items():
        rig.path.with_name(name).write_bytes(content)


async def goes_on(rig: Rig, outbox: Outbox, before: str, last: int) -> None:
    """All that is there and all that is put later is delivered once; no number is given twice."""
    assert outbox.epoch != before
    later = [await put(outbox, f"later-{n}", f"later {n}".encode()) for n in range(3)]
    assert [item_id.seq for item_id in later] == [last + 1, last + 2, last + 3]
    await drain(rig, outbox)
    for item_id in later:
        assert (await outbox.state(item_id)).phase is Phase.DELIVERED
        assert item_id.epoch != before
    assert len(set(effects(rig))) == len(effects(rig))


async def test_deleted_log_is_noticed_by_the_mark(rig: Rig) -> None:
    """Fault 16."""
    outbox = await rig.open()
    epoch = outbox.epoch
    await put(outbox, "v-1")
    await outbox.tidy()  # folded into the file
    for n in range(2, 6):
        await put(outbox, f"v-{n}")  # in the log alone
    crash = copy_of(rig)
    await outbox.close()
    put_back(rig, {"queue.db": crash["queue.db"]})
    outbox = await rig.open()
    await rig.until(lambda: bool(rig.alarms))
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.HISTORY_LOST]
    assert rig.alarms[0].detail == "the file ends at 1, it was at 5"
    assert await offered(outbox) == [1]
    await goes_on(rig, outbox, epoch, 5)


async def test_log_of_another_time_is_noticed_by_the_mark(rig: Rig) -> None:
    """Fault 16. An older log beside a newer file: SQLite takes of it what fits, the mark knows better."""
    outbox = await rig.open()
    epoch = outbox.epoch
    await put(outbox, "v-1")
    older = copy_of(rig, ("queue.db-wal",))
    for n in range(2, 6):
        await put(outbox, f"v-{n}")
    newer = copy_of(rig)
    await outbox.close()
    put_back(rig, {"queue.db": newer["queue.db"]} | older)
    outbox = await rig.open()
    await rig.until(lambda: bool(rig.alarms))
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.HISTORY_LOST]
    await goes_on(rig, outbox, epoch, 5)


async def test_deleted_index_of_the_log_loses_nothing(rig: Rig) -> None:
    """Fault 16. The shared-memory index is made anew from the log."""
    outbox = await rig.open()
    for n in range(1, 6):
        await put(outbox, f"v-{n}")
    crash = copy_of(rig, ("queue.db", "queue.db-wal"))
    await outbox.close()
    put_back(rig, crash)
    outbox = await rig.open()
    assert await offered(outbox) == [1, 2, 3, 4, 5]
    assert rig.alarms == []


async def test_deleted_database_is_noticed_by_the_mark(rig: Rig) -> None:
    """Fault 16."""
    outbox = await rig.open()
    epoch = outbox.epoch
    for n in range(1, 4):
        await put(outbox, f"v-{n}")
    await outbox.close()
    put_back(rig, {})
    outbox = await rig.open()
    await rig.until(lambda: bool(rig.alarms))
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.HISTORY_LOST]
    await goes_on(rig, outbox, epoch, 3)


@pytest.mark.parametrize("mark", [b"", b"\0" * 128, b"\xff" * 128, b"nonsense " * 14], ids=["empty", "0", "ff", "text"])
async def test_mark_that_cannot_be_read_says_nothing_and_stops_nothing(rig: Rig, mark: bytes) -> None:
    """Fault 16."""
    outbox = await rig.open()
    await put(outbox, "v-1")
    await outbox.close()
    rig.path.with_name("queue.db.mark").write_bytes(mark)
    outbox = await rig.open()
    assert await offered(outbox) == [1]
    assert rig.alarms == []
    await put(outbox, "v-2")
    assert rig.path.with_name("queue.db.mark").read_bytes().startswith(outbox.epoch.encode())


async def test_mark_behind_the_file_is_no_alarm(rig: Rig) -> None:
    """Fault 16. The mark is not flushed: after a power cut it may be older than the file, never rightly newer."""
    outbox = await rig.open()
    await put(outbox, "v-1")
    mark = copy_of(rig, ("queue.db.mark",))
    await put(outbox, "v-2")
    await outbox.close()
    put_back(rig, mark, ("queue.db.mark",))
    outbox = await rig.open()
    assert await offered(outbox) == [1, 2]
    assert rig.alarms == []


async def test_old_image_beside_a_newer_mark_begins_an_epoch(rig: Rig) -> None:
    """Fault 17."""
    outbox = await rig.open()
    epoch = outbox.epoch
    await put(outbox, "v-1")
    await outbox.close()
    yesterday = copy_of(rig, ("queue.db",))
    outbox = await rig.open()
    for n in range(2, 5):
        await put(outbox, f"v-{n}")
    await drain(rig, outbox)
    await outbox.close()
    put_back(rig, yesterday)
    outbox = await rig.open()
    await rig.until(lambda: bool(rig.alarms))
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.HISTORY_LOST]
    batch = await outbox.take()
    assert batch is not None
    assert batch.epoch == epoch  # the item of the image keeps its identity: central says duplicate
    await goes_on(rig, outbox, epoch, 4)
    assert [body for _, seq, _, body in rig.central.effects if seq == 1] == [b"body"]


async def restored_image(rig: Rig, tmp_path: Path) -> tuple[Outbox, str]:
    """Put back a whole folder of yesterday, mark and all: nothing on the machine can tell. Central can."""
    outbox = await rig.open()
    epoch = outbox.epoch
    await put(outbox, "v-1", b"first")
    await drain(rig, outbox)
    await outbox.close()
    shutil.copytree(rig.path.parent, tmp_path / "yesterday", ignore=shutil.ignore_patterns("yesterday"))
    outbox = await rig.open()
    for n in range(2, 6):
        await put(outbox, f"v-{n}", f"lost {n}".encode())
    await drain(rig, outbox)
    await outbox.close()
    put_back(rig, {})
    shutil.copytree(tmp_path / "yesterday", rig.path.parent, dirs_exist_ok=True)
    return await rig.open(), epoch


async def test_old_image_with_its_mark_is_told_by_central_before_anything_is_sent(rig: Rig, tmp_path: Path) -> None:
    """Fault 17. The greeting shows our end, central answers that it knows later items of this epoch."""
    outbox, epoch = await restored_image(rig, tmp_path)
    assert rig.alarms == []
    (item_id,) = [await put(outbox, "v-new", b"new")]
    assert item_id == wire.ItemId("hall-03", epoch, 2)  # the number of an item central has, with another body
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: outbox.epoch != epoch)
        later = await put(outbox, "v-later", b"later")
        await rig.until(lambda: AlarmCode.ITEM_QUARANTINED in {alarm.code for alarm in rig.alarms})
        await outbox.wait_settled(later)
        assert courier.link is Link.UP
    assert later.epoch == outbox.epoch
    assert rig.central.greetings >= 1
    assert AlarmCode.OLD_IMAGE in {alarm.code for alarm in rig.alarms}
    assert (await outbox.state(item_id)).phase is Phase.QUARANTINED  # kept, with an alarm: nothing is overwritten
    bodies = {seq: body for _, seq, _, body in rig.central.effects}
    assert bodies[2] == b"lost 2"


async def test_regress_of_an_earlier_epoch_changes_nothing(rig: Rig) -> None:
    """Fault 17. A replayed answer may not make a terminal turn its epoch again and again."""
    outbox = await rig.open()
    first = outbox.epoch
    await put(outbox, "v-1")
    greeting = await outbox.read(lambda ledger: ledger.greeting())
    regress = wire.Stream(highest=9, state=wire.StreamState.REGRESS)
    told = rig.central.reply(greeting, [], stream=regress)
    await outbox.settle(told)
    second = outbox.epoch
    assert second != first
    await outbox.settle(told)
    assert outbox.epoch == second
    codes = [alarm.code for alarm in rig.alarms]
    assert codes.count(AlarmCode.OLD_IMAGE) == 1
    await outbox.close()
    assert (await rig.open()).epoch == second


async def test_old_image_that_grew_past_what_central_has_still_turns_its_epoch(rig: Rig) -> None:
    """Fault 17. Its last seq is no longer the lower one, but its history is another."""
    outbox = await rig.open()
    first = outbox.epoch
    for n in range(4):
        await put(outbox, f"v-{n}")
    greeting = await outbox.read(lambda ledger: ledger.greeting())
    forked = wire.Stream(highest=2, state=wire.StreamState.REGRESS)
    await outbox.settle(rig.central.reply(greeting, [], stream=forked))
    assert outbox.epoch != first
