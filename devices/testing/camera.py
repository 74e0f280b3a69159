# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of a camera. A driver proves itself by subclassing ``CameraContract``.

Where something cannot be brought about, the hand skips the test with a reason.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from devices.camera import Camera
from devices.errors import DeviceCode, DeviceFault, DeviceUnavailable
from devices.health import Condition, Health, HealthState
from devices.testing.device import (
    PATIENCE_S,
    DeviceContract,
    Hands,
    error_of,
    opened,
    until,
)
from devices.testing.handles import open_handles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

UNPLUG_TOLD_S = 1.0
BACK_WITHIN_S = 3.0
SILENCE_S = 2.0  # the port: no picture for this long is a fault
TOLD_WITHIN_S = 4.0  # frozen, dark, bright: two seconds of looking, and a machine that is slow to change
RGB = 3  # bytes a pixel
FRESH_S = 0.3  # a picture at five a second, and a busy machine
REPR_LIMIT = 200
LOOP_LAG_S = 0.02  # a third of a picture at twenty a second
STARTS = 10


class CameraHands(Hands, Protocol):
    """What can be done to a camera from outside; each is undone by the same hand with ``on=False``."""

    async def freeze(self, on: bool = True) -> None:
        """Let it send one picture over and over."""
        ...

    async def cover(self, on: bool = True) -> None:
        """Cover the lens."""
        ...

    async def dazzle(self, on: bool = True) -> None:
        """Shine into the lens."""
        ...


class CameraContract(DeviceContract[Camera]):
    """Points every camera has to keep."""

    can_be_asked = False  # a sensor that is off says nothing; silence of one that is on has points of its own

    def calls(self, device: Camera) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {"probe": device.probe, "start": device.start}

    def waits(self, device: Camera) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {"frame": lambda: drain(device)}

    async def make_ready(self, device: Camera, hands: CameraHands, call: str) -> None:
        if call == "frame":
            await hands.unmute()
            await device.start()
            await device.frame()
            await hands.mute()  # else there is nothing to wait for

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
            await hands.unmute()
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

    @pytest.mark.parametrize(
        ("hand", "condition"),
        [("freeze", Condition.FROZEN), ("cover", Condition.TOO_DARK), ("dazzle", Condition.TOO_BRIGHT)],
    )
    async def test_trouble_with_the_picture_is_told_alone_and_goes_when_it_is_over(
        self, device: Camera, hands: CameraHands, hand: str, condition: Condition
    ) -> None:
        async with watching(device):
            await device.frame()
            await getattr(hands, hand)()
            try:
                assert await conditions_after(device, usable=False) == {condition}
                assert (await device.probe()).state is HealthState.FAULT
            finally:
                await getattr(hands, hand)(on=False)
            assert await conditions_after(device, usable=True) == frozenset()
            await patiently(device.frame)

    async def test_frozen_camera_is_a_fault_and_not_nobody(self, device: Camera, hands: CameraHands) -> None:
        async with watching(device):
            await device.frame()
            await hands.freeze()
            try:
                error = await error_of(lambda: drain(device))
                assert isinstance(error, DeviceFault)
                assert error.code is DeviceCode.FROZEN
                assert error.device
            finally:
                await hands.freeze(on=False)
            await patiently(device.frame)

    async def test_dark_pictures_are_pictures(self, device: Camera, hands: CameraHands) -> None:
        """The resident's hand may be the cause: only who shows the picture can say so."""
        async with watching(device):
            await hands.cover()
            try:
                assert await conditions_after(device, usable=False) == {Condition.TOO_DARK}
                await device.frame()
            finally:
                await hands.cover(on=False)

    async def test_still_scene_is_not_taken_for_a_frozen_camera(self, device: Camera) -> None:
        async with watching(device):
            ends = time.monotonic() + SILENCE_S + 1
            while time.monotonic() < ends:
                await device.frame()
            assert Condition.FROZEN not in (await device.probe()).conditions

    async def test_many_starts_leave_no_thread_and_no_handle(self, device: Camera) -> None:
        async with watching(device):
            await device.frame()
        handles, threads = open_handles(), set(threading.enumerate())
        for _ in range(STARTS):
            async with watching(device):
                await device.frame()
        assert set(threading.enumerate()) <= threads
        await until(lambda: open_handles() <= handles)  # a machine in this very process lets go a moment later

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


async def conditions_after(device: Camera, *, usable: bool) -> frozenset[Condition]:
    """Return what the camera says of itself once it is ``usable``, or is not."""
    async with asyncio.timeout(TOLD_WITHIN_S):
        while (health := await device.probe()).usable is not usable:  # noqa: ASYNC110 - nothing tells of a change
            await asyncio.sleep(0.02)
    return health.conditions


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
