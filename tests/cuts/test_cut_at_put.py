"""The power goes around a put: what was not acknowledged is whole or absent, what was acknowledged is there once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cuts.disk import Policy
from tests.cuts.replay import Cut, all_hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cuts.judge import Judge
    from tests.cuts.replay import Judged, Recording

SCENARIO, SEED = "mixed", 11
EVERY = 3  # of the puts: neighbours have the same events


def puts(recording: Recording) -> Iterator[tuple[str, range]]:
    """Yield the body and the span of every third put."""
    bodies = [words["body"] for _, words in recording.marks() if words.get("begin") == "put"]
    yield from list(zip(bodies, recording.spans("put"), strict=True))[::EVERY]


def count(judged: Judged, body: str) -> int:
    return sum(found == body for _, found in judged.found.effects)


def test_fault_01_cut_before_commit_of_a_put(recorded: Callable[[str, int], Recording], judge: Judge) -> None:
    recording = recorded(SCENARIO, SEED)
    for body, span in puts(recording):
        before_flush = range(span.start, recording.flushes(span)[0])
        cuts = [Cut(instant, Policy.LOST) for instant in before_flush]
        cuts += [Cut(instant, Policy.MIXED, seed) for instant in before_flush[1::4] for seed in (1, 2)]
        for judged in all_hold(recording, cuts, judge):
            assert body not in judged.promises.acknowledged  # the resident was not told
            if judged.cut.policy is Policy.LOST:
                assert count(judged, body) == 0


def test_fault_02_cut_after_commit_before_the_screen_says_so(
    recorded: Callable[[str, int], Recording], judge: Judge
) -> None:
    recording = recorded(SCENARIO, SEED)
    for body, span in puts(recording):
        after_flush = range(recording.flushes(span)[-1], span.stop + 1)
        cuts = [Cut(instant, policy, instant) for instant in after_flush for policy in Policy]
        for judged in all_hold(recording, cuts, judge):
            assert count(judged, body) == 1


def test_fault_08_torn_sector_at_the_tail_of_the_log(recorded: Callable[[str, int], Recording], judge: Judge) -> None:
    recording = recorded(SCENARIO, SEED)
    present: set[bool] = set()
    for body, span in puts(recording):
        last_write = recording.flushes(span)[0] - 1
        cuts = [Cut(last_write, Policy.MIXED, seed) for seed in range(24)]
        present |= {count(judged, body) == 1 for judged in all_hold(recording, cuts, judge)}
    assert present == {True, False}  # some images had the whole tail, others a torn one: both kinds were judged
