"""Who is to blame when central refuses: one item, or central itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline_queue.courier import PUT_OFF_S
from offline_queue.link import Answer, Link
from offline_queue.values import AlarmCode, Phase
from offline_queue.wire import Verdict
from tests.queue.moves import effects, put_each

if TYPE_CHECKING:
    from offline_queue import wire
    from tests.queue.conftest import Rig


async def test_fault_37_poison_item_holds_one_lane_only(rig: Rig) -> None:
    """Fault 37. Central refuses one item for good: it is set aside with an alarm, its lane waits, others flow."""
    outbox = await rig.open()
    ids = await put_each(outbox, "v-1", "v-2", "v-2", "v-3")
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


async def test_fault_37_item_that_crashes_central_is_quarantined_after_ten_failures(rig: Rig) -> None:
    """Fault 37. Ten failures of its own, while others pass, and the item is set aside."""
    outbox = await rig.open()
    (bad,) = await put_each(outbox, "v-bad")
    rig.central.poison[1] = 500
    async with rig.running(rig.courier(outbox)):
        for n in range(10):
            (good,) = await put_each(outbox, f"v-{n}")
            assert await outbox.wait_settled(good) is Verdict.ACCEPTED

            async def counted(n: int = n) -> bool:
                state = await outbox.state(bad)
                return state.attempts == n + 1 if n < 9 else state.phase is Phase.QUARANTINED

            await rig.until(counted)
            rig.time.advance(1000)
    assert (await outbox.state(bad)).phase is Phase.QUARANTINED


async def test_fault_38_central_that_refuses_everything_quarantines_nothing(rig: Rig) -> None:
    """Fault 38. A platform that answers 422 to all is at fault itself: one alarm, and all is delivered in the end."""
    outbox = await rig.open()
    ids = await put_each(outbox, *(f"v-{n}" for n in range(40)))
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
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.ALL_REFUSED]


async def test_many_poison_items_in_front_do_not_stop_the_others(rig: Rig) -> None:
    outbox = await rig.open()
    ids = await put_each(outbox, *(f"v-{n}" for n in range(8)))
    rig.central.poison.update(dict.fromkeys(range(1, 6), 413))
    courier = rig.courier(outbox)
    async with rig.running(courier):

        async def settled() -> bool:
            rig.time.advance(30)
            stats = await outbox.stats()
            return (stats.pending, stats.quarantined) == (0, 5)

        await rig.until(settled)
    assert [(await outbox.state(item_id)).phase for item_id in ids[5:]] == [Phase.DELIVERED] * 3


async def test_fault_38_central_that_rejects_everything_quarantines_nothing(rig: Rig) -> None:
    """Fault 38. Signed rejections of everything are believed no more after five in a row; it recovers by itself."""
    outbox = await rig.open()
    await put_each(outbox, *(f"v-{n}" for n in range(20)))
    rig.central.verdict_of.update(dict.fromkeys(range(1, 21), (Verdict.REJECTED, "bug", None)))
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.reason == "all_rejected")
        assert (await outbox.stats()).quarantined == 0
        rig.central.verdict_of.clear()
        rig.time.advance(PUT_OFF_S)
        await rig.pending(outbox, 0)
    assert (await outbox.stats()).quarantined == 0
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.ALL_REFUSED]


async def test_fault_30_server_500_after_its_commit_brings_a_duplicate(rig: Rig) -> None:
    """Fault 30. Central took the item in and then broke: sent again, `duplicate` settles it, one effect."""
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")

    def committed_then_broke(body: bytes) -> Answer:
        rig.central.honest(body)
        return Answer(500, "text/plain", b"Internal Server Error")

    rig.central.greets_honestly = True
    rig.central.script.append(committed_then_broke)
    async with rig.running(rig.courier(outbox)):
        await rig.until(lambda: len(rig.central.batches) == 1)

        async def settled() -> bool:
            rig.time.advance(1)
            return (await outbox.state(item_id)).phase is Phase.DELIVERED

        await rig.until(settled)
    assert effects(rig) == [1]
    assert rig.alarms == []


async def test_fault_38_what_central_has_rejected_for_good_ends_in_quarantine_after_a_pause(rig: Rig) -> None:
    """Fault 38. Nothing else is queued, and central keeps to what it said: without an end take-in would close."""
    outbox = await rig.open()
    await put_each(outbox, *(f"v-{n}" for n in range(6)))
    rig.central.verdict_of.update(dict.fromkeys(range(1, 7), (Verdict.REJECTED, "version_unknown", None)))
    honest, said = rig.central.receive, set()

    def keeps_its_word(batch: wire.Batch, item: wire.Item) -> wire.Word:
        one = honest(batch, item)
        if item.seq in said:
            return one._replace(verdict=Verdict.DUPLICATE, first_verdict=Verdict.REJECTED)
        said.add(item.seq)
        return one

    rig.central.receive = keeps_its_word  # type: ignore[method-assign]  # central's memory of its verdicts
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.reason == "all_rejected")
        assert (await outbox.stats()).quarantined == 0  # not at once: central may be at fault

        async def all_set_aside() -> bool:
            rig.time.advance(600)
            return (await outbox.stats()).quarantined == 6

        await rig.until(all_set_aside)
    assert (await outbox.stats()).pending == 0
