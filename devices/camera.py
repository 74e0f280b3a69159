"""Port: a camera that looks at the person."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from devices.device import Device

if TYPE_CHECKING:
    from devices.values import Frame


class Camera(Device):
    """Pictures, newest first. The sensor runs only between :meth:`start` and :meth:`stop`."""

    @abstractmethod
    async def start(self) -> None:
        """Switch the sensor on. Idempotent. Raises ``DeviceUnavailable``."""

    @abstractmethod
    async def stop(self) -> None:
        """Switch the sensor off and drop every buffered picture. Idempotent; never raises."""

    @abstractmethod
    async def frame(self) -> Frame:
        """Return the next picture not returned before; older ones are dropped. Raises ``DeviceError``.

        Raises ``DeviceFault`` (``NO_FRAMES``) when the camera is there but delivers nothing for two seconds.
        """
