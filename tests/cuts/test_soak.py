"""The soak tells what it did, fails when a promise was broken, and can make the same cut again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.cuts import soak

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def run(out: Path, *arguments: str) -> int:
    return soak.main(["--scenario", "first_open", "--workers", "1", "--out", str(out), *arguments])


def test_a_good_store_passes_and_the_verdict_counts_all_cuts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--cuts", "30") == 0
    assert re.search(
        r"^30 cuts \(10 kept, 10 lost, 10 mixed\) of 1 recordings in \d+ s: "
        r"0 lost, 0 doubled, 0 reordered, 0 undone, 0 broken$",
        capsys.readouterr().out,
        re.MULTILINE,
    )
    assert list(tmp_path.iterdir()) == []


def test_a_weak_store_fails_and_its_cut_can_be_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--cuts", "60", "--weak", "normal", "--seed", "5") == 1
    told = capsys.readouterr().out
    cut = re.search(r"again: make soak SCENARIO=first_open SEED=5 CUT=(\S+)", told)
    assert cut is not None
    first = told[: cut.end()]
    assert run(tmp_path, "--seed", "5", "--cut", cut[1]) == 1
    assert capsys.readouterr().out.strip() == first
