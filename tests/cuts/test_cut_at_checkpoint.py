"""The power goes while the log is folded into the file, by itself or by the housekeeping: nothing is lost, it opens."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.cuts.disk import Policy
from tests.cuts.replay import Cut, all_hold
from tests.cuts.scenario import QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cuts.judge import Judge
    from tests.cuts.replay import Recording

CUTS = 400


def folding(recording: Recording) -> list[int]:
    """Return the instants around each write to the database itself, after its first start."""
    opened = next(recording.spans("open")).stop
    writes = [at for at in recording.writes(QUEUE) if at > opened]
    return sorted({near for at in writes for near in range(at - 2, at + 4) if near <= len(recording.events)})


def test_fault_05_cut_during_checkpoint(recorded: Callable[[str, int], Recording], judge: Judge) -> None:
    recording = recorded("growth", 13)
    instants = folding(recording)
    on_purpose = {at for verb in ("open", "tidy", "close") for span in recording.spans(verb) for at in span}
    assert set(instants) - on_purpose  # the log grew over its threshold while items came and went
    luck = random.Random(13)  # noqa: S311 - the same cuts at each run
    chosen = luck.choices(instants, k=CUTS)
    policies = (Policy.LOST, Policy.KEPT, Policy.MIXED, Policy.MIXED)
    cuts = [Cut(instant, policies[number % 4], number) for number, instant in enumerate(chosen)]
    assert sum(1 for _ in all_hold(recording, cuts, judge)) == CUTS


def test_fault_05_cut_during_housekeeping(recorded: Callable[[str, int], Recording], judge: Judge) -> None:
    recording = recorded("mixed", 11)
    instants = [at for span in recording.spans("tidy") for at in span]
    cuts = [Cut(instant, policy, instant) for instant in instants for policy in Policy]
    assert sum(1 for _ in all_hold(recording, cuts, judge)) == len(cuts)
