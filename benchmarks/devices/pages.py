"""Goal: pages under a document camera are found and judged rightly, and quickly enough for the machine beside it.

A hundred drawn scenes of each kind: three sorts of paper on dark, grey, green and light grounds, crooked, aslant, in
shade, with a sensor's noise and JPEG's blocks. What was told is counted against what was painted. The time is that of
a picture of 12 megapixels, against unpacking the same picture, which nobody can avoid.

    python -m benchmarks.devices.pages [--quick]     the counts, and the measures behind them
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from benchmarks.measure import Ratio, percentile
from benchmarks.report import Verdict, at_least, at_most
from devices.document_camera import PageFault
from devices.drivers.document_faults import examine
from devices.sim.pages import SENSOR, VIEW_MM, Kind, Scene, corners, jpeg

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.drivers.document_pages import Picture, Points

SCENES: Final = 100
QUICK_SCENES: Final = 25
RIGHT_SHARE: Final = 0.98  # of the pages with a fault
GOOD_SHARE: Final = 0.99  # of the pages without: who is sent back without reason comes back angry
CORNER_MM: Final = 2.0
LARGE: Final = (4000, 3000)
SLOWER: Final = 3.0
ROUNDS: Final = 5

GOOD: Final = "good"
WHITE_MAT: Final = "good, on a nearly white mat"
GROUNDS: Final = ((48, 45, 44), (30, 30, 30), (110, 112, 108), (190, 192, 191), (40, 90, 50))
NEARLY_WHITE: Final = (202, 205, 204)  # ... and the paper on it: told, and no goal
LYING: Final = {Kind.A4: 90.0, Kind.ID1: 0.0, Kind.SPREAD: 0.0}
FAULTS: Final[dict[str, Callable[[np.random.Generator, Scene], Scene]]] = {
    GOOD: lambda _dice, scene: scene,
    WHITE_MAT: lambda _dice, scene: replace(scene, ground=NEARLY_WHITE),
    PageFault.NO_PAGE: lambda dice, scene: replace(scene, kind=None, litter=bool(dice.integers(2))),
    PageFault.CUT_OFF: lambda dice, scene: replace(scene, centre=_half_out(dice)),
    PageFault.BLURRED: lambda dice, scene: replace(scene, blur_mm=float(dice.uniform(0.5, 1.2))),
    PageFault.GLARE: lambda dice, scene: replace(scene, glare_mm=float(dice.uniform(10, 25))),
    PageFault.BLANK: lambda _dice, scene: replace(scene, blank=True),
    PageFault.DARK: lambda dice, scene: replace(scene, light=float(dice.uniform(0.05, 0.2))),
}


@dataclass(slots=True)
class Counts:
    """What was told for one sort of scene."""

    told: Counter[str] = field(default_factory=Counter)
    corner_mm: list[float] = field(default_factory=list)

    def share(self, right: str) -> float:
        """Return the share of what was told that is ``right`` and nothing else."""
        return self.told[right] / self.told.total()


def drawn(dice: np.random.Generator) -> Scene:
    """Draw a good page."""
    kind = (Kind.A4, Kind.ID1, Kind.SPREAD)[int(dice.integers(3))]
    return Scene(
        kind=kind,
        seed=int(dice.integers(8)),
        turn_deg=LYING[kind] + float(dice.uniform(-12, 12)),
        centre=(0.5 + float(dice.uniform(-0.02, 0.02)), 0.5 + float(dice.uniform(-0.02, 0.02))),
        tilt=float(dice.uniform(0, 0.12)),
        ground=GROUNDS[int(dice.integers(len(GROUNDS)))],
        shade=float(dice.uniform(0, 0.4)),
        light=float(dice.uniform(0.65, 1.08)),
        noise=float(dice.uniform(0.5, 4)),
        quality=int(dice.integers(50, 95)),
    )


def _half_out(dice: np.random.Generator) -> tuple[float, float]:
    return float(dice.choice([dice.uniform(-0.02, 0.08), dice.uniform(0.92, 1.02)])), float(dice.uniform(0.35, 0.65))


def seen(scene: Scene) -> Picture:
    """Return the picture as it comes out of the stream."""
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg(scene), np.uint8), cv2.IMREAD_COLOR), np.uint8)


def count(name: str, scenes: int, seed: int = 1) -> Counts:
    """Draw and judge ``scenes`` of one sort."""
    counts = Counts()
    dice = np.random.default_rng([seed, *name.encode()])
    for _ in range(scenes):
        scene = FAULTS[name](dice, drawn(dice))
        found = examine(seen(scene))
        counts.told["+".join(sorted(found.faults)) or GOOD] += 1
        if found.corners is not None and name == GOOD:
            counts.corner_mm.append(_off(found.corners, scene))
    return counts


def _off(where: Points, scene: Scene) -> float:
    """Return how far the worst corner is off, in mm on the paper."""
    real = np.array(corners(scene))
    away = [min(float(np.hypot(*(point - corner))) for corner in real) for point in where]
    return max(away) * VIEW_MM / SENSOR[0]


def measure(*, quick: bool) -> list[Verdict]:
    """Return the verdicts; the counts go to standard output."""
    scenes = QUICK_SCENES if quick else SCENES
    verdicts = []
    for name in FAULTS:
        counts = count(name, scenes)
        print(f"{name} told as: {', '.join(f'{told} {times}' for told, times in counts.told.most_common())}")
        if name == WHITE_MAT:
            continue
        wanted = GOOD_SHARE if name == GOOD else RIGHT_SHARE
        verdicts.append(at_least("D pages", f"{name} told as such, of {scenes}", wanted, counts.share(name)))
        if counts.corner_mm:
            off = percentile(counts.corner_mm, 0.95)
            verdicts.append(at_most("D pages", "worst corner off, p95", CORNER_MM, off, " mm"))
    verdicts.append(at_most("D pages", "12 MP: found and judged, over unpacking it", SLOWER, _slower(quick=quick)))
    return verdicts


def _slower(*, quick: bool) -> Ratio:
    packed = np.frombuffer(jpeg(Scene(), LARGE), np.uint8)
    ratios = []
    for _ in range(2 if quick else ROUNDS):
        began = time.process_time()
        picture = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
        unpacked = time.process_time()
        examine(picture)
        ratios.append((time.process_time() - unpacked) / (unpacked - began))
    return Ratio.of(ratios)


if __name__ == "__main__":
    for verdict in measure(quick="--quick" in sys.argv):
        print(f"{verdict.what}: wanted {verdict.wanted}, found {verdict.found}")
