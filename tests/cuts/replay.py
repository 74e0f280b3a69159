"""Cut a recording at chosen instants and judge each."""

from __future__ import annotations

import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.cuts.disk import Disk, Policy
from tests.cuts.judge import Found, scratch_root, violations
from tests.cuts.promises import Promises
from tests.cuts.recorder import Event, Op, RecordingError, read_folder, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tests.cuts.judge import Judge

TOLD_EVENTS: Final = 12  # of the end of the log, with a violation


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded run: what the folder held before, and every change since."""

    scenario: str
    seed: int
    before: Mapping[str, bytes]
    events: Sequence[Event]

    def where(self, wanted: Callable[[dict[str, object]], bool]) -> list[int]:
        """Return the instants right after each mark whose words fit."""
        return [at + 1 for at, event in enumerate(self.events) if event.op is Op.MARK and wanted(event.mark())]


@dataclass(frozen=True, slots=True, order=True)
class Cut:
    """The power goes after the first ``instant`` events; ``seed`` decides a mixed image."""

    instant: int
    policy: Policy
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """One cut, what was found after it, and what did not hold."""

    cut: Cut
    promises: Promises
    found: Found
    words: list[str]


def make_recording(scenario: str, seed: int, *, before: Mapping[str, bytes] | None = None, weak: str = "") -> Recording:
    """Record a scenario and prove the recording complete. Raises ``RecordingError``."""
    with tempfile.TemporaryDirectory(prefix="cuts-", dir=scratch_root()) as scratch:
        folder = Path(scratch) / "disk"
        folder.mkdir()
        for name, raw in (before or {}).items():
            (folder / name).write_bytes(raw)
        command = [sys.executable, "-m", "tests.cuts.scenario", scenario, str(folder), str(seed), weak]
        events = record(command, folder, Path(scratch) / "log")
        check_complete(events, before or {}, folder)
    return Recording(scenario, seed, before or {}, events)


def judge_cuts(
    recording: Recording, cuts: Iterable[Cut], judge: Judge, *, lying_from: int | None = None
) -> Iterator[Judged]:
    """Judge each cut, by rising instant: the recording is gone through once. Flushes lie from ``lying_from`` on."""
    disk, promises, at = Disk(recording.before), Promises(), 0
    for cut in sorted(cuts):
        for event in recording.events[at : cut.instant]:
            disk.lying = lying_from is not None and at >= lying_from
            disk.apply(event)
            if event.op is Op.MARK:
                promises.apply(event)
            at += 1
        image = disk.image(cut.policy, random.Random(cut.seed))  # noqa: S311 - the same cut for the same seed
        found = judge.start(image, promises, cut.policy)
        yield Judged(cut, promises, found, violations(promises, found))


def check_complete(events: Sequence[Event], before: Mapping[str, bytes], folder: Path) -> None:
    """Replay all events on what the folder held before and compare. Raises ``RecordingError`` naming what differs."""
    disk = Disk(before)
    for event in events:
        disk.apply(event)
    replayed = {name: content.whole() for name, content in disk.image(Policy.KEPT).items()}
    real = read_folder(folder)
    wrong = sorted(name for name in replayed.keys() | real.keys() if replayed.get(name) != real.get(name))
    if wrong:
        raise RecordingError(f"the replay of all changes differs from the folder in {', '.join(wrong)}")


def tell(recording: Recording, judged: Judged) -> str:
    """Return what did not hold, the cut, the last events, and how to make the same cut again."""
    cut, run = judged.cut, f"{recording.scenario}, seed {recording.seed}"
    first = max(0, cut.instant - TOLD_EVENTS)
    again = f"SCENARIO={recording.scenario} SEED={recording.seed} CUT={cut.instant}:{cut.policy}:{cut.seed}"
    lines = [f"cut of {run}, after {cut.instant} of {len(recording.events)} events, {cut.policy}, cut seed {cut.seed}:"]
    lines += [f"  {word}" for word in judged.words]
    lines += ["  the last events:"]
    lines += [f"    {at} {recording.events[at]}" for at in range(first, cut.instant)]
    return "\n".join([*lines, f"  again: make soak {again}"])
