"""Simulated number pads: press their keys. They share no code with the drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devices.sim.pty_line import PtyLine
from devices.sim.socket_line import HidLine

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from devices.sim.line import Line

# The value of each key of the port, and what a keypad sends for it.
USAGES: Final = {
    "1": 0x59,
    "2": 0x5A,
    "3": 0x5B,
    "4": 0x5C,
    "5": 0x5D,
    "6": 0x5E,
    "7": 0x5F,
    "8": 0x60,
    "9": 0x61,
    "0": 0x62,
    ".": 0x63,
    "enter": 0x58,
    "clear": 0x2A,
    "cancel": 0x29,
    "up": 0x52,
    "down": 0x51,
    "left": 0x50,
    "right": 0x4F,
}  # fmt: skip - a table
CHARACTERS: Final = {
    **{str(digit): str(digit).encode() for digit in range(10)},
    ".": b".",
    "enter": b"\r",
    "clear": b"\x08",
    "cancel": b"\x1b",
}
REPORT_SIZE = 8


def _ignore(data: bytes) -> None:
    """Hear nothing: lights of a keyboard, which a number pad has none of."""


class PinPadMachine:
    """What all have in common."""

    line: Line

    def __init__(self) -> None:
        self._mute = False

    @property
    def port(self) -> str:
        """The address a driver opens."""
        return self.line.port

    async def start(self) -> None:
        """Plug it in. Idempotent."""
        self.line.plug()

    async def stop(self) -> None:
        """Pull the cable for good; nothing is left behind. Idempotent."""
        self.line.unplug()

    def mute(self, on: bool) -> None:
        """Send nothing, whatever is pressed, or send again."""
        self._mute = on


class HidPinPadMachine(PinPadMachine):
    """A pad that is a USB keyboard in its boot protocol."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.line: HidLine = HidLine(folder / "pin-pad", _ignore, report_size=REPORT_SIZE)

    def press(self, *keys: str) -> None:
        """Press and release ``keys``, one after the other."""
        for key in keys:
            self.down(USAGES[key])
            self.down()

    def down(self, *usages: int) -> None:
        """Tell that just these keys are down now."""
        if not self._mute:
            self.line.send(bytes(2) + bytes(usages).ljust(REPORT_SIZE - 2, b"\0"))

    def roll(self, keys: Iterable[str]) -> None:
        """Type so fast that each key goes down before the one before it is up."""
        before = 0
        for key in keys:
            if before == USAGES[key]:  # one finger: it has to go up first
                self.down()
            elif before:
                self.down(before, USAGES[key])
            self.down(USAGES[key])
            before = USAGES[key]
        self.down()


class SerialPinPadMachine(PinPadMachine):
    """A pad that sends one character a key; ``wake`` and ``rest`` switch its keys on and off."""

    def __init__(self, folder: Path, *, wake: bytes = b"", rest: bytes = b"") -> None:
        super().__init__()
        self.line = PtyLine(folder / "pin-pad", self._receive, 9600)
        self.awake = not wake
        self._commands = {wake: True, rest: False}

    def press(self, *keys: str) -> None:
        """Press ``keys``, one after the other."""
        if self.awake and not self._mute:
            self.line.send(b"".join(CHARACTERS[key] for key in keys))

    def _receive(self, data: bytes) -> None:
        self.awake = self._commands.get(data, self.awake)
