"""The core's thread: one asyncio loop that builds the terminal, runs it and ends with it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import TYPE_CHECKING, Any, Protocol

from kiosk.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from kiosk.intents import Intent
    from screens.bridge import Bridge
    from screens.crash import CrashPolicy

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
                self._loop.call_soon_threadsafe(self._task.cancel)

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
        terminal = self._terminal = await self._build()
        self._bridge.lead_to(loop, terminal.post)
        await terminal.run()

    def _lost_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._crash.report("core loop", error if isinstance(error, BaseException) else RuntimeError("no exception"))
