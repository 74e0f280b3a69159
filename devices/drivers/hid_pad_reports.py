"""Keys out of the reports of a USB keyboard in its boot protocol (HID 1.11, appendix B.1). Pure.

A report says which keys are down: one byte of modifiers, one reserved, up to six usages. A key is pressed when it is
down and was not before; whoever holds it down sends nothing new, so there is no auto-repeat to be ignored, only
repeated reports. More keys at once than fit are told as six times ErrorRollOver: such a report says nothing.
"""

from __future__ import annotations

from typing import Final

from devices.pin_pad import PadKey

REPORT_SIZE = 8
_FIRST_USAGE = 2
_ERRORS = range(0x01, 0x04)  # ErrorRollOver, POSTFail, ErrorUndefined

# HID Usage Tables, page 07 (Keyboard/Keypad). Keypad usages are the same whatever NumLock says: that is the host's.
_COMMON: Final = {
    **{0x59 + number: PadKey(str(number + 1)) for number in range(9)},  # Keypad 1 to 9
    **{0x1E + number: PadKey(str(number + 1)) for number in range(9)},  # the row above the letters
    0x62: PadKey.ZERO,
    0x27: PadKey.ZERO,
    0x63: PadKey.POINT,  # Keypad . and Delete
    0x37: PadKey.POINT,
    0x28: PadKey.ENTER,
    0x58: PadKey.ENTER,  # Keypad ENTER
    0x29: PadKey.CANCEL,  # ESCAPE
    0x9B: PadKey.CANCEL,
    0x2A: PadKey.CLEAR,  # Backspace
    0x9C: PadKey.CLEAR,
    0xD8: PadKey.CLEAR,  # Keypad Clear
}
_ARROWS: Final = {
    0x4F: PadKey.RIGHT,
    0x50: PadKey.LEFT,
    0x51: PadKey.DOWN,
    0x52: PadKey.UP,
    0x4C: PadKey.CLEAR,  # Delete Forward
}
# What a pad sends that minds NumLock itself, while it is off.
_DIGITS: Final = {
    0x49: PadKey.ZERO,  # Insert
    0x4D: PadKey.ONE,  # End
    0x51: PadKey.TWO,
    0x4E: PadKey.THREE,  # PageDown
    0x50: PadKey.FOUR,
    0x4F: PadKey.SIX,
    0x4A: PadKey.SEVEN,  # Home
    0x52: PadKey.EIGHT,
    0x4B: PadKey.NINE,  # PageUp
    0x4C: PadKey.POINT,
}


class KeyReports:
    """Remembers which keys are down.

    ``arrows``: the pad has arrow keys; False: what looks like them are the digits of a pad whose NumLock is off.
    """

    def __init__(self, *, arrows: bool) -> None:
        self._map = {**_COMMON, **(_ARROWS if arrows else _DIGITS)}
        self._down: frozenset[int] = frozenset()

    def pressed(self, report: bytes) -> list[PadKey]:
        """Take one report; return the keys pressed since the last one, in the order the pad lists them."""
        usages = report[_FIRST_USAGE:REPORT_SIZE]
        if len(report) < REPORT_SIZE or any(usage in _ERRORS for usage in usages):
            return []
        fresh = [usage for usage in dict.fromkeys(usages) if usage and usage not in self._down]
        self._down = frozenset(usages) - {0}
        return [self._map[usage] for usage in fresh if usage in self._map]

    def released(self) -> None:
        """Take all keys for released: the pad was plugged in afresh."""
        self._down = frozenset()
