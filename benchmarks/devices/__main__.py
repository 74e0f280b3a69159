"""``python -m benchmarks.devices [--quick] [--only PART …]``: measure the devices, keep docs/benchmarks-devices.md."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Final

from benchmarks.__main__ import say
from benchmarks.devices import apdu, attract, emrtd, pages, receipt, sdt, unplug
from benchmarks.report import ROOT, Run, render, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.report import Verdict

PAGE: Final = ROOT / "docs" / "benchmarks-devices.md"
RESULTS: Final = ROOT / "benchmarks" / "results" / "devices.json"
PARTS: Final[Mapping[str, Callable[..., list[Verdict]]]] = {
    "sdt": sdt.measure,
    "receipt": receipt.measure,
    "apdu": apdu.measure,
    "emrtd": emrtd.measure,
    "attract": attract.measure,
    "unplug": unplug.measure,
    "pages": pages.measure,
}
_HOW_TO_READ: Final = (
    "**How to read.** No hardware: each driver talks to a machine in software at the far end of a real wire. Wires "
    "and chips are paced (115,200 baud, 25 ms a command), so a ratio says what the driver adds to what physics asks. A "
    "figure is the median of its rounds, the two furthest in brackets; the peer is measured in the same rounds."
)
_PAGES: Final = (
    "The document camera's pages are drawn by ourselves: the shares say how its thresholds part our own pictures, not "
    "how a real glass will do."
)


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.devices", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--only", nargs="+", metavar="PART", choices=tuple(PARTS), help="some parts; page not kept")
    chosen = parser.parse_args()
    run = Run("make bench QUICK=1" if chosen.quick else "make bench")
    began = time.monotonic()
    for name, measure in PARTS.items():
        if chosen.only and name not in chosen.only:
            continue
        say(f"part: {name}")
        found = measure(quick=chosen.quick)
        run.add((found, []))
        for verdict in found:
            tell(verdict, say)
    run.minutes = (time.monotonic() - began) / 60
    page = render(run, "Benchmarks of the devices", (_HOW_TO_READ, _PAGES))
    sys.stdout.write(page)
    if not chosen.only:
        run.save(RESULTS)
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
