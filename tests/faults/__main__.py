"""``make faults``: plays every cell and pairs of them; ``CELL=`` and ``SEED=`` play one again and tell its story."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.faults.bench import play
from tests.faults.matrix import Run, cells, pair, parse
from tests.faults.oracle import end_of, faults_of
from tests.faults.page import PAGE, text

PAIRS = 500


def judged(run: Run) -> tuple[str, int, str, list[str], list[str]]:
    """Play a run; return its id, seed, end, what does not hold, and then also its story."""
    logging.getLogger("devices").setLevel(logging.CRITICAL)  # a planted fault is no news
    bench = play(run)
    problems = faults_of(bench)
    return run.id, run.seed, str(end_of(bench)), problems, bench.story.trace if problems else []


def _tell(run: Run) -> int:
    logging.getLogger("devices").setLevel(logging.CRITICAL)
    bench = play(run)
    problems = faults_of(bench)
    sys.stdout.write("\n".join(bench.story.trace) + "\n")
    for kind, body in bench.desk.handed_in:
        sys.stdout.write(f"handed in: {kind} {'' if kind == 'case' else body}\n")  # a case names a person, if invented
    sys.stdout.write(f"{run.id}\nend: {end_of(bench)}\n")
    sys.stdout.write("".join(f"WRONG  {problem}\n" for problem in problems) or "everything holds\n")
    return 1 if problems else 0


def _all(pairs: int, workers: int) -> int:
    runs = [Run((cell,)) for cell in cells()] + [pair(seed) for seed in range(1, pairs + 1)]
    begun, wrong = time.monotonic(), 0
    with ProcessPoolExecutor(workers) as pool:
        for name, seed, end, problems, story in pool.map(judged, runs, chunksize=8):
            if problems:
                wrong += 1
                again = f"SEED={seed}" if seed else f"CELL={name}"
                sys.stdout.write("\n".join([*story, f"{name}: {end}", *problems, f"make faults {again}"]) + "\n\n")
    seconds = time.monotonic() - begun
    sys.stdout.write(f"{len(runs)} visits ({pairs} with two faults), {wrong} wrong, {seconds:.0f} s\n")
    return 1 if wrong else 0


def main() -> int:
    """Play, or with ``--page`` write docs/faults.md."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--cell", default="", help="service/role/fault/moment/times, several joined by +")
    parser.add_argument("--seed", type=int, default=0, help="one pair of faults")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--page", action="store_true", help="write docs/faults.md")
    given = parser.parse_args()
    if given.page:
        PAGE.write_text(text(PAIRS), encoding="utf-8")
        return 0
    if given.cell or given.seed:
        return _tell(parse(given.cell) if given.cell else pair(given.seed))
    return _all(given.pairs, given.workers)


if __name__ == "__main__":
    sys.exit(main())
