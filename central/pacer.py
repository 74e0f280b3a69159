"""Credit: how many items a terminal may send next, so that all of them together stay within what central takes.

A bucket fills with ``capacity`` items a second. What a terminal is promised is taken out when it is promised; what
comes without a promise, a resident's item of this minute, is taken out when it comes and may leave the bucket in debt:
custody is never refused. A terminal without credit asks again at a moment of its own choosing within a minute, hence
the period after which everybody has been heard.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offline_queue.wire import MAX_BATCH_ITEMS

if TYPE_CHECKING:
    from central.clock import Clock

CAPACITY: Final = 1000.0  # items a second: a fifth of what one node with two cores stores
PERIOD_S: Final = 60.0  # a courier without credit pauses at most this long
BURST_S: Final = 1.0  # what may come at once


@dataclass(slots=True)
class _Heard:
    at: float
    waiting: int
    promised: int


class Pacer:
    """In memory and for one process: a restart forgets promises, and everybody asks anew. Thread-safe."""

    def __init__(self, clock: Clock, capacity: float = CAPACITY) -> None:
        if capacity <= 0:
            raise ValueError("central's capacity is a number of items a second above 0")
        self._clock = clock
        self._capacity = capacity
        self._burst = max(float(MAX_BATCH_ITEMS), capacity * BURST_S)
        self._level = self._burst
        self._filled = clock.monotonic()
        self._heard: dict[str, _Heard] = {}  # oldest first
        self._backlogs = 0  # how many of them have something waiting
        self._lock = threading.Lock()

    def credit(self, kiosk: str, came: int, waiting: int) -> int:
        """Count the ``came`` items of a terminal that seems to have ``waiting`` more; return what it may send next."""
        with self._lock:
            now = self._clock.monotonic()
            self._fill(now)
            promised = self._forget(kiosk)
            self._level = min(self._burst, self._level + promised - came)
            granted = self._grant(waiting)
            self._heard[kiosk] = _Heard(now, waiting, granted if waiting else 0)
            if waiting:
                self._level -= granted
                self._backlogs += 1
            return granted

    def _grant(self, waiting: int) -> int:
        room = min(MAX_BATCH_ITEMS, max(0, int(self._level)))
        if waiting == 0:
            return room
        share = max(1, int(self._capacity * PERIOD_S / (self._backlogs + 1)))
        return min(room, waiting, share)

    def _fill(self, now: float) -> None:
        self._level = min(self._burst, self._level + (now - self._filled) * self._capacity)
        self._filled = now
        while self._heard:
            kiosk = next(iter(self._heard))
            if now - self._heard[kiosk].at <= PERIOD_S:
                break
            self._forget(kiosk)  # its promise is void: it did not come

    def _forget(self, kiosk: str) -> int:
        """Forget a terminal; return what it was promised."""
        heard = self._heard.pop(kiosk, None)
        if heard is None:
            return 0
        self._backlogs -= heard.waiting > 0
        return heard.promised
