"""Promised dates, counted in working days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE: Final = Path(__file__).with_name("store") / "working_days.yaml"
SATURDAY: Final = 5
FIRST_REPLY_DAYS: Final = 1  # complaint and suggestion: illustrative terms of the starter catalogue
ANSWER_DAYS: Final = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked: Monday to Friday, but for ``closed``; weekends only in ``open``."""

    closed: frozenset[date]
    open: frozenset[date]

    @classmethod
    def load(cls, path: Path = FILE) -> Calendar:
        """Read the yearly list. Raises ``OSError``, ``KeyError``."""
        content = yaml.safe_load(path.read_text("utf-8"))
        return cls(frozenset(_dates(content["closed"])), frozenset(_dates(content["open"])))

    def works(self, day: date) -> bool:
        """Tell whether the office works on ``day``."""
        return day in self.open or (day.weekday() < SATURDAY and day not in self.closed)

    def after(self, day: date, count: int) -> date:
        """Return the ``count``-th working day after ``day``; the day itself does not count."""
        while count:
            day += timedelta(days=1)
            count -= self.works(day)
        return day


def _dates(listed: Iterable[object]) -> list[date]:
    if not all(isinstance(day, date) for day in listed):
        raise ValueError("working_days.yaml: every entry is a date")
    return [day for day in listed if isinstance(day, date)]
