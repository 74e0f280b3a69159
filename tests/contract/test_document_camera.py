"""The document camera over a real MJPEG stream: whatever lies on the glass, and whatever becomes of the camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from devices.drivers.document_opencv import OpencvDocumentCamera
from devices.sim.glass_machine import SCENES, GlassMachine
from devices.testing.camera import watching
from devices.testing.document_camera import DocumentCameraContract, captured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SIZE = (1200, 900)  # 3 pixels a millimetre: as little as small print can be read from


class GlassHands:
    """The contract's hands on the simulated machine."""

    def __init__(self, machine: GlassMachine) -> None:
        self.machine = machine
        self.unplug, self.plug, self.lay = machine.unplug, machine.plug, machine.lay

    async def mute(self) -> None:
        self.machine.mute()

    async def unmute(self) -> None:
        self.machine.mute(False)

    async def freeze(self, on: bool = True) -> None:
        self.machine.freeze(on)

    async def cover(self, on: bool = True) -> None:
        self.machine.black(on)

    async def dazzle(self, on: bool = True) -> None:
        self.machine.white(on)


@pytest.fixture
async def machine() -> AsyncIterator[GlassMachine]:
    machine = GlassMachine(SIZE)
    await machine.start()
    yield machine
    await machine.stop()


@pytest.fixture
def hands(machine: GlassMachine) -> GlassHands:
    return GlassHands(machine)


@pytest.fixture
def device(machine: GlassMachine) -> OpencvDocumentCamera:
    return OpencvDocumentCamera("document_camera", machine.url)


class TestDocumentCamera(DocumentCameraContract):
    """Against the contract of a document camera."""


async def test_page_shows_what_is_written_on_it(machine: GlassMachine, device: OpencvDocumentCamera) -> None:
    """Cut out crooked, it is the same page as the straight one."""
    pages = []
    for what in ("page", "crooked"):
        await machine.lay(what)
        async with watching(device):
            page = await captured(device)
        picture = np.frombuffer(page.rgb.reveal(), np.uint8).reshape(page.height, page.width, 3)
        pages.append(cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (400, 280), interpolation=cv2.INTER_AREA))
    likeness = cv2.matchTemplate(pages[0], pages[1][10:-10, 10:-10], cv2.TM_CCOEFF_NORMED).max()
    assert likeness > 0.8


async def test_preview_is_small_however_large_the_sensor(machine: GlassMachine) -> None:
    device = OpencvDocumentCamera("document_camera", machine.url, preview_width=400, preview_height=400)
    async with watching(device):
        frame = await device.frame()
    assert (frame.width, frame.height) == (400, 300)


async def test_unknown_thing_on_the_glass_is_refused(machine: GlassMachine) -> None:
    with pytest.raises(ValueError, match="half_out"):
        await machine.lay("elephant")
    assert machine.state()["lies"] == "nothing"
    assert set(SCENES) >= {"page", "nothing"}
