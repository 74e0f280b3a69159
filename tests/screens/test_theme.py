"""The tokens keep their promises: contrast, one scale, larger letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kiosk.views import Language, Mode
from screens.fixtures import FIXTURES
from screens.gallery import PORTRAIT

if TYPE_CHECKING:
    from PySide6.QtCore import QObject
    from PySide6.QtGui import QColor

    from screens.gallery import Gallery

TEXT = 4.5  # WCAG 2.2, 1.4.3
SHAPE = 3.0  # WCAG 2.2, 1.4.11
GROUNDS = ("paper", "surface", "sunken", "light")


@pytest.fixture
def theme(gallery: Gallery) -> QObject:
    gallery.show(FIXTURES["guide"], Language.ZH_CN, PORTRAIT)
    found = gallery.window.engine().singletonInstance("Tongban", "Theme")
    assert found is not None
    return found


def luminance(colour: QColor) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: QColor, other: QColor) -> float:
    dark, bright = sorted((luminance(one), luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("letters", ["ink", "inkSoft", "accent", "good", "takenIn", "attention", "sorry"])
def test_letters_can_be_read_on_every_ground(theme: QObject, letters: str, ground: str) -> None:
    assert contrast(theme.property(letters), theme.property(ground)) >= TEXT


@pytest.mark.parametrize(
    ("letters", "ground"),
    [
        ("inkOnAccent", "accent"),
        ("inkOnAccent", "accentPressed"),
        ("ink", "accentSoft"),
        ("accent", "accentSoft"),
        ("ink", "pressed"),
        ("ink", "attentionSoft"),
        ("attention", "attentionSoft"),
        ("ink", "sorrySoft"),
        ("surface", "ink"),
    ],
)
def test_letters_can_be_read_on_their_own_ground(theme: QObject, letters: str, ground: str) -> None:
    assert contrast(theme.property(letters), theme.property(ground)) >= TEXT


@pytest.mark.parametrize("ground", GROUNDS)
def test_the_outline_of_a_key_can_be_seen(theme: QObject, ground: str) -> None:
    assert contrast(theme.property("edge"), theme.property(ground)) >= SHAPE


def test_large_type_is_a_third_larger(gallery: Gallery, theme: QObject) -> None:
    normal = theme.property("body")
    gallery.show(FIXTURES["guide"], Language.ZH_CN, PORTRAIT, Mode.ELDER)
    assert theme.property("body") / normal == pytest.approx(1.35, abs=0.02)


def test_body_text_is_28_pixels_at_least(theme: QObject) -> None:
    assert min(theme.property(token) for token in ("small", "label", "body", "lead", "key")) >= 28
    assert 56 <= theme.property("title") <= 72


def test_a_window_of_half_the_size_shows_the_same_picture(gallery: Gallery, theme: QObject) -> None:
    whole = theme.property("body"), theme.property("margin"), theme.property("target")
    gallery.show(FIXTURES["guide"], Language.ZH_CN, PORTRAIT / 2)
    half = theme.property("body"), theme.property("margin"), theme.property("target")
    assert half == tuple(round(size / 2) for size in whole)
