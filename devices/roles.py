"""The roles a terminal's settings can fill, and the port each asks for."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from devices.camera import Camera
from devices.card_reader import CardReader
from devices.card_slot import CardSlot
from devices.document_camera import DocumentCamera
from devices.id_reader import IdReader
from devices.lights import Lights
from devices.pin_pad import PinPad
from devices.power import Power
from devices.printer import Printer
from devices.scanner import Scanner
from devices.sensors import Sensors
from devices.speech import Speech

if TYPE_CHECKING:
    from abc import ABCMeta
    from collections.abc import Mapping

PORTS: Final[Mapping[str, ABCMeta]] = MappingProxyType(
    {
        "id_reader": IdReader,
        "card_reader": CardReader,
        "card_slot": CardSlot,
        "camera": Camera,
        "document_camera": DocumentCamera,
        "document_printer": Printer,
        "receipt_printer": Printer,
        "scanner": Scanner,
        "pin_pad": PinPad,
        "lights": Lights,
        "speech": Speech,
        "sensors": Sensors,
        "power": Power,
    }
)
