"""Number pads on a serial line that send one ASCII character a key."""

from __future__ import annotations

from typing import Final

from devices.device import DeviceInfo
from devices.drivers.pin_pad_listener import ListeningPinPad
from devices.pin_pad import PadKey
from devices.transport.address import serial_wire_to

DEFAULT_BAUD = 9600

# Digits, ENTER and CLEAR as a maker of RS-232 pads publishes them; the others are what the characters are made for.
# Everything else is ignored: a "*" would be a pad that hides what is typed, and that is none of ours.
KEYS: Final = {
    **{ord(str(digit)): PadKey(str(digit)) for digit in range(10)},
    ord("."): PadKey.POINT,
    0x0D: PadKey.ENTER,
    0x08: PadKey.CLEAR,
    0x7F: PadKey.CLEAR,  # DEL
    0x1B: PadKey.CANCEL,  # ESC
    0x18: PadKey.CANCEL,  # CAN
}


class SerialPinPad(ListeningPinPad):
    """Any such pad; an encrypting one only in its mode for clear entry.

    ``port`` is a path, best one that stays the same (``/dev/serial/by-id/...``), or ``socket://host:port``.
    ``wake`` and ``rest`` (hexadecimal) are what switches a pad's keys on and off, where it needs that. Raises
    ``ValueError`` for options that cannot be.
    """

    def __init__(self, name: str, port: str, baud: int = DEFAULT_BAUD, *, wake: str = "", rest: str = "") -> None:
        self._port = port
        self._wake, self._rest = bytes.fromhex(wake), bytes.fromhex(rest)
        super().__init__(name, serial_wire_to(port, baud=baud))

    def info(self) -> DeviceInfo:
        """Return the name plate."""
        return DeviceInfo(driver="serial-pin-pad", address=self._port)

    async def _switch(self, *, on: bool) -> None:
        command = self._wake if on else self._rest
        if command:
            await self._listener.write(command)

    def _keys_in(self, data: bytes) -> list[PadKey]:
        return [KEYS[byte] for byte in data if byte in KEYS]
