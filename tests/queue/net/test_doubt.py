"""Fault 38 from near: whether the item or central is to blame, and how the courier finds out without doing harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offline_queue import wire
from offline_queue.ledger import MAX_ATTEMPTS
from offline_queue.link import LONGEST_WAIT_S, Link
from offline_queue.values import AlarmCode, Phase
from offline_queue.wire import Verdict
from tests.queue.moves import put_each

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.queue.conftest import Rig
    from tests.queue.net.conftest import Senders

    Delivered = Callable[..., Awaitable[None]]

REJECTED = (Verdict.REJECTED, "bug", None)
MANY = 12


def alarms(rig: Rig) -> list[AlarmCode]:
    return [one.code for one in rig.alarms if one.code is not AlarmCode.CLOCK_AHEAD]


@pytest.mark.parametrize("status", [500, 422])
async def test_fault_38_only_item_of_a_quiet_terminal_is_not_blamed(
    rig: Rig, senders: Senders, delivered: Delivered, status: int
) -> None:
    """Fault 38. Nothing passed since that would prove it guilty: it is told, kept, and delivered once all is mended."""
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    rig.central.poison[1] = status
    with rig.central.served() as url:
        async with rig.running(rig.courier(outbox, send=senders.to(url))):

            async def tried() -> bool:
                rig.time.advance(LONGEST_WAIT_S)
                return (await outbox.state(item_id)).attempts >= 2 * MAX_ATTEMPTS

            await rig.until(tried)
            assert alarms(rig) == [AlarmCode.ALL_REFUSED]
            rig.central.poison.clear()
            await delivered(outbox, item_id, step_s=LONGEST_WAIT_S)
    assert (await outbox.stats()).quarantined == 0


async def test_fault_37_item_that_nothing_could_be_compared_with_is_blamed_once_another_passes(
    rig: Rig, senders: Senders
) -> None:
    """Fault 37. The next visit brings the proof: its own item is taken, the poison is set aside."""
    outbox = await rig.open()
    (bad,) = await put_each(outbox, "v-bad")
    rig.central.poison[1] = 422
    with rig.central.served() as url:
        async with rig.running(rig.courier(outbox, send=senders.to(url))):
            await rig.until(lambda: bool(rig.central.batches))
            (good,) = await put_each(outbox, "v-good")
            assert await outbox.wait_settled(good) is Verdict.ACCEPTED

            async def set_aside() -> bool:
                rig.time.advance(1)
                return (await outbox.state(bad)).phase is Phase.QUARANTINED

            await rig.until(set_aside)
    assert alarms(rig) == [AlarmCode.ITEM_QUARANTINED]


@pytest.mark.parametrize("what", ["rejected", "refused"])
async def test_fault_38_breaker_tries_one_item_at_a_time(rig: Rig, senders: Senders, what: str) -> None:
    """Fault 38. What central rejects it rejects for good: a sick central is shown one item, not another fifty."""
    outbox = await rig.open()
    await put_each(outbox, *(f"v-{n}" for n in range(MANY)))
    if what == "rejected":
        rig.central.verdict_of.update(dict.fromkeys(range(1, MANY + 1), REJECTED))
    else:
        rig.central.poison.update(dict.fromkeys(range(1, MANY + 1), 422))
    with rig.central.served() as url:
        courier = rig.courier(outbox, send=senders.to(url))
        async with rig.running(courier):
            await rig.until(lambda: courier.link is Link.DOWN)
            tried = len(rig.central.batches)
            await rig.until(lambda: rig.time.advance(60) or len(rig.central.batches) > tried + MANY)
            assert {len(seqs) for seqs in rig.central.batches[tried:]} == {1}
            assert len({seqs[0] for seqs in rig.central.batches[tried:]}) > MANY // 2  # each has its turn
    assert (await outbox.stats()).pending == MANY
    assert alarms(rig) == [AlarmCode.ALL_REFUSED]


@pytest.mark.parametrize("what", ["rejected", "refused"])
async def test_fault_38_new_visit_does_not_wait_for_the_turns_of_all_that_is_refused(
    rig: Rig, senders: Senders, what: str
) -> None:
    """Fault 38. Central is mended for what comes, its word about the old stands: the new goes first."""
    outbox = await rig.open()
    old = await put_each(outbox, *(f"v-{n}" for n in range(MANY)))
    if what == "rejected":
        rig.central.verdict_of.update(dict.fromkeys(range(1, MANY + 1), REJECTED))
    else:
        rig.central.poison.update(dict.fromkeys(range(1, MANY + 1), 422))
    with rig.central.served() as url:
        courier = rig.courier(outbox, send=senders.to(url))
        async with rig.running(courier):
            await rig.until(lambda: courier.link is Link.DOWN)
            await rig.until(lambda: rig.time.advance(60) or len(rig.central.batches) > 2 * MANY)
            tried = len(rig.central.batches)
            assert (await outbox.stats()).quarantined == 0
            (new,) = await put_each(outbox, "v-new")
            await rig.until(lambda: rig.time.advance(60) or [new.seq] in rig.central.batches)
            assert rig.central.batches.index([new.seq]) <= tried + 2  # one may have been on its way
            assert await outbox.wait_settled(new) is Verdict.ACCEPTED

            async def all_set_aside() -> bool:
                rig.time.advance(1)
                return (await outbox.stats()).quarantined == len(old)

            await rig.until(all_set_aside)
            later = await put_each(outbox, *(f"w-{n}" for n in range(wire.MAX_BATCH_ITEMS)))
            await rig.until(lambda: rig.time.advance(1) or courier.link is Link.UP)
            for one in later:
                assert await outbox.wait_settled(one) is Verdict.ACCEPTED
    assert sorted(set(alarms(rig))) == [AlarmCode.ALL_REFUSED, AlarmCode.ITEM_QUARANTINED]
    assert alarms(rig).count(AlarmCode.ALL_REFUSED) == 1
