"""The stand-in for liveness: a stuck camera must not pass, and nothing may pass for a check that was none."""

from __future__ import annotations

import pytest

from devices.values import Frame
from kiosk.identity.liveness import LivenessEngine, LivenessResult, SimLiveness, create_liveness


def frame(content: int, taken: float) -> Frame:
    return Frame(2, 2, bytes([content]) * 12, taken)


def watched(frames: list[Frame]) -> LivenessResult:
    engine = create_liveness("sim")
    engine.begin()
    for each in frames:
        engine.push(each)
    return engine.result()


def test_fresh_pictures_over_a_second_pass() -> None:
    assert watched([frame(index, 0.3 * index) for index in range(5)]) is LivenessResult.PASS


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [frame(7, 0.3 * index) for index in range(50)],
        [frame(index % 4, 0.3 * index) for index in range(50)],
        [frame(index, 0.05 * index) for index in range(6)],
        [frame(index, 5.0) for index in range(50)],
        [frame(index, 5.0 - 0.3 * index) for index in range(50)],
    ],
    ids=["nothing", "frozen", "looped", "too short", "clock stands", "clock runs back"],
)
def test_camera_that_is_stuck_does_not_pass(frames: list[Frame]) -> None:
    assert watched(frames) is LivenessResult.UNSURE


def test_second_capture_begins_from_nothing() -> None:
    engine = SimLiveness()
    engine.begin()
    for index in range(6):
        engine.push(frame(index, 0.3 * index))
    engine.begin()
    assert engine.result() is LivenessResult.UNSURE
    engine.push(frame(1, 0.1))
    assert engine.result() is LivenessResult.UNSURE


@pytest.mark.parametrize(("setting", "name"), [("sim", "SimLiveness"), ("none", "none")])
def test_name_in_the_audit_says_what_was_not_checked(setting: str, name: str) -> None:
    engine = create_liveness(setting)
    assert isinstance(engine, LivenessEngine)
    assert engine.name == name


def test_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="sim, none"):
        create_liveness("passive")
