"""The judge of a visit: what counts as found, and that nothing missing is taken for granted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from screens.player_judge import Evidence, judge
from screens.player_record import Seen
from screens.player_visit import Expectations

if TYPE_CHECKING:
    from pathlib import Path

WELL: dict[str, Any] = {"outcome": "completed", "queue": {"pending": 0}}


def seen(view: str) -> Seen:
    return Seen(1, view, 1, "zh_CN", "normal", None, None, 0.0)


def wrong(expected: Expectations, folder: Path, **evidence: Any) -> list[str]:
    found: dict[str, Any] = {"report": WELL, "world": {"prints": [], "slips": []}, "central": {"state": {}}, "seen": []}
    return [
        finding.what for finding in judge(expected, Evidence(**(found | evidence), papers=folder)) if not finding.ok
    ]


def slip(folder: Path, text: str) -> dict[str, list[str]]:
    (folder / "slips").mkdir()
    (folder / "slips" / "slip-001.txt").write_text(text, encoding="utf-8")
    return {"prints": [], "slips": ["slip-001.png"]}


def test_all_is_well(tmp_path: Path) -> None:
    assert wrong(Expectations(outcome="completed", prints=0, slips=0), tmp_path) == []


@pytest.mark.parametrize(
    ("expected", "evidence", "what"),
    [
        ({"outcome": "taken_in"}, {}, "outcome"),
        ({"outcome": "completed"}, {"report": {}}, "outcome"),
        ({"outcome": "completed"}, {"report": {"outcome": "completed"}}, "queue_pending"),
        ({"outcome": "completed"}, {"report": WELL | {"queue": {"pending": 1}}}, "queue_pending"),
        ({"outcome": "completed", "prints": 1}, {}, "prints"),
        ({"outcome": "completed", "prints": 1}, {"world": {"prints": ["a", "b"], "slips": []}}, "prints"),
        ({"outcome": "completed", "central_cases": {"X": 1}}, {}, "central_cases.X"),
        (
            {"outcome": "completed", "central_cases": {"X": 1}},
            {"central": {"state": {"cases": {"X": 2}}}},
            "central_cases.X",
        ),
        ({"outcome": "completed"}, {"central": {"state": {"alarms": [{"code": "seal.broken"}]}}}, "alarms"),
        ({"outcome": "completed", "views": ["Guide", "Attract"]}, {"seen": [seen("Attract"), seen("Guide")]}, "views"),
    ],
)
def test_each_expectation_can_fail(
    expected: dict[str, Any], evidence: dict[str, Any], what: str, tmp_path: Path
) -> None:
    assert what in wrong(Expectations.model_validate(expected), tmp_path, **evidence)


def test_words_broken_by_the_papers_width_are_found(tmp_path: Path) -> None:
    expected = Expectations.model_validate({"outcome": "completed", "slip_text": {"contains": ["正式受理"]}})
    assert wrong(expected, tmp_path, world=slip(tmp_path, "送达后才算正\n式受理。")) == []


def test_words_that_must_not_be_on_paper_are_noticed(tmp_path: Path) -> None:
    expected = Expectations.model_validate({"outcome": "completed", "slip_text": {"without": ["已受理"]}})
    assert wrong(expected, tmp_path, world=slip(tmp_path, "已受理")) == ["slip_text.without"]
