"""Cut a recording at chosen instants and judge each."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from tests.cuts.corpus import old_disk
from tests.cuts.disk import Disk, Policy
from tests.cuts.judge import Violation, scratch_root, violations
from tests.cuts.promises import Promises
from tests.cuts.recorder import Event, Op, RecordingError, read_folder, read_log, record, write_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.cuts.judge import Found, Judge

TOLD_EVENTS: Final = 12  # of the end of the log, with a violation
MIGRATION: Final = "migration"  # the scenario that begins with an old file


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded run: what the folder held before, what had been promised by then, and every change since."""

    scenario: str
    seed: int
    before: Mapping[str, bytes]
    promised: Sequence[Mapping[str, Any]]
    events: Sequence[Event]

    @classmethod
    def make(cls, scenario: str, seed: int, *, weak: str = "") -> Self:
        """Record a scenario and prove the recording complete. Raises ``RecordingError``."""
        before, promised = old_disk() if scenario == MIGRATION else ({}, [])
        with tempfile.TemporaryDirectory(prefix="cuts-", dir=scratch_root()) as scratch:
            folder = Path(scratch) / "disk"
            folder.mkdir()
            for name, raw in before.items():
                (folder / name).write_bytes(raw)
            command = [sys.executable, "-m", "tests.cuts.scenario", scenario, str(folder), str(seed), weak]
            events = record(command, folder, Path(scratch) / "log")
            check_complete(events, before, folder)
        return cls(scenario, seed, before, promised, events)

    def save(self, folder: Path) -> None:
        """Keep a recording whose cut found something: keys and nonces of another run would differ."""
        (folder / "before").mkdir(parents=True, exist_ok=True)
        for name, raw in self.before.items():
            (folder / "before" / name).write_bytes(raw)
        (folder / "promised.json").write_text(json.dumps(self.promised), encoding="utf-8")
        write_log(self.events, folder / "log")

    @classmethod
    def load(cls, scenario: str, seed: int, folder: Path) -> Self:
        """Read what :meth:`save` kept."""
        promised = json.loads((folder / "promised.json").read_text(encoding="utf-8"))
        return cls(scenario, seed, read_folder(folder / "before"), promised, read_log(folder / "log"))

    def marks(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the index and the words of each mark."""
        return ((at, event.mark()) for at, event in enumerate(self.events) if event.op is Op.MARK)

    def spans(self, verb: str) -> Iterator[range]:
        """Yield the instants from right after a verb began until right before it is known to have returned."""
        began = 0
        for at, words in self.marks():
            if words.get("begin") == verb:
                began = at + 1
            elif words.get("end") == verb:
                yield range(began, at + 1)

    def flushes(self, span: range) -> list[int]:
        """Return the instants of ``span`` right after a flush."""
        return [at for at in span[1:] if self.events[at - 1].op is Op.FLUSH]

    def writes(self, name: str) -> list[int]:
        """Return the indices of the writes to a file of this name."""
        handles = {event.handle for event in self.events if event.op in {Op.OPEN, Op.CREATE} and event.name == name}
        return [at for at, event in enumerate(self.events) if event.op is Op.WRITE and event.handle in handles]


@dataclass(frozen=True, slots=True, order=True)
class Cut:
    """The power goes after the first ``instant`` events; ``seed`` decides a mixed image."""

    instant: int
    policy: Policy
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """One cut, what was found after it, and what did not hold. ``promises`` go on growing with the next cut."""

    cut: Cut
    promises: Promises
    found: Found
    violations: list[Violation]


def judge_cuts(
    recording: Recording, cuts: Iterable[Cut], judge: Judge, *, lying_from: int | None = None, kept: Sequence[str] = ()
) -> Iterator[Judged]:
    """Judge each cut, by rising instant: the recording is gone through once.

    From the instant ``lying_from`` on flushes lie; the files named by ``kept`` stay whole nevertheless.
    """
    disk, promises, at = Disk(recording.before), Promises(), 0
    for words in recording.promised:
        promises.apply(words)
    for cut in sorted(cuts):
        for event in recording.events[at : cut.instant]:
            disk.lying = lying_from is not None and at >= lying_from
            disk.apply(event)
            if event.op is Op.MARK:
                promises.apply(event.mark())
            at += 1
        image = disk.image(cut.policy, random.Random(cut.seed))  # noqa: S311 - the same cut for the same seed
        whole = disk.image(Policy.KEPT) if kept else {}
        image |= {name: whole[name] for name in kept if name in whole}
        found = judge.start(image, promises, cut.policy)
        yield Judged(cut, promises, found, violations(promises, found))


def all_hold(recording: Recording, cuts: Iterable[Cut], judge: Judge) -> Iterator[Judged]:
    """Judge each cut; the first that breaks a promise is an ``AssertionError`` that tells it."""
    for judged in judge_cuts(recording, cuts, judge):
        if judged.violations:
            raise AssertionError(tell(recording, judged))
        yield judged


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
    lines += [f"  {wrong}: {words}" for wrong, words in judged.violations]
    lines += ["  the last events:"]
    names = {event.handle: event.name for event in recording.events if event.op in {Op.OPEN, Op.CREATE}}
    for at, event in enumerate(recording.events[first : cut.instant], first):
        lines.append(f"    {at} {event} {names.get(event.handle, '')}".rstrip())
    return "\n".join([*lines, f"  again: make soak {again}"])
