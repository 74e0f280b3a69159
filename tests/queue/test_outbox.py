"""Faults of the queue itself: what must hold when power, clocks, disks and people do what they do."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from offline_queue import wire
from offline_queue.errors import QueueCode, QueueError, QueueFull
from offline_queue.values import AdmissionLimits, AdmissionReason, AlarmCode
from offline_queue.wire import Verdict
from tests.queue.moves import look, offered, opened, put, reply, settle

if TYPE_CHECKING:
    from offline_queue.ledger import Ledger
    from tests.queue.conftest import Rig

CANARY = "王小明 999999199001011234".encode()


async def test_put_is_durable_numbered_and_sealed(rig: Rig) -> None:
    outbox = await rig.open()
    ids = [await put(outbox, f"v-{n}", body=CANARY) for n in range(3)]
    assert [item_id.seq for item_id in ids] == [1, 2, 3]
    assert look(rig, "SELECT count(*) FROM outbox") == [(3,)]
    batch = await outbox.take()
    assert batch is not None
    wire.check_chain(batch)
    assert opened(rig, batch) == [CANARY] * 3


async def test_stolen_disk_shows_no_plaintext(rig: Rig) -> None:
    outbox = await rig.open()
    for n in range(5):
        await put(outbox, f"v-{n}", body=CANARY * 50)
    await settle(rig, outbox, 1)
    for n in range(2):
        files = [path.read_bytes() for path in rig.path.parent.iterdir() if path.is_file()]
        assert any(b"v-3" in content for content in files)  # the scan sees what is there
        for secret in (CANARY, "王小明".encode(), b"999999199001011234"):
            assert not any(secret in content for content in files)
        if n == 0:
            await outbox.close()


async def test_item_of_a_visit_that_ended_is_refused(rig: Rig) -> None:
    outbox = await rig.open()
    key = outbox.begin_visit("v-1")
    key.drop()
    with pytest.raises(QueueError) as caught:
        await outbox.put(key, "case", b"x")
    assert caught.value.code is QueueCode.INVALID
    assert (await outbox.stats()).last_seq == 0


async def test_file_of_another_terminal_is_refused(rig: Rig) -> None:
    await (await rig.open()).close()
    with pytest.raises(QueueError) as caught:
        await rig.open(kiosk="hall-04")
    assert caught.value.code is QueueCode.WRONG_KIOSK
    await rig.open()  # and the lock was given back


async def test_file_that_is_not_a_database_is_kept_aside_with_an_alarm(rig: Rig) -> None:
    rig.path.write_bytes(b"not a database" * 1000)
    outbox = await rig.open()
    await rig.until(lambda: bool(rig.alarms))
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.HISTORY_LOST]
    assert rig.path.with_name("queue.db.broken-1").read_bytes() == b"not a database" * 1000
    assert (await put(outbox)).seq == 1


async def test_settings_of_durability_hold(rig: Rig) -> None:
    outbox = await rig.open()
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "page_size": 4096}
    store = outbox._store
    assert {name: await store.read(lambda sql, name=name: sql.pragma(name)) for name in wanted} == wanted
    names = await store.read(lambda _: threading.current_thread().name)
    assert names == "db"
    for name in ("queue.db", "queue.db-wal", "queue.db.lock"):
        assert rig.path.with_name(name).stat().st_mode & 0o077 == 0


async def test_payment_notice_goes_before_older_items(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, "v-1")
    await put(outbox, "v-2", priority=0)
    batch = await outbox.take(limit=1)
    assert batch is not None
    assert batch.first_seq == 2


async def test_large_item_travels_alone(rig: Rig) -> None:
    outbox = await rig.open()
    for lane, size in (("v-1", 10), ("v-2", 300_000), ("v-3", 10)):
        await put(outbox, lane, body=bytes(size))
    assert await offered(outbox) == [1]
    await settle(rig, outbox, 1)
    assert await offered(outbox) == [2]


async def test_item_too_large_for_the_wire_is_refused_before_it_is_taken(rig: Rig) -> None:
    outbox = await rig.open()
    with pytest.raises(QueueError) as caught:
        await put(outbox, body=bytes(wire.MAX_BODY_BYTES))
    assert caught.value.code is QueueCode.INVALID


async def test_put_takes_part_in_the_callers_transaction(rig: Rig) -> None:
    outbox = await rig.open()
    key = outbox.begin_visit("v-1")

    def half_done(ledger: Ledger) -> None:
        ledger.next_number("slip", "2026-11-03")
        ledger.put(key, "case", b"x")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await outbox.transact(half_done)
    assert (await outbox.stats()).last_seq == 0
    assert await outbox.next_number("slip", "2026-11-03") == 1
    item_id = await outbox.put(key, "case", b"y")
    assert item_id.seq == 1
    batch = await outbox.take()
    assert batch is not None
    wire.check_chain(batch)


async def test_numbers_begin_anew_each_day_and_survive_a_restart(rig: Rig) -> None:
    outbox = await rig.open()
    assert [await outbox.next_number("slip", "2026-11-03") for _ in range(2)] == [1, 2]
    assert await outbox.next_number("slip", "2026-11-04") == 1
    await outbox.close()
    assert await (await rig.open()).next_number("slip", "2026-11-03") == 3


async def test_identity_and_chain_go_on_after_a_restart_with_an_empty_queue(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox)
    first = await outbox.take()
    await settle(rig, outbox, 1)
    await outbox.close()
    outbox = await rig.open()
    assert (await put(outbox)).seq == 2
    second = await outbox.take()
    assert first is not None
    assert second is not None
    assert second.chain_before == first.chain_after


async def test_waiting_for_the_verdict_ends_with_it_and_with_the_deadline(rig: Rig) -> None:
    outbox = await rig.open()
    item_id = await put(outbox)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await outbox.wait_settled(item_id)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(outbox.wait_settled(item_id))
        await asyncio.sleep(0)
        await settle(rig, outbox, 1)
    assert waiting.result() is Verdict.ACCEPTED
    with pytest.raises(QueueError):
        await outbox.wait_settled(wire.ItemId("hall-03", outbox.epoch, 77))


async def test_courier_is_woken_though_the_caller_was_cancelled_during_the_commit(rig: Rig) -> None:
    outbox = await rig.open()
    started, go_on = threading.Event(), threading.Event()
    key = outbox.begin_visit("v-1")
    outbox.changed.clear()

    def slow(ledger: Ledger) -> None:
        started.set()
        go_on.wait(5)
        ledger.put(key, "case", b"x")

    async with asyncio.TaskGroup() as group:
        task = group.create_task(outbox.transact(slow))
        await asyncio.to_thread(started.wait, 5)
        task.cancel()
    go_on.set()
    async with asyncio.timeout(5):
        await outbox.changed.wait()
    assert await offered(outbox) == [1]


async def test_admission_names_each_reason(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = await rig.open(cap_bytes=2_000_000)
    await put(outbox, "v-1")
    await put(outbox, "v-2")
    rig.time.advance(73 * 3600)
    await outbox.settle(await reply(rig, outbox, fields={"central_time": rig.time.now() + timedelta(hours=1)}))
    limits = AdmissionLimits(max_pending=1, min_disk_bytes=2**60)
    monkeypatch.setattr(outbox._store, "is_read_only", lambda: True)
    assert await outbox.admission(limits, catalogue_age_s=8 * 86400) == list(AdmissionReason)


async def test_queue_at_its_cap_refuses_the_put_and_still_settles(rig: Rig) -> None:
    outbox = await rig.open(cap_bytes=64 * 4096)
    count = 0
    with contextlib.suppress(QueueFull):
        while True:
            await put(outbox, f"v-{count}", body=bytes(2000))
            count += 1
    stats = await outbox.stats()
    assert (stats.pending, stats.last_seq) == (count, count)  # no half item
    batch = await outbox.take()
    assert batch is not None
    seqs = [item.seq for item in batch.items]
    assert (await settle(rig, outbox, *seqs)).delivered == tuple(seqs)
    assert (
        await outbox.admission(AdmissionLimits(min_disk_bytes=0, min_free_bytes=20_000)) == []
    )  # kept bodies give way
    await put(outbox, "v-next", body=bytes(2000))


async def test_closed_queue_says_so(rig: Rig) -> None:
    outbox = await rig.open()
    await outbox.close()
    await outbox.close()
    with pytest.raises(QueueError) as caught:
        await outbox.stats()
    assert caught.value.code is QueueCode.CLOSED
    assert "db" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("fault", [{"kind": "Zhang San"}, {"schema": 0}, {"priority": 10}, {"lane": "with space"}])
async def test_item_central_could_not_read_is_refused_at_the_door(rig: Rig, fault: dict[str, object]) -> None:
    outbox = await rig.open()
    right = {"lane": "v-1", "kind": "case", "schema": 1, "priority": 5} | fault
    key = outbox.begin_visit(str(right.pop("lane")))
    with pytest.raises(QueueError) as caught:
        await outbox.put(key, body=b"x", **right)  # type: ignore[arg-type]  # test data
    assert caught.value.code is QueueCode.INVALID
    assert "Zhang" not in str(caught.value)


async def test_key_of_another_queue_is_refused(rig: Rig) -> None:
    outbox = await rig.open()
    central = rig.central.sealing.public_key()
    foreign = wire.VisitKey(central, "central-1", kiosk="hall-04", epoch=outbox.epoch, lane="v-1")
    with pytest.raises(QueueError) as caught:
        await outbox.put(foreign, "case", b"x")
    assert caught.value.code is QueueCode.INVALID


async def test_visit_goes_on_when_an_epoch_begins(rig: Rig) -> None:
    outbox = await rig.open()
    first_epoch = outbox.epoch
    with outbox.begin_visit("v-1") as key:
        first = await outbox.put(key, "case", b"before")
        await outbox.transact(lambda ledger: ledger.new_epoch())
        second = await outbox.put(key, "case", b"after")
    assert (first.epoch, first.seq, second.seq) == (first_epoch, 1, 2)
    assert second.epoch == outbox.epoch != first_epoch
    bodies = []
    for _ in range(2):
        batch = await outbox.take()
        assert batch is not None
        wire.check_chain(batch)
        assert (batch.last_epoch, batch.last_seq) == (second.epoch, 2)
        bodies += opened(rig, batch)
        words = [rig.central.receive(batch, item) for item in batch.items]
        assert len((await outbox.settle(rig.central.reply(batch, words))).delivered) == 1
    assert bodies == [b"before", b"after"]
    assert batch.chain_before == wire.chain_start("hall-03", second.epoch)  # an epoch begins its own chain


async def test_folder_that_is_missing_is_named_and_leaves_nothing_behind(rig: Rig) -> None:
    rig.path = rig.path.parent / "missing" / "queue.db"
    with pytest.raises(QueueError) as caught:
        await rig.open()
    assert caught.value.code is QueueCode.IO
    assert "db" not in {thread.name for thread in threading.enumerate()}
