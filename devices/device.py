"""What every device is: four methods and a name plate. No method takes a time-out: callers use ``asyncio.timeout``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.errors import DeviceError
    from devices.health import Health


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """The name plate: driver, address and what the hardware says of itself. No personal data."""

    driver: str
    address: str
    model: str = ""
    serial: str = ""


class Device(ABC):
    """Life-cycle: ``open`` (idempotent), use, ``close`` (idempotent, never raises), possibly ``open`` again."""

    @abstractmethod
    async def open(self) -> None:
        """Connect. Raises ``DeviceError``; afterwards the device is closed as before."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect and free every handle and thread. Never raises."""

    @abstractmethod
    async def probe(self) -> Health:
        """Ask the device how it is: cheap, unnoticed by residents. Raises ``DeviceError`` when it does not answer."""

    @abstractmethod
    def info(self) -> DeviceInfo:
        """Return the name plate."""


@runtime_checkable
class TellsOfLoss(Protocol):
    """A device that knows by itself, and at once, that it has gone: nobody needs to ask it first."""

    def on_lost(self, tell: Callable[[DeviceError], None]) -> None:
        """Let ``tell`` hear, on the device's loop, that the open device was lost, and why."""
        ...
