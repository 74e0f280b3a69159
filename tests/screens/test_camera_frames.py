"""The camera's picture: latest wins, from any thread, and a wipe leaves nothing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QSize

from devices.values import Frame
from screens.gallery import Portrait, portrait
from screens.models.camera_frames import CameraFrames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtGui import QGuiApplication
    from pytestqt.qtbot import QtBot


@pytest.fixture
def frames(qapp: QGuiApplication) -> Iterator[CameraFrames]:
    frames = CameraFrames(qapp)
    yield frames
    frames.deleteLater()


def plain(level: int) -> Portrait:
    return Portrait(4, 2, bytes([level, level, level]) * 8)


def test_a_device_frame_fits(frames: CameraFrames) -> None:
    frames.put(Frame(width=4, height=2, rgb=bytes(24), taken=0.0))

    assert frames.image().size() == QSize(4, 2)


def test_the_latest_frame_wins_and_is_announced_once(frames: CameraFrames, qtbot: QtBot) -> None:
    with qtbot.waitSignal(frames.ticked, timeout=2000):
        for level in (10, 20, 30):
            frames.put(plain(level))

    assert frames.image().pixelColor(0, 0).red() == 30
    assert frames.property("source") == "image://cam/1"


def test_frames_come_from_another_thread(frames: CameraFrames, qtbot: QtBot) -> None:
    with qtbot.waitSignal(frames.ticked, timeout=2000):
        thread = threading.Thread(target=frames.put, args=(portrait(),))
        thread.start()
        thread.join()

    assert frames.image().size() == QSize(640, 480)


def test_a_wipe_overwrites_the_bytes_and_shows_nothing(frames: CameraFrames, qtbot: QtBot) -> None:
    frames.put(plain(200))
    held = frames._rgb

    with qtbot.waitSignal(frames.ticked, timeout=2000):
        frames.wipe()

    assert held == bytes(24)
    assert frames.image().size() == QSize(1, 1)
    assert frames.property("source") == ""


def test_the_provider_gives_the_newest_picture_to_qml(frames: CameraFrames) -> None:
    frames.put(plain(77))
    size = QSize()

    image = frames.provider().requestImage("1", size, QSize())

    assert (image.pixelColor(3, 1).green(), size) == (77, QSize(4, 2))


def test_a_short_frame_is_refused_without_its_content(frames: CameraFrames) -> None:
    with pytest.raises(ValueError, match="4 x 2 cannot have 3 bytes"):
        frames.put(Portrait(4, 2, b"abc"))
