"""The core's thread: one asyncio loop that builds the terminal, runs it and ends with it.

A crash is told when it happens, not when the wreck has been cleared: as soon as the terminal's run() has raised, before
the loop cleans up; and when a part of the core has fallen and the others are gone with it, but run() does not come back
from stopping within ``STOP_LIMIT_S``, all the same.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kiosk.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping

    from kiosk.intents import Intent
    from screens.bridge import Bridge
    from screens.crash import CrashPolicy

T = TypeVar("T")
STOP_LIMIT_S = 6.0  # after a part of the core fell: by then run() has raised, or its stopping hangs
JOIN_LIMIT_S = 6.0  # ending every device in order takes less; then the last resort of the crash policy is near


class RunningTerminal(Protocol):
    """What the screen needs of :class:`kiosk.terminal.Terminal`."""

    async def run(self) -> None:
        """Serve until cancelled."""
        ...

    def post(self, intent: Intent) -> None:
        """Take what the resident did; on the core's loop."""
        ...

    async def report(self) -> Mapping[str, Any]:
        """Tell outcome, queue and delivery state; on the core's loop."""
        ...


class CoreThread(threading.Thread):
    """Runs ``build()`` and what it returns. Starts once; :meth:`end` may be called at any time, from any thread."""

    def __init__(self, build: Callable[[], Awaitable[RunningTerminal]], bridge: Bridge, crash: CrashPolicy) -> None:
        super().__init__(name="core")
        self._build = build
        self._bridge = bridge
        self._crash = crash
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._terminal: RunningTerminal | None = None
        self._ending = False
        self._parts: set[asyncio.Task[Any]] = set()  # tasks of the terminal's run() itself
        self.refused: SettingsError | None = None  # settings that only showed themselves wrong when used

    def run(self) -> None:
        """Live."""
        try:
            asyncio.run(self._live())
        except asyncio.CancelledError:
            pass  # ended on purpose
        except SettingsError as error:
            self.refused = error
        except BaseException as error:  # noqa: BLE001 - the crash policy decides, nothing passes it
            self._crash.report("core", error)
        finally:
            with self._lock:
                self._loop = self._task = None
            self._bridge.ended(failed=self._crash.crashed)

    def end(self) -> None:
        """Cancel the core. Returns at once; idempotent."""
        with self._lock:
            self._ending = True
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)  # _live() forgets the loop before it closes

    def report(self) -> concurrent.futures.Future[Mapping[str, Any]]:
        """Ask the terminal for its report; the future ends when the core has answered or is over."""
        with self._lock:
            if self._loop is None or self._terminal is None:
                nothing: concurrent.futures.Future[Mapping[str, Any]] = concurrent.futures.Future()
                nothing.set_result({})
                return nothing
            return asyncio.run_coroutine_threadsafe(self._terminal.report(), self._loop)

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._lost_error)
        with self._lock:
            if self._ending:
                return
            self._loop, self._task = loop, asyncio.current_task()
        loop.set_task_factory(self._make_task)
        try:
            terminal = self._terminal = await self._build()
            self._bridge.lead_to(loop, terminal.post)
            await terminal.run()
        except SettingsError:
            raise
        except Exception as error:  # noqa: BLE001 - the crash policy decides; asyncio's own cleaning up may take long
            self._crash.report("core", error)
        finally:
            with self._lock:
                self._loop = self._task = None

    def _make_task(
        self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T] | Generator[Any, None, T], **how: Any
    ) -> asyncio.Future[T]:
        task: asyncio.Task[T] = asyncio.Task(work, loop=loop, **how)
        if asyncio.current_task(loop) is self._task:
            self._parts.add(task)
            task.add_done_callback(self._part_ended)
        return task

    def _part_ended(self, task: asyncio.Task[Any]) -> None:
        self._parts.discard(task)
        error = None if task.cancelled() else task.exception()
        core = self._task
        if error is None or core is None:
            return
        others = tuple(self._parts)

        def look() -> None:
            # With the others alive the error was dealt with; with run() over it was told.
            if others and not core.done() and all(other.done() for other in others):
                self._crash.report("core does not stop", error)

        # A thread's timer: it rings on a loop that is blocked, too.
        timer = threading.Timer(STOP_LIMIT_S, look)
        timer.daemon = True
        timer.start()
        core.add_done_callback(lambda _: timer.cancel())

    def _lost_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._crash.report("core loop", error if isinstance(error, BaseException) else RuntimeError("no exception"))
