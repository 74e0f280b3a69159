"""What a screen reader, and whoever looks for a control by its name, finds on each view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QAccessible

from kiosk import texts
from kiosk.intents import Agreed
from kiosk.views import Attract, Field, Form, Language, Option, Rating, Text
from screens.fixtures import FIXTURES
from screens.gallery import LANDSCAPE, PORTRAIT, TOUCHABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtGui import QAccessibleInterface
    from PySide6.QtQuick import QQuickItem

    from screens.gallery import Gallery

LEAST_TARGET = 88  # pixels at 1080 wide
# Shown on demand: what is known is folded, reasons follow a low grade, of detail and reason one shows.
FOLDED = {(Form, "known"), (Rating, "reasons"), (Option, "detail"), (Option, "reason"), (Attract, "notices")}
NAME, VALUE = QAccessible.Text.Name, QAccessible.Text.Value


def controls(gallery: Gallery) -> list[tuple[QAccessibleInterface, QQuickItem]]:
    return [(one, item) for one, item in gallery.named() if one.role() in TOUCHABLE]


def spoken(gallery: Gallery) -> str:
    """Return everything a screen reader can say, keys' descriptions included."""
    kinds = (NAME, QAccessible.Text.Description, VALUE)
    return "\n".join(one.text(kind) for one, _ in gallery.named() for kind in kinds)


def texts_of(thing: object, language: Language) -> Iterator[str]:
    """Walk all texts of a view, however deep."""
    if isinstance(thing, Text):
        yield texts.resolve(thing, language)
    elif isinstance(thing, tuple):
        for one in thing:
            yield from texts_of(one, language)
    elif hasattr(thing, "__dataclass_fields__"):
        for name in thing.__dataclass_fields__:
            folded = (type(thing), name) in FOLDED
            if not folded and not (isinstance(thing, Field) and name == "options"):
                yield from texts_of(getattr(thing, name), language)


@pytest.mark.parametrize("name", FIXTURES)
def test_every_control_has_a_name_and_says_truly_whether_it_works(gallery: Gallery, name: str) -> None:
    gallery.show(FIXTURES[name], Language.ZH_CN, PORTRAIT)

    for one, item in controls(gallery):
        assert one.text(NAME).strip(), f"a control at {item.mapToScene(item.boundingRect().topLeft())} has no name"
        assert one.state().disabled == (not item.isEnabled()), one.text(NAME)


@pytest.mark.parametrize("size", [PORTRAIT, LANDSCAPE], ids=["upright", "lying"])
@pytest.mark.parametrize("name", FIXTURES)
def test_every_control_is_large_enough_for_a_finger(gallery: Gallery, name: str, size: object) -> None:
    gallery.show(FIXTURES[name], Language.EN, size)  # type: ignore[arg-type]

    small = {one.text(NAME): (item.width(), item.height()) for one, item in controls(gallery)}
    assert {key: sides for key, sides in small.items() if min(sides) < LEAST_TARGET} == {}


@pytest.mark.parametrize("name", FIXTURES)
def test_no_two_controls_cover_each_other(gallery: Gallery, name: str) -> None:
    gallery.show(FIXTURES[name], Language.ZH_CN, PORTRAIT)
    window = QRectF(0, 0, PORTRAIT.width(), PORTRAIT.height())

    places = [
        (one.text(NAME), item.mapRectToScene(QRectF(0, 0, item.width(), item.height())))
        for one, item in controls(gallery)
        if item.isEnabled() and not in_list(item)
    ]
    for number, (key, rect) in enumerate(places):
        assert window.contains(rect), key
        for other, beside in places[number + 1 :]:
            assert not rect.adjusted(1, 1, -1, -1).intersects(beside), (key, other)


def in_list(item: QQuickItem) -> bool:
    """Say whether the item stands in something that can be turned or holds a key of its own."""
    parent = item.parentItem()
    while parent is not None:
        if parent.inherits("QQuickFlickable") or parent.inherits("QQuickTextField"):
            return True
        parent = parent.parentItem()
    return False


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", FIXTURES)
def test_everything_that_is_shown_can_be_heard(gallery: Gallery, name: str, language: Language) -> None:
    fixture = FIXTURES[name]
    gallery.show(fixture, language, PORTRAIT)
    heard = spoken(gallery)

    wanted = [fixture.overlay, fixture.banner] if fixture.overlay else [fixture.view, fixture.banner]
    silent = [words for one in wanted for words in texts_of(one, language) if words and words not in heard]
    assert silent == []


@pytest.mark.parametrize("name", FIXTURES)
def test_there_is_one_thing_to_do_next_at_most(gallery: Gallery, name: str) -> None:
    gallery.show(FIXTURES[name], Language.ZH_CN, PORTRAIT)

    primary = [item for _, item in controls(gallery) if item.property("primary") and item.isEnabled()]
    assert len(primary) <= 1


def test_what_is_known_can_be_heard_once_it_is_unfolded(gallery: Gallery) -> None:
    gallery.show(FIXTURES["form_known_open"], Language.ZH_CN, PORTRAIT)

    assert {"张**", "来自身份证", "安和纺织有限责任公司", "来自社保登记库"} <= set(spoken(gallery).split("\n"))


def test_a_screen_reader_can_press_a_key(gallery: Gallery) -> None:
    gallery.show(FIXTURES["guide"], Language.ZH_CN, PORTRAIT)
    gallery.sent.clear()
    key = next(one for one, _ in controls(gallery) if one.text(NAME) == "开始办理")

    key.actionInterface().doAction("Press")

    assert [type(intent) for intent in gallery.sent] == [Agreed]


def test_what_stands_in_a_field_is_its_value_and_its_label_is_its_name(gallery: Gallery) -> None:
    gallery.show(FIXTURES["form_contact"], Language.ZH_CN, PORTRAIT)

    field = next(one for one, _ in controls(gallery) if one.role() == QAccessible.Role.EditableText)
    assert (field.text(NAME), field.text(VALUE)) == ("联系人姓名", "李青禾")


def test_nothing_beneath_a_question_can_be_touched(gallery: Gallery) -> None:
    gallery.show(FIXTURES["overlay_leave"], Language.ZH_CN, PORTRAIT)

    working = {one.text(NAME) for one, item in controls(gallery) if item.isEnabled()}
    assert working == {"继续办理", "退出并清除"}
