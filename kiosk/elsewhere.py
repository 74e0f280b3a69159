"""Where else a resident can go: every refusal and every fault names at least one other place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.views import Fact, plain, text, words

if TYPE_CHECKING:
    from kiosk.settings import TerminalSettings, Words
    from kiosk.views import Text


def said(phrase: Words) -> Text:
    """Return words of the settings as a view's text."""
    return words({"zh_CN": phrase.zh_CN, "en": phrase.en})


def elsewhere(terminal: TerminalSettings) -> tuple[Fact, ...]:
    """Return the other places and the clerk's phone."""
    places = tuple(
        Fact(said(place.name), text("elsewhere.place", way=said(place.way), hours=said(place.hours)))
        for place in terminal.elsewhere
    )
    return (*places, Fact(text("elsewhere.phone"), plain(terminal.help_phone)))
