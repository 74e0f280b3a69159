"""Central set back to yesterday's backup: what it lost comes again, once and in order, or its loss is proven."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import TYPE_CHECKING

from offline_queue import wire
from offline_queue.settlement import BODIES_KEPT_S
from offline_queue.values import AlarmCode, Phase
from offline_queue.wire import Verdict
from tests.queue.moves import drain, effects, offered, put, settle

if TYPE_CHECKING:
    from datetime import datetime

    import pytest

    from offline_queue.outbox import Outbox
    from tests.queue.conftest import Rig


async def told(rig: Rig, outbox: Outbox, restored: datetime) -> wire.Reply:
    """Let central say to which moment it was set back."""
    greeting = await outbox.read(lambda ledger: ledger.greeting())
    reply = rig.central.reply(greeting, [], stream=wire.Stream(restored=restored))
    assert not (await outbox.settle(reply)).refused
    return reply


async def a_day_of_work(rig: Rig, outbox: Outbox) -> tuple[datetime, dict[wire.ItemId, bytes]]:
    """Deliver three items before the backup and six after it, in three lanes; return the moment and what it knew."""
    for n in range(3):
        await put(outbox, f"before-{n}", b"before")
    await drain(rig, outbox)
    rig.time.advance(3600)
    backup, known = rig.time.true, copy.copy(rig.central.taken)
    rig.time.advance(3600)
    for n in range(6):
        await put(outbox, f"after-{n % 3}", f"after {n}".encode())
    await drain(rig, outbox)
    rig.time.advance(8 * 3600)
    return backup, known


async def test_what_central_lost_is_sent_again_once_in_the_order_of_the_lanes(rig: Rig) -> None:
    """Fault 43."""
    outbox = await rig.open()
    backup, rig.central.taken = await a_day_of_work(rig, outbox)
    waiting = await put(outbox, "after-0", b"still waiting")
    rig.central.effects.clear()
    await told(rig, outbox, backup)
    assert (await outbox.stats()).pending == 7
    await drain(rig, outbox)
    assert sorted(effects(rig)) == [4, 5, 6, 7, 8, 9, waiting.seq]
    for lane in range(3):
        of_lane = [seq for name, seq, _, _ in rig.central.effects if name == f"after-{lane}"]
        assert of_lane == sorted(of_lane)
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.CENTRAL_RESTORED]
    assert (await outbox.stats()).pending_bytes == 0


async def test_word_of_a_restore_that_comes_again_does_nothing(rig: Rig) -> None:
    """Fault 43. A replay, another batch's answer, a restart: one restore is answered once."""
    outbox = await rig.open()
    backup, rig.central.taken = await a_day_of_work(rig, outbox)
    reply = await told(rig, outbox, backup)
    await drain(rig, outbox)
    before = await outbox.stats()
    await outbox.settle(reply)
    await told(rig, outbox, backup)
    assert await offered(outbox) == []
    await outbox.close()
    outbox = await rig.open()
    await told(rig, outbox, backup)
    after = await outbox.stats()
    assert (after.pending, after.last_seq) == (before.pending, before.last_seq) == (0, 9)
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.CENTRAL_RESTORED]


async def test_second_restore_further_back_asks_for_more(rig: Rig) -> None:
    """Fault 43. Each restore is named by its moment, whichever came first."""
    outbox = await rig.open()
    backup, rig.central.taken = await a_day_of_work(rig, outbox)
    await told(rig, outbox, backup)
    await drain(rig, outbox)
    rig.central.taken = {}
    rig.central.effects.clear()
    await told(rig, outbox, backup - timedelta(hours=5))
    await drain(rig, outbox)
    assert sorted(effects(rig)) == list(range(1, 10))


async def test_restore_told_in_the_middle_of_sending_again_loses_nothing(rig: Rig) -> None:
    """Fault 43. The terminal is restarted half way; a second, later restore asks again."""
    outbox = await rig.open()
    backup, known = await a_day_of_work(rig, outbox)
    rig.central.taken = copy.copy(known)
    rig.central.effects.clear()
    await told(rig, outbox, backup)
    batch = await outbox.take(limit=2)
    assert batch is not None
    words = [rig.central.receive(batch, item) for item in batch.items]
    await outbox.settle(rig.central.reply(batch, words))
    await outbox.close()
    outbox = await rig.open()
    await drain(rig, outbox)
    assert sorted(effects(rig)) == [4, 5, 6, 7, 8, 9]
    rig.time.advance(60)
    rig.central.taken, second = copy.copy(known), backup + timedelta(seconds=1)
    rig.central.effects.clear()
    await told(rig, outbox, second)
    await drain(rig, outbox)
    assert sorted(effects(rig)) == [4, 5, 6, 7, 8, 9]


async def test_receipts_without_a_body_are_told_one_by_one(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 43. Past the retention only the signed receipt is left: staff hears which."""
    monkeypatch.setattr("offline_queue.settlement.BODIES_KEPT", 0)
    outbox = await rig.open()
    backup, rig.central.taken = await a_day_of_work(rig, outbox)
    rig.time.advance(BODIES_KEPT_S + 1)
    await outbox.tidy()
    await put(outbox, "late", b"late")
    await drain(rig, outbox)
    await told(rig, outbox, backup)
    await rig.until(lambda: len(rig.alarms) == 7)
    without = [alarm.seq for alarm in rig.alarms if alarm.code is AlarmCode.RECEIPT_WITHOUT_BODY]
    assert without == [4, 5, 6, 7, 8, 9]
    assert await offered(outbox) == [10]
    for seq in without:
        state = await outbox.state(wire.ItemId("hall-03", outbox.epoch, seq or 0))
        assert state.phase is Phase.DELIVERED
        assert state.receipt is not None  # the proof that central had it
        wire.verify_reply({"receipts-1": rig.central.signing.public_key()}, state.receipt.reply)


async def test_items_set_aside_keep_their_place_when_central_is_restored(rig: Rig) -> None:
    """Fault 43. An item that is held still holds its lane, for those behind it and for no other."""
    outbox = await rig.open()
    for n in range(4):
        await put(outbox, "v-1", f"{n}".encode())
    backup = rig.time.true
    rig.time.advance(60)
    assert await offered(outbox) == [1]
    await settle(rig, outbox, 1)
    await outbox.quarantine(2, "http_422")
    await told(rig, outbox, backup)
    assert await offered(outbox) == [1]
    await settle(rig, outbox, 1)
    assert await offered(outbox) == []
    assert await outbox.transact(lambda ledger: ledger.release(2))
    assert await offered(outbox) == [2]


async def test_restore_before_a_rejection_does_not_send_what_was_rejected(rig: Rig) -> None:
    """Fault 43."""
    outbox = await rig.open()
    backup = rig.time.true - timedelta(seconds=1)
    await put(outbox, "v-1")
    assert await offered(outbox) == [1]
    await settle(rig, outbox, 1, verdict=Verdict.REJECTED, reason="case.unknown_service")
    await told(rig, outbox, backup)
    assert await offered(outbox) == []
    assert (await outbox.stats()).quarantined == 1
