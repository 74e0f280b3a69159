"""Q2 and Q3 on a disk of a terminal: the same rounds, with flushes that take as long as on such a disk.

A flash card or a plain SSD flushes in 2 to 10 ms. The disk of a server or a virtual machine may need a tenth of one:
then it is the processor that is measured. Here every flush of the real disk is held back until ``FLUSH_US`` have passed
(``counter.c``); the wait is a sleep, as it is with a real disk. ``python -m benchmarks.slowed FOLDER OUT ROUNDS CALLS``
is the process that is slowed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import goals
from benchmarks.counting import build_counter
from benchmarks.measure import Effort
from benchmarks.place import Medium
from benchmarks.report import Run

if TYPE_CHECKING:
    from benchmarks.goals import Found

FLUSH_US: Final = 4000
NAME: Final = f"disk, flushes slowed to {FLUSH_US // 1000} ms"
_BUDGET_S: Final = 60.0
_DEADLINE_S: Final = 3600.0


def speed(medium: Medium, rounds: int, calls: int) -> Found:
    """Run :func:`goals.speed` in a slowed process."""
    with medium.room() as room:
        out = room / "found.json"
        environment = {**os.environ, "LD_PRELOAD": str(build_counter(room)), "BENCH_FLUSH_US": str(FLUSH_US)}
        command = [sys.executable, "-m", "benchmarks.slowed", str(room), str(out), str(rounds), str(calls)]
        subprocess.run(command, env=environment, check=True, timeout=_DEADLINE_S)
        run = Run.load(out)
    return run.verdicts, run.tables


if __name__ == "__main__":
    _folder, _out, _rounds, _calls = sys.argv[1:]
    _effort = Effort(rounds=int(_rounds), calls=int(_calls), budget_s=_BUDGET_S)
    _run = Run("")
    _run.add(goals.speed(Medium(NAME, Path(_folder)), _effort, goals.PUT_ON_DISK, goals.ACKS_ON_DISK))
    _run.save(Path(_out))
