"""The page docs/benchmarks.md, made from a run's results: goals with verdicts, tables of ratios, the machine."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import sqlite3
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.measure import short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.measure import Ratio

ROOT: Final = Path(__file__).parent.parent
RESULTS: Final = ROOT / "benchmarks" / "results" / "latest.json"
PAGE: Final = ROOT / "docs" / "benchmarks.md"
_HOW_TO_READ: Final = (
    "**How to read.** A disk's speed may swing tenfold within an hour: trust counts, and ratios of rounds run side "
    "by side. A ratio is the median of its rounds, the two furthest rounds in brackets; *raw* is the stdlib's "
    "`sqlite3`, one table, WAL and `synchronous=FULL`, in the same rounds. Bodies are 2 KiB of random bytes. A "
    "queue called empty holds 400 items, so that there is always something to take."
)
_WHAT_IS_COMPARED: Final = (
    "**What is compared.** Our put seals, chains and indexes; our take proves the chain of what it sends; our "
    "acknowledgement reads central's answer strictly, proves its signature and keeps it. The peers and raw do none "
    "of that. What central does (signing) is not in the time. A visit's key is made when the resident begins, not "
    "in the put. *On its thread* is the queue's work without the crossing from the event loop to the thread `db`; "
    "*awaited* is with it, beside raw SQLite awaited through a thread of the same kind."
)
_NOTES: Final = (_HOW_TO_READ, _WHAT_IS_COMPARED)


def machine() -> str:
    """Return what it ran on, without names."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB of memory, SQLite {sqlite3.sqlite_version}, "
        f"Python {platform.python_version()}, {platform.system()} {platform.release().partition('-')[0]} "
        f"on {platform.machine()}"
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """One goal: what was wanted, what was found."""

    goal: str  # Q1 …
    what: str
    wanted: str
    found: str
    met: bool


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the page."""

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class Run:
    """All that a run found."""

    command: str
    day: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    machine: str = field(default_factory=machine)
    load_began: float = field(default_factory=lambda: round(os.getloadavg()[0], 1))
    minutes: float = 0.0
    verdicts: list[Verdict] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    def add(self, found: tuple[list[Verdict], list[Table]]) -> None:
        """Add what a part of the run found."""
        verdicts, tables = found
        self.verdicts += verdicts
        self.tables += tables

    def save(self, file: Path) -> None:
        """Write the results as JSON."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> Run:
        """Read the results of a run."""
        values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        values["verdicts"] = [Verdict(**verdict) for verdict in values["verdicts"]]
        values["tables"] = [
            Table(table["title"], table["note"], tuple(table["head"]), tuple(tuple(row) for row in table["rows"]))
            for table in values["tables"]
        ]
        return cls(**values)


def at_least(goal: str, what: str, wanted: float, found: Ratio | float, unit: str = "") -> Verdict:
    """Judge a figure that must not be smaller."""
    value = found if isinstance(found, float) else found.median
    text = short(found) if isinstance(found, float) else str(found)
    return Verdict(goal, what, f"≥ {short(wanted)}{unit}", f"{text}{unit}", value >= wanted)


def at_most(goal: str, what: str, wanted: float, found: Ratio | float, unit: str = "") -> Verdict:
    """Judge a figure that must not be larger."""
    value = found if isinstance(found, float) else found.median
    text = short(found) if isinstance(found, float) else str(found)
    return Verdict(goal, what, f"≤ {short(wanted)}{unit}", f"{text}{unit}", value <= wanted)


def render(run: Run, title: str = "Benchmarks of the queue", notes: tuple[str, ...] = _NOTES) -> str:
    """Return the page; ``notes`` say how its figures are to be read."""
    goals = [(v.goal, v.what, v.wanted, v.found, "met" if v.met else "**not met**") for v in run.verdicts]
    missed = sum(not verdict.met for verdict in run.verdicts)
    parts = [
        f"<!-- Made by `{run.command}`; run it again, do not edit. -->",
        f"# {title}",
        f"Made on {run.day} by `{run.command}` in {run.minutes:.0f} minutes, at a load of {run.load_began}.",
        f"{run.machine}.",
        *notes,
        f"## Goals: {len(goals) - missed} of {len(goals)} met",
        _table(("goal", "what", "wanted", "found", "verdict"), goals),
    ]
    for table in run.tables:
        parts += [f"## {table.title}", table.note, _table(table.head, table.rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def tell(verdict: Verdict, say: Callable[[str], None]) -> None:
    """Say at once how a goal was met."""
    met = "met" if verdict.met else "NOT MET"
    say(f"{met:8}{verdict.goal:5}{verdict.what}: {verdict.found}, {verdict.wanted}")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(render(Run.load(RESULTS)), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}\n")
