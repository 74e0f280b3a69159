"""What central's words do to the queue: settled, put off, set aside, sent again, and never believed without proof."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from offline_queue import settlement, wire
from offline_queue.values import AdmissionLimits, AlarmCode, ClockTrust, Phase, Settlement
from offline_queue.wire import Verdict
from tests.queue.central_desk import word
from tests.queue.moves import look, offered, put, reply, settle

if TYPE_CHECKING:
    from tests.queue.conftest import Rig


async def test_second_item_of_a_lane_waits_for_the_verdict_on_the_first(rig: Rig) -> None:
    outbox = await rig.open()
    for lane in ("v-1", "v-1", "v-2"):
        await put(outbox, lane)
    assert await offered(outbox) == [1, 3]
    await settle(rig, outbox, 1)
    assert await offered(outbox) == [2, 3]


@pytest.mark.parametrize(
    ("forgery", "why"),
    [
        ({"by": Ed25519PrivateKey.generate()}, "signature"),
        ({"fields": {"key_id": "receipts-9"}}, "signature"),
        ({"fields": {"kiosk": "hall-04"}}, "foreign"),
        ({"fields": {"epoch": "f" * 32}}, "foreign"),
        ({"fingerprint": bytes(32)}, "fingerprint"),
        ({"seq": 99}, "unknown"),
    ],
    ids=["wrong signature", "key nobody knows", "other kiosk", "other epoch", "other body", "never put"],
)
async def test_reply_that_proves_nothing_keeps_the_body(rig: Rig, forgery: dict[str, Any], why: str) -> None:
    outbox = await rig.open()
    item_id = await put(outbox)
    settlement = await outbox.settle(await reply(rig, outbox, 1, **forgery))
    assert [refused.why for refused in settlement.refused] == [why]
    assert (settlement.delivered, settlement.rejected, settlement.deferred) == ((), (), ())
    assert (await outbox.state(item_id)).phase is Phase.PENDING
    assert await offered(outbox) == [1]
    assert look(rig, "SELECT count(*) FROM receipt") == [(0,)]
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.RECEIPT_REFUSED]


async def test_reply_that_was_altered_on_the_way_settles_none_of_its_items(rig: Rig) -> None:
    outbox = await rig.open()
    ids = [await put(outbox, f"v-{n}") for n in range(3)]
    honest = await reply(rig, outbox, 1, 2, 3)
    altered = dataclasses.replace(honest, words=honest.words[:2])
    assert (await outbox.settle(altered)).refused[0].why == "signature"
    assert {(await outbox.state(item_id)).phase for item_id in ids} == {Phase.PENDING}


async def test_word_about_another_body_does_not_spoil_the_words_beside_it(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, "v-1")
    await put(outbox, "v-2")
    batch = await outbox.take()
    assert batch is not None
    words = [word(batch.items[0], fingerprint=bytes(32)), word(batch.items[1])]
    settlement = await outbox.settle(rig.central.reply(batch, words))
    assert (settlement.delivered, [refused.why for refused in settlement.refused]) == ((2,), ["fingerprint"])
    assert await offered(outbox) == [1]


async def test_reply_that_comes_twice_does_nothing_more(rig: Rig) -> None:
    outbox = await rig.open()
    item_id = await put(outbox)
    answer = await reply(rig, outbox, 1)
    assert (await outbox.settle(answer)).delivered == (1,)
    before = await outbox.stats()
    assert await outbox.settle(answer) == Settlement()
    assert dataclasses.replace(await outbox.stats(), disk_free_bytes=before.disk_free_bytes) == before
    assert rig.alarms == []
    state = await outbox.state(item_id)
    assert state.receipt is not None
    assert (state.receipt.reply, state.receipt.word) == (answer, answer.words[0])
    assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED


async def test_one_reply_is_kept_once_and_is_the_receipt_of_each_of_its_items(rig: Rig) -> None:
    outbox = await rig.open()
    ids = [await put(outbox, f"v-{n}") for n in range(5)]
    answer = await reply(rig, outbox, 1, 2, 3, 4, 5)
    assert (await outbox.settle(answer)).delivered == (1, 2, 3, 4, 5)
    assert look(rig, "SELECT count(*) FROM reply") == [(1,)]
    for item_id in ids:
        receipt = (await outbox.state(item_id)).receipt
        assert receipt is not None
        assert receipt.item_id == item_id
        wire.verify_reply({"receipts-1": rig.central.signing.public_key()}, receipt.reply)


async def test_body_is_kept_after_its_receipt_for_a_week_and_then_goes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offline_queue.settlement.BODIES_KEPT", 1)
    outbox = await rig.open()
    for seq in (1, 2, 3):
        await put(outbox, f"v-{seq}")
        await settle(rig, outbox, seq)
    rig.time.advance(7 * 86400 - 1)
    await outbox.tidy()
    assert look(rig, "SELECT seq FROM outbox ORDER BY seq") == [(1,), (2,), (3,)]
    rig.time.advance(2)
    await outbox.tidy()
    assert look(rig, "SELECT seq FROM outbox ORDER BY seq") == [(3,)]  # the newest stays whatever its age
    assert look(rig, "SELECT seq FROM receipt ORDER BY seq") == [(1,), (2,), (3,)]
    for seq in (1, 2, 3):
        assert (await outbox.state(wire.ItemId("hall-03", outbox.epoch, seq))).phase is Phase.DELIVERED
    assert (await put(outbox, "v-4")).seq == 4
    assert await offered(outbox) == [4]


async def test_tidy_keeps_the_bodies_of_what_was_never_receipted(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offline_queue.settlement.BODIES_KEPT", 0)
    outbox = await rig.open()
    for lane in ("v-1", "v-1", "v-2", "v-3", "v-4"):
        await put(outbox, lane)
    await outbox.quarantine(1, "http_422")
    await settle(rig, outbox, 3, verdict=Verdict.REJECTED, reason="case.unknown_service")
    await settle(rig, outbox, 4)
    rig.time.advance(500 * 86400)
    await outbox.tidy(pressed=True)
    await outbox.tidy()
    assert look(rig, "SELECT seq FROM outbox ORDER BY seq") == [(1,), (2,), (3,), (5,)]
    assert (await outbox.stats()).quarantined == 2


async def test_last_body_swept_leaves_the_end_of_the_chain(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offline_queue.settlement.BODIES_KEPT", 0)
    outbox = await rig.open()
    await put(outbox)
    first = await outbox.take()
    await settle(rig, outbox, 1)
    rig.time.advance(8 * 86400)
    await outbox.tidy()
    assert look(rig, "SELECT count(*) FROM outbox") == [(0,)]
    await outbox.close()
    outbox = await rig.open()
    await put(outbox, "v-2")
    second = await outbox.take()
    assert first is not None
    assert second is not None
    assert (second.first_seq, second.chain_before) == (2, first.chain_after)
    assert rig.alarms == []


async def test_duplicate_tells_what_was_said_first(rig: Rig) -> None:
    outbox = await rig.open()
    one, two = await put(outbox, "v-1"), await put(outbox, "v-2")
    await settle(rig, outbox, 1, verdict=Verdict.DUPLICATE, first_verdict=Verdict.ACCEPTED)
    more = {"first_verdict": Verdict.REJECTED, "reason": "case.unknown_service"}
    await settle(rig, outbox, 2, verdict=Verdict.DUPLICATE, **more)
    assert await outbox.wait_settled(one) is Verdict.ACCEPTED
    assert await outbox.wait_settled(two) is Verdict.REJECTED


async def test_rejected_item_keeps_its_body_and_frees_its_lane(rig: Rig) -> None:
    outbox = await rig.open()
    item_id = await put(outbox, "v-1")
    await put(outbox, "v-1")
    await settle(rig, outbox, 1, verdict=Verdict.REJECTED, reason="case.unknown_service")
    state = await outbox.state(item_id)
    assert (state.phase, state.reason) == (Phase.QUARANTINED, "case.unknown_service")
    assert look(rig, "SELECT length(body) FROM outbox WHERE seq = 1") == [(4 + wire.SEAL_BYTES,)]
    assert await offered(outbox) == [2]
    assert [(alarm.code, alarm.seq) for alarm in rig.alarms] == [(AlarmCode.ITEM_QUARANTINED, 1)]
    await put(outbox, "v-1")
    await settle(rig, outbox, 2)
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
    await settle(rig, outbox, 1)
    assert await offered(outbox) == [2, 3]


async def test_receipt_for_a_quarantined_item_still_counts(rig: Rig) -> None:
    outbox = await rig.open()
    item_id = await put(outbox, "v-1")
    await put(outbox, "v-1")
    await outbox.quarantine(1, "http_500")
    await settle(rig, outbox, 1)
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
        assert await outbox.transact(lambda ledger: ledger.fail(1, "http_500")) == attempt
        assert await offered(outbox) == []
        rig.time.advance(1000)
    assert (await outbox.state(item_id)).phase is Phase.QUARANTINED


async def test_deferred_item_waits_over_a_restart_and_is_due_after_a_reboot(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox)
    await settle(rig, outbox, 1, verdict=Verdict.DEFERRED, reason="busy", retry_after_s=300)
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
    await settle(rig, outbox, 1, verdict=Verdict.DEFERRED, reason="busy", retry_after_s=365 * 86400)
    assert await outbox.read(lambda ledger: ledger.next_due_s()) == 3600


async def test_receipts_past_their_retention_go_and_the_newest_stay(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offline_queue.settlement.RECEIPTS_KEPT", 1)
    monkeypatch.setattr("offline_queue.settlement.BODIES_KEPT", 1)
    outbox = await rig.open()
    for seq in (1, 2, 3):
        await put(outbox, f"v-{seq}")
        await settle(rig, outbox, seq)
    rig.time.advance(401 * 86400)
    await outbox.tidy()
    assert look(rig, "SELECT seq FROM receipt") == [(3,)]
    assert look(rig, "SELECT count(*) FROM reply") == [(1,)]
    assert (await outbox.state(wire.ItemId("hall-03", outbox.epoch, 1))).phase is Phase.UNKNOWN


async def test_reply_that_proves_a_rejection_outlives_the_retention(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offline_queue.settlement.RECEIPTS_KEPT", 0)
    outbox = await rig.open()
    item_id = await put(outbox)
    await settle(rig, outbox, 1, verdict=Verdict.REJECTED, reason="case.unknown_service")
    rig.time.advance(401 * 86400)
    await outbox.tidy()
    state = await outbox.state(item_id)
    assert state.phase is Phase.QUARANTINED
    assert state.receipt is not None


async def test_rejection_of_a_duplicate_of_a_rejected_item_changes_nothing(rig: Rig) -> None:
    outbox = await rig.open()
    for lane in ("v-1", "v-1"):
        await put(outbox, lane)
    await settle(rig, outbox, 1, verdict=Verdict.REJECTED, reason="case.unknown_service")
    assert await outbox.transact(lambda ledger: ledger.release(1))
    assert await offered(outbox) == [1]  # the older one first; the younger steps back
    await settle(
        rig, outbox, 1, verdict=Verdict.DUPLICATE, first_verdict=Verdict.REJECTED, reason="case.unknown_service"
    )
    assert await offered(outbox) == [2]
    stats = await outbox.stats()
    assert (stats.pending, stats.quarantined) == (1, 1)


async def test_body_of_an_item_put_off_first_is_kept_for_its_own_seven_days(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply that put it off is old; the one that took it is not."""
    monkeypatch.setattr(settlement, "BODIES_KEPT", 0)
    outbox = await rig.open()
    for lane in ("v-1", "v-2"):
        await put(outbox, lane)
    rig.central.verdict_of[2] = (Verdict.DEFERRED, "later", 60)
    for wait_s in (settlement.BODIES_KEPT_S - 3600, 0.0):
        batch = await outbox.take()
        assert batch is not None
        await outbox.settle(rig.central.reply(batch, [rig.central.receive(batch, item) for item in batch.items]))
        rig.central.verdict_of.clear()
        rig.time.advance(wait_s)
    rig.time.advance(2 * 3600)
    await outbox.tidy()
    assert look(rig, "SELECT seq FROM outbox") == [(2,)]


async def test_one_reply_with_a_time_in_the_future_does_not_close_take_in_for_ever(rig: Rig) -> None:
    outbox = await rig.open()
    greeting = await outbox.read(lambda ledger: ledger.greeting())
    wrong = rig.central.reply(greeting, [], central_time=rig.time.now() + timedelta(days=365))
    await outbox.settle(wrong, fresh=True)
    assert (await outbox.stats()).clock is ClockTrust.BEHIND
    await outbox.settle(rig.central.reply(greeting, [], central_time=rig.time.now()), fresh=True)
    assert (await outbox.stats()).clock is ClockTrust.TRUSTED


async def test_reply_brought_home_on_a_stick_lowers_no_floor(rig: Rig) -> None:
    outbox = await rig.open()
    greeting = await outbox.read(lambda ledger: ledger.greeting())
    now = rig.time.now()
    await outbox.settle(rig.central.reply(greeting, [], central_time=now), fresh=True)
    await outbox.settle(rig.central.reply(greeting, [], central_time=now - timedelta(days=30)))
    rig.time.wall -= timedelta(days=2)
    assert (await outbox.stats()).clock is ClockTrust.BEHIND
