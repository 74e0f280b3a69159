"""Simulated scanners: show them a code. They have their own idea of the formats and share no code with the drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.sim.pty_line import PtyLine
from devices.sim.socket_line import HidLine

if TYPE_CHECKING:
    from pathlib import Path

    from devices.sim.line import Line

DEFAULT_BAUD = 9600
DATA_REPORT, TRIGGER_REPORT = 2, 4
DATA_SIZE = 56


class ScannerMachine:
    """What all have in common. ``pulled`` tells whether the trigger is on; ``needs_trigger``: else nothing is read.

    A trigger is released by each code that is read.
    """

    line: Line

    def __init__(self, *, needs_trigger: bool = False) -> None:
        self.pulled = False
        self.needs_trigger = needs_trigger
        self._mute = False

    @property
    def port(self) -> str:
        """The address a driver opens."""
        return self.line.port

    async def start(self) -> None:
        """Plug it in. Idempotent."""
        self.plug()

    async def stop(self) -> None:
        """Pull the cable for good; nothing is left behind. Idempotent."""
        self.unplug()

    def plug(self) -> None:
        """Plug the cable in."""
        self.line.plug()

    def unplug(self) -> None:
        """Pull the cable; the scanner is without power."""
        self.line.unplug()
        self.pulled = False

    def mute(self, on: bool) -> None:
        """Read nothing, whatever is shown, or read again."""
        self._mute = on

    def _sees(self) -> bool:
        """Tell whether a code that is shown now is read."""
        sees = self.line.plugged and not self._mute and (self.pulled or not self.needs_trigger)
        self.pulled = self.pulled and not sees
        return sees


class SerialScannerMachine(ScannerMachine):
    """A scanner on a paced (pseudo) serial line.

    Each code goes between ``before`` and ``after``. ``trigger_on``, ``trigger_off`` and ``answer``: the commands it
    understands, and what it says to each.
    """

    def __init__(
        self,
        folder: Path,
        *,
        baud: int = DEFAULT_BAUD,
        before: bytes = b"",
        after: bytes = b"\r",
        trigger_on: bytes = b"",
        trigger_off: bytes = b"",
        answer: bytes = b"",
    ) -> None:
        super().__init__(needs_trigger=bool(trigger_on))
        self.line = PtyLine(folder / "scanner", self._receive, baud)
        self.around = (before, after)
        self._commands = {trigger_on: True, trigger_off: False}
        self._answer = answer
        self._heard = bytearray()
        self.pulls = 0  # commands that turned the trigger on

    def show(self, content: bytes) -> None:
        """Hold a code before it."""
        if self._sees():
            before, after = self.around
            self.line.send(before + content + after)

    def send(self, raw: bytes) -> None:
        """Let it send just this: half a code, noise."""
        self.line.send(raw)

    def _receive(self, data: bytes) -> None:
        self._heard += data
        for command, on in self._commands.items():
            if command and self._heard.endswith(command):
                self.pulled = on
                self.pulls += on
                self._heard.clear()
                self.line.send(self._answer)


class HidScannerMachine(ScannerMachine):
    """A scanner of the point-of-sale class. ``interactive``: it reads only while it is triggered."""

    def __init__(self, folder: Path, *, interactive: bool = False) -> None:
        super().__init__(needs_trigger=interactive)
        self.line: HidLine = HidLine(folder / "scanner", self._receive, keep_number=True)

    def show(self, content: bytes, aim: bytes = b"]Q1") -> None:
        """Hold a code before it."""
        if not self._sees():
            return
        for start in range(0, len(content), DATA_SIZE):
            part = content[start : start + DATA_SIZE]
            self.send(part, aim, goes_on=start + DATA_SIZE < len(content))

    def send(self, part: bytes, aim: bytes = b"]Q1", *, goes_on: bool = False) -> None:
        """Let it send one report."""
        report = bytes([len(part)]) + aim + part.ljust(DATA_SIZE, b"\0") + b"s\0" + bytes([goes_on])
        self.line.send_report(report, DATA_REPORT)

    def _receive(self, report: bytes) -> None:
        if report[0] == TRIGGER_REPORT:
            self.pulled = bool(report[1] & 0x04) and not report[1] & 0x02
