"""A disk that acknowledges flushes and does not do them: what is lost is reported, never silent.

When the disk forgot everything (the file, the log, the mark beside it) and central never had heard of what is gone,
nobody is left who could know; the plug-pull rig keeps such disks out of terminals.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from offline_queue.values import AlarmCode, Phase
from tests.cuts.disk import Policy
from tests.cuts.judge import Wrong
from tests.cuts.replay import Cut, judge_cuts
from tests.cuts.scenario import QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cuts.judge import Judge
    from tests.cuts.replay import Judged, Recording

SEED = 41
ROUNDS = 60  # lies; each is cut at some instants
CUTS = 3
MARK = f"{QUEUE}.mark"


def lies(
    recording: Recording, judge: Judge, kept: tuple[str, ...], policy: Policy = Policy.LOST
) -> Iterator[tuple[Judged, list[int]]]:
    """Yield cuts after lies, with the seqs acknowledged and gone."""
    luck = random.Random(SEED)  # noqa: S311 - the same lies at each run
    opened = next(recording.spans("open")).stop
    for _ in range(ROUNDS):
        lying_from = luck.randint(opened, len(recording.events))
        instants = [luck.randint(lying_from, len(recording.events)) for _ in range(CUTS)]
        cuts = [Cut(instant, policy, luck.getrandbits(32)) for instant in instants]
        for judged in judge_cuts(recording, cuts, judge, lying_from=lying_from, kept=kept):
            states = judged.found.at_start.items()
            yield judged, [place.seq for place, state in states if state.phase is Phase.UNKNOWN]


def alarms(judged: Judged) -> set[AlarmCode]:
    return {alarm.code for alarm in judged.found.alarms}


def wrong(judged: Judged) -> set[Wrong]:
    return {violation.wrong for violation in judged.violations}


def epochs(judged: Judged) -> set[str]:
    return {place.epoch for place in judged.promises.acknowledged.values()}


def test_fault_09_disk_lies_about_flush_and_the_mark_tells(
    recorded: Callable[[str, int], Recording], judge: Judge
) -> None:
    reported = 0
    for judged, lost in lies(recorded("mixed", SEED), judge, (MARK,)):
        assert not wrong(judged) & {Wrong.DOUBLED, Wrong.REORDERED}
        assert judged.found.objections == []  # no identity given anew
        if lost:
            reported += 1
            assert AlarmCode.HISTORY_LOST in alarms(judged)
            assert judged.found.epoch not in epochs(judged)
        else:
            assert Wrong.LOST not in wrong(judged)
    assert reported > ROUNDS


def test_fault_09_disk_lies_and_tears_and_the_mark_or_the_ruin_tells(
    recorded: Callable[[str, int], Recording], judge: Judge
) -> None:
    reported = 0
    for judged, lost in lies(recorded("mixed", SEED), judge, (MARK,), Policy.MIXED):
        assert not wrong(judged) & {Wrong.DOUBLED, Wrong.REORDERED}
        if lost or Wrong.LOST in wrong(judged):
            reported += 1
            known = alarms(judged) & {AlarmCode.HISTORY_LOST, AlarmCode.ITEM_ROTTEN}
            assert known or judged.found.error  # a file in ruins does not open, or stops at the first damage it meets
    assert reported > ROUNDS


def test_fault_09_disk_lies_about_flush_and_central_tells(
    recorded: Callable[[str, int], Recording], judge: Judge
) -> None:
    reported = 0
    for judged, lost in lies(recorded("mixed", SEED), judge, ()):
        in_custody = {item_id.seq for item_id in judged.promises.central.desk.taken}
        assert not wrong(judged) & {Wrong.DOUBLED, Wrong.REORDERED}
        assert judged.found.objections == []
        if in_custody & set(lost):
            reported += 1
            assert AlarmCode.OLD_IMAGE in alarms(judged)
            assert judged.found.epoch not in epochs(judged)
    assert reported > ROUNDS / 3
