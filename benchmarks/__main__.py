"""``python -m benchmarks [--quick] [--only PART …]``: measure, print the page, keep it as docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import goals, slowed
from benchmarks.measure import Effort
from benchmarks.place import Medium
from benchmarks.report import PAGE, RESULTS, ROOT, Run, render, tell

if TYPE_CHECKING:
    from collections.abc import Callable

DISK: Final = Medium("disk", ROOT / "build" / "bench")
RAM: Final = Medium("RAM disk", Path("/dev/shm"))  # noqa: S108 - a RAM disk is the point


def say(text: str) -> None:
    """Tell the person who waits."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def parts(*, quick: bool) -> dict[str, Callable[[], goals.Found]]:
    """Return the parts of a run, in their order."""
    on_disk = Effort(rounds=3, calls=64, budget_s=5.0) if quick else Effort(rounds=11, calls=128, budget_s=20.0)
    on_ram = Effort(rounds=3, calls=256, budget_s=5.0) if quick else Effort(rounds=11, calls=512, budget_s=20.0)
    long = Effort(rounds=3, calls=64, budget_s=2.0) if quick else Effort(rounds=7, calls=128, budget_s=5.0)
    count = 10_000 if quick else 1_000_000
    return {
        "counts": partial(goals.counts, RAM, 512 if quick else 4096, say),
        "disk": partial(goals.speed, DISK, on_disk, goals.PUT_ON_DISK, goals.ACKS_ON_DISK),
        "slowed": partial(slowed.speed, DISK, 3 if quick else 7, 32 if quick else 64),
        "ram": partial(goals.speed, RAM, on_ram, goals.PUT_ON_RAM, goals.ACKS_ON_RAM),
        "waits": partial(goals.waits, DISK, 300 if quick else 2000),
        "drain": partial(goals.drains, DISK),
        "long": partial(goals.long_queues, (RAM, DISK), count, long, say),
        "cut": partial(goals.cuts, DISK, count, say),
    }


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 items instead of a million, three rounds: minutes")
    parser.add_argument(
        "--only", nargs="+", metavar="PART", choices=tuple(parts(quick=True)), help="some parts; page not kept"
    )
    chosen = parser.parse_args()
    say(
        "this takes about three minutes" if chosen.quick else "this takes about an hour, 12 GB of memory, 20 GB of disk"
    )
    run = Run("make bench QUICK=1" if chosen.quick else "make bench")
    began = time.monotonic()
    for name, part in parts(quick=chosen.quick).items():
        if chosen.only and name not in chosen.only:
            continue
        say(f"part: {name}")
        found = part()
        run.add(found)
        for verdict in found[0]:
            tell(verdict, say)
    run.minutes = (time.monotonic() - began) / 60
    page = render(run)
    sys.stdout.write(page)
    if not chosen.only:
        run.save(RESULTS)
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
