"""Typing as a resident types: the number pad's keys, pinyin and the candidate taken, or letters, by touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.texts import catalogue
from screens.keyboard_setup import candidate_centre, key_centre
from screens.player_hands import StepFailed, until

if TYPE_CHECKING:
    from collections.abc import Generator

    from PySide6.QtCore import QPointF
    from PySide6.QtQuick import QQuickWindow

    from kiosk.views import Language
    from screens.player_hands import Hands
    from screens.player_visit import Type

CANDIDATE_PAGES = 12
CANDIDATE_S = 1.0  # the engine answers within a frame or two; a word that is not there yet is on a later page


class Typist:
    """Fills one field after the other."""

    def __init__(self, hands: Hands, window: QQuickWindow) -> None:
        self._hands = hands
        self._window = window

    def fill(self, what: Type, language: Language) -> Generator[None, None, None]:
        """Touch the field, type, and put the keyboard away."""
        words = catalogue(language)
        yield from self._hands.tap(what.field, within_s=what.within_s)
        if what.digits:
            for digit in what.digits:
                yield from self._hands.tap(digit, within_s=what.within_s)
            return
        for typed, word in what.pinyin:
            for letter in typed:
                yield from self._key(letter, what.within_s)
            yield from self._take(word, words["keyboard.later"])
        for sign in what.text:
            yield from self._key(words["keyboard.space"] if sign == " " else sign, what.within_s)
        yield from self._key(words["keyboard.done"], what.within_s)

    def _key(self, key: str, within_s: float) -> Generator[None, None, None]:
        at = yield from until(
            lambda: key_centre(self._window, key), within_s, lambda: f"no key {key!r} on the keyboard"
        )
        yield from self._hands.tap_at(at)

    def _take(self, word: str, later: str) -> Generator[None, None, None]:
        """Take a candidate, looking through the following pages for it."""
        for _ in range(CANDIDATE_PAGES):
            try:
                at: QPointF = yield from until(lambda: candidate_centre(self._window, word), CANDIDATE_S, lambda: "")
            except StepFailed:
                yield from self._hands.tap(later, within_s=CANDIDATE_S)
            else:
                yield from self._hands.tap_at(at)
                return
        raise StepFailed(f"{word!r} is not among the candidates")
