"""The real clock, a clock that tests move by hand, and the two ways of waiting that follow a clock."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from typing import Any

    from devices.values import Clock, TimerHandle

T = TypeVar("T")
SETTLE_TURNS = 50  # turns of the loop after which a chain of awaiting tasks has come to rest in tests


class SystemClock:
    """Time of this machine."""

    def now(self) -> datetime:
        """Return the wall clock, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> TimerHandle:
        """Call back on the running loop."""
        return asyncio.get_running_loop().call_later(seconds, callback)


class _ManualTimer:
    """A timer of the manual clock."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Call it off."""
        self.callback = None


class ManualClock:
    """A clock that stands still until a test moves it. No test waits for real time."""

    def __init__(self, start: datetime = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)) -> None:
        self._start = start
        self._elapsed = 0.0
        self._jump = timedelta()
        self._order = itertools.count()
        self._timers: list[tuple[float, int, _ManualTimer]] = []

    def now(self) -> datetime:
        """Return the wall clock; :meth:`jump` moves it alone."""
        return self._start + timedelta(seconds=self._elapsed) + self._jump

    def monotonic(self) -> float:
        """Return the seconds advanced so far."""
        return self._elapsed

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an operator or a bad battery does."""
        self._jump += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait until a test has advanced far enough."""
        woken = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, lambda: None if woken.done() else woken.set_result(None))
        try:
            await woken
        finally:
            timer.cancel()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> TimerHandle:
        """Call back when a test has advanced far enough."""
        timer = _ManualTimer(callback)
        heapq.heappush(self._timers, (self._elapsed + seconds, next(self._order), timer))
        return timer

    async def advance(self, seconds: float) -> None:
        """Move on, from timer to timer, letting every task come to rest in between."""
        end = self._elapsed + seconds
        await self.settle()
        while self._timers and self._timers[0][0] <= end:
            due, _, timer = heapq.heappop(self._timers)
            self._elapsed = max(self._elapsed, due)
            if timer.callback is not None:
                timer.callback()
                await self.settle()
        self._elapsed = end
        await self.settle()

    async def settle(self) -> None:
        """Let the loop run until its tasks have come to rest."""
        for _ in range(SETTLE_TURNS):
            await asyncio.sleep(0)


class Deadline:
    """A running deadline; :meth:`restart` gives the full time again, from now."""

    def __init__(self, clock: Clock, seconds: float, limit: asyncio.Timeout) -> None:
        self._clock = clock
        self._seconds = seconds
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._timer: TimerHandle | None = None
        self.restart()

    def restart(self) -> None:
        """Begin to count anew."""
        self.cancel()
        self._timer = self._clock.call_later(self._seconds, lambda: self._limit.reschedule(self._loop.time()))

    def cancel(self) -> None:
        """Stop counting."""
        if self._timer is not None:
            self._timer.cancel()


@asynccontextmanager
async def deadline(clock: Clock, seconds: float) -> AsyncIterator[Deadline]:
    """Raise ``TimeoutError`` when the body takes longer than ``seconds`` of ``clock``."""
    async with asyncio.timeout(None) as limit:
        running = Deadline(clock, seconds, limit)
        try:
            yield running
        finally:
            running.cancel()


async def first_of(*waits: Coroutine[Any, Any, T]) -> tuple[int, T]:
    """Run all, return (position, result) of the first that ends, cancel the others and wait for their end.

    An exception of the first one is raised as it is. When two end in the same turn, the earlier position wins.
    """

    async def held(wait: Coroutine[Any, Any, T]) -> tuple[T | None, Exception | None]:
        try:
            return await wait, None
        except Exception as error:  # noqa: BLE001 - carried out of the task group unwrapped, raised below
            return None, error

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(held(wait)) for wait in waits]
            done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
    finally:
        for wait in waits:
            wait.close()  # one cancelled before its first turn was never begun
    position = next(i for i, task in enumerate(tasks) if task in done)
    result, error = tasks[position].result()
    if error is not None:
        raise error
    return position, result  # type: ignore[return-value]
