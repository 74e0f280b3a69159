"""Faults of the queue itself: what must hold when power, clocks, disks and people do what they do."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from offline_queue import wire
from offline_queue.errors import QueueCode, QueueCorrupt, QueueError, QueueFull
from offline_queue.values import AdmissionLimits, AdmissionReason, AlarmCode, Phase
from offline_queue.wire import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from offline_queue.ledger import Ledger
    from offline_queue.outbox import Outbox
    from tests.queue.conftest import Rig

CANARY = "王小明 999999199001011234".encode()


async def put(outbox: Outbox, lane: str = "v-1", body: bytes = b"body", **more: int) -> wire.ItemId:
    with outbox.begin_visit(lane) as key:
        return await outbox.put(key, "case", body, **more)


async def offered(outbox: Outbox) -> list[int]:
    batch = await outbox.take()
    return [] if batch is None else [item.seq for item in batch.items]


async def accept(rig: Rig, outbox: Outbox, seq: int, verdict: Verdict = Verdict.ACCEPTED, **more: object) -> None:
    item_id = wire.ItemId("hall-03", outbox.epoch, seq)
    fingerprint = look(rig, "SELECT fingerprint FROM outbox WHERE seq = ?", seq)[0][0]
    settlement = await outbox.settle([rig.central.sign(item_id, fingerprint, verdict, **more)])  # type: ignore[arg-type]  # test data
    assert not settlement.refused


def look(rig: Rig, query: str, *values: int) -> list[tuple[object, ...]]:
    """Read beside the owner, as a technician may."""
    connection = sqlite3.connect(f"file:{rig.path}?mode=ro", uri=True)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


async def test_put_is_durable_numbered_and_sealed(rig: Rig) -> None:
    outbox = await rig.open()
    ids = [await put(outbox, f"v-{n}", body=CANARY) for n in range(3)]
    assert [item_id.seq for item_id in ids] == [1, 2, 3]
    assert look(rig, "SELECT count(*) FROM outbox") == [(3,)]
    batch = await outbox.take()
    assert batch is not None
    wire.check_chain(batch)
    assert [wire.open_item(rig.central.sealing, "hall-03", outbox.epoch, item) for item in batch.items] == [CANARY] * 3


async def test_stolen_disk_shows_no_plaintext(rig: Rig) -> None:
    outbox = await rig.open()
    for n in range(5):
        await put(outbox, f"v-{n}", body=CANARY * 50)
    await accept(rig, outbox, 1)
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


async def test_second_process_is_refused(rig: Rig) -> None:
    await rig.open()
    script = (
        "import asyncio, pathlib, sys\n"
        "from offline_queue.errors import QueueError\n"
        "from offline_queue.store import Store\n"
        "try:\n"
        "    asyncio.run(Store.open(pathlib.Path(sys.argv[1])))\n"
        "except QueueError as error:\n"
        "    print(error.code)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(rig.path), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert output.decode().strip() == "queue.locked"


async def test_file_of_another_terminal_is_refused(rig: Rig) -> None:
    await (await rig.open()).close()
    with pytest.raises(QueueError) as caught:
        await rig.open(kiosk="hall-04")
    assert caught.value.code is QueueCode.WRONG_KIOSK
    await rig.open()  # and the lock was given back


async def test_file_that_is_not_a_database_is_named_corrupt(rig: Rig) -> None:
    rig.path.write_bytes(b"not a database" * 1000)
    with pytest.raises(QueueCorrupt):
        await rig.open()


async def test_settings_of_durability_hold(rig: Rig) -> None:
    outbox = await rig.open()
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "page_size": 4096}
    store = outbox._store
    assert {name: await store.read(lambda sql, name=name: sql.pragma(name)) for name in wanted} == wanted
    names = await store.read(lambda _: threading.current_thread().name)
    assert names == "db"
    for name in ("queue.db", "queue.db-wal", "queue.db.lock"):
        assert rig.path.with_name(name).stat().st_mode & 0o077 == 0


async def test_clock_jump_back_keeps_order_and_age(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, "v-1")
    rig.time.advance(30)
    rig.time.wall -= timedelta(hours=1)
    await put(outbox, "v-2")
    assert await offered(outbox) == [1, 2]
    assert (await outbox.stats()).oldest_age_s == 30


async def test_clock_ten_years_ahead_closes_nothing_and_forgets_nothing(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, "v-1")
    await accept(rig, outbox, 1)
    await put(outbox, "v-2")
    rig.time.wall += timedelta(days=3650)
    assert await outbox.admission(AdmissionLimits(min_disk_bytes=0)) == []
    await outbox.tidy()
    assert look(rig, "SELECT seq FROM receipt") == [(1,)]


async def test_receipts_past_their_retention_go_and_the_newest_stay(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offline_queue.ledger.RECEIPTS_KEPT", 1)
    outbox = await rig.open()
    for seq in (1, 2, 3):
        await put(outbox, f"v-{seq}")
        await accept(rig, outbox, seq)
    rig.time.advance(401 * 86400)
    await outbox.tidy()
    assert look(rig, "SELECT seq FROM receipt") == [(3,)]
    assert (await outbox.state(wire.ItemId("hall-03", outbox.epoch, 1))).phase is Phase.UNKNOWN


async def test_second_item_of_a_lane_waits_for_the_verdict_on_the_first(rig: Rig) -> None:
    outbox = await rig.open()
    for lane in ("v-1", "v-1", "v-2"):
        await put(outbox, lane)
    assert await offered(outbox) == [1, 3]
    await accept(rig, outbox, 1)
    assert await offered(outbox) == [2, 3]


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
    await accept(rig, outbox, 1)
    assert await offered(outbox) == [2]


async def test_item_too_large_for_the_wire_is_refused_before_it_is_taken(rig: Rig) -> None:
    outbox = await rig.open()
    with pytest.raises(QueueError) as caught:
        await put(outbox, body=bytes(wire.MAX_BODY_BYTES))
    assert caught.value.code is QueueCode.INVALID


@pytest.mark.parametrize(
    "forge",
    [
        lambda rig, i, f: rig.central.sign(i, f, by=Ed25519PrivateKey.generate()),
        lambda rig, i, _: rig.central.sign(i, bytes(32)),
        lambda rig, i, f: rig.central.sign(wire.ItemId("hall-04", i.epoch, i.seq), f),
        lambda rig, i, f: rig.central.sign(wire.ItemId(i.kiosk, "f" * 32, i.seq), f),
        lambda rig, i, f: rig.central.sign(wire.ItemId(i.kiosk, i.epoch, 99), f),
    ],
    ids=["wrong signature", "other body", "other kiosk", "other epoch", "never put"],
)
async def test_receipt_that_proves_nothing_keeps_the_body(rig: Rig, forge: Callable[..., wire.Receipt]) -> None:
    outbox = await rig.open()
    item_id = await put(outbox)
    batch = await outbox.take()
    assert batch is not None
    settlement = await outbox.settle([forge(rig, item_id, batch.items[0].fingerprint)])
    assert len(settlement.refused) == 1
    assert (await outbox.state(item_id)).phase is Phase.PENDING
    assert await offered(outbox) == [1]
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.RECEIPT_REFUSED]


async def test_receipt_that_comes_twice_does_nothing_more(rig: Rig) -> None:
    outbox = await rig.open()
    item_id = await put(outbox)
    batch = await outbox.take()
    assert batch is not None
    receipt = rig.central.sign(item_id, batch.items[0].fingerprint)
    assert (await outbox.settle([receipt, receipt])).delivered == (1,)
    assert await outbox.settle([receipt]) == type(await outbox.settle([]))()
    assert rig.alarms == []
    assert (await outbox.state(item_id)).receipt == receipt
    assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED


async def test_duplicate_tells_what_was_said_first(rig: Rig) -> None:
    outbox = await rig.open()
    one, two = await put(outbox, "v-1"), await put(outbox, "v-2")
    await accept(rig, outbox, 1, Verdict.DUPLICATE, first_verdict=Verdict.ACCEPTED)
    await accept(rig, outbox, 2, Verdict.DUPLICATE, first_verdict=Verdict.REJECTED, reason="case.unknown_service")
    assert await outbox.wait_settled(one) is Verdict.ACCEPTED
    assert await outbox.wait_settled(two) is Verdict.REJECTED


async def test_rejected_item_keeps_its_body_and_frees_its_lane(rig: Rig) -> None:
    outbox = await rig.open()
    item_id = await put(outbox, "v-1")
    await put(outbox, "v-1")
    await accept(rig, outbox, 1, Verdict.REJECTED, reason="case.unknown_service")
    state = await outbox.state(item_id)
    assert (state.phase, state.reason) == (Phase.QUARANTINED, "case.unknown_service")
    assert look(rig, "SELECT length(body) FROM outbox WHERE seq = 1") == [(4 + wire.SEAL_BYTES,)]
    assert await offered(outbox) == [2]
    assert [(alarm.code, alarm.seq) for alarm in rig.alarms] == [(AlarmCode.ITEM_QUARANTINED, 1)]
    await put(outbox, "v-1")
    await accept(rig, outbox, 2)
    assert await offered(outbox) == [3]


async def test_quarantined_item_holds_its_lane_until_it_is_released(rig: Rig) -> None:
    outbox = await rig.open()
    for lane in ("v-1", "v-1", "v-2"):
        await put(outbox, lane)
    await outbox.quarantine(1, "http_422")
    await put(outbox, "v-1")
    assert await offered(outbox) == [3]
    stats = await outbox.stats()
    assert (stats.pending, stats.quarantined) == (3, 1)
    assert await outbox.transact(lambda ledger: ledger.release(1))
    assert await offered(outbox) == [1, 3]
    await accept(rig, outbox, 1)
    assert await offered(outbox) == [2, 3]


async def test_receipt_for_a_quarantined_item_still_counts(rig: Rig) -> None:
    outbox = await rig.open()
    item_id = await put(outbox, "v-1")
    await put(outbox, "v-1")
    await outbox.quarantine(1, "http_500")
    await accept(rig, outbox, 1)
    assert (await outbox.state(item_id)).phase is Phase.DELIVERED
    assert await offered(outbox) == [2]
    assert (await outbox.stats()).quarantined == 0


async def test_item_held_behind_a_quarantined_one_does_not_close_the_terminal(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, "v-1")
    await put(outbox, "v-1")
    await outbox.quarantine(1, "http_422")
    rig.time.advance(100 * 3600)
    assert await outbox.admission(AdmissionLimits(min_disk_bytes=0)) == []


async def test_tenth_failure_of_an_item_quarantines_it(rig: Rig) -> None:
    outbox = await rig.open()
    item_id = await put(outbox)
    for attempt in range(1, 11):
        assert await offered(outbox) == [1]
        gone = await outbox.transact(lambda ledger: ledger.fail(1, "http_500"))
        assert gone is (attempt == 10)
        assert await offered(outbox) == []
        rig.time.advance(1000)
    assert (await outbox.state(item_id)).phase is Phase.QUARANTINED


async def test_deferred_item_waits_over_a_restart_and_is_due_after_a_reboot(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox)
    await accept(rig, outbox, 1, Verdict.DEFERRED, reason="busy", retry_after_s=300)
    await outbox.close()
    rig.time.advance(100)
    outbox = await rig.open()
    assert await offered(outbox) == []
    assert await outbox.read(lambda ledger: ledger.next_due_s()) == 200
    await outbox.close()
    rig.time.mono = 5.0
    outbox = await rig.open(boot_id="boot-2")
    assert await offered(outbox) == [1]


async def test_retry_after_of_a_year_is_obeyed_for_an_hour(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox)
    await accept(rig, outbox, 1, Verdict.DEFERRED, reason="busy", retry_after_s=365 * 86400)
    assert await outbox.read(lambda ledger: ledger.next_due_s()) == 3600


async def test_rotten_page_is_named_and_isolated(rig: Rig) -> None:
    outbox = await rig.open()
    ids = [await put(outbox, f"v-{n}") for n in range(3)]
    await outbox.close()
    connection = sqlite3.connect(rig.path)
    body = bytearray(connection.execute("SELECT body FROM outbox WHERE seq = 2").fetchone()[0])
    connection.close()
    content = rig.path.read_bytes()
    at = content.index(body)
    rig.path.write_bytes(content[: at + 9] + bytes([content[at + 9] ^ 1]) + content[at + 10 :])
    outbox = await rig.open()
    assert await offered(outbox) == [1, 3]
    assert (await outbox.state(ids[1])).phase is Phase.QUARANTINED
    assert [(alarm.code, alarm.seq) for alarm in rig.alarms] == [(AlarmCode.ITEM_ROTTEN, 2)]


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
    await accept(rig, outbox, 1)
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
        await accept(rig, outbox, 1)
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


async def test_admission_names_each_reason(rig: Rig) -> None:
    outbox = await rig.open(cap_bytes=2_000_000)
    await put(outbox, "v-1")
    await put(outbox, "v-2")
    rig.time.advance(73 * 3600)
    limits = AdmissionLimits(max_pending=1, min_disk_bytes=2**60)
    assert await outbox.admission(limits) == list(AdmissionReason)


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
    receipts = [rig.central.sign(i, item.fingerprint) for i, item in zip(batch.ids(), batch.items, strict=True)]
    assert len((await outbox.settle(receipts)).delivered) == batch.count
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
    foreign = wire.Sealer(rig.central.sealing.public_key(), "central-1", kiosk="hall-03", epoch=wire.new_epoch())
    with pytest.raises(QueueError):
        await outbox.put(foreign.begin_visit("v-1"), "case", b"x")


async def test_folder_that_is_missing_is_named_and_leaves_nothing_behind(rig: Rig) -> None:
    rig.path = rig.path.parent / "missing" / "queue.db"
    with pytest.raises(QueueError) as caught:
        await rig.open()
    assert caught.value.code is QueueCode.IO
    assert "db" not in {thread.name for thread in threading.enumerate()}
