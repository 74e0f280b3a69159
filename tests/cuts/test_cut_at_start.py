"""The power goes while the file is made, migrated or opened again: old or new schema, never one between."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.cuts.disk import Disk, Policy
from tests.cuts.judge import write_image
from tests.cuts.replay import MIGRATION, Cut, all_hold
from tests.cuts.scenario import QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cuts.judge import Judge
    from tests.cuts.replay import Recording


@pytest.mark.parametrize("policy", list(Policy))
def test_cut_during_first_start_and_first_item(
    recorded: Callable[[str, int], Recording], judge: Judge, policy: Policy
) -> None:
    recording = recorded("first_open", 14)
    seeds = (1, 2, 3) if policy is Policy.MIXED else (0,)
    cuts = [Cut(instant, policy, seed) for instant in range(len(recording.events) + 1) for seed in seeds]
    assert sum(1 for _ in all_hold(recording, cuts, judge)) == len(cuts)


@pytest.mark.parametrize("policy", list(Policy))
def test_fault_06_cut_during_migration(recorded: Callable[[str, int], Recording], judge: Judge, policy: Policy) -> None:
    recording = recorded(MIGRATION, 15)
    instants = next(recording.spans("open"))
    seeds = (1, 2, 3) if policy is Policy.MIXED else (0,)
    cuts = [Cut(instant, policy, seed) for instant in instants for seed in seeds]
    assert sum(1 for _ in all_hold(recording, cuts, judge)) == len(cuts)


def test_fault_06_no_image_has_a_schema_between_two(recorded: Callable[[str, int], Recording], tmp_path: Path) -> None:
    recording = recorded(MIGRATION, 15)
    disk = Disk(recording.before)
    schemas: set[frozenset[str]] = set()
    opening = next(recording.spans("open"))
    for at, event in enumerate(recording.events[: opening.stop]):
        disk.apply(event)
        folder = tmp_path / str(at)
        folder.mkdir()
        write_image(disk.image(Policy.LOST), folder)
        with closing(sqlite3.connect(folder / QUEUE)) as connection:
            schemas.add(
                frozenset(sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql <> ''"))
            )
    assert len(schemas) == 2  # the old one and the new one
