"""Cuts at any instant of a working day, all policies; and the process killed at any step."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.cuts.disk import Policy
from tests.cuts.replay import Cut, all_hold

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cuts.judge import Judge
    from tests.cuts.replay import Recording

CUTS = 250  # each day and policy


@pytest.mark.parametrize("policy", [Policy.LOST, Policy.MIXED])
@pytest.mark.parametrize("seed", [21, 22])
def test_cut_at_any_instant_loses_doubles_and_reorders_nothing(
    recorded: Callable[[str, int], Recording], judge: Judge, seed: int, policy: Policy
) -> None:
    recording = recorded("mixed", seed)
    luck = random.Random(seed)  # noqa: S311 - the same cuts at each run
    cuts = [Cut(luck.randint(0, len(recording.events)), policy, luck.getrandbits(32)) for _ in range(CUTS)]
    assert sum(1 for _ in all_hold(recording, cuts, judge)) == CUTS


def test_fault_60_process_killed_at_any_step(recorded: Callable[[str, int], Recording], judge: Judge) -> None:
    recording = recorded("mixed", 23)
    cuts = [Cut(instant, Policy.KEPT) for instant in range(0, len(recording.events) + 1, 3)]
    assert sum(1 for _ in all_hold(recording, cuts, judge)) == len(cuts)
