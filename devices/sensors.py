"""Port: contacts and detectors of the cabinet."""

from __future__ import annotations

import enum
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.device import Device

if TYPE_CHECKING:
    from collections.abc import Mapping


class Sensor(enum.StrEnum):
    """What a cabinet may have. The word says what ``True`` means."""

    DOOR_OPEN = "door_open"
    PERSON_PRESENT = "person_present"
    HEADSET_IN = "headset_in"
    SHEET_IN_TRAY = "sheet_in_tray"  # paper came out and nobody took it yet
    SLIP_IN_SLOT = "slip_in_slot"
    ORIGINAL_ON_GLASS = "original_on_glass"
    TAMPERED = "tampered"
    TOO_HOT = "too_hot"


@dataclass(frozen=True, slots=True)
class SensorChange:
    """One contact turned."""

    sensor: Sensor
    on: bool


class Sensors(Device):
    """What it does not know it does not say: a sensor that is not fitted is in no answer."""

    @abstractmethod
    def fitted(self) -> frozenset[Sensor]:
        """Return the sensors this machine has."""

    @abstractmethod
    async def states(self) -> Mapping[Sensor, bool]:
        """Return every fitted sensor as it is now. Raises ``DeviceError``."""

    @abstractmethod
    async def change(self) -> SensorChange:
        """Return the next change since the device was opened, in order, none lost, none twice.

        After a short press between two looks both edges are told. Cancellable within 0.5 s. Raises ``DeviceError``.
        """
