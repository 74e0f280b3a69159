"""Clocks that are wrong, and a machine that slept: order, back-off and proofs do not depend on them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from offline_queue.link import Answer, Link
from offline_queue.values import AdmissionLimits, AdmissionReason, AlarmCode, ClockTrust, Phase
from offline_queue.wire import Verdict
from tests.queue.central_desk import JSON
from tests.queue.moves import effects, look, offered, put, settle

if TYPE_CHECKING:
    from offline_queue.outbox import Outbox
    from tests.queue.conftest import Rig

LIMITS = AdmissionLimits(min_disk_bytes=0)
BACK = [timedelta(hours=1), timedelta(days=20_761)]
BACK_NAMES = ["an hour", "to 1970"]
TEN_YEARS = timedelta(days=3650)


async def greeted(rig: Rig, outbox: Outbox) -> None:
    """Let central be heard, without an item."""
    greeting = await outbox.read(lambda ledger: ledger.greeting())
    assert not (await outbox.settle(rig.central.reply(greeting, []))).refused


@pytest.mark.parametrize("back", BACK, ids=BACK_NAMES)
async def test_clock_jumps_back_and_order_and_age_are_kept(rig: Rig, back: timedelta) -> None:
    """Fault 21."""
    outbox = await rig.open()
    await put(outbox, "v-1")
    rig.time.advance(30)
    rig.time.wall -= back
    await put(outbox, "v-2")
    assert await offered(outbox) == [1, 2]
    assert (await outbox.stats()).oldest_age_s == 30
    await outbox.close()
    outbox = await rig.open()
    assert await offered(outbox) == [1, 2]


@pytest.mark.parametrize("back", BACK, ids=BACK_NAMES)
async def test_clock_that_jumped_back_leaves_back_off_alone(rig: Rig, back: timedelta) -> None:
    """Fault 21."""
    outbox = await rig.open()
    await put(outbox, "v-1")
    await settle(rig, outbox, 1, verdict=Verdict.DEFERRED, reason="busy", retry_after_s=100)
    await outbox.transact(lambda ledger: ledger.set_link(3, 50.0))
    rig.time.wall -= back
    assert await offered(outbox) == []
    assert await outbox.read(lambda ledger: ledger.next_due_s()) == 100
    assert await outbox.read(lambda ledger: ledger.link_backoff()) == (3, 50.0)
    rig.time.advance(100)
    assert await offered(outbox) == [1]


@pytest.mark.parametrize("back", BACK, ids=BACK_NAMES)
async def test_clock_behind_a_moment_central_signed_closes_take_in_with_an_alarm(rig: Rig, back: timedelta) -> None:
    """Fault 21. Central's latest word is the floor: nothing dated may be made before it."""
    outbox = await rig.open()
    await greeted(rig, outbox)
    assert await outbox.admission(LIMITS) == []
    rig.time.wall -= back
    assert await outbox.admission(LIMITS) == [AdmissionReason.CLOCK_UNTRUSTED]
    assert (await outbox.stats()).clock is ClockTrust.BEHIND
    await greeted(rig, outbox)
    await rig.until(lambda: bool(rig.alarms))
    assert {alarm.code for alarm in rig.alarms} == {AlarmCode.CLOCK_BEHIND}
    rig.time.wall += back
    assert await outbox.admission(LIMITS) == []


async def test_clock_behind_over_a_restart_is_still_known(rig: Rig) -> None:
    """Fault 21. A dead battery: the floor is on the disk."""
    outbox = await rig.open()
    await greeted(rig, outbox)
    await outbox.close()
    rig.time.wall = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
    rig.time.mono = 5.0
    outbox = await rig.open(boot_id="boot-2")
    assert await outbox.admission(LIMITS) == [AdmissionReason.CLOCK_UNTRUSTED]


async def test_clock_in_1970_still_delivers_and_still_makes_room(rig: Rig) -> None:
    """Fault 21. What is in the queue goes on its way; kept bodies give way to a full file whatever the date."""
    outbox = await rig.open(cap_bytes=100 * 4096)
    rig.time.wall = datetime(1970, 1, 1, tzinfo=UTC)
    for n in range(30):
        await put(outbox, f"v-{n}", bytes(8000))
        async with rig.running(rig.courier(outbox)):
            await rig.pending(outbox, 0)
        assert AdmissionReason.QUEUE_FULL not in await outbox.admission(AdmissionLimits(0, 9, 0, 100_000))
    assert effects(rig) == list(range(1, 31))


async def test_clock_ten_years_ahead_expires_nothing_and_closes_nothing(rig: Rig) -> None:
    """Fault 22."""
    outbox = await rig.open()
    await put(outbox, "v-1")
    await settle(rig, outbox, 1)
    waiting = await put(outbox, "v-2")
    rig.time.wall += TEN_YEARS
    assert await outbox.admission(LIMITS) == []
    for _ in range(3):
        await outbox.tidy()
    assert look(rig, "SELECT seq FROM receipt") == [(1,)]
    assert look(rig, "SELECT seq FROM outbox ORDER BY seq") == [(1,), (2,)]
    assert (await outbox.state(waiting)).phase is Phase.PENDING
    assert await offered(outbox) == [2]


async def test_clock_ten_years_ahead_is_doubtful_and_alarmed_once(rig: Rig) -> None:
    """Fault 22."""
    outbox = await rig.open()
    await greeted(rig, outbox)
    rig.time.wall += TEN_YEARS
    assert (await outbox.stats()).clock is ClockTrust.AHEAD
    for _ in range(3):
        await greeted(rig, outbox)
    await rig.until(lambda: bool(rig.alarms))
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.CLOCK_AHEAD]
    assert (await outbox.stats()).clock is ClockTrust.AHEAD
    assert await outbox.admission(LIMITS) == []
    rig.time.wall -= TEN_YEARS
    await greeted(rig, outbox)
    assert (await outbox.stats()).clock is ClockTrust.TRUSTED


async def test_clock_ahead_keeps_order_and_back_off_and_counts_ages_by_centrals_time(rig: Rig) -> None:
    """Fault 22."""
    outbox = await rig.open()
    await greeted(rig, outbox)
    await put(outbox, "v-1")
    await put(outbox, "v-2")
    await settle(rig, outbox, 1, verdict=Verdict.DEFERRED, reason="busy", retry_after_s=100)
    rig.time.wall += TEN_YEARS
    assert await offered(outbox) == [2]
    assert await outbox.read(lambda ledger: ledger.next_due_s()) == 0
    await outbox.close()
    rig.time.mono = 5.0  # over a reboot the monotonic clock says nothing of the age
    outbox = await rig.open(boot_id="boot-2")
    assert (await outbox.stats()).oldest_age_s < 3600
    assert await outbox.admission(LIMITS) == []
    assert await offered(outbox) == [1, 2]


async def test_clock_set_right_after_years_ahead_does_not_close_take_in(rig: Rig) -> None:
    """Fault 22. The floor is central's time, never ours."""
    outbox = await rig.open()
    rig.time.wall += TEN_YEARS
    await put(outbox, "v-1")
    await settle(rig, outbox, 1)
    rig.time.wall -= TEN_YEARS
    assert await outbox.admission(LIMITS) == []


async def test_after_three_days_of_sleep_all_timers_are_due_at_once(rig: Rig) -> None:
    """Fault 24. The monotonic clock went on: deferred items, back-off and housekeeping are due."""
    outbox = await rig.open()
    for n in range(3):
        await put(outbox, f"v-{n}")
    await settle(rig, outbox, 1, verdict=Verdict.DEFERRED, reason="busy", retry_after_s=3600)
    rig.central.script.append(lambda _: Answer(503, JSON, b"{}", retry_after_s=3600))
    courier = rig.courier(outbox)
    wal = rig.path.with_name("queue.db-wal")
    async with rig.running(courier):
        await rig.until(lambda: courier.link is Link.DOWN)
        rig.time.advance(3 * 86400)
        await rig.pending(outbox, 0)
        await rig.until(lambda: wal.stat().st_size == 0)  # the housekeeping that was due came once things were quiet
    assert sorted(effects(rig)) == [1, 2, 3]
    assert rig.central.greetings == 1
    assert rig.alarms == []


async def test_after_three_days_of_sleep_a_line_still_dead_is_not_hammered(rig: Rig) -> None:
    """Fault 24. One try at once; the next waits its jittered turn."""
    outbox = await rig.open()
    await put(outbox, "v-1")
    rig.central.script.extend([lambda _: Answer(503, JSON, b"{}")] * 10)
    courier = rig.courier(outbox, chance=lambda: 0.5)
    async with rig.running(courier):
        await rig.until(lambda: courier.link is Link.DOWN)
        rig.time.advance(3 * 86400)
        await rig.until(lambda: len(rig.central.script) == 8)

        async def counted() -> bool:
            return (await outbox.read(lambda ledger: ledger.link_backoff())) == (2, 1.0)  # half of two seconds

        await rig.until(counted)
        assert len(rig.central.script) == 8


async def test_boottime_that_counts_sleep_does_not_age_what_was_put_after_it(rig: Rig) -> None:
    """Fault 24."""
    outbox = await rig.open()
    rig.time.advance(3 * 86400)
    await put(outbox, "v-1")
    rig.time.advance(60)
    assert (await outbox.stats()).oldest_age_s == 60
