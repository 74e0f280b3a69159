"""Items that central refuses, and a central that refuses all: seen from the terminal, over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offline_queue import wire
from offline_queue.link import Answer, Link
from offline_queue.values import AlarmCode, Phase
from offline_queue.wire import Verdict
from tests.queue.central_desk import JSON
from tests.queue.moves import effects, put, put_each
from tests.queue.net.proxy import Plan, line_to

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.queue.conftest import Rig
    from tests.queue.net.conftest import Senders

    Delivered = Callable[..., Awaitable[None]]


async def test_fault_34_same_key_other_body(rig: Rig, senders: Senders, delivered: Delivered) -> None:
    """Fault 34. Central has another body of the same identity: held with an alarm, nothing overwritten, others flow."""
    outbox = await rig.open()
    ids = await put_each(outbox, "v-1", "v-2", "v-2", "v-3")
    other = bytes(32)
    rig.central.taken[ids[1]] = other
    with rig.central.served() as url:
        async with rig.running(rig.courier(outbox, send=senders.to(url))):
            await delivered(outbox, ids[0], ids[3])
            await rig.until(lambda: bool(rig.alarms))
    assert [(one.code, one.seq, one.detail) for one in rig.alarms] == [(AlarmCode.ITEM_QUARANTINED, 2, "http_422")]
    states = [(await outbox.state(one)).phase for one in ids]
    assert states == [Phase.DELIVERED, Phase.QUARANTINED, Phase.PENDING, Phase.DELIVERED]
    assert rig.central.taken[ids[1]] == other
    assert sorted(effects(rig)) == [1, 4]


@pytest.mark.parametrize(
    ("status", "kind", "attempts"), [(500, "text/plain", 10), (413, "text/html", 1), (422, JSON, 1)]
)
async def test_fault_37_poison_item(rig: Rig, senders: Senders, status: int, kind: str, attempts: int) -> None:
    """Fault 37. Its lane waits and the others flow; set aside at once when it can never pass, else after ten times."""
    outbox = await rig.open()
    bad, behind = await put_each(outbox, "v-bad", "v-bad")

    def chokes(body: bytes) -> Answer:
        seqs = [item.seq for item in wire.decode_batch(body).items]
        return Answer(status, kind, b"no") if bad.seq in seqs else rig.central.honest(body)

    rig.central.script.extend([chokes] * 500)
    failures = 0
    with rig.central.served() as url:
        async with rig.running(rig.courier(outbox, send=senders.to(url))):
            while (await outbox.state(bad)).phase is Phase.PENDING:
                (good,) = await put_each(outbox, f"v-{failures}")
                assert await outbox.wait_settled(good) is Verdict.ACCEPTED
                failures += 1

                async def counted(failures: int = failures) -> bool:
                    state = await outbox.state(bad)
                    return state.phase is Phase.QUARANTINED or state.attempts == failures

                await rig.until(counted)
                assert (await outbox.state(behind)).phase is Phase.PENDING
                rig.time.advance(1000)
    assert failures == attempts
    assert [(one.code, one.seq) for one in rig.alarms if one.seq] == [(AlarmCode.ITEM_QUARANTINED, bad.seq)]
    assert (await outbox.state(behind)).phase is Phase.PENDING


@pytest.mark.parametrize("what", ["rejected", "refused", "crashes"])
async def test_fault_38_all_items_rejected_after_a_platform_bug(rig: Rig, senders: Senders, what: str) -> None:
    """Fault 38. For three hours sending all but stops, one alarm, nothing is set aside; mended, it recovers alone."""
    outbox = await rig.open()
    ids = await put_each(outbox, *(f"v-{n}" for n in range(60)))
    if what == "rejected":
        rig.central.verdict_of.update(dict.fromkeys(range(1, 61), (Verdict.REJECTED, "bug", None)))
    else:
        rig.central.poison.update(dict.fromkeys(range(1, 61), 422 if what == "refused" else 500))
    with rig.central.served() as url:
        courier = rig.courier(outbox, send=senders.to(url))
        async with rig.running(courier):
            await rig.until(lambda: courier.link is Link.DOWN)
            for _ in range(3 * 60):
                rig.time.advance(60)
                await rig.until(lambda: True)
            assert (await outbox.stats()).quarantined == 0
            assert (await outbox.stats()).pending == len(ids)
            assert [one.code for one in rig.alarms if one.code is not AlarmCode.CLOCK_AHEAD] == [AlarmCode.ALL_REFUSED]
            assert len(rig.central.tokens) < 120
            rig.central.verdict_of.clear()
            rig.central.poison.clear()

            async def drained() -> bool:
                rig.time.advance(60)
                return (await outbox.stats()).pending == 0

            await rig.until(drained)
    assert sorted(effects(rig)) == list(range(1, 61))
    assert (await outbox.stats()).quarantined == 0


async def test_fault_38_one_good_item_behind_a_full_batch_of_rejected_ones(rig: Rig, senders: Senders) -> None:
    """Fault 38. What is rejected en masse does not stand in the way of what would be taken."""
    outbox = await rig.open()
    await put_each(outbox, *(f"v-{n}" for n in range(wire.MAX_BATCH_ITEMS)))
    rejected = range(1, wire.MAX_BATCH_ITEMS + 1)
    rig.central.verdict_of.update(dict.fromkeys(rejected, (Verdict.REJECTED, "bug", None)))
    with rig.central.served() as url:
        courier = rig.courier(outbox, send=senders.to(url))
        async with rig.running(courier):
            await rig.until(lambda: courier.reason == "all_rejected")
            (good,) = await put_each(outbox, "v-good")
            rig.time.advance(1)
            assert await outbox.wait_settled(good) is Verdict.ACCEPTED


async def test_flapping_link_costs_one_greeting_each_time(rig: Rig, senders: Senders, delivered: Delivered) -> None:
    outbox = await rig.open()
    with rig.central.served() as url, line_to(url) as line:
        courier = rig.courier(outbox, send=senders.to(line.url))
        async with rig.running(courier):
            await rig.until(lambda: courier.link is Link.UP)
            for n in range(5):
                line.arm(Plan(answer_bytes=0))
                (item_id,) = await put_each(outbox, f"v-{n}")
                await rig.until(lambda: courier.link is Link.DOWN)
                await delivered(outbox, item_id)
                await rig.until(lambda: courier.link is Link.UP)
    assert rig.central.greetings == 1 + 5
    assert effects(rig) == [1, 2, 3, 4, 5]


async def test_fault_36_upload_torn_again_and_again_goes_on_by_item(
    rig: Rig, senders: Senders, delivered: Delivered
) -> None:
    """Fault 36. What was receipted is not sent again: a line that is torn after each batch still empties the queue."""
    outbox = await rig.open()
    ids = [await put(outbox, f"v-{n}", bytes(100_000)) for n in range(10)]  # two to a batch
    with rig.central.served() as url, line_to(url) as line:
        line.always = Plan(request_bytes=400_000)  # a greeting and one batch pass, the second is torn
        courier = rig.courier(outbox, send=senders.to(line.url))
        async with rig.running(courier):
            await delivered(outbox, *ids)
    assert sorted(effects(rig)) == list(range(1, 11))
    assert line.cuts >= 4
    assert line.up < 4_000_000
