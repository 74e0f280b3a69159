"""docs/faults.md: what happens when something breaks, made from the cells and from how each has to end."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.expected import expected, kind_of
from tests.faults.matrix import RESIDENT, TIMES, cells, packages

if TYPE_CHECKING:
    from tests.faults.expected import End, Kind
    from tests.faults.matrix import Cell

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
HEAD = "<!-- Made by `python -m tests.faults --page`; edit tests/faults/, not this page. -->\n\n"
WHEN = {
    "before": "before the visit",
    "wait": "while its step waits",
    "call": "in the middle of its work",
    "after": "just after its work",
    "goodbye": "at the goodbye",
}
INTRO = """# Faults

What becomes of a visit when something breaks: every fault a device can name or show, central's, the face engine's and
the outbox's, at every moment, once, three times and for ever. Each cell is one visit played on the whole core, without
wires and without waiting. `make faults` plays all {count} of them and {pairs} with two faults at once; `make faults
CELL=…` and `make faults SEED=…` play one again and tell its story line by line. Every change plays a sample in which
each device meets each of its faults and moments.

However a visit ends, this holds, counted in the tray, on the reader and in the outbox, not asked of the program:

- **Paper**: sheets that came out are the sheets written down; where the printer never told, those seen are, and staff
  are sent to look; never two whole copies; no document whose seal or person is wrong.
- **Card**: a card that lies there is asked for; where the reader cannot say, the screen says so and staff know.
- **Case**: handed in once or not at all; thanks and number only once it is durable; its number is always shown.
- **Data**: session, screen, card and face are wiped; no log line, alarm or later screen names a person.
- **Staff**: told of every fault of the machine, never of a resident's own card; where the screen says so, it is true.
- **Screens**: every text in both languages, a way out on each, and none that stands still beyond its deadline.

How a visit ends: *done*; *taken in* (in the outbox, number given); *fault shown* (what happened, what it means, what to
do, and the slip where a case exists); *another way* (where else, whom to call); *refused* (with the reason); *not
offered* (shown with its reason). "Done" after a fault means that the resident tried again at most twice;
without a slip's printer, its number stays on the screen.
"""


def text(pairs: int) -> str:
    """Return the whole page."""
    everything = cells()
    lines = [HEAD + INTRO.format(count=len(everything), pairs=pairs)]
    for package in packages():
        lines += [f"## {package.title.zh_CN} · {package.title.en}", "", f"`{package.code}`", ""]
        lines += ["| what | fault | when | cells | once | three times | for ever |", "|---|---|---|---|---|---|---|"]
        rows: dict[tuple[str, Kind, str], list[Cell]] = defaultdict(list)
        for cell in everything:
            if cell.service == package.code:
                rows[cell.role, kind_of(cell), cell.moment].append(cell)
        merged: dict[tuple[str, Kind, tuple[str, ...]], list[str]] = defaultdict(list)
        counts: dict[tuple[str, Kind, tuple[str, ...]], int] = defaultdict(int)
        for (role, kind, moment), found in rows.items():
            key = (role, kind, tuple(_ends([cell for cell in found if cell.times == times]) for times in TIMES))
            merged[key].append(WHEN.get(moment, f"at its call `{moment}`"))
            counts[key] += len(found)
        for (role, kind, ends), whens in merged.items():
            key = (role, kind, ends)
            lines.append(f"| `{role}` | {kind} | {', '.join(whens)} | {counts[key]} | {' | '.join(ends)} |")
        lines.append("")
    lines.append(f"Second faults of the resident's own, in pairs: {', '.join(f'`{way}`' for way in RESIDENT)}.")
    return "\n".join(lines) + "\n"


def _ends(found: list[Cell]) -> str:
    ends: set[End] = set()
    for cell in found:
        ends |= expected(cell)
    return " or ".join(sorted(end.value for end in ends)) or "—"
