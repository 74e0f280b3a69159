"""Phrases more than one view needs: words of the settings, dates, and where else a resident can go."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from kiosk.views import Fact, plain, text, words

if TYPE_CHECKING:
    from datetime import date, datetime

    from kiosk.settings import TerminalSettings, Words
    from kiosk.views import Text


def said(phrase: Words) -> Text:
    """Return words of the settings as a view's text."""
    return words({"zh_CN": phrase.zh_CN, "en": phrase.en})


def local(terminal: TerminalSettings, moment: datetime) -> datetime:
    """Return ``moment`` in the time of the place: that of slips, screens and the date."""
    return moment.astimezone(ZoneInfo(terminal.timezone))


def said_day(day: date) -> Text:
    """Return a date as people of each language write it."""
    return text("date.day", year=day.year, month=day.month, day=day.day)


def elsewhere(terminal: TerminalSettings) -> tuple[Fact, ...]:
    """Return the other places and the clerk's phone."""
    places = tuple(
        Fact(said(place.name), text("elsewhere.place", way=said(place.way), hours=said(place.hours)))
        for place in terminal.elsewhere
    )
    return (*places, Fact(text("elsewhere.phone"), plain(terminal.help_phone)))
