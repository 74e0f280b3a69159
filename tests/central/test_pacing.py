"""After an outage everybody comes at once: what central promises stays within what it takes, and everybody drains."""

from __future__ import annotations

import heapq
import itertools
import random
from typing import TYPE_CHECKING

import pytest

from central.pacer import PERIOD_S, Pacer
from offline_queue import wire
from tests.central.terminal_side import HandClock, side_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.office import Office
    from tests.central.terminal_side import TerminalSide

ROUND_TRIP_S = 0.05


def drain(kiosks: int, each: int, capacity: float, chance: random.Random) -> tuple[list[tuple[float, int]], float]:
    """Let terminals greet and send as their couriers do; return when how many items came, and the end."""
    clock = HandClock()
    pacer = Pacer(clock, capacity)
    waiting = dict.fromkeys(range(kiosks), each)
    credit = dict.fromkeys(range(kiosks), 0)
    order = itertools.count()
    due = [(chance.random(), next(order), kiosk) for kiosk in range(kiosks)]
    heapq.heapify(due)
    came: list[tuple[float, int]] = []
    while due:
        at, _, kiosk = heapq.heappop(due)
        clock.elapsed = at
        sent = min(credit[kiosk], waiting[kiosk])
        waiting[kiosk] -= sent
        came.append((at, sent))
        credit[kiosk] = pacer.credit(f"K{kiosk}", sent, waiting[kiosk])
        if waiting[kiosk]:
            pause = ROUND_TRIP_S if credit[kiosk] else PERIOD_S * chance.random()
            heapq.heappush(due, (at + pause, next(order), kiosk))
    return came, clock.elapsed


@pytest.mark.parametrize(("kiosks", "each", "capacity"), [(400, 100, 500.0), (300, 7, 60.0), (1, 2000, 100.0)])
def test_after_an_outage_all_stay_within_capacity_and_everybody_drains(kiosks: int, each: int, capacity: float) -> None:
    came, end = drain(kiosks, each, capacity, random.Random(7))  # noqa: S311 - a repeatable chance, no secret
    assert sum(count for _, count in came) == kiosks * each
    burst = max(50.0, capacity)
    for begin in range(int(end) + 1):
        for length in (1, 10, 60):
            within = sum(count for at, count in came if begin <= at < begin + length)
            # What was promised before the window may come in it: once the bucket more.
            assert within <= capacity * length + 2 * burst
    assert end <= 4 * kiosks * each / capacity + 3 * PERIOD_S


def test_where_nobody_waits_everybody_may_send_a_full_batch() -> None:
    pacer = Pacer(HandClock(), 1000)
    assert {pacer.credit(f"K{n}", 1, 0) for n in range(200)} == {50}


def test_a_resident_s_item_is_taken_though_nothing_is_left_and_credit_is_then_nought() -> None:
    clock = HandClock()
    pacer = Pacer(clock, 50)
    assert pacer.credit("K1", 0, 1000) == 50
    assert pacer.credit("K2", 1, 0) == 0
    assert pacer.credit("K3", 0, 9) == 0
    clock.advance(1)
    assert pacer.credit("K3", 0, 9) == 9


def test_what_there_is_is_shared_with_those_heard_in_the_last_minute() -> None:
    clock = HandClock()
    pacer = Pacer(clock, 1)
    assert pacer.credit("gone", 0, 50) == 50
    clock.advance(PERIOD_S - 1)
    assert pacer.credit("here", 0, 50) == 30
    clock.advance(PERIOD_S + 1)
    assert pacer.credit("last", 0, 50) == 50  # the promises to the others are void: they did not come


def test_a_capacity_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity"):
        Pacer(HandClock(), 0)


def test_a_greeting_gets_credit_by_what_waits_and_nought_when_there_is_none(
    build_office: Callable[..., Office],
) -> None:
    office = build_office(capacity=1)
    one, two = side_of(office, "K0001"), side_of(office, "K0002")
    for side in (one, two):
        side.alarm()
        side.seq += 59  # sixty wait

    def greet(side: TerminalSide) -> int:
        return wire.decode_reply(office.intake.take(side.kiosk, side.batch()).reply).credit

    assert (greet(one), greet(two)) == (50, 0)
