"""Driver: any camera OpenCV can open: a V4L2 device by number or path, a stream by its URL, a film by its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.camera import Camera
from devices.device import DeviceInfo
from devices.drivers.opencv_grabber import Look
from devices.drivers.opencv_sensor import Sensor
from devices.drivers.opencv_source import Controls, Source
from devices.drivers.opencv_watch import FROZEN_S

if TYPE_CHECKING:
    from devices.health import Health
    from devices.values import Frame


class OpencvCamera(Camera):
    """A camera, a stream or a film. Pictures of another size than ``width`` x ``height`` are scaled to fit inside.

    ``mirror`` flips left and right. A virtual device of the kernel is refused unless ``allow_virtual``: what looks
    into the room must be a sensor. ``frozen_s``: a camera that repeats its pictures for so long is broken; 0: never.
    ``exposure_us`` and ``white_balance_k`` fix what is automatic else; V4L2 devices only (``ValueError``).
    """

    def __init__(
        self,
        name: str,
        source: str | int,
        width: int = 640,
        height: int = 480,
        *,
        mirror: bool = False,
        allow_virtual: bool = False,
        frozen_s: float = FROZEN_S,
        exposure_us: int = 0,
        white_balance_k: int = 0,
    ) -> None:
        self._source = Source(source)
        look = Look((width, height), mirror, frozen_s, Controls(exposure_us, white_balance_k))
        self._sensor = Sensor(name, self._source, (width, height), look, allow_virtual=allow_virtual)

    def info(self) -> DeviceInfo:
        """Return the name plate."""
        return DeviceInfo(driver="opencv_camera", address=self._source.address, model=self._source.model)

    async def open(self) -> None:
        """Make sure that the source is there."""
        await self._sensor.open()

    async def close(self) -> None:
        """Switch the sensor off and end its thread."""
        await self._sensor.close()

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
        """Return the newest picture, or wait for the next. A dark one is a picture, a repeated one is not."""
        return await self._sensor.frame()
