"""Whether nobody is at the machine: nobody is served, nobody touched the glass for a while, nobody stands before it."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from devices.sensors import Sensor
from kiosk.clock import first_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.values import Clock


class Quiet:
    """Told by the terminal (:meth:`resting`, :meth:`touched`) and the cabinet (:meth:`sensed`); asked by the heartbeat.

    A *rest* is named by a number: it is over with the first touch, step or visit after it began.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._resting = False
        self._person = False
        self._since = clock.monotonic()
        self._rest = 0
        self._stir = asyncio.Event()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Serve nobody meanwhile."""
        self._resting = True
        self._disturb()
        try:
            yield
        finally:
            self._resting = False
            self._disturb()

    def touched(self) -> None:
        """Note that somebody touched the glass."""
        self._disturb()

    def sensed(self, sensor: Sensor, on: bool | None) -> None:
        """Take what the cabinet says; a sensor that cannot say (``None``) keeps nothing back."""
        if sensor is Sensor.PERSON_PRESENT:
            self._person = on is True
            self._disturb()

    async def settled(self, seconds: float) -> int:
        """Return the rest's number once nobody has been there for ``seconds``."""
        while True:
            stir = self._stir
            if not self._resting or self._person:
                await stir.wait()
                continue
            left = self._since + seconds - self._clock.monotonic()
            if left <= 0:
                return self._rest
            await first_of(stir.wait(), self._slept(left))

    async def over(self, rest: int) -> None:
        """Return as soon as the rest of this number is over."""
        while rest == self._rest:
            await self._stir.wait()

    async def _slept(self, seconds: float) -> bool:
        await self._clock.sleep(seconds)
        return True

    def _disturb(self) -> None:
        self._since = self._clock.monotonic()
        self._rest += 1
        self._stir.set()
        self._stir = asyncio.Event()
