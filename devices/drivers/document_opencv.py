"""Driver: a document camera OpenCV can open, by V4L2 number or path or by the URL of a stream.

The sensor runs as for any camera; a page is taken from the pictures of half a second, so that one which is still being
laid down is noticed. The search runs on a reduced picture, in a thread of its own.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from devices.blocking import BlockingWorker
from devices.device import DeviceInfo
from devices.document_camera import DocumentCamera, Page, PageFault
from devices.drivers.document_faults import MOVED_LONGEST, examine, moved
from devices.drivers.document_pages import reduced
from devices.drivers.opencv_grabber import Look
from devices.drivers.opencv_sensor import Sensor
from devices.drivers.opencv_source import Controls, Source
from devices.drivers.opencv_watch import FROZEN_S
from devices.errors import DeviceCode, DeviceUnavailable
from devices.values import Pii

if TYPE_CHECKING:
    from devices.drivers.document_pages import Picture
    from devices.health import Health
    from devices.values import Frame

TAKEN_S: Final = 0.5  # the port's: "the next half second"
PICTURES: Final = 3  # at least: two say too little about movement


class OpencvDocumentCamera(DocumentCamera):
    """A camera above a glass or a tray of one colour.

    ``width`` x ``height`` is asked from the sensor; the preview is scaled to fit into ``preview_width`` x
    ``preview_height`` and shows ``preview_fps`` pictures a second at most. The other options are those of a camera.
    """

    def __init__(
        self,
        name: str,
        source: str | int,
        width: int = 4160,
        height: int = 3120,
        *,
        preview_width: int = 960,
        preview_height: int = 720,
        preview_fps: float = 10,
        allow_virtual: bool = False,
        frozen_s: float = FROZEN_S,
        exposure_us: int = 0,
        white_balance_k: int = 0,
    ) -> None:
        self._name = name
        self._source = Source(source)
        controls = Controls(exposure_us, white_balance_k)
        look = Look((preview_width, preview_height), False, frozen_s, controls, preview_fps)
        self._sensor = Sensor(name, self._source, (width, height), look, allow_virtual=allow_virtual)
        self._worker: BlockingWorker | None = None

    def info(self) -> DeviceInfo:
        """Return the name plate."""
        return DeviceInfo(driver="opencv-document", address=self._source.address, model=self._source.model)

    async def open(self) -> None:
        """Make sure that the source is there."""
        await self._sensor.open()
        self._worker = self._worker or BlockingWorker(self._name)

    async def close(self) -> None:
        """Switch the sensor off and end both threads."""
        worker, self._worker = self._worker, None
        await self._sensor.close()
        if worker is not None:
            await worker.close()

    async def probe(self) -> Health:
        """Tell what is wrong with the pictures while the sensor is on: NO_FRAMES, FROZEN, TOO_DARK, TOO_BRIGHT."""
        return await self._sensor.probe()

    async def start(self) -> None:
        """Switch the sensor on and return when pictures can be expected."""
        await self._sensor.start()

    async def stop(self) -> None:
        """Switch the sensor off."""
        await self._sensor.stop()

    async def frame(self) -> Frame:
        """Return the newest picture of the preview, or wait for the next."""
        return await self._sensor.frame()

    async def capture(self) -> Page:
        """Take the page that lies there. See the port."""
        worker = self._worker
        if worker is None:
            raise DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self._name)
        grabber, shots = self._sensor.running(), _Shots()
        try:
            await grabber.show(shots.take)
            return await worker.call(_page_of, shots, worker)
        finally:
            shots.wipe()


class _Shots:
    """The pictures of half a second: the last one, and whether they were alike."""

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self.moved = False
        self._before: Picture | None = None
        self._began = 0.0
        self._count = 0

    def take(self, picture: Picture) -> bool:
        """Look at one picture, in the grabber's thread; return True when it was the last one needed."""
        now, small = time.monotonic(), reduced(picture, MOVED_LONGEST)
        if self._before is None:
            self._began = now
        elif moved(self._before, small):
            self.moved = True
        self._before = small.copy()
        self._count += 1
        if self._count < PICTURES or now - self._began < TAKEN_S:
            return False
        self.picture = picture.copy()
        return True

    def wipe(self) -> None:
        """Overwrite what is kept."""
        for picture in (self.picture, self._before):
            if picture is not None:
                picture.fill(0)


def _page_of(shots: _Shots, worker: BlockingWorker) -> Page:
    """Find, cut out and judge the page; in the worker's thread."""
    if shots.picture is None:
        raise RuntimeError("the page was asked for before its picture was taken")
    found = examine(shots.picture)
    page, corners = found.page, found.corners
    if page is None or corners is None:
        return Page(0, 0, Pii(bytearray()), (), found.faults)
    faults = found.faults
    if shots.moved:
        faults = faults - {PageFault.BLURRED} | {PageFault.MOVED}  # what moves is blurred by that
    rgb = np.asarray(cv2.cvtColor(page, cv2.COLOR_BGR2RGB), np.uint8)
    content = Pii(bytearray(rgb))
    page.fill(0)
    rgb.fill(0)
    if worker.stopping:  # whoever asked is gone
        content.wipe()
    where = tuple((float(x), float(y)) for x, y in corners)
    return Page(page.shape[1], page.shape[0], content, where, faults)
