"""When central last said that the services are as this terminal knows them; kept over restarts."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from devices.values import Clock

KEPT_EVERY_S: Final = 3600.0  # the limit is a week: an hour more or less is nothing, a write a minute is wear


class Freshness:
    """Age of central's word. ``path`` is a file of one line."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._heard = _read(path)
        self._kept = self._heard

    def confirm(self) -> None:
        """Central has just answered. Raises ``OSError`` when that cannot be kept; it counts all the same."""
        self._heard = self._clock.now()
        if self._kept is not None and abs((self._heard - self._kept).total_seconds()) < KEPT_EVERY_S:
            return
        draft = self._path.with_name(self._path.name + ".new")
        draft.write_text(self._heard.isoformat(), encoding="ascii")
        draft.replace(self._path)
        self._kept = self._heard

    def age_s(self) -> float:
        """Return the seconds since central's word; endless when it was never heard."""
        return math.inf if self._heard is None else max(0.0, (self._clock.now() - self._heard).total_seconds())


def _read(path: Path) -> datetime | None:
    try:
        heard = datetime.fromisoformat(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None  # never heard, as far as we can tell: the next answer mends it
    return heard.astimezone(UTC) if heard.tzinfo is not None else None
