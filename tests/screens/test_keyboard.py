"""Typing on the on-screen keyboard with real pointer events, in pinyin and in English."""

from __future__ import annotations

import atexit
import os
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import shiboken6
from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtQml import QQmlComponent, QQmlEngine
from PySide6.QtQuick import QQuickItem, QQuickWindow
from PySide6.QtTest import QTest

from kiosk.texts import catalogue
from kiosk.views import Language
from screens import keyboard_setup
from screens.keyboard_setup import candidate_centre, key_centre

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PySide6.QtCore import QPointF
    from pytestqt.qtbot import QtBot

# Qt reads these once, when the first test of the run makes the application object.
_RUN_DIR = tempfile.TemporaryDirectory(prefix="keyboard-")
atexit.register(_RUN_DIR.cleanup)
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_QUICK_BACKEND"] = "software"
keyboard_setup.prepare_environment(Path(_RUN_DIR.name))

PORTRAIT, LANDSCAPE = (1080, 1920), (1920, 1080)
LEAST_TARGET = 88  # pixels at 1080 wide: a finger's width, docs of the screen
SCENE = b"""
import QtQuick
import Tongban

Window {
    id: window

    required property var words
    required property string language
    required property bool elder

    visible: true

    Binding { target: Theme; property: "windowWidth"; value: window.width }
    Binding { target: Theme; property: "windowHeight"; value: window.height }
    Binding { target: Theme; property: "elder"; value: window.elder }
    Binding { target: Theme; property: "motion"; value: false }

    TextInput {
        objectName: "field"
        width: 500
        height: 100
        font.pixelSize: 40
    }
    TextEdit {
        objectName: "long field"
        y: 120
        width: 500
        height: 200
        inputMethodHints: Qt.ImhMultiLine
    }
    KeyboardPanel {
        anchors.left: parent.left
        anchors.right: parent.right
        anchors.bottom: parent.bottom
        words: window.words
        language: window.language
    }
}
"""


class Terminal:
    """A window with two fields and the keyboard, and a finger."""

    def __init__(self, qtbot: QtBot, language: Language, size: tuple[int, int], *, elder: bool) -> None:
        texts = catalogue(language).items()
        self.words = {key.removeprefix("keyboard."): said for key, said in texts if key.startswith("keyboard.")}
        self._qtbot = qtbot
        self._engine = QQmlEngine()
        self._component = QQmlComponent(self._engine)
        self._component.setData(SCENE, QUrl())
        properties: dict[str, object] = {"words": self.words, "language": language.value, "elder": elder}
        properties |= {"width": size[0], "height": size[1]}
        window = self._component.createWithInitialProperties(properties)
        assert isinstance(window, QQuickWindow), self._component.errorString()
        self.window = window
        self.field = self._found("field")
        self.panel = self._found("keyboardPanel")

    def close(self) -> None:
        for thing in (self.window, self._component, self._engine):
            thing.deleteLater()
        self._qtbot.waitUntil(lambda: not shiboken6.isValid(self._engine))

    def focus(self, name: str = "field") -> None:
        self._found(name).forceActiveFocus()
        self._qtbot.waitUntil(lambda: key_centre(self.window, "q") is not None)

    def tap(self, key: str) -> None:
        self._tap(partial(key_centre, self.window, self.words.get(key, key)))

    def type(self, letters: str) -> None:
        for letter in letters:
            self.tap(letter)

    def take(self, word: str) -> None:
        self._tap(partial(candidate_centre, self.window, word))

    def until(self, condition: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(condition)

    def text(self) -> str:
        return str(self.field.property("text"))

    def half_typed(self) -> str:
        return str(self.field.property("preeditText"))

    def shows(self, word: str) -> bool:
        return self.words[word] in self.key_items()

    def key_items(self) -> dict[str, QQuickItem]:
        """Return the keys that show something, by what they show."""
        found = (item for item in keyboard_setup._items(self.panel) if item.property("keyType") is not None)
        return {drawn: item for item in found if item.isVisible() and (drawn := str(item.property("displayText")))}

    def suggestions(self) -> list[str]:
        return [str(i.property("candidate")) for i in keyboard_setup._items(self.panel) if i.property("candidate")]

    def _found(self, name: str) -> QQuickItem:
        return next(i for i in keyboard_setup._items(self.window.contentItem()) if i.objectName() == name)

    def _tap(self, find: Callable[[], QPointF | None]) -> None:
        self._qtbot.waitUntil(lambda: find() is not None)
        at = find()
        assert at is not None
        QTest.mouseClick(self.window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at.toPoint())


@pytest.fixture
def terminal(qtbot: QtBot, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    language, size, elder = getattr(request, "param", (Language.ZH_CN, PORTRAIT, False))
    made = Terminal(qtbot, language, size, elder=elder)
    yield made
    made.close()


english = pytest.mark.parametrize("terminal", [(Language.EN, PORTRAIT, False)], indirect=True)
everywhere = pytest.mark.parametrize(
    "terminal",
    [(language, size, elder) for language in Language for size in (PORTRAIT, LANDSCAPE) for elder in (False, True)],
    ids=lambda value: f"{value[0]}-{value[1][0]}-{'elder' if value[2] else 'normal'}",
    indirect=True,
)


def test_a_name_is_spelt_in_pinyin_and_chosen(terminal: Terminal) -> None:
    terminal.focus()
    terminal.type("zhangsan")
    assert terminal.half_typed().replace(" ", "") == "zhangsan"
    terminal.take("张三")
    terminal.until(lambda: terminal.text() == "张三")
    assert terminal.half_typed() == ""


def test_a_rare_sign_is_found_further_on(terminal: Terminal) -> None:
    terminal.focus()
    terminal.type("zhang")
    terminal.until(lambda: candidate_centre(terminal.window, "张") is not None)
    rare = "漳"
    assert candidate_centre(terminal.window, rare) is None
    while candidate_centre(terminal.window, rare) is None:
        terminal.tap("later")
    terminal.take(rare)
    terminal.until(lambda: terminal.text() == rare)


def test_leafing_back_brings_the_first_suggestion(terminal: Terminal) -> None:
    terminal.focus()
    terminal.type("zhang")
    terminal.until(lambda: candidate_centre(terminal.window, "张") is not None)
    assert key_centre(terminal.window, terminal.words["earlier"]) is None
    terminal.tap("later")
    terminal.until(lambda: candidate_centre(terminal.window, "张") is None)
    terminal.tap("earlier")
    terminal.until(lambda: candidate_centre(terminal.window, "张") is not None)


def test_english_and_back_to_pinyin(terminal: Terminal) -> None:
    terminal.focus()
    terminal.tap("to_english")
    terminal.until(lambda: terminal.shows("to_pinyin"))
    terminal.type("li")
    assert (terminal.text(), terminal.half_typed()) == ("li", "")
    terminal.tap("capitals")
    terminal.type("w")
    assert terminal.text() == "liW"
    terminal.tap("to_pinyin")
    terminal.until(lambda: terminal.shows("to_english"))
    terminal.type("li")
    assert (terminal.text(), terminal.half_typed()) == ("liW", "li")


def test_house_numbers_between_chinese_signs(terminal: Terminal) -> None:
    terminal.focus()
    terminal.tap("symbols")
    terminal.type("12-3")
    terminal.tap("letters")
    terminal.type("hao")
    terminal.take("号")
    terminal.until(lambda: terminal.text() == "12-3号")


def test_delete_takes_back_letters_then_signs(terminal: Terminal) -> None:
    terminal.focus()
    terminal.type("zhangsan")
    terminal.take("张三")
    terminal.until(lambda: terminal.text() == "张三")
    terminal.type("li")
    terminal.tap("delete")
    terminal.tap("delete")
    terminal.until(lambda: terminal.half_typed() == "")
    terminal.tap("delete")
    terminal.until(lambda: terminal.text() == "张")


def test_done_hides_the_keyboard_and_keeps_what_is_half_typed(terminal: Terminal) -> None:
    terminal.focus()
    terminal.type("zhangsan")
    terminal.tap("done")
    terminal.until(lambda: not terminal.panel.property("shown"))
    assert terminal.panel.property("coveredHeight") == 0
    assert key_centre(terminal.window, "q") is None
    assert (terminal.text(), terminal.half_typed()) == ("张三", "")


def test_touching_the_field_again_brings_the_keyboard_back(terminal: Terminal) -> None:
    terminal.focus()
    terminal.tap("done")
    terminal.until(lambda: not terminal.panel.property("shown"))
    at = terminal.field.mapToScene(terminal.field.boundingRect().center()).toPoint()
    QTest.mouseClick(terminal.window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    terminal.until(lambda: key_centre(terminal.window, "q") is not None)


def test_only_long_answers_have_new_lines(terminal: Terminal) -> None:
    terminal.focus()
    assert not terminal.shows("new_line")
    terminal.focus("long field")
    terminal.until(lambda: terminal.shows("new_line"))


def test_nothing_is_suggested_before_anything_is_typed(terminal: Terminal) -> None:
    terminal.focus()
    terminal.type("zhangsan")
    terminal.take("张三")
    terminal.until(lambda: terminal.text() == "张三")
    assert terminal.suggestions() == []  # guesses at what may follow would only distract


def test_wiping_forgets_what_is_half_typed_and_the_language_chosen(terminal: Terminal) -> None:
    terminal.focus()
    terminal.tap("to_english")
    terminal.until(lambda: terminal.shows("to_pinyin"))
    terminal.tap("to_pinyin")
    terminal.type("zhangsan")
    terminal.until(lambda: bool(terminal.suggestions()))
    terminal.tap("to_english")
    keyboard_setup.wipe(terminal.window)
    terminal.until(lambda: not terminal.panel.property("shown"))
    terminal.field.setProperty("text", "")
    terminal.field.setFocus(False)
    terminal.focus()
    assert terminal.shows("to_english")
    assert (terminal.text(), terminal.half_typed(), terminal.suggestions()) == ("", "", [])


def test_wiping_drops_letters_not_yet_chosen(terminal: Terminal) -> None:
    terminal.focus()
    terminal.type("zhangsan")
    terminal.until(lambda: bool(terminal.suggestions()))
    keyboard_setup.wipe(terminal.window)
    terminal.until(lambda: terminal.half_typed() == "" and terminal.suggestions() == [])
    assert terminal.text() == ""


@english
def test_an_english_visit_starts_with_letters(terminal: Terminal) -> None:
    terminal.focus()
    terminal.tap("Capitals")
    terminal.type("l")
    terminal.type("i")
    assert terminal.text() == "Li"
    assert terminal.suggestions() == []


@everywhere
@pytest.mark.parametrize("page", ["", "symbols", "to_english", "to_pinyin"])
def test_keys_are_large_enough_and_inside_the_window(terminal: Terminal, page: str) -> None:
    terminal.focus()
    if page and terminal.shows(page):
        terminal.tap(page)
        terminal.until(lambda: not terminal.shows(page))
    for drawn, key in terminal.key_items().items():
        assert min(key.width(), key.height()) >= LEAST_TARGET, drawn
        place = key.mapRectToScene(key.boundingRect())
        assert place.left() >= 0, drawn
        assert place.right() <= terminal.window.width(), drawn
        assert place.bottom() <= terminal.window.height(), drawn


@everywhere
def test_the_page_can_stay_above_the_keyboard(terminal: Terminal) -> None:
    assert terminal.panel.property("coveredHeight") == 0
    terminal.focus()
    covered = terminal.panel.property("coveredHeight")
    tops = [key.mapRectToScene(key.boundingRect()).top() for key in terminal.key_items().values()]
    assert terminal.window.height() - covered < min(tops)
    assert covered < terminal.window.height() * 0.6


def test_there_is_no_key_for_settings_emoji_or_handwriting(terminal: Terminal) -> None:
    terminal.focus()
    words = {terminal.words[word] for word in ("split", "delete", "symbols", "to_english", "space", "done")}
    assert set(terminal.key_items()) == set("qwertyuiopasdfghjklzxcvbnm，。") | words


def test_every_key_tells_its_name(terminal: Terminal) -> None:
    QAccessible.setActive(True)
    try:
        terminal.focus()
        named = set(_button_names(QAccessible.queryAccessibleInterface(terminal.window)))
        assert set(terminal.key_items()) <= named
    finally:
        QAccessible.setActive(False)


def _button_names(node: object) -> Iterator[str]:
    for index in range(node.childCount()):  # type: ignore[attr-defined]  # QAccessibleInterface has no stub of its own
        child = node.child(index)  # type: ignore[attr-defined]  # as above
        if child.role() == QAccessible.Role.Button:
            yield child.text(QAccessible.Text.Name)
        yield from _button_names(child)


def test_each_word_the_keyboard_asks_for_is_in_both_languages() -> None:
    asked = {f"{part}_{step}" for part in ("year", "month", "day") for step in ("plus", "minus")}
    asked |= {
        f"{end}_{part}_{step}" for end in ("from", "to") for part in ("year", "month") for step in ("plus", "minus")
    }
    asked |= {"year", "month", "day", "from", "to", "last_12_months", "last_3_years"}  # put together at run time
    for source in keyboard_setup.KEYBOARD_FOLDER.rglob("*.qml"):
        text = source.read_text(encoding="utf-8")
        asked |= set(re.findall(r"\.words\.(\w+)", text)) | set(re.findall(r'\bwords\["(\w+)"\]', text))
        asked |= {word for call in re.findall(r"\bword\(([^)]*)\)", text) for word in re.findall(r'"(\w+)"', call)}
    for language in Language:
        offered = {key.removeprefix("keyboard.") for key in catalogue(language) if key.startswith("keyboard.")}
        assert (asked - offered, offered - asked) == (set(), set())


def test_preparing_twice_keeps_one_of_each_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("QML_IMPORT_PATH", "QT_LOGGING_RULES", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "theirs")
    keyboard_setup.prepare_environment(tmp_path)
    keyboard_setup.prepare_environment(tmp_path)
    paths = os.environ["QML_IMPORT_PATH"].split(os.pathsep)
    assert len(paths) == len(set(paths)) == 4
    assert paths[-1] == "theirs"
    assert os.environ["QT_LOGGING_RULES"].endswith(";theirs")
    assert Path(os.environ["XDG_CONFIG_HOME"]).is_file()


def test_without_a_run_folder_the_keyboard_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "theirs")
    with pytest.raises(OSError, match="gone"):
        keyboard_setup.prepare_environment(tmp_path / "gone")


def test_no_sound_library_is_loaded(terminal: Terminal) -> None:
    terminal.focus()
    assert isinstance(QGuiApplication.instance(), QObject)
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    assert "libqtvirtualkeyboardplugin" in maps
    assert "qtvkbcomponentsplugin" not in maps
