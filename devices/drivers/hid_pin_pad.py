"""Number pads that are USB keyboards, through the kernel's hidraw device file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.device import DeviceInfo
from devices.drivers.hid_pad_reports import REPORT_SIZE, KeyReports
from devices.drivers.pin_pad_listener import ListeningPinPad
from devices.transport.hid_keyboard import HidKeyboardWire

if TYPE_CHECKING:
    from devices.pin_pad import PadKey


class HidPinPad(ListeningPinPad):
    """Any pad that sends boot keyboard reports. While it is open its keys reach nobody else: not the screen either.

    ``port`` is a device file, or ``VVVV:PPPP[:SERIAL][/INTERFACE]``. ``report_id`` is for composite devices that number
    their reports (0: none). ``arrows``: False for a pad that sends its digits as arrows, Home, End... (NumLock off).
    Raises ``ValueError`` for an address that cannot be one.
    """

    def __init__(self, name: str, port: str, *, report_id: int = 0, arrows: bool = True) -> None:
        self._port = port
        self._reports = KeyReports(arrows=arrows)
        wire = HidKeyboardWire(port.removeprefix("hid:"), report_size=REPORT_SIZE, report_id=report_id)
        super().__init__(name, wire)

    async def close(self) -> None:
        """Let go of the device file. Never raises."""
        await super().close()
        self._reports.released()

    def info(self) -> DeviceInfo:
        """Return the name plate."""
        return DeviceInfo(driver="hid-pin-pad", address=self._port)

    def _keys_in(self, data: bytes) -> list[PadKey]:
        return self._reports.pressed(data)
