"""No text is cut, covers another or leaves its key: in any language, size of letters and way the screen stands."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QRectF

from kiosk.views import Language, Mode
from screens.fixtures import FIXTURES
from screens.gallery import LANDSCAPE, NAME, PORTRAIT

if TYPE_CHECKING:
    from PySide6.QtCore import QSize
    from PySide6.QtQuick import QQuickItem

    from screens.gallery import Gallery

ROOM = 1.5  # pixels: rounding
SIZES = {"upright": PORTRAIT, "lying": LANDSCAPE}
LONG_LYING = {
    "form_certificate",
    "form_complaint",
    "form_contact",
    "form_errors",
    "form_known_open",
    "review_long",
    "service_found",
    "service_void",
}
MEET = 4.0  # pixels two lines may share: the space above and below letters


def letters(item: QQuickItem) -> QRectF:
    """Return where the letters of a text stand in the window."""
    return item.mapRectToScene(item.boundingRect())


def clipped(item: QQuickItem) -> bool:
    """Say whether a list that can be turned cuts this item off on purpose."""
    rect = item.mapRectToScene(QRectF(0, 0, item.width(), item.height()))
    parent = item.parentItem()
    while parent is not None:
        if parent.clip() and not parent.mapRectToScene(parent.boundingRect()).contains(rect):
            return True
        parent = parent.parentItem()
    return False


def key_around(item: QQuickItem) -> QQuickItem | None:
    parent = item.parentItem()
    while parent is not None and not parent.inherits("QQuickAbstractButton"):
        parent = parent.parentItem()
    return parent


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FIXTURES)
def test_every_text_fits(gallery: Gallery, name: str, size: str) -> None:
    problems = []
    for language, mode in product(Language, Mode):
        gallery.show(FIXTURES[name], language, SIZES[size], mode)
        problems += [f"{language} {mode}: {problem}" for problem in misfits(gallery, SIZES[size])]
    assert problems == []


@pytest.mark.parametrize(("size", "turned"), [("upright", {"form_certificate"}), ("lying", LONG_LYING)])
def test_only_long_views_have_to_be_turned(gallery: Gallery, size: str, turned: set[str]) -> None:
    def has_to_be_turned(name: str) -> bool:
        gallery.show(FIXTURES[name], Language.ZH_CN, SIZES[size])
        return any(one.text(NAME) == "往下翻" for one, _ in gallery.named() if not one.state().invisible)

    plain = [name for name, one in FIXTURES.items() if one.mode is Mode.NORMAL and one.overlay is None]
    assert {name for name in plain if has_to_be_turned(name)} == turned


def misfits(gallery: Gallery, size: QSize) -> list[str]:
    """Return what is wrong with the texts that are shown now."""
    window = QRectF(0, 0, size.width(), size.height())
    seen = [item for item in gallery.items() if item.inherits("QQuickText") and item.property("text")]
    places = [(item.property("text"), letters(item), item) for item in seen if not clipped(item)]

    problems = [f"{words!r} is cut" for words, _, item in places if item.property("truncated")]
    problems += [f"{words!r} leaves the window" for words, rect, _ in places if not window.contains(rect)]
    for words, rect, item in places:
        own = item.mapRectToScene(QRectF(0, 0, item.width(), item.height()))
        if rect.width() > own.width() + ROOM:
            problems.append(f"{words!r} is wider than its place")
        key = key_around(item)
        if key is not None:
            inside = key.mapRectToScene(QRectF(0, 0, key.width(), key.height())).adjusted(-ROOM, -ROOM, ROOM, ROOM)
            if not inside.contains(rect):
                problems.append(f"{words!r} leaves its key")
    overlay = [place for place in places if is_above(place[2])] or places
    for (one, rect, _), (other, beside, _) in combinations(overlay, 2):
        shared = rect.intersected(beside)
        if shared.width() > MEET and shared.height() > MEET:
            problems.append(f"{one!r} and {other!r} cover each other")
    return problems


def is_above(item: QQuickItem) -> bool:
    """Say whether the text belongs to a question over the view."""
    parent = item.parentItem()
    while parent is not None:
        if parent.metaObject().className().startswith("OverlayPanel"):
            return True
        parent = parent.parentItem()
    return False
