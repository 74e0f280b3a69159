"""One thread that does one thing after the other for the loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from offline_queue.errors import QueueCode, QueueError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Worker:
    """Does what it is given, in order, even when nobody waits for the result any more.

    ``told`` is called on the loop after each piece of work and before its result arrives: one wake-up of the loop for
    both, because on a fast disk a second one would cost more than the work. The thread dies with the process: whatever
    it is doing then is a power cut to the file, and those are survived.
    """

    def __init__(self, name: str) -> None:
        self.told: Callable[[], None] | None = None
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._first: deque[Callable[[], None]] = deque()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._closed = False
        self._thread.start()

    def do(self, work: Callable[[], T], *, first: bool = False) -> asyncio.Future[T]:
        """Queue ``work``; the future brings its result. Raises ``QueueError`` after :meth:`close`.

        ``first``: before all that is queued without it, for what a resident waits for.
        """
        if self._closed:
            raise QueueError("the queue is closed", code=QueueCode.CLOSED)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - whatever it is belongs to whoever waits
                loop.call_soon_threadsafe(self._fail, future, error)
            else:
                loop.call_soon_threadsafe(self._finish, future, result)

        if first:
            self._first.append(job)
            self._work.put(_look)
        else:
            self._work.put(job)
        return future

    async def close(self, last: Callable[[], None]) -> None:
        """Do what is queued, then ``last``, then end the thread; idempotent."""
        if not self._closed:
            closing = self.do(last)
            self._closed = True
            self._work.put(None)
            try:
                await closing
            finally:
                await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        while (job := self._work.get()) is not None:
            while self._first:
                self._first.popleft()()
            job()

    def _finish(self, future: asyncio.Future[T], result: T) -> None:
        if self.told is not None:
            self.told()
        if not future.done():
            future.set_result(result)

    def _fail(self, future: asyncio.Future[T], error: BaseException) -> None:
        if self.told is not None:
            self.told()
        if not future.done():
            future.set_exception(error)


def _look() -> None:
    """Nothing by itself: something stands in the other line."""
