"""The player touches what a person could touch, by real pointer events, and says what is there when it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPointF, QTimer, QUrl
from PySide6.QtGui import QAccessible
from PySide6.QtQml import QQmlApplicationEngine
from PySide6.QtQuick import QQuickWindow

from kiosk.views import Language
from screens.fixtures import FIXTURES
from screens.gallery import LANDSCAPE
from screens.player_hands import Drag, Hands, StepFailed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

    from screens.gallery import Gallery

PAGE = """
import QtQuick
import QtQuick.Controls.Basic

Window {
    id: window
    width: 400
    height: 600
    visible: true
    property string touched: ""
    property alias scrim: cover.visible

    Flickable {
        objectName: "page"
        width: 400
        height: 500
        contentHeight: column.height
        clip: true

        Column {
            id: column

            Text { text: "only drawn" }
            Repeater {
                model: 20
                Button {
                    required property int index
                    width: 300
                    height: 80
                    enabled: index !== 2
                    text: "key " + index
                    onClicked: window.touched = text
                }
            }
            Button { text: "twin"; onClicked: window.touched = "first twin" }
            Button { text: "twin"; onClicked: window.touched = "second twin" }
            Button { text: "hidden"; visible: false }
        }
    }
    MouseArea {
        id: cover
        objectName: "scrim"
        anchors.fill: parent
        visible: false
    }
    Item {
        anchors.fill: parent
        PointHandler { }
    }
}
"""


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path) -> Iterator[QQuickWindow]:
    QAccessible.setActive(True)
    file = tmp_path / "Page.qml"
    file.write_text(PAGE, encoding="utf-8")
    engine = QQmlApplicationEngine(QUrl.fromLocalFile(str(file)))
    (root,) = engine.rootObjects()
    assert isinstance(root, QQuickWindow)
    qtbot.waitExposed(root)
    yield root
    root.close()
    engine.deleteLater()


def carry_out(qtbot: QtBot, doing: Generator[None, None, object]) -> None:
    """Step the generator by a timer, as the player does. Raises what the generator raises."""
    ended: list[Exception | None] = []
    timer = QTimer()
    timer.setInterval(5)

    def step() -> None:
        try:
            next(doing)
        except StopIteration:
            ended.append(None)
            timer.stop()
        except StepFailed as failure:
            ended.append(failure)
            timer.stop()

    timer.timeout.connect(step)
    timer.start()
    qtbot.waitUntil(lambda: bool(ended), timeout=20_000)
    if ended[0] is not None:
        raise ended[0]


def test_tap_is_a_touch_the_control_itself_notices(qtbot: QtBot, window: QQuickWindow) -> None:
    carry_out(qtbot, Hands(window).tap("key 1"))
    qtbot.waitUntil(lambda: window.property("touched") == "key 1")


def test_control_below_the_edge_is_dragged_into_view_and_then_touched(qtbot: QtBot, window: QQuickWindow) -> None:
    assert isinstance(Hands(window).look().aim("key 19", 1), Drag)
    carry_out(qtbot, Hands(window).tap("key 19"))
    qtbot.waitUntil(lambda: window.property("touched") == "key 19")


def test_lists_of_the_terminal_follow_the_finger(qtbot: QtBot, gallery: Gallery) -> None:
    gallery.show(FIXTURES["service_found"], Language.ZH_CN, LANDSCAPE)
    assert isinstance(Hands(gallery.window).look().aim("封袋编号", 1), Drag)

    carry_out(qtbot, Hands(gallery.window).tap("封袋编号"))

    assert not isinstance(Hands(gallery.window).look().aim("封袋编号", 1), Drag)


def test_second_of_two_controls_of_one_name(qtbot: QtBot, window: QQuickWindow) -> None:
    carry_out(qtbot, Hands(window).tap("twin", nth=2))
    qtbot.waitUntil(lambda: window.property("touched") == "second twin")


def test_missing_control_fails_with_the_names_that_are_there(qtbot: QtBot, window: QQuickWindow) -> None:
    with pytest.raises(StepFailed, match=r"no 'key 99'; there are 'key 0', 'key 1', 'key 3'"):
        carry_out(qtbot, Hands(window).tap("key 99", within_s=0.1))


def test_disabled_control_is_not_touched(qtbot: QtBot, window: QQuickWindow) -> None:
    with pytest.raises(StepFailed, match="'key 2' is there but cannot be used"):
        carry_out(qtbot, Hands(window).tap("key 2", within_s=0.1))


def test_hidden_control_is_not_there(qtbot: QtBot, window: QQuickWindow) -> None:
    with pytest.raises(StepFailed, match="no 'hidden'"):
        carry_out(qtbot, Hands(window).tap("hidden", within_s=0.1))


def test_covered_control_is_not_touched_through_its_cover(qtbot: QtBot, window: QQuickWindow) -> None:
    window.setProperty("scrim", True)
    with pytest.raises(StepFailed, match="'key 1' is covered by scrim"):
        carry_out(qtbot, Hands(window).tap("key 1", within_s=0.1))
    assert window.property("touched") == ""


def test_watching_item_on_top_covers_nothing(window: QQuickWindow) -> None:
    assert isinstance(Hands(window).look().aim("key 1", 1), QPointF)


def test_words_hold_what_is_drawn_and_what_is_said(window: QQuickWindow) -> None:
    said = Hands(window).words()
    assert "only drawn" in said
    assert "key 1" in said
    assert "hidden" not in said
