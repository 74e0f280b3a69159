"""The judge is able to fail: weak stores are found out, and each kind of broken promise has its word."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from offline_queue.values import Alarm, AlarmCode, ItemState, Phase
from tests.cuts.disk import Policy
from tests.cuts.judge import AFTER_BODY, Found, Wrong, violations
from tests.cuts.promises import Place, Promises
from tests.cuts.replay import Cut, Recording, all_hold, judge_cuts

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cuts.judge import Judge

ROUNDS = 60
PLACES = {body: Place("e", seq) for seq, body in enumerate(("a1", "a2", "b1"), 1)}


def some_cuts(recording: Recording, policy: Policy) -> list[Cut]:
    luck = random.Random(31)  # noqa: S311 - the same cuts at each run
    return [Cut(luck.randint(0, len(recording.events)), policy, luck.getrandbits(32)) for _ in range(ROUNDS)]


@pytest.mark.parametrize("policy", [Policy.LOST, Policy.MIXED])
def test_a_store_that_does_not_flush_its_commits_is_found_out(judge: Judge, policy: Policy) -> None:
    recording = Recording.make("mixed", 31, weak="normal")
    wrong = [judged for judged in judge_cuts(recording, some_cuts(recording, policy), judge) if judged.violations]
    assert len(wrong) > ROUNDS / 3
    assert Wrong.LOST in {found.wrong for judged in wrong for found in judged.violations}
    with pytest.raises(AssertionError, match="again: make soak SCENARIO=mixed SEED=31 CUT="):
        list(all_hold(recording, [judged.cut for judged in wrong], judge))


def test_a_weak_store_looks_well_when_only_the_process_is_killed(judge: Judge) -> None:
    recording = Recording.make("mixed", 31, weak="normal")
    assert not any(judged.violations for judged in judge_cuts(recording, some_cuts(recording, Policy.KEPT), judge))


def test_a_store_whose_flushes_are_swallowed_is_found_out(
    recorded: Callable[[str, int], Recording], judge: Judge
) -> None:
    recording = recorded("mixed", 31)
    cuts = some_cuts(recording, Policy.LOST)
    assert any(judged.violations for judged in judge_cuts(recording, cuts, judge, lying_from=0))


def promised() -> Promises:
    promises = Promises()
    for body, place in PLACES.items():
        words = {"body": body, "lane": body[0], "number": place.seq}
        promises.apply({"begin": "put", **words})
        promises.apply({"end": "put", **words, "epoch": place.epoch, "seq": place.seq})
    return promises


def kept() -> Found:
    states = dict.fromkeys(PLACES.values(), ItemState(Phase.DELIVERED))
    effects = [("a", "a1"), ("b", "b1"), ("a", "a2"), ("after", AFTER_BODY)]
    return Found(epoch="e", at_start=dict(states), at_end=dict(states), effects=effects, number=4)


def words(promises: Promises, found: Found) -> set[Wrong]:
    return {violation.wrong for violation in violations(promises, found)}


def test_kept_promises_are_no_violation() -> None:
    assert violations(promised(), kept()) == []


def test_a_lost_item_is_seen() -> None:
    found = kept()
    found.effects.remove(("b", "b1"))
    assert words(promised(), found) == {Wrong.LOST}


def test_an_item_that_had_its_effect_and_is_never_settled_is_seen() -> None:
    found = kept()
    found.at_end[PLACES["a2"]] = ItemState(Phase.QUARANTINED)
    assert words(promised(), found) == {Wrong.LOST}


def test_a_doubled_effect_is_seen() -> None:
    found = kept()
    found.effects.append(("b", "b1"))
    assert Wrong.DOUBLED in words(promised(), found)


def test_a_broken_order_is_seen_and_other_lanes_may_pass() -> None:
    found = kept()
    found.effects = [("a", "a2"), ("b", "b1"), ("a", "a1"), ("after", AFTER_BODY)]
    assert words(promised(), found) == {Wrong.REORDERED}


def test_an_undone_settlement_is_seen() -> None:
    promises, found = promised(), kept()
    promises.apply({"end": "settle", "epoch": "e", "delivered": [1], "rejected": []})
    found.at_start[PLACES["a1"]] = ItemState(Phase.PENDING)
    assert words(promises, found) == {Wrong.UNDONE}


def test_a_number_given_twice_is_seen() -> None:
    found = kept()
    found.number = 3
    assert words(promised(), found) == {Wrong.UNDONE}


@pytest.mark.parametrize(
    "changes",
    [
        {"error": "queue.corrupt: SQLITE_CORRUPT"},
        {"alarms": [Alarm(AlarmCode.HISTORY_LOST, "the file ends at 3")]},
        {"objections": ["seq 3 came again with another body"]},
        {"undelivered": 1},
        {"effects": [("a", "a1"), ("b", "b1"), ("a", "a2")]},
        {"effects": [*kept().effects, ("a", "half of a body")]},
    ],
)
def test_a_queue_that_does_not_work_is_seen(changes: dict[str, object]) -> None:
    found = kept()
    for name, value in changes.items():
        setattr(found, name, value)
    assert words(promised(), found) == {Wrong.BROKEN}
