"""Port: a reader of chip cards that the person keeps in hand, by contact or contactless."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from devices.device import Device

if TYPE_CHECKING:
    from devices.chip import Dialogue

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChipCard:
    """A chip that answers. ``atr`` is its answer to reset (ISO/IEC 7816-3); it names a kind of card, never a person."""

    atr: bytes
    contactless: bool


class ChipAccess(ABC):
    """Whatever can talk to the chip that is there now: a reader, or a slot that holds the card."""

    @abstractmethod
    async def converse(self, dialogue: Dialogue[T]) -> T:
        """Run one of the dialogues of ``devices.chip`` and return its result; the dialogue is closed in any case.

        61xx and 6Cxx are resolved here (ISO/IEC 7816-3 clause 12.2): the dialogue sees whole answers. Raises
        ``MediumError`` (lifted, unreadable, and what the dialogue raises), ``DeviceTimeout``, ``DeviceUnavailable``.
        """


class CardReader(Device, ChipAccess):
    """A field to tap or a slot to dip: the machine never holds the card."""

    @abstractmethod
    async def wait_card(self) -> ChipCard:
        """Return when a card is there whose chip answers, and which was not there before. Cancellable within 0.5 s.

        Raises ``MediumError`` (``CARD_UNREADABLE``) for one whose chip does not answer: upside down, no chip.
        """

    @abstractmethod
    async def card_present(self) -> bool:
        """Tell whether any card is there, read or not."""

    @abstractmethod
    async def wait_removed(self) -> None:
        """Return when no card is there. Cancellable within 0.5 s."""
