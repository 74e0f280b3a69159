"""Port: lights that lead the eye to where something has to be put in or taken out."""

from __future__ import annotations

import enum
from abc import abstractmethod
from typing import TYPE_CHECKING

from devices.device import Device

if TYPE_CHECKING:
    from collections.abc import Mapping


class Light(enum.StrEnum):
    """Where a machine may have one."""

    ID_READER = "id_reader"
    CARD_READER = "card_reader"
    CARD_SLOT = "card_slot"
    DOCUMENT_TRAY = "document_tray"  # where sheets come out
    RECEIPT_SLOT = "receipt_slot"
    SCANNER = "scanner"
    DOCUMENT_GLASS = "document_glass"
    FACE = "face"  # fills in the face in the dark
    STATUS = "status"  # seen across the hall


class LightState(enum.StrEnum):
    """What a light does. Blinking is slow, at most once a second: faster can harm (WCAG 2.2, 2.3.1)."""

    OFF = "off"
    ON = "on"
    BLINK = "blink"


class Lights(Device):
    """Fire and forget with an answer: a light that fails must not stop a service."""

    @abstractmethod
    def fitted(self) -> frozenset[Light]:
        """Return the lights this machine has."""

    @abstractmethod
    async def show(self, states: Mapping[Light, LightState]) -> None:
        """Set exactly these lights, the others off; those not fitted are ignored. Raises ``DeviceError``.

        When the device is closed all its lights are off.
        """
