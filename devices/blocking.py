"""One thread of its own for a device whose calls block: serial by construction, joined on close.

The async side (``call``, ``retire``, ``close``) belongs to one event loop; ``stopping`` and ``pause`` are for the
function that is running in the thread.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import queue
import threading
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from devices.errors import DeviceCode, DeviceUnavailable, forget_frames

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

CLOSE_WAIT_S = 2.0  # design: a device that hangs is given up within two seconds

_log = logging.getLogger(__name__)


class _Job:
    """One call on its way through the thread."""

    def __init__(self, run: Callable[[], Any], *, last: bool = False) -> None:
        self.run = run
        self.last = last
        self.stop = threading.Event()
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Any] = self.loop.create_future()

    def deliver(self, result: object, error: BaseException | None) -> None:
        """Hand the outcome to the loop; nobody is left to hear it when that loop has closed."""
        try:
            self.loop.call_soon_threadsafe(self._settle, result, error)
        except RuntimeError:
            if not self.loop.is_closed():
                raise

    def _settle(self, result: object, error: BaseException | None) -> None:
        if self.done.done():  # the caller was cancelled meanwhile
            return
        if error is None:
            self.done.set_result(result)
        else:
            self.done.set_exception(error)


class BlockingWorker:
    """The thread ``dev-<device>``: started by the first call, ended for good by :meth:`close`.

    Cancelling a :meth:`call` frees the caller at once. The function goes on until it notices :attr:`stopping`; the next
    call waits for it, so a handle is never used twice at a time.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._retired = False
        self._final: asyncio.Future[Any] | None = None
        # A daemon: a vendor call that never returns must not keep the whole terminal from ending.
        self._thread = threading.Thread(target=self._serve, name=f"dev-{device}", daemon=True)

    @property
    def stopping(self) -> bool:
        """Tell the running function that nobody waits for it: its caller was cancelled, or the device closes."""
        return self._stop.is_set()

    def pause(self, seconds: float) -> bool:
        """Sleep inside the thread; return True at once when the running function shall stop."""
        return self._stop.wait(seconds)

    async def call(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn`` in the thread after all earlier calls; return its result or raise its exception.

        Raises ``DeviceUnavailable`` (``CLOSED``) after :meth:`retire` or :meth:`close`.
        """
        if self._retired:
            raise self._closed()
        job = _Job(functools.partial(fn, *args, **kwargs))
        if self._thread.ident is None:
            self._thread.start()
        self._jobs.put(job)
        try:
            return await job.done  # type: ignore[no-any-return]  # the future of a job holds what its function returns
        except asyncio.CancelledError:
            job.stop.set()
            raise

    def retire(self, last: Callable[[], None] | None = None) -> None:
        """Take no more calls, stop the running one, refuse the waiting ones, run ``last`` in the thread and end it.

        Does not wait. ``last`` frees the handle; it is skipped when the thread was never used. Idempotent.
        """
        if self._retired:
            return
        with self._lock:
            self._retired = True
            self._stop.set()
        if self._thread.ident is not None:
            job = _Job(last or _nothing, last=True)
            self._final = job.done
            self._jobs.put(job)

    async def close(self, last: Callable[[], None] | None = None) -> None:
        """Do as :meth:`retire` and wait for the thread's end, ``CLOSE_WAIT_S`` at most; never raises."""
        self.retire(last)
        if self._final is None:
            return
        await asyncio.wait({self._final}, timeout=CLOSE_WAIT_S)
        if self._final.done():
            self._thread.join()  # only its return is left
        else:
            _log.error("device %s: a blocking call did not stop; its thread ends when the call does", self._device)

    def _serve(self) -> None:
        while self._serve_one(self._jobs.get()):
            pass

    def _serve_one(self, job: _Job) -> bool:
        # A method of its own: its locals go away with it, so no result lingers while the thread waits for work.
        with self._lock:
            refused = self._retired and not job.last
            if not self._retired:
                self._stop = job.stop
        if refused:
            job.deliver(None, self._closed())
        elif not job.stop.is_set():  # set before it began: its caller is gone
            self._run(job)
        return not job.last

    def _run(self, job: _Job) -> None:
        try:
            result = job.run()
        except Exception as error:  # noqa: BLE001 - not swallowed: raised again at the caller, who knows what it means
            forget_frames(error)
            if job.last:
                # The type only: a vendor's text may hold data.
                _log.error("device %s: freeing the handle failed: %s", self._device, type(error).__name__)
                job.deliver(None, None)
            else:
                job.deliver(None, error)
        except BaseException as error:  # noqa: BLE001 - vendor code that calls exit() must not end the core's loop
            job.deliver(None, RuntimeError(f"{type(error).__name__} inside a blocking device call"))
        else:
            job.deliver(result, None)

    def _closed(self) -> DeviceUnavailable:
        return DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self._device)


def _nothing() -> None:
    """Free no handle."""
