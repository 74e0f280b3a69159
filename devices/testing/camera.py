# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of a camera. A driver proves itself by subclassing ``CameraContract``.

The subclass gives two fixtures: ``device``, the driver, not opened; and ``hands``, what a person could do to the
machine. Where something cannot be brought about, the hand skips the test with a reason.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable
from devices.health import Condition, Health, HealthState
from devices.testing.handles import open_handles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from devices.camera import Camera

CANCEL_WITHIN_S = 0.5  # design: every wait is cancellable within it
UNPLUG_TOLD_S = 1.0
BACK_WITHIN_S = 3.0
SILENCE_S = 2.0  # the port: no picture for this long is a fault
PATIENCE_S = 15.0
REOPENINGS = 10
RGB = 3  # bytes a pixel
FRESH_S = 0.3  # a picture at five a second, and a busy machine
REPR_LIMIT = 200
LOOP_LAG_S = 0.02  # a third of a picture at twenty a second


class CameraHands(Protocol):
    """What can be done to the machine from outside."""

    async def unplug(self) -> None:
        """Pull the cable."""
        ...

    async def plug(self) -> None:
        """Put the cable back."""
        ...

    async def mute(self) -> None:
        """Let the machine stay there and send nothing."""
        ...

    async def speak(self) -> None:
        """Let it send again."""
        ...


class CameraContract:
    """Points every camera has to keep. Names of the tests are the faults they prevent."""

    async def test_open_and_close_twice_is_the_same_as_once(self, device: Camera) -> None:
        await device.close()
        await device.open()
        await device.open()
        assert (await device.probe()).usable
        await device.close()
        await device.close()

    async def test_calls_on_a_closed_camera_say_so_and_name_the_remedy(self, device: Camera) -> None:
        for call in (device.probe, device.start):
            error = await error_of(call)
            assert isinstance(error, DeviceUnavailable)
            assert error.code is DeviceCode.CLOSED
            assert error.device
            assert "open" in error.detail
        await device.stop()

    async def test_picture_of_a_sensor_that_is_off_is_refused(self, device: Camera) -> None:
        async with opened(device):
            error = await error_of(device.frame)
            assert error.code is DeviceCode.CLOSED
            assert "start" in error.detail

    async def test_start_and_stop_twice_is_the_same_as_once(self, device: Camera) -> None:
        async with watching(device):
            await device.start()
            await device.frame()
            await device.stop()
            await device.stop()
            assert (await error_of(device.frame)).code is DeviceCode.CLOSED

    async def test_pictures_are_whole_new_and_in_order(self, device: Camera) -> None:
        async with watching(device):
            last = 0.0
            for _ in range(5):
                frame = await device.frame()
                assert len(frame.rgb) == frame.width * frame.height * RGB > 0
                assert frame.taken > last
                last = frame.taken

    async def test_late_caller_gets_the_newest_picture_not_a_queue(self, device: Camera) -> None:
        async with watching(device):
            await device.frame()
            await asyncio.sleep(0.6)  # the camera goes on; nothing else can make pictures old
            began = time.monotonic()
            assert began - (await device.frame()).taken < FRESH_S
            assert (await device.frame()).taken > began - 0.1

    async def test_picture_never_appears_in_a_repr(self, device: Camera) -> None:
        async with watching(device):
            assert len(repr(await device.frame())) < REPR_LIMIT

    async def test_waiting_caller_is_freed_within_half_a_second(self, device: Camera, hands: CameraHands) -> None:
        async with watching(device):
            await device.frame()
            await hands.mute()
            async with asyncio.TaskGroup() as group:
                task = group.create_task(drain(device))
                await asyncio.sleep(0)
                began = time.monotonic()
                task.cancel()
                await asyncio.wait({task})
                assert time.monotonic() - began < CANCEL_WITHIN_S
            await hands.speak()
            await patiently(device.frame)

    async def test_sensor_switched_off_under_a_waiting_caller_frees_it(self, device: Camera) -> None:
        async with watching(device), asyncio.TaskGroup() as group:
            waiting = group.create_task(error_of(lambda: drain(device)))
            await asyncio.sleep(0)
            await device.stop()
            assert (await waiting).code is DeviceCode.CLOSED

    async def test_silence_of_two_seconds_is_a_fault_and_not_nobody(self, device: Camera, hands: CameraHands) -> None:
        async with watching(device):
            await device.frame()
            await hands.mute()
            began = time.monotonic()
            error = await error_of(lambda: drain(device))
            assert isinstance(error, DeviceFault)
            assert error.code is DeviceCode.NO_FRAMES
            assert time.monotonic() - began < SILENCE_S + 1
            health = await device.probe()
            assert health == Health(HealthState.FAULT, frozenset({Condition.NO_FRAMES}))
            await hands.speak()
            await patiently(device.frame)
            assert (await device.probe()).usable

    async def test_cable_pulled_is_told_within_a_second(self, device: Camera, hands: CameraHands) -> None:
        async with watching(device):
            await device.frame()
            await hands.unplug()
            began = time.monotonic()
            error = await error_of(lambda: drain(device))
            assert time.monotonic() - began < UNPLUG_TOLD_S
            assert isinstance(error, DeviceUnavailable)
            assert error.device
            assert isinstance(await error_of(device.probe), DeviceUnavailable)

    async def test_camera_plugged_in_again_works_after_a_start(self, device: Camera, hands: CameraHands) -> None:
        async with watching(device):
            await device.frame()
            await hands.unplug()
            await error_of(lambda: drain(device))
            assert isinstance(await error_of(device.start), DeviceUnavailable)
            await hands.plug()
            began = time.monotonic()
            await device.start()
            await device.frame()
            assert time.monotonic() - began < BACK_WITHIN_S

    async def test_open_without_a_camera_fails_and_works_once_it_is_there(
        self, device: Camera, hands: CameraHands
    ) -> None:
        await hands.unplug()
        assert isinstance(await error_of(device.open), DeviceUnavailable)
        await hands.plug()
        async with opened(device):
            assert (await device.probe()).usable

    async def test_many_starts_leave_no_thread_and_no_handle(self, device: Camera) -> None:
        async with watching(device):
            await device.frame()
        handles, threads = open_handles(), set(threading.enumerate())
        for _ in range(REOPENINGS):
            async with watching(device):
                await device.frame()
        assert set(threading.enumerate()) <= threads
        async with asyncio.timeout(PATIENCE_S):  # a machine in this very process lets go a moment later
            while open_handles() > handles:  # noqa: ASYNC110 - nothing tells when a handle goes
                await asyncio.sleep(0.01)

    async def test_loop_stays_responsive_while_pictures_come(self, device: Camera) -> None:
        """A binding that holds Python's lock while it waits for the sensor would freeze the whole terminal."""
        waits: list[float] = []
        async with watching(device):
            await device.frame()
            ends = time.monotonic() + 0.5
            while time.monotonic() < ends:
                began = time.monotonic()
                await asyncio.sleep(0)
                waits.append(time.monotonic() - began)
        assert sorted(waits)[len(waits) * 99 // 100] < LOOP_LAG_S

    async def test_name_plate_is_given(self, device: Camera) -> None:
        plate = device.info()
        assert plate.driver
        assert plate.address


@asynccontextmanager
async def opened(device: Camera) -> AsyncIterator[None]:
    """Open the device around a test that must not take long; closing never depends on its success."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await device.open()
            yield
    finally:
        await device.close()


@asynccontextmanager
async def watching(device: Camera) -> AsyncIterator[None]:
    """Open and switch on."""
    async with opened(device):
        await device.start()
        yield


async def drain(device: Camera) -> None:
    """Take pictures until there is no other."""
    while True:
        await device.frame()


async def error_of(call: Callable[[], Coroutine[Any, Any, object]]) -> DeviceError:
    """Return the error that ``call`` ends with; it has to, and soon."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            await call()
        except DeviceError as error:
            return error
    raise AssertionError("no error was raised")


async def patiently(call: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Repeat ``call`` until it succeeds: a camera needs a moment to come back."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await call()
            except DeviceFault:
                await asyncio.sleep(0.01)
            else:
                return
