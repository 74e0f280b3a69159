"""Port: a motorised slot that takes a card in, gives it back, or keeps it."""

from __future__ import annotations

import enum
from abc import abstractmethod
from typing import TYPE_CHECKING

from devices.card_reader import ChipAccess
from devices.device import Device

if TYPE_CHECKING:
    from devices.card_reader import ChipCard


class CardPosition(enum.StrEnum):
    """Where a card is. The machine says so; what it does not say is ``UNKNOWN``, never ``EMPTY``."""

    EMPTY = "empty"
    MOUTH = "mouth"  # held at the opening: the person can take it, the machine can draw it in again
    INSIDE = "inside"
    JAMMED = "jammed"
    UNKNOWN = "unknown"


class CardSlot(Device, ChipAccess):
    """Whatever happens, the card is given back, or kept and counted: it is never lost.

    ``open`` and ``close`` leave a card where it is. A state-changing call whose end was not seen raises
    ``OutcomeUnknown``: ask :meth:`position`, never repeat blindly.
    """

    @abstractmethod
    async def accept(self) -> ChipCard | None:
        """Let a card in and return when it is inside; ``None``: it is in and has no chip that answers.

        The opening is free only meanwhile. Cancelling closes it again, or gives back a card that is half in. Raises
        ``MediumError`` (a card drawn in cannot be one), ``DeviceFault`` (``CARD_JAM``), ``OutcomeUnknown``.
        """

    @abstractmethod
    async def present(self) -> None:
        """Move the card to the mouth and return when it can be taken. Nothing in the slot is no error.

        Raises ``DeviceFault`` (``CARD_JAM``), ``OutcomeUnknown``.
        """

    @abstractmethod
    async def wait_taken(self) -> None:
        """Return when the card has left the mouth. Cancellable within 0.5 s."""

    @abstractmethod
    async def retain(self) -> None:
        """Move the card into the retain bin. Raises ``DeviceFault`` (``CARD_JAM``, ``RETAIN_BIN_FULL``)."""

    @abstractmethod
    async def position(self) -> CardPosition:
        """Ask the machine where the card is; it moves nothing."""

    @abstractmethod
    async def retained(self) -> int:
        """Return how many cards the bin holds, counted by the machine where it counts, otherwise by the driver."""
