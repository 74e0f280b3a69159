"""A blocking device must not block the loop, mix two calls, or leave a thread behind."""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
import weakref
from typing import TYPE_CHECKING

import pytest

from devices.blocking import BlockingWorker
from devices.errors import DeviceCode, DeviceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until a thread has done its part."""
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110 - the other side is a thread: it has no asyncio.Event to set
            await asyncio.sleep(0)


def thread_alive(device: str) -> bool:
    return any(thread.name == f"dev-{device}" for thread in threading.enumerate())


async def test_calls_run_one_after_the_other_in_one_named_thread() -> None:
    worker = BlockingWorker("serial")
    inside: list[str] = []
    overlaps: list[int] = []

    def call(value: int) -> int:
        inside.append(threading.current_thread().name)
        overlaps.append(len(inside))
        time.sleep(0.002)
        inside.pop()
        return value

    assert await asyncio.gather(*(worker.call(call, value) for value in range(5))) == [0, 1, 2, 3, 4]
    assert overlaps == [1] * 5
    assert await worker.call(lambda: threading.current_thread().name) == "dev-serial"
    await worker.close()
    assert not thread_alive("serial")


async def test_cancelled_caller_is_free_at_once_and_the_next_call_waits_for_the_old_one() -> None:
    worker = BlockingWorker("cancel")
    started, release = threading.Event(), threading.Event()
    order: list[str] = []

    def slow() -> None:
        started.set()
        release.wait(5)
        order.append("told to stop" if worker.stopping else "never told")

    async with asyncio.TaskGroup() as group:
        first = group.create_task(worker.call(slow))
        await until(started.is_set)
        first.cancel()
        begin = time.monotonic()
        await asyncio.wait({first})
        assert time.monotonic() - begin < 0.5
        assert first.cancelled()
        second = group.create_task(worker.call(order.append, "second"))
        await asyncio.sleep(0)
        assert order == []
        release.set()
    assert second.done()
    assert order == ["told to stop", "second"]
    await worker.close()


async def test_call_cancelled_while_still_queued_never_runs() -> None:
    worker = BlockingWorker("queued")
    release = threading.Event()
    ran: list[str] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.call(release.wait, 5))
        queued = group.create_task(worker.call(ran.append, "queued"))
        await asyncio.sleep(0)
        queued.cancel()
        await asyncio.wait({queued})
        release.set()
    await worker.close()
    assert ran == []


async def test_exception_reaches_the_caller_and_exit_does_not_end_the_terminal() -> None:
    worker = BlockingWorker("raising")
    with pytest.raises(ZeroDivisionError):
        await worker.call(lambda: 1 // 0)

    def leaves() -> None:
        raise SystemExit(3)

    with pytest.raises(RuntimeError, match="SystemExit"):
        await worker.call(leaves)
    assert await worker.call(lambda: "still serving") == "still serving"
    await worker.close()


async def test_close_stops_the_running_call_refuses_the_waiting_one_and_frees_the_handle() -> None:
    worker = BlockingWorker("closing")
    started = threading.Event()
    freed: list[str] = []

    def until_stopped() -> str:
        started.set()
        return "stopped" if worker.pause(5) else "slept on"

    running = worker.call(until_stopped)
    waiting = worker.call(freed.append, "must not run")

    async def close_when_started() -> None:
        await until(started.is_set)
        await worker.close(lambda: freed.append(threading.current_thread().name))

    results = await asyncio.gather(running, waiting, close_when_started(), return_exceptions=True)
    assert results[0] == "stopped"
    assert isinstance(results[1], DeviceUnavailable)
    assert results[1].code is DeviceCode.CLOSED
    assert freed == ["dev-closing"]
    assert not thread_alive("closing")
    await worker.close()
    with pytest.raises(DeviceUnavailable, match="open"):
        await worker.call(freed.append, "after close")


async def test_result_is_dropped_by_the_thread_as_soon_as_it_is_delivered() -> None:
    """A card read must not stay alive in an idle thread until the next call."""

    class Card:
        pass

    worker = BlockingWorker("lingering")
    card = await worker.call(Card)
    ghost = weakref.ref(card)
    del card
    await until(lambda: ghost() is None)
    await worker.close()


async def test_worker_that_was_never_used_leaves_nothing_to_close() -> None:
    worker = BlockingWorker("unused")
    await worker.close()
    assert not thread_alive("unused")


async def test_error_that_leaves_the_thread_holds_no_number_and_no_pin_of_the_calls_it_came_through() -> None:
    """The command that showed a PIN to a card, and the records of a bank card, stood in the frames of the refusal."""

    def refused(number: str) -> None:
        held = [number]
        try:
            int(held[0][:0])
        except ValueError:
            raise DeviceUnavailable("refused") from None

    worker = BlockingWorker("chip")
    with pytest.raises(DeviceUnavailable) as caught:
        await worker.call(lambda: refused("6222" + "0212345678"))
    await worker.close()
    errors = [caught.value, caught.value.__context__]
    frames = [frame for error in errors if error is not None for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert any(frame.f_code.co_name == "refused" for frame in frames)  # the place is still named
    assert not any("held" in frame.f_locals or "number" in frame.f_locals for frame in frames)
