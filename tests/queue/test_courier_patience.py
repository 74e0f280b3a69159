"""How long central is left alone: hurry at the screen, what central asked for, a breaker, a signer that fails."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from offline_queue.link import AWAITED_WAIT_S, Answer, Link, LinkDown
from offline_queue.values import AlarmCode
from offline_queue.wire import Verdict
from tests.queue.central_desk import JSON
from tests.queue.moves import effects, put_each

if TYPE_CHECKING:
    from offline_queue.outbox import Outbox
    from tests.queue.conftest import Rig


async def failed(rig: Rig, outbox: Outbox, failures: int) -> None:
    """Let the back-offs pass until so many failures in a row are counted; time then stands at the last one."""
    for count in range(1, failures + 1):

        async def counted(count: int = count) -> bool:
            return (await outbox.read(lambda ledger: ledger.link_backoff()))[0] == count

        await rig.until(counted)
        if count < failures:
            rig.time.advance(2.0 ** (count - 1))


async def rest() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


async def test_somebody_at_the_screen_does_not_wait_out_a_long_back_off(rig: Rig) -> None:
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    rig.central.script.extend([lambda _: Answer(503, JSON, b"{}")] * 10)
    async with asyncio.TaskGroup() as group, rig.running(rig.courier(outbox)):
        await failed(rig, outbox, 10)  # 512 seconds to go
        settled = group.create_task(outbox.wait_settled(item_id))
        rig.time.advance(AWAITED_WAIT_S - 0.1)
        await rest()
        assert rig.central.greetings == 0
        rig.time.advance(0.1)
        assert await settled is Verdict.ACCEPTED
    assert outbox.waiting == 0


async def test_hurry_ends_when_nobody_waits_any_more(rig: Rig) -> None:
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    rig.central.script.extend([lambda _: Answer(503, JSON, b"{}")] * 10)
    async with rig.running(rig.courier(outbox)):
        await failed(rig, outbox, 10)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await outbox.wait_settled(item_id)
        rig.time.advance(511)
        await rest()
        assert rig.central.greetings == 0
        rig.time.advance(1)
        await rig.pending(outbox, 0)


async def test_hurry_has_jitter(rig: Rig) -> None:
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    rig.central.script.append(lambda _: Answer(503, JSON, b"{}"))
    async with asyncio.TaskGroup() as group, rig.running(rig.courier(outbox, chance=lambda: 0.0)):
        await failed(rig, outbox, 1)
        settled = group.create_task(outbox.wait_settled(item_id))
        rig.time.advance(0.2)  # never later than the back-off itself
        assert await settled is Verdict.ACCEPTED


async def test_central_that_refuses_even_a_greeting_is_told_once_and_asked_ever_less(rig: Rig) -> None:
    outbox = await rig.open()
    await put_each(outbox, "v-1")
    rig.central.script.extend([lambda _: Answer(422, JSON, b"{}")] * 10)
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await failed(rig, outbox, 10)
        assert (courier.link, courier.reason) == (Link.DOWN, "http_422")
        rig.time.advance(512)
        await rig.pending(outbox, 0)
    assert [(alarm.code, alarm.detail) for alarm in rig.alarms] == [(AlarmCode.ALL_REFUSED, "http_422")]


async def test_deferral_of_nothing_is_no_storm(rig: Rig) -> None:
    outbox = await rig.open()
    await put_each(outbox, "v-1")
    rig.central.verdict_of[1] = (Verdict.DEFERRED, "busy", 0)

    async def put_off() -> bool:
        return await outbox.read(lambda ledger: ledger.next_due_s()) == 1.0

    async with rig.running(rig.courier(outbox)):
        for sent in range(1, 5):
            await rig.until(lambda sent=sent: len(rig.central.batches) == sent)
            await rig.until(put_off)
            await rest()
            assert len(rig.central.batches) == sent
            rig.time.advance(1)


async def test_signer_without_its_key_leaves_the_link_down_until_it_is_found(rig: Rig) -> None:
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    plugged: list[bytes] = []

    def sign(_: bytes) -> bytes:
        if not plugged:
            raise LinkDown("signing_key")
        return plugged[0]

    courier = rig.courier(outbox, signer=sign)
    async with rig.running(courier):
        await rig.until(lambda: courier.link is Link.DOWN)
        assert (courier.reason, rig.central.greetings) == ("signing_key", 0)
        plugged.append(b"signature")
        courier.nudge()
        assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
    assert rig.alarms == []


async def test_courier_cancelled_while_the_token_signs_ends_at_once_and_sends_nothing(rig: Rig) -> None:
    outbox = await rig.open()
    await put_each(outbox, "v-1")
    begun, release = threading.Event(), threading.Event()

    def sign(_: bytes) -> bytes:
        begun.set()
        release.wait(10)
        return b"signature"

    try:
        async with asyncio.timeout(5), rig.running(rig.courier(outbox, signer=sign)):
            await rig.until(begun.is_set)
    finally:
        release.set()
    await rest()
    assert rig.central.greetings == 0
    assert effects(rig) == []
