"""Cut the power many times over many recorded days: ``make soak``, or ``python -m tests.cuts.soak --help``.

Ends with 1 when a promise was broken; the recording is then kept in ``out/cuts/`` and the text says how to make the
same cut again.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import os
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.cuts.disk import Policy
from tests.cuts.judge import Judge, Wrong
from tests.cuts.recorder import ROOT
from tests.cuts.replay import MIGRATION, Cut, Recording, judge_cuts, tell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CUTS: Final = 100_000  # a night's work
_KEPT: Final = ROOT / "out" / "cuts"  # recordings in which a promise was broken
_SHARES: Final = {"mixed": 600, "growth": 150, "first_open": 100, MIGRATION: 150}  # cuts of each seed
_TOLD: Final = 3  # violations told of one recording


@dataclass(frozen=True, slots=True)
class Job:
    """Some cuts of one recording."""

    scenario: str
    seed: int
    cuts: int
    weak: str
    out: Path

    @property
    def kept(self) -> Path:
        """Where the recording is kept when a promise was broken in it."""
        return self.out / f"{self.scenario}-{self.seed}"


@dataclass(slots=True)
class Tally:
    """What cuts came to; ``told`` are the first violations in words."""

    policies: collections.Counter[Policy] = field(default_factory=collections.Counter)
    wrong: collections.Counter[Wrong] = field(default_factory=collections.Counter)
    told: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.policies += other.policies
        self.wrong += other.wrong
        self.told += other.told


def run(job: Job) -> Tally:
    """Record, cut and judge; runs in a process of its own."""
    recording = Recording.make(job.scenario, job.seed, weak=job.weak)
    luck, tally = random.Random(job.seed), Tally()  # noqa: S311 - the same cuts for the same seed
    policies = list(Policy)
    cuts = [
        Cut(luck.randint(0, len(recording.events)), policies[number % 3], luck.getrandbits(32))
        for number in range(job.cuts)
    ]
    with Judge() as judge:
        for judged in judge_cuts(recording, cuts, judge):
            tally.policies[judged.cut.policy] += 1
            tally.wrong.update(found.wrong for found in judged.violations)
            if judged.violations and len(tally.told) < _TOLD:
                tally.told.append(tell(recording, judged))
    if tally.told:
        recording.save(job.kept)
    return tally


def jobs(cuts: int, seed: int, scenarios: Sequence[str], weak: str, out: Path) -> Iterator[Job]:
    """Share the cuts out over as many seeds as it takes."""
    while cuts > 0:
        for scenario in scenarios:
            share = min(cuts, _SHARES[scenario])
            if share:
                yield Job(scenario, seed, share, weak, out)
            cuts -= share
        seed += 1


def soak(todo: Sequence[Job], workers: int) -> Tally:
    """Run all jobs, telling how far it is."""
    total, began = Tally(), time.monotonic()
    wanted = sum(job.cuts for job in todo)
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(run, job) for job in todo]):
            tally = done.result()
            total.add(tally)
            count, seconds = total.policies.total(), time.monotonic() - began
            _say(*tally.told, f"{count:,} of {wanted:,} cuts, {count / seconds:.0f}/s, {total.wrong.total()} wrong")
    by_policy = ", ".join(f"{total.policies[policy]:,} {policy}" for policy in Policy)
    by_wrong = ", ".join(f"{total.wrong[wrong]} {wrong}" for wrong in Wrong)
    _say(f"{count:,} cuts ({by_policy}) of {len(todo)} recordings in {seconds:.0f} s: {by_wrong}")
    return total


def again(job: Job, cut: Cut) -> bool:
    """Make one cut of a recording that was kept, or of a new one with the same seed; tell whether all held."""
    if job.kept.exists():
        recording = Recording.load(job.scenario, job.seed, job.kept)
    else:
        recording = Recording.make(job.scenario, job.seed, weak=job.weak)
    with Judge() as judge:
        judged = next(judge_cuts(recording, [cut], judge))
    _say(tell(recording, judged) if judged.violations else "all promises held")
    return not judged.violations


def main(arguments: Sequence[str]) -> int:
    """Return the status of the process."""
    parser = argparse.ArgumentParser(prog="tests.cuts.soak", description="Simulated power cuts of the queue.")
    parser.add_argument("--cuts", type=int, default=CUTS)
    parser.add_argument("--seed", type=int, default=1, help="of the first recording")
    parser.add_argument("--scenario", choices=sorted(_SHARES), help="this one only")
    parser.add_argument("--cut", type=_cut, metavar="INSTANT:POLICY:SEED", help="this cut only")
    parser.add_argument("--weak", choices=["normal"], default="", help="a store that flushes too little: must fail")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=_KEPT, help="where to keep recordings with a broken promise")
    chosen = parser.parse_args(arguments)
    if chosen.cut is not None:
        job = Job(chosen.scenario or "mixed", chosen.seed, 1, chosen.weak, chosen.out)
        return 0 if again(job, chosen.cut) else 1
    scenarios = [chosen.scenario] if chosen.scenario else list(_SHARES)
    total = soak(list(jobs(chosen.cuts, chosen.seed, scenarios, chosen.weak, chosen.out)), chosen.workers)
    return 1 if total.wrong.total() else 0


def _cut(text: str) -> Cut:
    instant, policy, seed = text.split(":")
    return Cut(int(instant), Policy(policy), int(seed))


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
