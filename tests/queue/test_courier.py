"""Faults between terminal and central: what is lost, late, forged, refused or poisoned on the way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from offline_queue import wire
from offline_queue.errors import QueueFull
from offline_queue.link import Answer, Link, LinkDown, LinkUntrusted, backoff_s
from offline_queue.values import AlarmCode, Phase
from offline_queue.wire import Verdict

if TYPE_CHECKING:
    from offline_queue.outbox import Outbox
    from tests.queue.conftest import Rig

JSON = "application/json"


async def put(outbox: Outbox, *lanes: str) -> list[wire.ItemId]:
    ids = []
    for lane in lanes:
        with outbox.begin_visit(lane) as key:
            ids.append(await outbox.put(key, "case", lane.encode()))
    return ids


def effects(rig: Rig) -> list[int]:
    return [seq for _, seq, _, _ in rig.central.effects]


async def test_everything_put_is_delivered_once_in_lane_order(rig: Rig) -> None:
    outbox = await rig.open()
    courier = rig.courier(outbox)
    async with rig.running(courier):
        ids = await put(outbox, *(f"v-{n % 7}" for n in range(60)))
        await rig.pending(outbox, 0)
    assert sorted(effects(rig)) == list(range(1, 61))
    for lane in {lane for lane, *_ in rig.central.effects}:
        of_lane = [seq for name, seq, _, _ in rig.central.effects if name == lane]
        assert of_lane == sorted(of_lane)
    assert courier.link is Link.UP
    assert (await outbox.state(ids[-1])).phase is Phase.DELIVERED


async def test_put_wakes_an_idle_courier_at_once(rig: Rig) -> None:
    outbox = await rig.open()
    async with rig.running(rig.courier(outbox)):
        await asyncio.sleep(0)
        item_id = (await put(outbox, "v-1"))[0]
        async with asyncio.timeout(1):  # time stands still: no timer can have helped
            assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED


async def test_lost_reply_brings_a_duplicate_and_one_effect(rig: Rig) -> None:
    outbox = await rig.open()
    (item_id,) = await put(outbox, "v-1")

    def lost(body: bytes) -> Answer:
        rig.central.honest(body)
        raise LinkDown("ReadTimeout")

    rig.central.script.append(lost)
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.link is Link.DOWN)
        rig.time.advance(1)
        assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
    assert effects(rig) == [1]
    state = await outbox.state(item_id)
    assert state.receipt is not None
    assert state.receipt.verdict is Verdict.DUPLICATE


@pytest.mark.parametrize(
    ("answer", "link", "reason"),
    [
        (Answer(200, "text/html; charset=utf-8", b"<html>Welcome! Please log in"), Link.UNTRUSTED, "http_200"),
        (Answer(200, JSON, b"<html>"), Link.UNTRUSTED, "reply"),
        (Answer(200, JSON, b'{"receipts": [], "cre'), Link.UNTRUSTED, "reply"),
        (Answer(200, JSON, b'{"receipts":[],"credit":50}'), Link.DOWN, "no_receipt"),
        (Answer(302, "text/html", b""), Link.UNTRUSTED, "http_302"),
        (Answer(400, "text/html", b"proxy says no"), Link.UNTRUSTED, "http_400"),
        (Answer(404, JSON, b"{}"), Link.DOWN, "http_404"),
        (Answer(409, JSON, b"{}"), Link.DOWN, "http_409"),
        (Answer(502, "text/html", b"bad gateway"), Link.DOWN, "http_502"),
    ],
    ids=["captive portal", "html as json", "cut reply", "no receipts", "redirect", "proxy", "address", "409", "502"],
)
async def test_answer_that_is_no_receipt_settles_nothing(rig: Rig, answer: Answer, link: Link, reason: str) -> None:
    outbox = await rig.open()
    (item_id,) = await put(outbox, "v-1")
    rig.central.script.append(lambda _: answer)
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.link is not Link.UNKNOWN)
        assert (courier.link, courier.reason) == (link, reason)
        state = await outbox.state(item_id)
        assert (state.phase, state.attempts) == (Phase.PENDING, 0)  # the item is not to blame
        rig.time.advance(2)
        await rig.pending(outbox, 0)
        await rig.until(lambda: courier.link is Link.UP)
    untrusted = [AlarmCode.LINK_UNTRUSTED] if link is Link.UNTRUSTED else []
    assert [alarm.code for alarm in rig.alarms] == untrusted


async def test_receipt_with_a_wrong_signature_keeps_the_body(rig: Rig) -> None:
    outbox = await rig.open()
    (item_id,) = await put(outbox, "v-1")
    forger = Ed25519PrivateKey.generate()

    def forged(body: bytes) -> Answer:
        item = wire.decode_batch(body).items[0]
        return Answer(200, JSON, wire.encode_reply([rig.central.sign(item_id, item.fingerprint, by=forger)], 50))

    rig.central.script.append(forged)
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.link is Link.UNTRUSTED)
        assert courier.reason == "receipt_signature"
    assert (await outbox.state(item_id)).phase is Phase.PENDING
    assert {alarm.code for alarm in rig.alarms} == {AlarmCode.RECEIPT_REFUSED, AlarmCode.LINK_UNTRUSTED}


async def test_answer_for_another_batch_is_ignored(rig: Rig) -> None:
    outbox = await rig.open()
    first, second = await put(outbox, "v-1", "v-2")

    def of_another(body: bytes) -> Answer:
        items = {item.seq: item for item in wire.decode_batch(body).items}
        receipts = [rig.central.sign(wire.ItemId("hall-04", first.epoch, 1), items[1].fingerprint)]
        return Answer(200, JSON, wire.encode_reply([*receipts, rig.central.sign(second, items[2].fingerprint)], 50))

    rig.central.script.append(of_another)
    async with rig.running(rig.courier(outbox)):
        assert await outbox.wait_settled(second) is Verdict.ACCEPTED
        assert await outbox.wait_settled(first) is Verdict.ACCEPTED  # by the honest answer that follows
    assert len(rig.central.batches) == 1
    assert rig.alarms == []


async def test_poison_item_holds_one_lane_only(rig: Rig) -> None:
    outbox = await rig.open()
    ids = await put(outbox, "v-1", "v-2", "v-2", "v-3")
    rig.central.poison[2] = 422
    async with rig.running(rig.courier(outbox)):
        await outbox.wait_settled(ids[0])
        await outbox.wait_settled(ids[3])
        await rig.until(lambda: bool(rig.alarms))
    states = [(await outbox.state(item_id)).phase for item_id in ids]
    assert states == [Phase.DELIVERED, Phase.QUARANTINED, Phase.PENDING, Phase.DELIVERED]
    assert [(alarm.code, alarm.seq, alarm.detail) for alarm in rig.alarms] == [
        (AlarmCode.ITEM_QUARANTINED, 2, "http_422")
    ]


async def test_item_that_crashes_central_is_quarantined_after_ten_failures(rig: Rig) -> None:
    outbox = await rig.open()
    (bad,) = await put(outbox, "v-bad")
    rig.central.poison[1] = 500
    async with rig.running(rig.courier(outbox)):
        for n in range(10):
            (good,) = await put(outbox, f"v-{n}")
            assert await outbox.wait_settled(good) is Verdict.ACCEPTED

            async def counted(n: int = n) -> bool:
                return (await outbox.state(bad)).attempts == n + 1

            await rig.until(counted)
            rig.time.advance(1000)
    assert (await outbox.state(bad)).phase is Phase.QUARANTINED


async def test_central_that_refuses_everything_quarantines_nothing(rig: Rig) -> None:
    outbox = await rig.open()
    ids = await put(outbox, *(f"v-{n}" for n in range(40)))
    rig.central.poison.update(dict.fromkeys(range(1, 41), 422))
    courier = rig.courier(outbox)
    async with rig.running(courier):
        for _ in range(8):
            await rig.until(lambda: courier.link is Link.DOWN)
            courier.link = Link.UNKNOWN
            rig.time.advance(1000)
        rig.central.poison.clear()
        rig.time.advance(1000)
        await rig.pending(outbox, 0)
    assert {(await outbox.state(item_id)).phase for item_id in ids} == {Phase.DELIVERED}
    assert {alarm.code for alarm in rig.alarms} == {AlarmCode.ALL_REFUSED}


async def test_many_poison_items_in_front_do_not_stop_the_others(rig: Rig) -> None:
    outbox = await rig.open()
    ids = await put(outbox, *(f"v-{n}" for n in range(8)))
    rig.central.poison.update(dict.fromkeys(range(1, 6), 413))
    courier = rig.courier(outbox)
    async with rig.running(courier):

        async def settled() -> bool:
            rig.time.advance(30)
            stats = await outbox.stats()
            return (stats.pending, stats.quarantined) == (0, 5)

        await rig.until(settled)
    assert [(await outbox.state(item_id)).phase for item_id in ids[5:]] == [Phase.DELIVERED] * 3


async def test_central_that_rejects_everything_quarantines_nothing(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, *(f"v-{n}" for n in range(20)))
    rig.central.verdict_of.update(dict.fromkeys(range(1, 21), (Verdict.REJECTED, "bug", None)))
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.reason == "all_rejected")
        assert (await outbox.stats()).quarantined == 0
        rig.central.verdict_of.clear()
        rig.time.advance(2)
        await rig.pending(outbox, 0)
    assert (await outbox.stats()).quarantined == 0


async def test_deferred_item_comes_again_when_it_is_due(rig: Rig) -> None:
    outbox = await rig.open()
    (item_id,) = await put(outbox, "v-1")
    rig.central.verdict_of[1] = (Verdict.DEFERRED, "busy", 120)
    async with rig.running(rig.courier(outbox)):
        await rig.until(lambda: len(rig.central.batches) == 1)
        rig.central.verdict_of.clear()
        await put(outbox, "v-2")
        await rig.pending(outbox, 1)
        rig.time.advance(121)
        assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
    assert rig.central.batches == [[1], [2], [1]]


async def test_backoff_survives_a_restart(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, "v-1")
    rig.central.script.extend([lambda _: Answer(503, JSON, b"{}")] * 20)
    courier = rig.courier(outbox)
    async with rig.running(courier):
        for sent in range(1, 6):
            await rig.until(lambda sent=sent: len(rig.central.script) == 20 - sent and courier.link is Link.DOWN)
            rig.time.advance(2.0 ** (sent - 1) if sent < 5 else 0)
    failures, wait_s = await outbox.read(lambda ledger: ledger.link_backoff())
    assert (failures, wait_s) == (5, 16)
    await outbox.close()
    outbox = await rig.open()
    courier = rig.courier(outbox)
    left = len(rig.central.script)
    async with rig.running(courier):
        for _ in range(50):
            await asyncio.sleep(0)
        rig.time.advance(15)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(rig.central.script) == left
        rig.time.advance(1)
        await rig.until(lambda: len(rig.central.script) == left - 1)


async def test_nudge_resumes_at_once(rig: Rig) -> None:
    outbox = await rig.open()
    (item_id,) = await put(outbox, "v-1")
    rig.central.script.append(lambda _: Answer(503, JSON, b"{}", retry_after_s=600))
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.link is Link.DOWN)
        courier.nudge()
        async with asyncio.timeout(1):
            assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED


async def test_retry_after_of_a_year_is_obeyed_within_a_cap(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, "v-1")
    rig.central.script.append(lambda _: Answer(429, JSON, b"{}", retry_after_s=365 * 86400.0))
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.link is Link.DOWN)
        rig.time.advance(3599)
        await asyncio.sleep(0)
        assert rig.central.batches == []
        rig.time.advance(1)
        await rig.pending(outbox, 0)


async def test_refused_token_is_renewed_once_then_the_link_rests(rig: Rig) -> None:
    outbox = await rig.open()
    (item_id,) = await put(outbox, "v-1")
    renewed = []

    async def refresh() -> None:
        renewed.append(1)

    rig.central.script.append(lambda _: Answer(401, JSON, b"{}"))
    courier = rig.courier(outbox, refresh=refresh)
    async with rig.running(courier):
        assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
        assert (len(renewed), rig.alarms) == (1, [])
        rig.central.script.extend([lambda _: Answer(403, JSON, b"{}")] * 4)
        await put(outbox, "v-2")
        await rig.until(lambda: courier.link is Link.DOWN)
        assert len(rig.central.script) == 2
        rig.time.advance(899)
        await asyncio.sleep(0)
        assert len(rig.central.script) == 2
        rig.time.advance(1)
        await rig.until(lambda: not rig.central.script)
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.TOKEN_REFUSED]  # once, not at each try
    assert (await outbox.stats()).pending == 1


async def test_central_without_credit_is_left_alone_for_a_while(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, "v-1", "v-1")
    rig.central.credit = 0
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.pending(outbox, 1)
        rig.time.advance(59)
        await asyncio.sleep(0)
        assert rig.central.batches == [[1]]
        rig.time.advance(1)
        await rig.pending(outbox, 0)
        await rig.until(lambda: courier.link is Link.UP)


async def test_link_changes_are_told(rig: Rig) -> None:
    outbox = await rig.open()
    told: list[Link] = []
    await put(outbox, "v-1")

    def untrusted(_: bytes) -> Answer:
        raise LinkUntrusted("certificate")

    rig.central.script.extend([untrusted, lambda _: Answer(503, JSON, b"{}"), lambda _: Answer(503, JSON, b"{}")])
    async with rig.running(rig.courier(outbox, on_link=told.append)):
        await rig.until(lambda: rig.time.advance(5) or Link.UP in told)
    assert told == [Link.UNTRUSTED, Link.DOWN, Link.UP]


async def test_batch_head_is_signed_by_the_kiosk(rig: Rig) -> None:
    outbox = await rig.open()
    key = ec.generate_private_key(ec.SECP256R1())
    (item_id,) = await put(outbox, "v-1")
    seen: list[wire.Batch] = []

    def check(body: bytes) -> Answer:
        seen.append(wire.decode_batch(body))
        return rig.central.honest(body)

    rig.central.script.append(check)
    async with rig.running(rig.courier(outbox, signer=lambda head: wire.sign(key, head))):
        await outbox.wait_settled(item_id)
    wire.verify_batch(key.public_key(), seen[0])


async def test_cancelled_courier_ends_at_once(rig: Rig) -> None:
    outbox = await rig.open()
    await put(outbox, "v-1")

    async def never(_: bytes) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(0.5):
        async with rig.running(rig.courier(outbox, send=never)):
            await asyncio.sleep(0.01)


async def test_idle_courier_tidies_once_an_hour(rig: Rig) -> None:
    outbox = await rig.open()
    wal = rig.path.with_name("queue.db-wal")
    async with rig.running(rig.courier(outbox)):
        await put(outbox, "v-1")
        await rig.pending(outbox, 0)
        assert wal.stat().st_size > 0
        rig.time.advance(3601)
        await rig.until(lambda: wal.stat().st_size == 0)


def test_backoff_grows_to_a_quarter_of_an_hour_with_full_jitter() -> None:
    assert [backoff_s(n, 1.0) for n in (1, 2, 3, 10, 11, 1000)] == [1, 2, 4, 512, 900, 900]
    assert backoff_s(1000, 0.0) == 0.2
    assert backoff_s(1000, 0.5) == 450


async def test_disk_too_full_to_settle_pauses_the_courier_and_sends_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = await rig.open()
    (item_id,) = await put(outbox, "v-1")

    async def full(_: object) -> None:
        raise QueueFull("no room")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "settle", full)
        async with rig.running(rig.courier(outbox)):
            await rig.until(lambda: bool(rig.alarms))
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.DISK_FULL]
    courier = rig.courier(outbox)
    async with rig.running(courier):
        assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
    assert effects(rig) == [1]


async def test_server_500_after_its_commit_brings_a_duplicate(rig: Rig) -> None:
    outbox = await rig.open()
    (item_id,) = await put(outbox, "v-1")

    def committed_then_broke(body: bytes) -> Answer:
        rig.central.honest(body)
        return Answer(500, "text/plain", b"Internal Server Error")

    rig.central.script.append(committed_then_broke)
    async with rig.running(rig.courier(outbox)):
        await rig.until(lambda: len(rig.central.batches) == 1)

        async def settled() -> bool:
            rig.time.advance(1)
            return (await outbox.state(item_id)).phase is Phase.DELIVERED

        await rig.until(settled)
    assert effects(rig) == [1]
    assert rig.alarms == []
