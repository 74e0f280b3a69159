"""The pads for numbers, days and months, touched with real pointer events."""

from __future__ import annotations

import atexit
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import shiboken6
from PySide6.QtCore import QRectF, Qt, QUrl
from PySide6.QtGui import QAccessible
from PySide6.QtQml import QQmlComponent, QQmlEngine
from PySide6.QtQuick import QQuickItem, QQuickWindow
from PySide6.QtTest import QTest

from kiosk.texts import catalogue
from kiosk.views import Language
from screens import keyboard_setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

# Qt reads these once, when the first test of the run makes the application object.
_RUN_DIR = tempfile.TemporaryDirectory(prefix="keyboard-pads-")
atexit.register(_RUN_DIR.cleanup)
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_QUICK_BACKEND"] = "software"
keyboard_setup.prepare_environment(Path(_RUN_DIR.name))

PORTRAIT, LANDSCAPE = (1080, 1920), (1920, 1080)
LEAST_TARGET = 88  # pixels at 1080 wide: a finger's width
SCENE = """
import QtQuick
import Tongban

Window {{
    id: window

    required property var words
    required property bool elder
    property var said: []

    visible: true

    Binding {{ target: Theme; property: "windowWidth"; value: window.width }}
    Binding {{ target: Theme; property: "windowHeight"; value: window.height }}
    Binding {{ target: Theme; property: "elder"; value: window.elder }}

    {pad} {{
        objectName: "pad"
        x: Theme.margin
        y: Theme.margin
        width: Math.min(parent.width - 2 * Theme.margin, Theme.px(952))
        words: window.words
        {properties}
        onEdited: value => window.said = window.said.concat([value])
    }}
}}
"""
PADS = {
    "NumberPad": 'maxLength: 18; allowX: true; value: "12345"',
    "DatePad": 'value: "2026-11-21"; minimum: "2020-01-01"; maximum: "2027-06-30"; today: "2026-11-21"',
    "MonthRangePad": 'value: "2025-12/2026-11"; minimum: "2020-01"; maximum: "2027-06"; thisMonth: "2026-11"',
}


class Bench:
    """A window with one pad, and a finger."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self._made: list[QQmlComponent | QQuickWindow | QQmlEngine] = []
        self.words: dict[str, str] = {}

    def show(
        self,
        pad: str,
        properties: str = "",
        *,
        language: Language = Language.EN,
        size: tuple[int, int] = PORTRAIT,
        elder: bool = False,
    ) -> None:
        texts = catalogue(language).items()
        self.words = {key.removeprefix("keyboard."): said for key, said in texts if key.startswith("keyboard.")}
        engine = QQmlEngine()
        component = QQmlComponent(engine)
        component.setData(SCENE.format(pad=pad, properties=properties).encode(), QUrl())
        given: dict[str, object] = {"words": self.words, "elder": elder, "width": size[0], "height": size[1]}
        window = component.createWithInitialProperties(given)
        assert isinstance(window, QQuickWindow), component.errorString()
        self._made = [window, component, engine]
        self.window = window
        self.pad = next(item for item in keyboard_setup._items(window.contentItem()) if item.objectName() == "pad")
        last: list[QRectF] = []

        def settled() -> bool:
            nonlocal last
            window.grabWindow()  # renders, which is when layouts place their items
            before, last = last, [key.mapRectToScene(key.boundingRect()) for key in self.shown().values()]
            return last == before

        self._qtbot.waitUntil(settled)

    def close(self) -> None:
        for thing in self._made:
            thing.deleteLater()
        self._qtbot.waitUntil(lambda: not any(shiboken6.isValid(thing) for thing in self._made))

    def shown(self) -> dict[str, QQuickItem]:
        """Return the keys that are shown, by name."""
        found: dict[str, QQuickItem] = {}
        for item in keyboard_setup._items(self.pad):
            if item.property("signSize") is not None and item.isVisible():
                name = str(item.property("label"))
                assert name not in found, f"two keys are called {name}"
                found[name] = item
        return found

    def tap(self, *names: str) -> None:
        for name in names:
            key = self.shown()[name]
            at = key.mapToScene(key.boundingRect().center()).toPoint()
            QTest.mouseClick(self.window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)

    def works(self, name: str) -> bool:
        return self.shown()[name].isEnabled()

    def value(self) -> str:
        return str(self.pad.property("value"))

    def said(self) -> list[str]:
        said: list[str] = self.window.property("said").toVariant()
        return said


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    made = Bench(qtbot)
    yield made
    made.close()


def test_digits_are_added_and_shown_in_groups(bench: Bench) -> None:
    bench.show("NumberPad", "maxLength: 11")
    bench.tap("1", "3", "8", "0", "0")
    assert bench.value() == "13800"
    assert bench.said() == ["1", "13", "138", "1380", "13800"]
    assert bench.pad.property("grouped") == "138 00"
    assert bench.pad.property("pattern") == "138 00__ ____"


def test_a_full_number_takes_no_more(bench: Bench) -> None:
    bench.show("NumberPad", 'maxLength: 6; value: "12345"')
    bench.tap("6")
    assert not bench.works("7")
    bench.tap("7")
    assert bench.value() == "123456"
    bench.tap("Delete")
    assert bench.works("7")


def test_clear_empties_and_then_rests(bench: Bench) -> None:
    bench.show("NumberPad", 'value: "123"')
    bench.tap("Clear")
    assert bench.value() == ""
    assert not bench.works("Clear")
    assert not bench.works("Delete")


def test_x_is_only_the_last_sign_of_a_citizen_number(bench: Bench) -> None:
    bench.show("NumberPad", 'maxLength: 18; allowX: true; value: "9999991990010100"')
    assert not bench.works("X")
    bench.tap("1")
    bench.tap("X")
    assert bench.value() == "99999919900101001X"
    assert bench.pad.property("grouped") == "999999 19900101 001X"


def test_without_leave_there_is_no_x(bench: Bench) -> None:
    bench.show("NumberPad", "maxLength: 18")
    assert "X" not in bench.shown()
    assert set(bench.shown()) == set("0123456789") | {"Delete", "Clear"}


def test_a_value_set_by_the_page_is_shown_and_continued(bench: Bench) -> None:
    bench.show("NumberPad", "maxLength: 11")
    bench.pad.setProperty("value", "139")
    assert bench.said() == []
    bench.tap("0")
    assert bench.said() == ["1390"]


def test_the_last_day_of_a_month_stays_a_day_of_the_next(bench: Bench) -> None:
    bench.show("DatePad", 'value: "2027-12-31"')
    bench.tap("Month plus", "Month plus")
    assert bench.value() == "2028-02-29"
    bench.tap("Year plus")
    assert bench.value() == "2029-02-28"
    bench.tap("Day plus")
    assert bench.value() == "2029-03-01"


def test_a_day_stays_inside_its_limits(bench: Bench) -> None:
    bench.show("DatePad", 'value: "2026-12-15"; minimum: "2026-01-20"; maximum: "2027-01-10"')
    assert not bench.works("Year minus")
    bench.tap("Month plus")
    assert bench.value() == "2027-01-10"
    assert [bench.works(name) for name in ("Year plus", "Month plus", "Day plus")] == [False] * 3
    bench.tap("Year minus")
    assert bench.value() == "2026-01-20"
    assert not bench.works("Day minus")


def test_an_empty_day_starts_at_today(bench: Bench) -> None:
    bench.show("DatePad", 'today: "2026-11-21"')
    bench.tap("Month minus")
    assert bench.said() == ["2026-11-21"]
    bench.tap("Month minus")
    assert bench.value() == "2026-10-21"
    bench.tap("Today")
    assert bench.value() == "2026-11-21"


def test_today_is_not_offered_when_it_cannot_be(bench: Bench) -> None:
    bench.show("DatePad", 'today: "2026-11-21"; minimum: "2026-11-22"')
    assert "Today" not in bench.shown()
    bench.tap("Day plus")
    assert bench.value() == "2026-11-22"


def test_the_ends_of_a_range_never_cross(bench: Bench) -> None:
    bench.show("MonthRangePad", 'value: "2026-03/2026-05"; thisMonth: "2026-11"')
    bench.tap("From month plus", "From month plus", "From month plus")
    assert bench.value() == "2026-06/2026-06"
    bench.tap("To year minus")
    assert bench.value() == "2025-06/2025-06"


def test_a_range_is_never_longer_than_allowed(bench: Bench) -> None:
    bench.show("MonthRangePad", 'value: "2026-01/2026-12"; maxMonths: 12; thisMonth: "2026-12"')
    bench.tap("From month minus")
    assert bench.value() == "2025-12/2026-11"
    bench.tap("To year plus")
    assert bench.value() == "2026-12/2027-11"
    assert bench.pad.property("months") == 12


def test_a_range_stays_inside_its_limits(bench: Bench) -> None:
    bench.show(
        "MonthRangePad", 'value: "2025-12/2026-11"; minimum: "2025-06"; maximum: "2026-11"; thisMonth: "2026-11"'
    )
    assert not bench.works("To month plus")
    assert not bench.works("To year plus")
    assert not bench.works("From month plus") or bench.works("From year plus")
    bench.tap("From year minus")
    assert bench.value() == "2025-12/2026-11"
    for _ in range(6):
        bench.tap("From month minus")
    assert bench.value() == "2025-06/2026-11"
    assert not bench.works("From month minus")


def test_the_usual_spans_are_one_touch_away(bench: Bench) -> None:
    bench.show("MonthRangePad", 'thisMonth: "2026-11"; maximum: "2026-10"')
    assert bench.value() == ""
    bench.tap("Last 3 years")
    bench.tap("Last 12 months")
    assert bench.said() == ["2023-11/2026-10", "2025-11/2026-10"]


def test_spans_that_are_not_allowed_are_not_offered(bench: Bench) -> None:
    bench.show("MonthRangePad", 'thisMonth: "2026-11"; maxMonths: 24')
    assert "Last 12 months" in bench.shown()
    assert "Last 3 years" not in bench.shown()


def test_an_empty_range_starts_at_the_latest_month(bench: Bench) -> None:
    bench.show("MonthRangePad", 'thisMonth: "2026-11"')
    bench.tap("From year minus")
    assert bench.value() == "2026-11/2026-11"


@pytest.mark.parametrize("elder", [False, True], ids=["normal", "elder"])
@pytest.mark.parametrize("size", [PORTRAIT, LANDSCAPE], ids=["portrait", "landscape"])
@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("pad", list(PADS))
def test_keys_are_large_enough_fit_their_words_and_lie_apart(
    bench: Bench, pad: str, language: Language, size: tuple[int, int], *, elder: bool
) -> None:
    bench.show(pad, PADS[pad], language=language, size=size, elder=elder)
    areas = {}
    for name, key in bench.shown().items():
        assert min(key.width(), key.height()) >= LEAST_TARGET, name
        assert key.property("implicitContentWidth") <= key.width(), (name, key.property("text"))
        areas[name] = key.mapRectToScene(key.boundingRect())
        assert areas[name].right() <= size[0], name
    for name, area in areas.items():
        for other, place in areas.items():
            assert name == other or not area.intersects(place), (name, other)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("pad", list(PADS))
def test_each_key_tells_its_name(bench: Bench, pad: str, language: Language) -> None:
    QAccessible.setActive(True)
    try:
        bench.show(pad, PADS[pad], language=language)
        names = list(_button_names(QAccessible.queryAccessibleInterface(bench.window)))
        assert sorted(names) == sorted(bench.shown())
        assert all(names)
    finally:
        QAccessible.setActive(False)


def _button_names(node: object) -> Iterator[str]:
    for index in range(node.childCount()):  # type: ignore[attr-defined]  # QAccessibleInterface has no stub of its own
        child = node.child(index)  # type: ignore[attr-defined]  # as above
        if child.role() == QAccessible.Role.Button and not child.state().invisible:
            yield child.text(QAccessible.Text.Name)
        yield from _button_names(child)
