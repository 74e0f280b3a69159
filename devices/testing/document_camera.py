# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of a document camera: all that a camera has to keep, and what becomes of a page."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from devices.document_camera import DocumentCamera, Page, PageFault
from devices.errors import DeviceCode, DeviceFault, DeviceUnavailable
from devices.testing.camera import CameraContract, CameraHands, watching
from devices.testing.device import TICK_S, cancelled_in_time, error_of, opened, running
from devices.values import PiiWipedError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from devices.camera import Camera

TAKEN_WITHIN_S = 5.0  # half a second of pictures, and a slow machine to look at them
RGB = 3
SHAPES = {"page": 2**0.5, "card": 85.60 / 53.98, "spread": 2**0.5, "crooked": 2**0.5}
SHAPE_NEAR = 0.03
REPR_LIMIT = 600
PAGE_FAULTS = {
    "nothing": PageFault.NO_PAGE,
    "half_out": PageFault.CUT_OFF,
    "blurred": PageFault.BLURRED,
    "glare": PageFault.GLARE,
    "blank": PageFault.BLANK,
    "dark": PageFault.DARK,
    "moving": PageFault.MOVED,
}


class DocumentCameraHands(CameraHands, Protocol):
    """What can be done to the camera, and laid under it."""

    async def lay(self, what: str) -> None:
        """Lay something there: a key of ``SHAPES`` lies well, one of ``PAGE_FAULTS`` has that fault and no other."""
        ...


class DocumentCameraContract(CameraContract):
    """Points every document camera has to keep."""

    def calls(self, device: Camera) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {**super().calls(device), "capture": page_camera(device).capture}

    async def make_ready(self, device: Camera, hands: CameraHands, call: str) -> None:
        await super().make_ready(device, hands, call)
        if call == "capture":
            await device.start()

    def test_every_fault_of_a_page_is_asked_for(self) -> None:
        assert set(PAGE_FAULTS.values()) == set(PageFault)

    @pytest.mark.parametrize("what", SHAPES)
    async def test_page_that_lies_well_is_cut_out_straight_and_of_its_own_shape(
        self, device: DocumentCamera, hands: DocumentCameraHands, what: str
    ) -> None:
        await hands.lay(what)
        async with watching(device):
            page = await captured(device)
        assert page.faults == frozenset()
        assert len(page.rgb.reveal()) == page.width * page.height * RGB > 0
        assert max(page.width, page.height) / min(page.width, page.height) == pytest.approx(
            SHAPES[what], rel=SHAPE_NEAR
        )
        assert len(page.corners) == 4  # noqa: PLR2004 - corners

    @pytest.mark.parametrize(("what", "fault"), PAGE_FAULTS.items())
    async def test_fault_of_a_page_is_told_and_told_alone(
        self, device: DocumentCamera, hands: DocumentCameraHands, what: str, fault: PageFault
    ) -> None:
        await hands.lay(what)
        async with watching(device):
            page = await captured(device)
        assert page.faults == {fault}
        assert len(page.rgb.reveal()) == page.width * page.height * RGB
        if fault is PageFault.NO_PAGE:
            assert (page.width, page.height) == (0, 0)

    async def test_page_in_the_dark_of_a_covered_lens_is_dark_and_not_missing(
        self, device: DocumentCamera, hands: DocumentCameraHands
    ) -> None:
        await hands.lay("page")
        async with watching(device):
            await hands.cover()
            try:
                await device.frame()
                page = await captured(device)
            finally:
                await hands.cover(on=False)
        assert page.faults <= {PageFault.DARK, PageFault.MOVED}
        assert PageFault.DARK in page.faults

    async def test_page_is_wiped_with_its_value_and_stands_in_no_repr(
        self, device: DocumentCamera, hands: DocumentCameraHands
    ) -> None:
        await hands.lay("page")
        async with watching(device):
            page = await captured(device)
        assert len(repr(page)) < REPR_LIMIT
        content = page.rgb.reveal()
        page.rgb.wipe()
        assert not any(content)
        with pytest.raises(PiiWipedError):
            page.rgb.reveal()

    async def test_capture_of_a_sensor_that_is_off_is_refused(self, device: DocumentCamera) -> None:
        async with opened(device):
            error = await error_of(device.capture)
            assert error.code is DeviceCode.CLOSED
            assert "start" in error.detail

    async def test_capture_is_cancelled_at_any_moment_and_the_next_one_comes(
        self, device: DocumentCamera, hands: DocumentCameraHands
    ) -> None:
        await hands.lay("page")
        async with watching(device):
            for ticks in (0, 20, 90, 110):  # before, while pictures are taken, while they are looked at
                async with running(device.capture) as task:
                    await asyncio.wait({task}, timeout=ticks * TICK_S)
                    await cancelled_in_time(task)
            assert (await captured(device)).faults == frozenset()

    async def test_frozen_camera_gives_no_page(self, device: DocumentCamera, hands: DocumentCameraHands) -> None:
        await hands.lay("page")
        async with watching(device):
            await device.frame()
            await hands.freeze()
            try:
                error = await error_of(lambda: forever(device))
            finally:
                await hands.freeze(on=False)
        assert isinstance(error, DeviceFault)
        assert error.code is DeviceCode.FROZEN

    async def test_cable_pulled_during_a_capture_is_told(
        self, device: DocumentCamera, hands: DocumentCameraHands
    ) -> None:
        async with watching(device):
            await device.frame()
            async with running(lambda: error_of(lambda: forever(device))) as task:
                await asyncio.wait({task}, timeout=TICK_S)
                await hands.unplug()
                error = await task
            assert isinstance(error, DeviceUnavailable)
            assert error.device

    async def test_preview_goes_on_while_a_page_is_taken(
        self, device: DocumentCamera, hands: DocumentCameraHands
    ) -> None:
        await hands.lay("page")
        async with watching(device), running(device.capture) as task:
            seen = 0
            while not task.done():
                await device.frame()
                seen += 1
            assert (await task).faults == frozenset()
        assert seen > 1


def page_camera(device: Camera) -> DocumentCamera:
    """Return the device as what it is here."""
    assert isinstance(device, DocumentCamera)
    return device


async def captured(device: DocumentCamera) -> Page:
    """Take a page, and not for ever."""
    begin = time.monotonic()
    async with asyncio.timeout(TAKEN_WITHIN_S):
        page = await device.capture()
    assert time.monotonic() - begin < TAKEN_WITHIN_S
    return page


async def forever(device: DocumentCamera) -> None:
    """Take pages until there is no other."""
    while True:
        await device.capture()
