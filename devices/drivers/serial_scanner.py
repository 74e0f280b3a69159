"""Scanners on a serial line, a USB adapter (also as a USB serial port of their own) or a serial-device server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from devices.device import DeviceInfo
from devices.drivers.scan_codes import CodeText
from devices.drivers.scan_lines import LineFrames
from devices.drivers.scan_listener import REPEAT_S, ListeningScanner
from devices.transport.address import serial_wire_to

DEFAULT_BAUD = 9600


@dataclass(frozen=True, slots=True)
class Trigger:
    """What turns reading on and off, what the scanner answers to that, how long one pull of the trigger lasts.

    ``repeat_s`` is for those without: how long after a reading the same code is still the same showing.
    """

    on: bytes = b""
    off: bytes = b""
    answer: bytes = b""
    retrigger_s: float = 0.0
    repeat_s: float = 0.0


# As the makers' public manuals have it; both families need their "serial" or "command" trigger mode switched on.
PROFILES: Final = {
    # Reads whatever it sees, all the time or when something comes near: nothing to say to it.
    "continuous": Trigger(repeat_s=REPEAT_S),
    # Honeywell and Hand Held Products, "Trigger Commands": SYN T CR, SYN U CR; one reading lasts 30 s unless changed.
    "honeywell": Trigger(b"\x16T\r", b"\x16U\r", retrigger_s=20.0),
    # Modules of the Grow GM65 kind, "Command Trigger Mode": bit 0 of zone 0002; one reading lasts 5 s unless changed.
    "grow": Trigger(
        bytes.fromhex("7E000801000201ABCD"),
        bytes.fromhex("7E000801000200ABCD"),
        bytes.fromhex("02000001003331"),
        retrigger_s=4.0,
    ),
}


class SerialScanner(ListeningScanner):
    """Any maker's scanner that sends each code as a line of text, or between STX and ETX.

    ``port`` is a path, best one that stays the same (``/dev/serial/by-id/...``), or ``socket://host:port``.
    ``framing`` is ``line`` or ``stx-etx``; ``aim``: the scanner puts the AIM identifier before each code (recommended:
    a code that lost its beginning is noticed). ``encoding`` is ``utf-8``, ``gb18030`` or ``auto`` (UTF-8, then
    GB18030). ``profile`` names a family's trigger; ``trigger_on``, ``trigger_off`` and ``answer`` (hexadecimal) and
    ``retrigger_s`` replace what of it is different. ``repeat_s``: a code read again within so many seconds was never
    taken away (negative: each reading counts). Raises ``ValueError`` for options that cannot be.
    """

    def __init__(
        self,
        name: str,
        port: str,
        baud: int = DEFAULT_BAUD,
        *,
        framing: str = "line",
        aim: bool = False,
        encoding: str = "utf-8",
        profile: str = "continuous",
        trigger_on: str = "",
        trigger_off: str = "",
        answer: str = "",
        retrigger_s: float = 0.0,
        repeat_s: float = 0.0,
    ) -> None:
        if profile not in PROFILES:
            raise ValueError(f"profile {profile!r}: known are {', '.join(PROFILES)}")
        usual = PROFILES[profile]
        self._pull = Trigger(
            bytes.fromhex(trigger_on) or usual.on,
            bytes.fromhex(trigger_off) or usual.off,
            bytes.fromhex(answer) or usual.answer,
            retrigger_s or usual.retrigger_s,
            repeat_s or usual.repeat_s,
        )
        self._port = port
        answers = (self._pull.answer,) if self._pull.answer else ()
        super().__init__(
            name,
            serial_wire_to(port, baud=baud),
            LineFrames(CodeText(encoding), framing=framing, aim=aim, answers=answers),
            retrigger_s=self._pull.retrigger_s,
            repeat_s=self._pull.repeat_s,
        )

    def info(self) -> DeviceInfo:
        """Return the name plate."""
        return DeviceInfo(driver="serial-scanner", address=self._port)

    async def _trigger(self, *, on: bool) -> None:
        command = self._pull.on if on else self._pull.off
        if command:
            await self._listener.write(command)
