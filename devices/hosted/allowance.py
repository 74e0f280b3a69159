"""How much a driver's process may say unasked before it counts as run wild."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Allowance:
    """``burst`` at once, and ``rate`` a second for ever."""

    def __init__(self, burst: float, rate: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._rate, self._monotonic = burst, rate, monotonic
        self._left, self._at = burst, monotonic()

    def take(self, amount: float) -> bool:
        """Use ``amount`` up; tell whether there was so much."""
        now = self._monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) - amount
        self._at = now
        return self._left >= 0
