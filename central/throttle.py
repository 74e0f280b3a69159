"""Guessing made slow: so many misses in so long, then a pause."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from central.clock import Clock


class Throttle:
    """Counts misses per caller in a sliding window; in memory, since a restart costs an attacker as much as us."""

    def __init__(self, clock: Clock, *, misses: int, window_s: float) -> None:
        self._clock = clock
        self._misses = misses
        self._window_s = window_s
        self._seen: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def wait_s(self, caller: str) -> float:
        """Return how long the caller must wait: 0 when it may ask now."""
        with self._lock:
            times = self._recent(caller)
            if len(times) < self._misses:
                return 0.0
            return times[0] + self._window_s - self._clock.monotonic()

    def missed(self, caller: str) -> None:
        """Count a miss."""
        with self._lock:
            self._recent(caller).append(self._clock.monotonic())

    def _recent(self, caller: str) -> deque[float]:
        times = self._seen.setdefault(caller, deque())
        while times and times[0] <= self._clock.monotonic() - self._window_s:
            times.popleft()
        return times
