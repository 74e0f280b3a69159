"""Port: a reader of resident identity cards and permits."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from devices.device import Device

if TYPE_CHECKING:
    from devices.values import IdentityCard


class IdReader(Device):
    """Contactless: the card lies on the machine and the person keeps it."""

    @abstractmethod
    async def wait_card(self) -> None:
        """Return when a card that has not been read yet lies on the reader. Cancellable within 0.5 s."""

    @abstractmethod
    async def read(self) -> IdentityCard:
        """Read the card found by :meth:`wait_card`.

        Raises ``MediumError`` (lifted, unreadable, unknown kind, invalid), ``DeviceFault`` (security module),
        ``DeviceTimeout``, ``DeviceProtocolError``, ``DeviceUnavailable``.
        """

    @abstractmethod
    async def card_present(self) -> bool:
        """Tell whether the card read last is still lying there."""

    @abstractmethod
    async def card_waiting(self) -> bool:
        """Tell whether a card that nobody has read yet lies there now: one question to the reader, no wait."""

    @abstractmethod
    async def wait_removed(self) -> None:
        """Return when the card read last has been lifted. Cancellable within 0.5 s."""
