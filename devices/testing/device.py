# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""What every device has to keep, whatever it does. The suites of the ports build on it.

A driver's test class gives two fixtures: ``device``, the driver, not opened; and ``hands``, what a person could do to
the machine. With a real machine the hands ask a person, and skip what no person can bring about.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

import pytest

from devices.device import Device
from devices.errors import DeviceCode, DeviceError, DeviceUnavailable
from devices.health import Health
from devices.testing.handles import open_handles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

D = TypeVar("D", bound=Device)
T = TypeVar("T")

CANCEL_WITHIN_S = 0.5  # design §5: every wait is cancellable within it
PATIENCE_S = 15.0  # nothing in a contract takes longer; what does is stuck
IDLE_S = 1.5  # how long a wait is watched for busy polling
IDLE_SHARE = 0.05  # of one core, processor time: the machine may be busy, this process must not be
TICK_S = 0.005


class Hands(Protocol):
    """What can be done to any machine from outside. Each returns when it has happened."""

    async def unplug(self) -> None:
        """Pull the cable."""
        ...

    async def plug(self) -> None:
        """Put the cable back."""
        ...

    async def mute(self) -> None:
        """Let the machine stay there and answer nothing."""
        ...

    async def unmute(self) -> None:
        """Let it answer again."""
        ...


class DeviceContract(Generic[D]):
    """Points every device has to keep. Names of the tests are the faults they prevent.

    A port's suite says by :meth:`calls` which calls need an open device, and by :meth:`waits` which of them wait for a
    person; ``make_ready`` brings the machine to where a call makes sense.
    """

    pulled: ClassVar[type[DeviceError]] = DeviceError  # what a call ends with when the cable goes
    reopenings: ClassVar[int] = 20  # fewer where each starts a process
    can_be_asked: ClassVar[bool] = True  # False: silence means nothing, or has points of its own in the port's suite

    def calls(self, device: D) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        """Return every call that an open device answers soon, by name."""
        return {"probe": device.probe}

    def waits(self, device: D) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        """Return every call that lasts until somebody does something, by name; nobody does."""
        del device
        return {}

    async def make_ready(self, device: D, hands: Any, call: str) -> None:
        """Bring device and machine to where ``call`` makes sense."""

    async def under_way(self, task: asyncio.Task[Any], hands: Any) -> None:
        """Return when the call that ``task`` begins has reached the machine; a suite whose hands can tell asks them."""
        del hands
        await asyncio.wait({task}, timeout=10 * TICK_S)

    async def test_open_and_close_twice_is_the_same_as_once(self, device: D) -> None:
        await device.close()
        await device.open()
        await device.open()
        assert (await device.probe()).usable
        await device.close()
        await device.close()

    async def test_calls_on_a_closed_device_say_so_and_name_the_remedy(self, device: D) -> None:
        for name, call in {**self.calls(device), **self.waits(device)}.items():
            error = await error_of(call)
            assert isinstance(error, DeviceUnavailable), name
            assert error.code is DeviceCode.CLOSED, name
            assert error.device, name
            assert "open" in error.detail, name

    async def test_open_without_a_machine_fails_and_works_once_it_is_there(self, device: D, hands: Hands) -> None:
        await hands.unplug()
        assert isinstance(await error_of(device.open), DeviceUnavailable)
        await hands.plug()
        async with opened(device):
            assert (await device.probe()).usable

    async def test_wait_is_cancelled_within_half_a_second(self, device: D, hands: Hands) -> None:
        for name in self.waits(device):
            async with opened(device):
                await self.make_ready(device, hands, name)
                async with running(self.waits(device)[name]) as task:
                    done, _ = await asyncio.wait({task}, timeout=CANCEL_WITHIN_S)
                    assert not done, f"{name} does not wait"
                    await cancelled_in_time(task)
                assert (await device.probe()).usable, f"after a cancelled {name} the device is as good as before"

    async def test_call_to_a_mute_machine_is_cancelled_within_half_a_second(self, device: D, hands: Hands) -> None:
        for name in {**self.calls(device), **self.waits(device)}:
            async with opened(device):
                await self.make_ready(device, hands, name)
                await hands.mute()
                try:
                    async with running({**self.calls(device), **self.waits(device)}[name]) as task:
                        await self.under_way(task, hands)
                        await cancelled_in_time(task)
                    begin = time.monotonic()
                    await device.close()
                    assert time.monotonic() - begin < 2 * CANCEL_WITHIN_S, name
                finally:
                    await hands.unmute()

    async def test_machine_that_answers_nothing_is_never_taken_for_ready(self, device: D, hands: Hands) -> None:
        if not self.can_be_asked:
            pytest.skip("silence means nothing here, or has points of its own in the suite of the port")
        async with opened(device):
            await hands.mute()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    health = await device.probe()
            except DeviceError:
                return
            finally:
                await hands.unmute()
            assert not health.usable

    async def test_cable_pulled_in_the_middle_of_a_call_is_noticed(self, device: D, hands: Hands) -> None:
        for name in {**self.calls(device), **self.waits(device)}:
            async with opened(device):
                await self.make_ready(device, hands, name)
                await hands.mute()
                try:
                    call = {**self.calls(device), **self.waits(device)}[name]
                    async with running(partial(outcome_of, call)) as task:
                        await self.under_way(task, hands)
                        await hands.unplug()
                        error = await task
                    if error is None:  # answered before the cable was out: the next call must notice
                        error = await error_of(device.probe)
                finally:
                    await hands.unmute()
                    await hands.plug()
            assert isinstance(error, self.pulled), name
            assert error.device, name

    async def test_machine_plugged_in_again_works_after_a_reopening(self, device: D, hands: Hands) -> None:
        async with opened(device):
            await hands.unplug()
            assert isinstance(await error_of(device.probe), DeviceError)
            await hands.plug()
            await device.close()
            await device.open()
            assert (await device.probe()).usable

    async def test_reopenings_leave_no_thread_no_handle_no_task(self, device: D) -> None:
        async with opened(device):
            await device.probe()
        handles, threads, tasks = open_handles(), set(threading.enumerate()), len(asyncio.all_tasks())
        for _ in range(self.reopenings):
            async with opened(device):
                await device.probe()
        await until(lambda: open_handles() <= handles and len(asyncio.all_tasks()) <= tasks)
        assert set(threading.enumerate()) <= threads

    async def test_waiting_does_not_poll_busily(self, device: D, hands: Hands) -> None:
        """Processor time, not the clock's: a loaded machine changes nothing."""
        for name in self.waits(device):
            async with opened(device):
                await self.make_ready(device, hands, name)
                async with running(self.waits(device)[name]) as task:
                    used = time.process_time()
                    await asyncio.wait({task}, timeout=IDLE_S)
                    used = time.process_time() - used
                    await cancelled_in_time(task)
                assert used < IDLE_SHARE * IDLE_S, f"{name} used {used:.3f} s of processor time in {IDLE_S:g} s"

    async def test_health_and_name_plate_are_given(self, device: D) -> None:
        async with opened(device):
            assert isinstance(await device.probe(), Health)
            plate = device.info()
            assert plate.driver
            assert plate.address


@asynccontextmanager
async def opened(device: Device) -> AsyncIterator[None]:
    """Open the device around a test that must not take long; closing never depends on its success."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await device.open()
            yield
    finally:
        await device.close()


@asynccontextmanager
async def running(call: Callable[[], Coroutine[Any, Any, T]]) -> AsyncIterator[asyncio.Task[T]]:
    """Let ``call`` run beside a test; a failure of the test ends it."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(call())
        try:
            yield task
        finally:
            task.cancel()


async def outcome_of(call: Callable[[], Coroutine[Any, Any, object]]) -> DeviceError | None:
    """Return the error that ``call`` ends with, ``None`` when it succeeds; it has to end soon."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            await call()
        except DeviceError as error:
            return error
    return None


async def error_of(call: Callable[[], Coroutine[Any, Any, object]]) -> DeviceError:
    """Return the error that ``call`` ends with; it has to, and soon."""
    error = await outcome_of(call)
    assert error is not None, "no error was raised"
    return error


async def cancelled_in_time(task: asyncio.Task[Any]) -> None:
    """Cancel ``task`` and demand that its caller is free in time; one that had already ended is fine."""
    begin = time.monotonic()
    task.cancel()
    await asyncio.wait({task})
    assert time.monotonic() - begin < CANCEL_WITHIN_S


async def until(happened: Callable[[], bool]) -> None:
    """Wait until ``happened`` says so."""
    async with asyncio.timeout(PATIENCE_S):
        while not happened():  # noqa: ASYNC110 - the machine may be a real one: it sets no event
            await asyncio.sleep(TICK_S)
