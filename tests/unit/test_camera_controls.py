"""Exposure and white balance of a V4L2 camera: what counts is what it has after it was told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from devices.drivers import opencv_source
from devices.drivers.opencv_camera import OpencvCamera
from devices.drivers.opencv_source import AUTOMATIC, Controls, Kind, Source
from devices.testing.device import opened

if TYPE_CHECKING:
    from pathlib import Path


class ScriptedCapture:
    """A V4L2 device on paper: takes what it knows, within its range and steps, and says yes to everything."""

    def __init__(self, *_: object, knows: frozenset[int] = frozenset(), exposure_max: float = 5000) -> None:
        self.has: dict[int, float] = {cv2.CAP_PROP_AUTO_EXPOSURE: 3, cv2.CAP_PROP_AUTO_WB: 1}
        self.knows = knows or frozenset(
            {cv2.CAP_PROP_AUTO_EXPOSURE, cv2.CAP_PROP_EXPOSURE, cv2.CAP_PROP_AUTO_WB, cv2.CAP_PROP_WB_TEMPERATURE}
        )
        self.exposure_max = exposure_max
        self.order: list[int] = []
        self.dice = np.random.default_rng(1)

    def set(self, prop: int, value: float) -> bool:
        self.order.append(prop)
        if prop in self.knows:
            self.has[prop] = min(value, self.exposure_max) if prop == cv2.CAP_PROP_EXPOSURE else value
        return True

    def get(self, prop: int) -> float:
        return self.has.get(prop, -1 if prop in {cv2.CAP_PROP_EXPOSURE, cv2.CAP_PROP_WB_TEMPERATURE} else 0)

    def isOpened(self) -> bool:  # noqa: N802 - the library's name
        return True

    def read(self, _: object = None) -> tuple[bool, np.ndarray]:
        return True, self.dice.integers(60, 200, (48, 64, 3), dtype=np.uint8)

    def release(self) -> None: ...


def test_camera_that_takes_everything_has_nothing_to_report() -> None:
    capture = ScriptedCapture()
    assert Controls(exposure_us=15_600, white_balance_k=4600).apply(capture) == []
    assert capture.has[cv2.CAP_PROP_AUTO_EXPOSURE] == 1
    assert capture.has[cv2.CAP_PROP_EXPOSURE] == 156, "V4L2 counts in units of 100 us"
    assert capture.has[cv2.CAP_PROP_AUTO_WB] == 0
    assert capture.has[cv2.CAP_PROP_WB_TEMPERATURE] == 4600


def test_automatic_is_switched_off_before_the_value_is_set() -> None:
    """A camera refuses the value while its automatic governs it."""
    capture = ScriptedCapture()
    Controls(exposure_us=10_000).apply(capture)
    order = capture.order
    assert order.index(cv2.CAP_PROP_AUTO_EXPOSURE) < order.index(cv2.CAP_PROP_EXPOSURE)


def test_value_the_camera_did_not_take_is_reported_although_it_said_yes() -> None:
    capture = ScriptedCapture(exposure_max=100)
    (missed,) = Controls(exposure_us=50_000).apply(capture)
    assert "asked 500, has 100" in missed
    deaf = ScriptedCapture(knows=frozenset({0}))
    assert len(Controls(exposure_us=50_000, white_balance_k=5000).apply(deaf)) == 4
    assert AUTOMATIC.apply(deaf) == [], "what nobody asked for is no loss"


def test_automatic_is_restored_after_another_program_switched_it_off() -> None:
    capture = ScriptedCapture()
    capture.has = {cv2.CAP_PROP_AUTO_EXPOSURE: 1, cv2.CAP_PROP_AUTO_WB: 0}
    assert AUTOMATIC.apply(capture) == []
    assert capture.has == {cv2.CAP_PROP_AUTO_EXPOSURE: 3, cv2.CAP_PROP_AUTO_WB: 1}


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a device node that can be opened; what is behind it is scripted."""
    node = tmp_path / "video0"
    node.touch()
    monkeypatch.setattr(opencv_source, "DEVICES", str(tmp_path))
    return str(node)


async def test_driver_sets_the_camera_and_logs_once_what_it_did_not_take(
    node: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    capture = ScriptedCapture(exposure_max=100)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: capture)
    device = OpencvCamera("camera", node, exposure_us=50_000)
    with caplog.at_level(logging.WARNING):
        async with opened(device):
            await device.start()
            await device.frame()
    assert caplog.text.count("camera camera: not taken: exposure (of 100 us): asked 500, has 100") == 1
    assert capture.has[cv2.CAP_PROP_AUTO_EXPOSURE] == 1


def test_stream_or_film_with_an_exposure_is_a_mistake_in_the_settings() -> None:
    for source in ("http://127.0.0.1:1/x.mjpg", "film.avi"):
        with pytest.raises(ValueError, match="camera: exposure"):
            OpencvCamera("camera", source, exposure_us=100)


@pytest.mark.parametrize(
    ("source", "kind", "address"),
    [
        (0, Kind.SENSOR, "/dev/video0"),
        ("2", Kind.SENSOR, "/dev/video2"),
        ("/dev/video3", Kind.SENSOR, "/dev/video3"),
        ("/dev/v4l/by-id/usb-cam-index0", Kind.SENSOR, "/dev/v4l/by-id/usb-cam-index0"),
        ("rtsp://10.0.0.9/live", Kind.URL, "rtsp://10.0.0.9/live"),
        ("film.avi", Kind.FILM, "film.avi"),
    ],
)
def test_source_is_told_by_its_look(source: str | int, kind: Kind, address: str) -> None:
    assert (Source(source).kind, Source(source).address) == (kind, address)
