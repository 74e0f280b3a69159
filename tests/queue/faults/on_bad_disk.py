"""What a terminal meets on a disk that is full or goes bad: run in a process of its own by test_disks.py.

Arguments: name of a function below, folder. It ends with status 0 when all held.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from offline_queue.errors import QueueCode, QueueError, QueueFull
from offline_queue.sql import reading
from offline_queue.values import AdmissionLimits, AdmissionReason, AlarmCode, Phase
from tests.queue.conftest import Rig
from tests.queue.faults.pages import find_row
from tests.queue.moves import drain, effects, look, offered, put, settle

LIMITS = AdmissionLimits(min_disk_bytes=0)


class Orders:
    """What the disk is told; the layout of ``struct orders`` in faulty_disk.c."""

    def __init__(self) -> None:
        with Path(os.environ["FAULTY_ORDERS"]).open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 0)

    def give(self, *, read_only: int = 0, bad: range = range(0), no_flush: int = 0) -> None:
        self._shared[:32] = struct.pack("4q", read_only, bad.start, bad.stop, no_flush)


def fill_disk(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))


async def full_at_put(folder: Path) -> None:
    """Refuse the put whole; nothing half stays, and the next one after there is room goes on."""
    rig = Rig(folder)
    outbox = await rig.open()
    for n in range(20):
        await put(outbox, f"v-{n}", bytes(20_000))
    await outbox.tidy()
    assert await outbox.admission(LIMITS) == []
    fill_disk(folder)
    assert await outbox.admission(AdmissionLimits()) == [AdmissionReason.DISK_LOW]  # known before a resident starts
    taken, refused = 20, 0
    for n in range(200):
        try:
            await put(outbox, f"w-{n}", bytes(20_000))
            taken += 1
        except QueueFull:
            refused += 1
    assert refused
    stats = await outbox.stats()
    assert (stats.pending, stats.last_seq) == (taken, taken)
    assert rig.path.with_name("queue.db.reserve").exists()  # taking in never costs the reserve
    (folder / "filler").unlink()
    assert (await put(outbox, "v-after")).seq == taken + 1
    assert len(set(await offered(outbox))) <= 50
    await drain(rig, outbox)
    assert effects(rig) == sorted(effects(rig)) == list(range(1, taken + 2))
    assert look(rig, "PRAGMA integrity_check") == [("ok",)]
    await outbox.close()


async def full_at_a_start(folder: Path) -> None:
    """Open all the same: even the log's index needs room, and only what is delivered makes some."""
    rig = Rig(folder)
    outbox = await rig.open()
    for n in range(5):
        await put(outbox, f"v-{n}", bytes(2000))
    await outbox.close()
    fill_disk(folder)
    for boot in ("boot-2", "boot-3"):
        outbox = await rig.open(boot_id=boot)
        assert await outbox.admission(AdmissionLimits()) != []
        await outbox.close()
    outbox = await rig.open(boot_id="boot-3")
    await drain(rig, outbox)
    assert effects(rig) == [1, 2, 3, 4, 5]
    await outbox.close()


async def full_at_the_hourly_tidy(folder: Path) -> None:
    """Live on: folding the log in is what makes room, and it may have the reserve for that."""
    rig = Rig(folder)
    outbox = await rig.open()
    async with rig.running(rig.courier(outbox)) as courier:
        for n in range(40):
            await put(outbox, f"v-{n}", bytes(20_000))
        await rig.pending(outbox, 0)
        fill_disk(folder)
        rig.time.advance(3601)
        await rig.until(lambda: courier._tidy_at > rig.time.mono)
        (folder / "filler").unlink()
        await put(outbox, "v-after")
        await rig.pending(outbox, 0)
    await outbox.close()


async def full_at_ack(folder: Path) -> None:
    """Give up the reserve so that receipts settle; take it back when there is room."""
    rig = Rig(folder)
    outbox = await rig.open()
    for n in range(60):
        await put(outbox, f"v-{n}", bytes(20_000))
    await outbox.tidy()
    fill_disk(folder)
    with contextlib.suppress(QueueFull):
        for n in range(500):
            await put(outbox, f"w-{n}", bytes(20_000))
    last = (await outbox.stats()).last_seq
    batch = await outbox.take(max_bytes=10**9)
    assert batch is not None
    assert batch.count == 50
    assert len((await settle(rig, outbox, *(item.seq for item in batch.items))).delivered) == 50
    await drain(rig, outbox)
    assert (await outbox.stats()).pending == 0
    codes = [alarm.code for alarm in rig.alarms]
    assert codes.count(AlarmCode.RESERVE_SPENT) == 1
    refused = 0
    for _ in range(100):
        try:
            await put(outbox, "x-1", bytes(200_000))
        except QueueFull:  # what the reserve gave is for settling alone
            refused += 1
    assert refused
    (folder / "filler").unlink()
    await outbox.tidy()
    reserve = rig.path.with_name("queue.db.reserve")
    assert reserve.stat().st_size == reserve.stat().st_blocks * 512 == 4 * 1024 * 1024
    assert (await put(outbox, "v-after")).seq > last
    await outbox.close()


async def read_only_from_the_start(folder: Path) -> None:
    """Say so by a code instead of a crash."""
    rig = Rig(folder)
    outbox = await rig.open()
    await put(outbox, "v-1")
    await outbox.close()
    remount = ["mount", "-o", "remount,ro", str(folder)]
    await asyncio.to_thread(subprocess.run, remount, check=True, timeout=10)
    with pytest.raises(QueueError) as caught:
        await rig.open()
    assert caught.value.code is QueueCode.READ_ONLY
    with reading(rig.path) as sql:  # a copy on a write-protected stick can be looked at all the same
        assert [row["seq"] for row in sql.rows("entries", after=0, mono=0.0, limit=10)] == [1]


async def read_only_remount(folder: Path) -> None:
    """Close take-in with a reason and an alarm; go on answering; open again when the disk is back."""
    orders, rig = Orders(), Rig(folder)
    outbox = await rig.open()
    item_id = await put(outbox, "v-1")
    assert await outbox.admission(LIMITS) == []
    orders.give(read_only=1)
    assert await outbox.admission(LIMITS) == [AdmissionReason.DISK_FAULT]  # before anybody was refused
    for _ in range(3):
        with pytest.raises(QueueError) as caught:
            await put(outbox, "v-2")
        assert caught.value.code in {QueueCode.READ_ONLY, QueueCode.IO}
    await rig.until(lambda: bool(rig.alarms))
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.DISK_FAULT]
    stats = await outbox.stats()
    assert (stats.pending, stats.last_seq) == (1, 1)
    assert (await outbox.state(item_id)).phase is Phase.PENDING
    orders.give()
    assert await outbox.admission(LIMITS) == []
    assert (await put(outbox, "v-2")).seq == 2
    await drain(rig, outbox)
    assert effects(rig) == [1, 2]
    await outbox.close()


async def flush_refused(folder: Path) -> None:
    """Tell nobody that an item is taken in when the disk did not say so."""
    orders, rig = Orders(), Rig(folder)
    outbox = await rig.open()
    await put(outbox, "v-1")
    orders.give(no_flush=1)
    with pytest.raises(QueueError) as caught:
        await put(outbox, "v-2")
    assert caught.value.code is QueueCode.IO
    assert await outbox.admission(LIMITS) == [AdmissionReason.DISK_FAULT]
    orders.give()
    assert await outbox.admission(LIMITS) == []
    last = (await outbox.stats()).last_seq
    assert (await put(outbox, "v-3")).seq == last + 1
    await drain(rig, outbox)
    assert len(effects(rig)) == len(set(effects(rig))) == last + 1
    await outbox.close()
    assert rig.path.exists()


async def read_error(folder: Path) -> None:
    """Set the item aside whose page the disk does not give back; the rest flows."""
    orders, rig = Orders(), Rig(folder)
    outbox = await rig.open()
    ids = [await put(outbox, f"v-{n}", f"body {n}".encode() * 600) for n in range(1, 8)]  # each on pages of its own
    await outbox.close()
    body = look(rig, "SELECT body FROM outbox WHERE seq = 4")[0][0]
    at = rig.path.read_bytes().index(body[-200:])
    orders.give(bad=range(at, at + 1))
    outbox = await rig.open()
    assert await offered(outbox) == [1, 2, 3, 5, 6, 7]
    assert [(alarm.code, alarm.seq) for alarm in rig.alarms] == [(AlarmCode.ITEM_ROTTEN, 4)]
    assert (await outbox.state(ids[3])).phase is Phase.QUARANTINED
    await put(outbox, "v-new", b"new")
    await drain(rig, outbox)
    assert sorted(effects(rig)) == [1, 2, 3, 5, 6, 7, 8]
    stats = await outbox.stats()
    assert (stats.pending, stats.quarantined) == (0, 1)
    orders.give()  # the disk found its memory again: a technician lets it go
    assert await outbox.transact(lambda ledger: ledger.release(4))
    await drain(rig, outbox)
    assert sorted(effects(rig)) == list(range(1, 9))
    await outbox.close()


async def read_error_in_the_tail_of_many(folder: Path) -> None:
    """Name every item of a page that is gone, and no other."""
    orders, rig = Orders(), Rig(folder)
    outbox = await rig.open()
    for n in range(1, 31):
        await put(outbox, f"v-{n}", f"body {n}".encode())
    await outbox.close()
    row = find_row(rig.path, look(rig, "SELECT body FROM outbox WHERE seq = 12")[0][0])
    page = row.start - row.start % 4096
    orders.give(bad=range(page, page + 4096))
    outbox = await rig.open()
    sent = await offered(outbox)
    named = {alarm.seq for alarm in rig.alarms if alarm.code is AlarmCode.ITEM_ROTTEN}
    assert 12 in named
    assert len(named) < 20, named
    assert set(sent) | named == set(range(1, 31))
    assert not set(sent) & named
    await outbox.close()


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](Path(sys.argv[2])))
