"""What every camera behind OpenCV is: a source that is there or not, and a sensor that is on or off."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from devices.drivers.opencv_grabber import Grabber
from devices.drivers.opencv_source import Kind
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable
from devices.health import READY, Health

if TYPE_CHECKING:
    from devices.drivers.opencv_grabber import Look
    from devices.drivers.opencv_source import Source
    from devices.values import Frame

STOP_WAIT_S = 2.0  # a device that hangs is given up within two seconds

_log = logging.getLogger(__name__)


class Sensor:
    """The life of one camera. ``name`` is the device's, for its errors."""

    def __init__(self, name: str, source: Source, size: tuple[int, int], look: Look, *, allow_virtual: bool) -> None:
        if look.controls and source.kind is not Kind.SENSOR:
            raise ValueError(f"{name}: exposure and white balance can be set on a V4L2 device only")
        self.name = name
        self._source = source
        self._size = size
        self._look = look
        self._allow_virtual = allow_virtual
        self._opened = False
        self._grabber: Grabber | None = None

    async def open(self) -> None:
        """Make sure that the source is there."""
        if self._source.is_loopback() and not self._allow_virtual:
            raise DeviceFault(f"{self._source.address} is a virtual camera", device=self.name)
        await self._check()
        self._opened = True

    async def close(self) -> None:
        """Switch the sensor off and end its thread."""
        await self.stop()
        self._opened = False

    async def probe(self) -> Health:
        """Report what is wrong with the pictures while the sensor is on; else only look whether the source is there."""
        self._demand_open()
        grabber = self._grabber
        if grabber is None:
            await self._check()
            return READY
        if grabber.failure is not None:
            raise grabber.failure
        return Health.of(grabber.conditions())

    async def start(self) -> None:
        """Switch the sensor on and return when pictures can be expected."""
        self._demand_open()
        if self._grabber is not None:
            if self._grabber.failure is None:
                return
            await self.stop()
        await self._check()
        self._grabber = grabber = Grabber(self.name, self._source, self._size, self._look)
        grabber.start()
        try:
            await grabber.opened
        except DeviceError:
            await self.stop()
            raise
        except asyncio.CancelledError:
            grabber.end()
            self._grabber = None
            raise

    async def stop(self) -> None:
        """Switch the sensor off; waits ``STOP_WAIT_S`` at most."""
        grabber, self._grabber = self._grabber, None
        if grabber is not None:
            grabber.end()
            await asyncio.wait({grabber.gone}, timeout=STOP_WAIT_S)
            if not grabber.gone.done():
                _log.error("camera %s: a read did not return; its thread ends when it does", self.name)

    async def frame(self) -> Frame:
        """Return the newest picture, or wait for the next."""
        return await self.running().take()

    def running(self) -> Grabber:
        """Return the thread of the switched-on sensor. Raises ``DeviceUnavailable``."""
        self._demand_open()
        if self._grabber is None:
            raise DeviceUnavailable("the sensor is off: call start() first", code=DeviceCode.CLOSED, device=self.name)
        return self._grabber

    def _demand_open(self) -> None:
        if not self._opened:
            raise DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self.name)

    async def _check(self) -> None:
        try:
            await self._source.check()
        except DeviceUnavailable as error:
            error.device = self.name
            raise
