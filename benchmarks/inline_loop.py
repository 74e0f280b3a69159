"""An event loop without other threads: what would go to an executor is done on the spot."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVarTuple, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor
    from contextvars import Context

Ts = TypeVarTuple("Ts")


class InlineLoop(asyncio.SelectorEventLoop):
    """Runs executor work in the caller.

    So a queue whose calls cross to a thread is measured as that thread sees it: the same code, line for line, without
    the crossing. An ``await`` of such a call never yields to the loop, as its future is done before it is awaited.
    """

    def run_in_executor(  # type: ignore[override]  # a future is what is asked for; typeshed's generics differ
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Call ``func`` now; return a future that is done."""
        del executor
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed on, exactly as an executor would
            future.set_exception(error)
        return future

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """There is no other thread: no need to wake the loop through its pipe."""
        return self.call_soon(callback, *args, context=context)
