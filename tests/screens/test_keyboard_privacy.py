"""Nothing a resident types on the on-screen keyboard may stay: not in a file, not in the next visit's suggestions.

Each case types in a process of its own (this file run as a program), because the Pinyin engine writes when it ends. The
control case takes both locks away and must find the name on the disk: otherwise the search would prove nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import shiboken6
from PySide6.QtCore import QEventLoop, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtQml import QQmlComponent, QQmlEngine
from PySide6.QtQuick import QQuickItem, QQuickWindow
from PySide6.QtTest import QTest

from kiosk.texts import catalogue
from kiosk.views import Language
from screens import keyboard_setup
from screens.keyboard_setup import candidate_centre, key_centre

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
LETTERS = "zhangsa"
NAME = "张飒"  # no word of the system dictionary: only an engine that learned it can suggest it whole
LIMIT_MS = 20_000
SCENE = b"""
import QtQuick
import QtQuick.VirtualKeyboard.Settings
import Tongban

Window {
    id: window

    required property bool hinted
    required property var words

    width: 1080
    height: 1920
    visible: true

    TextInput {
        objectName: "field"
        width: 500
        height: 100
    }
    KeyboardPanel {
        anchors.left: parent.left
        anchors.right: parent.right
        anchors.bottom: parent.bottom
        words: window.words
        language: "zh_CN"
        Component.onCompleted: if (!window.hinted) VirtualKeyboardSettings.inputMethodHints = Qt.ImhNoPredictiveText
    }
}
"""


def suggested_after(home: Path, *, config_locked: bool, hinted: bool) -> str:
    """Choose the name sign by sign, wipe, type its letters again; return what comes first then."""
    environment = os.environ | {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "QT_QPA_PLATFORM": "offscreen",
        "QT_QUICK_BACKEND": "software",
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
    }
    command = [sys.executable, __file__, str(home), str(int(config_locked)), str(int(hinted))]
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def holding_the_name(home: Path) -> Iterator[str]:
    """Find files that hold the name in any usual encoding."""
    codes = [NAME.encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "gb18030")]
    for path in home.rglob("*"):
        if path.is_file() and not path.is_symlink() and any(code in path.read_bytes() for code in codes):
            yield path.name


def test_the_search_finds_the_name_when_both_locks_are_off(tmp_path: Path) -> None:
    assert suggested_after(tmp_path, config_locked=False, hinted=False) == NAME
    assert list(holding_the_name(tmp_path)) == ["usr_dict.dat"]


@pytest.mark.parametrize(
    ("config_locked", "hinted"),
    [(True, True), (True, False), (False, True)],
    ids=["both locks", "only the folder is locked", "only the input is marked sensitive"],
)
def test_a_chosen_name_stays_nowhere(tmp_path: Path, *, config_locked: bool, hinted: bool) -> None:
    assert suggested_after(tmp_path, config_locked=config_locked, hinted=hinted) != NAME
    assert list(holding_the_name(tmp_path)) == []
    if config_locked:
        assert not list(tmp_path.rglob("usr_dict*"))


class Resident:
    """Types on the terminal; lives in the child process."""

    def __init__(self, *, hinted: bool) -> None:
        self._words = {key.removeprefix("keyboard."): said for key, said in catalogue(Language.ZH_CN).items()}
        self._engine = QQmlEngine()
        self._component = QQmlComponent(self._engine)
        self._component.setData(SCENE, QUrl())
        window = self._component.createWithInitialProperties({"hinted": hinted, "words": self._words})
        assert isinstance(window, QQuickWindow), self._component.errorString()
        self.window = window
        field = window.findChild(QQuickItem, "field")
        assert field is not None
        self.field = field

    def spell(self) -> None:
        for letter in LETTERS:
            self._tap(partial(key_centre, self.window, letter))

    def choose(self, sign: str) -> None:
        find = partial(candidate_centre, self.window, sign)
        until(lambda: bool(self.suggestions()))
        while find() is None:
            self._tap(partial(key_centre, self.window, self._words["later"]))
        self._tap(find)

    def suggestions(self) -> list[str]:
        items = keyboard_setup._items(self.window.contentItem())
        words = [str(item.property("candidate")) for item in items if item.property("candidate")]
        return [word for word in words if candidate_centre(self.window, word) is not None]

    def leave(self) -> None:
        for thing in (self.window, self._component, self._engine):
            thing.deleteLater()
        until(lambda: not shiboken6.isValid(self._engine))

    def _tap(self, find: Callable[[], QPointF | None]) -> None:
        until(lambda: find() is not None)
        at = find()
        assert at is not None
        QTest.mouseClick(self.window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at.toPoint())


def type_twice(home: Path, *, config_locked: bool, hinted: bool) -> str:
    """Play one resident and the next; return what the next one is offered first."""
    run_dir = home / "run"
    run_dir.mkdir()
    keyboard_setup.prepare_environment(run_dir)
    if not config_locked:
        os.environ["XDG_CONFIG_HOME"] = str(home / ".config")
    application = QGuiApplication([])
    resident = Resident(hinted=hinted)
    resident.field.forceActiveFocus()
    resident.spell()
    for sign in NAME:
        resident.choose(sign)
    until(lambda: resident.field.property("text") == NAME)
    keyboard_setup.wipe(resident.window)
    resident.field.setProperty("text", "")
    resident.field.setFocus(False)
    resident.field.forceActiveFocus()
    resident.spell()
    until(lambda: bool(resident.suggestions()))
    first = resident.suggestions()[0]
    resident.leave()
    application.quit()
    return first


def until(condition: Callable[[], bool]) -> None:
    """Let Qt run until the condition holds."""
    loop = QEventLoop()
    beat, limit = QTimer(interval=5), QTimer(interval=LIMIT_MS, singleShot=True)
    beat.timeout.connect(lambda: loop.quit() if condition() else None)
    limit.timeout.connect(loop.quit)
    beat.start()
    limit.start()
    loop.exec()
    beat.stop()
    assert limit.isActive(), "it did not come in time"


if __name__ == "__main__":
    asked = [argument == "1" for argument in sys.argv[2:]]
    sys.stdout.write(type_twice(Path(sys.argv[1]), config_locked=asked[0], hinted=asked[1]))
