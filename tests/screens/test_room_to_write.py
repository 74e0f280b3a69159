"""The keyboard covers a part of the screen: what is being written stays in sight."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QRectF

from kiosk.views import Field, FieldKind, Form, Language, plain
from screens.fixtures import FIXTURES
from screens.fixtures.filling import STORY
from screens.fixtures.fixture import Fixture, say
from screens.gallery import LANDSCAPE, PORTRAIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtCore import QSize
    from PySide6.QtQuick import QQuickItem

    from screens.gallery import Gallery

NAMES = [f"第 {number} 项" for number in range(1, 9)]
LONG_FORM = Fixture(
    name="long",
    view=Form(
        title=plain("表"),
        fields=tuple(Field(id=name, label=plain(name), kind=FieldKind.TEXT) for name in NAMES),
        submit=say("下一步", "Next"),
    ),
)
LONG_TEXT = Fixture(
    name="text",
    view=Form(title=plain("表"), fields=(replace(STORY, value="路灯不亮。\n" * 30),), submit=say("下一步", "Next")),
)
WAYS = pytest.mark.parametrize(("size", "covered"), [(PORTRAIT, 560.0), (LANDSCAPE, 480.0)], ids=["upright", "lying"])


@pytest.fixture
def keyboard(gallery: Gallery) -> Iterator[QQuickItem]:
    """Return the root, whose ``keyboardHeight`` the window sets on a terminal."""
    root = gallery.window.rootObject()
    root.setProperty("keyboardHeight", 0.0)
    yield root
    root.setProperty("keyboardHeight", 0.0)


def seen(item: QQuickItem, part: QRectF) -> bool:
    """Say whether a part of an item is within everything that clips it."""
    rect = item.mapRectToScene(part)
    parent = item.parentItem()
    while parent is not None:
        if parent.clip() and not parent.mapRectToScene(QRectF(0, 0, parent.width(), parent.height())).adjusted(
            -1, -1, 1, 1
        ).contains(rect):
            return False
        parent = parent.parentItem()
    return True


@WAYS
@pytest.mark.parametrize("name", [NAMES[0], NAMES[2]])
def test_a_field_stays_in_sight_when_the_keyboard_comes(
    gallery: Gallery, keyboard: QQuickItem, size: QSize, covered: float, name: str
) -> None:
    gallery.show(LONG_FORM, Language.ZH_CN, size)
    gallery.tap(name)
    keyboard.setProperty("keyboardHeight", covered)
    gallery.settle()

    field = gallery.window.activeFocusItem()
    assert field.inherits("QQuickTextField")
    assert seen(field, QRectF(0, 0, field.width(), field.height()))
    assert field.mapRectToScene(field.boundingRect()).bottom() < size.height() - covered


def test_the_first_field_to_put_right_comes_into_sight(gallery: Gallery) -> None:
    gallery.show(LONG_FORM, Language.ZH_CN, LANDSCAPE)
    refused = tuple(replace(field, error=plain("请填写")) for field in LONG_FORM.view.fields[-2:])
    view = replace(LONG_FORM.view, fields=LONG_FORM.view.fields[:-2] + refused)

    gallery.model.show(replace(LONG_FORM, view=view).scene(Language.ZH_CN, gallery.turn))
    gallery.settle()

    field = [item for item in gallery.items() if item.inherits("QQuickTextField")][-2]
    assert seen(field, QRectF(0, 0, field.width(), field.height()))


@WAYS
def test_the_line_being_written_stays_in_sight(
    gallery: Gallery, keyboard: QQuickItem, size: QSize, covered: float
) -> None:
    gallery.show(LONG_TEXT, Language.ZH_CN, size)
    area = next(item for item in gallery.items() if item.inherits("QQuickTextArea"))
    area.forceActiveFocus()
    keyboard.setProperty("keyboardHeight", covered)
    gallery.settle()

    for place in (0, 60, 150):
        area.setProperty("cursorPosition", place)
        gallery.settle()
        assert seen(area, area.property("cursorRectangle")), place


def test_the_keys_that_never_move_stay_where_they_are(gallery: Gallery, keyboard: QQuickItem) -> None:
    gallery.show(FIXTURES["form_complaint"], Language.ZH_CN, PORTRAIT)
    bar = next(item for item in gallery.items() if item.metaObject().className().startswith("BottomBar"))
    before = bar.mapRectToScene(bar.boundingRect())

    keyboard.setProperty("keyboardHeight", 560.0)
    gallery.settle()

    assert bar.mapRectToScene(bar.boundingRect()) == before
