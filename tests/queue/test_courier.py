"""Faults between terminal and central: what is lost, late, forged, refused or poisoned on the way."""

from __future__ import annotations

import asyncio
import io
import json
from functools import partial
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.case_desk import tell_deliveries
from kiosk.clock import ManualClock
from kiosk.event_log import EventLog
from offline_queue import wire
from offline_queue.errors import QueueFull
from offline_queue.link import Answer, Link, LinkUntrusted, backoff_s
from offline_queue.values import AlarmCode, Phase
from offline_queue.wire import Verdict
from tests.queue.moves import effects, put_each

if TYPE_CHECKING:
    import pytest

    from tests.queue.conftest import Rig

JSON = "application/json"


async def test_everything_put_is_delivered_once_in_lane_order(rig: Rig) -> None:
    outbox = await rig.open()
    courier = rig.courier(outbox)
    async with rig.running(courier):
        ids = await put_each(outbox, *(f"v-{n % 7}" for n in range(60)))
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
        item_id = (await put_each(outbox, "v-1"))[0]
        async with asyncio.timeout(1):  # time stands still: no timer can have helped
            assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED


async def test_deferred_item_comes_again_when_it_is_due(rig: Rig) -> None:
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    rig.central.verdict_of[1] = (Verdict.DEFERRED, "busy", 120)
    async with rig.running(rig.courier(outbox)):
        await rig.until(lambda: len(rig.central.batches) == 1)
        rig.central.verdict_of.clear()
        await put_each(outbox, "v-2")
        await rig.pending(outbox, 1)
        rig.time.advance(121)
        assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
    assert rig.central.batches == [[1], [2], [1]]


async def test_backoff_survives_a_restart(rig: Rig) -> None:
    outbox = await rig.open()
    await put_each(outbox, "v-1")
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
    (item_id,) = await put_each(outbox, "v-1")
    rig.central.script.append(lambda _: Answer(503, JSON, b"{}"))
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.link is Link.DOWN)
        courier.nudge()
        async with asyncio.timeout(1):
            assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED


async def test_central_without_credit_is_left_alone_for_a_while(rig: Rig) -> None:
    outbox = await rig.open()
    await put_each(outbox, "v-1", "v-1")
    rig.central.credit = 0
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.link is Link.UP)
        for sent in ([], [[1]]):  # the reply to the greeting paces like any other
            assert rig.central.batches == sent
            rig.time.advance(59)
            await asyncio.sleep(0)
            assert rig.central.batches == sent
            rig.time.advance(1)
            await rig.pending(outbox, 1 - len(sent))
        await rig.until(lambda: courier.link is Link.UP)
    assert rig.central.greetings == 1


async def test_greeting_goes_first_and_again_after_trouble(rig: Rig) -> None:
    outbox = await rig.open()
    await put_each(outbox, "v-1")
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.pending(outbox, 0)
        await put_each(outbox, "v-2")
        await rig.pending(outbox, 0)
        assert rig.central.greetings == 1  # not once a batch
        rig.central.script.append(lambda _: Answer(503, JSON, b"{}"))
        await put_each(outbox, "v-3")
        await rig.until(lambda: courier.link is Link.DOWN)
        rig.time.advance(2)
        await rig.pending(outbox, 0)
    assert rig.central.greetings == 2


async def test_greeting_shows_where_the_chain_ends(rig: Rig) -> None:
    outbox = await rig.open()
    ids = await put_each(outbox, "v-1", "v-1")
    seen: list[wire.Batch] = []

    def look(body: bytes) -> Answer:
        seen.append(wire.decode_batch(body))
        return rig.central.honest(body)

    rig.central.script.extend([look, look, look])
    async with rig.running(rig.courier(outbox)):
        await rig.pending(outbox, 0)
    assert [len(batch.items) for batch in seen] == [0, 1, 1]
    assert {(batch.last_epoch, batch.last_seq) for batch in seen} == {(outbox.epoch, ids[-1].seq)}
    assert seen[0].last_chain == seen[2].items[0].chain


async def test_link_changes_are_told(rig: Rig) -> None:
    outbox = await rig.open()
    told: list[Link] = []
    await put_each(outbox, "v-1")

    def untrusted(_: bytes) -> Answer:
        raise LinkUntrusted("certificate")

    rig.central.script.extend([untrusted, lambda _: Answer(503, JSON, b"{}"), lambda _: Answer(503, JSON, b"{}")])
    async with rig.running(rig.courier(outbox, on_link=told.append)):
        await rig.until(lambda: rig.time.advance(5) or Link.UP in told)
    assert told == [Link.UNTRUSTED, Link.DOWN, Link.UP]


async def test_what_became_of_a_case_is_told_also_when_its_visit_is_long_over(rig: Rig) -> None:
    outbox = await rig.open()
    key = outbox.begin_visit("v-1")
    case = await outbox.put(key, "case", b"{}")
    await outbox.put(key, "rating", b"{}")
    key.drop()
    told = io.StringIO()
    async with rig.running(rig.courier(outbox, on_settled=partial(tell_deliveries, EventLog(ManualClock(), told)))):
        await rig.pending(outbox, 0)
    (line,) = told.getvalue().splitlines()
    assert json.loads(line) | {"seq": case.seq, "verdict": "accepted"} == json.loads(line)


async def test_batch_head_is_signed_by_the_kiosk(rig: Rig) -> None:
    outbox = await rig.open()
    key = ec.generate_private_key(ec.SECP256R1())
    (item_id,) = await put_each(outbox, "v-1")
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
    await put_each(outbox, "v-1")

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
        await put_each(outbox, "v-1")
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
    (item_id,) = await put_each(outbox, "v-1")

    async def full(_: object, **_more: object) -> None:
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
