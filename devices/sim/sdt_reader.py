"""A simulated identity card reader: real frames on a real (pseudo) serial line, with the manners of a real module.

It has its own idea of the protocol and shares no line of code with the driver: the frame vectors hold both to the
truth. Faults are features: a world, a test or a developer's hands ask for them by name.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.sim.pty_line import PtyLine
from devices.sim.sdt_card import SimCard
from devices.sim.sdt_module import SdtModule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devices.sim.line import Line

__all__ = ["SdtReaderMachine", "SimCard"]

DEFAULT_BAUD = 115200
DEFAULT_RADIO_TIME_S = 0.2  # a real card takes about a second; shortened, but long enough to be lifted in
START = b"\xaa\xaa\xaa\x96\x69"
SHORTEST, LONGEST = 3, 64  # what a request may announce: command, parameter and checksum; no request is long
COMMANDS = {
    b"\x10\xff": "reset",
    b"\x11\xff": "status",
    b"\x12\xff": "sam_id",
    b"\x20\x01": "find",
    b"\x20\x02": "select",
    b"\x30\x01": "read",
    b"\x30\x03": "append",
    b"\x61\xff": "max_rf",
}


@dataclass(slots=True)
class _Mishap:
    """Something that goes wrong ``times`` times (None: until it is taken back)."""

    value: float
    times: int | None


class SdtReaderMachine:
    """One reader on a desk: put a card on it, lift it, pull its cable, break it.

    It hangs on a serial line in ``folder``, or on the one that ``line`` makes; ``port`` stays the same through
    :meth:`unplug` and :meth:`plug`. Commands are named reset, status, sam_id, find, select, read, append, max_rf.
    """

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "sdt-reader",
        baud: int = DEFAULT_BAUD,
        lift_rule: bool = True,
        radio_time_s: float = DEFAULT_RADIO_TIME_S,
        line: Callable[[Callable[[bytes], None]], Line] | None = None,
    ) -> None:
        self.heard: Counter[str | int] = Counter()  # commands by name, or the status that refused them
        self.line = PtyLine(folder / name, self._receive, baud) if line is None else line(self._receive)
        self._module = SdtModule(lift_rule=lift_rule)
        self._radio_time_s = radio_time_s
        self._buffer = bytearray()
        self._waiting: deque[str | int] = deque()  # names of commands, or a status to answer at once
        self._working: asyncio.TimerHandle | None = None
        self._mishaps: dict[tuple[str, str | None], _Mishap] = {}
        self._silent = False

    @property
    def asked(self) -> int:
        """How many commands have been received since the machine was made."""
        return self.heard.total()

    @property
    def port(self) -> str:
        """The address a driver opens."""
        return self.line.port

    async def start(self) -> None:
        """Plug the reader in. Idempotent."""
        self.plug()

    async def stop(self) -> None:
        """Pull the cable for good; nothing is left behind. Idempotent."""
        self.unplug()

    def plug(self) -> None:
        """Plug the cable in; the module starts afresh."""
        self.line.plug()

    def unplug(self) -> None:
        """Pull the cable: the line vanishes in the middle of whatever was going on."""
        self.line.unplug()
        if self._working is not None:
            self._working.cancel()
            self._working = None
        self._waiting.clear()
        self._buffer.clear()
        self._module.power_up()

    @property
    def card(self) -> SimCard | None:
        """The card that lies on the reader."""
        return self._module.card

    def state(self) -> dict[str, bool | int]:
        """Return what a developer wants to see; nothing of the card itself."""
        return {
            "plugged": self.line.plugged,
            "card": self.card is not None,
            "silent": self._silent,
            "asked": self.asked,
        }

    def insert(self, card: SimCard) -> None:
        """Lay ``card`` on the reader; another one lying there is lifted first."""
        self._module.lift()
        self._module.card = card

    def lift(self) -> None:
        """Take the card away."""
        self._module.lift()

    def lift_during_read(self) -> None:
        """Take the card away in the middle of the next read: the module notices and answers 41."""
        self._set("lift", "read", 0, 1)

    def unplug_during_read(self) -> None:
        """Pull the cable in the middle of the next read."""
        self._set("unplug", "read", 0, 1)

    def fault(self, sw3: int | None, command: str = "read", times: int | None = None) -> None:
        """Answer ``command`` with status ``sw3``, ``times`` times or until it is taken back with None."""
        self._set("status", command, sw3, times)

    def corrupt(self, times: int = 1, command: str | None = None) -> None:
        """Spoil the checksum of the next replies (to ``command``, or to any)."""
        self._set("corrupt", command, 0, times)

    def truncate(self, times: int = 1, command: str | None = None) -> None:
        """Break the next replies off half-way."""
        self._set("truncate", command, 0, times)

    def delay(self, seconds: float, times: int = 1, command: str | None = None) -> None:
        """Send the next replies later by ``seconds``."""
        self._set("delay", command, seconds, times)

    def silent(self, on: bool) -> None:
        """Swallow commands without a word, or answer again."""
        self._silent = on

    def _set(self, kind: str, command: str | None, value: float | None, times: int | None) -> None:
        if command is not None and command not in COMMANDS.values():
            raise ValueError(f"no command {command!r}: known are {', '.join(COMMANDS.values())}")
        if value is None:
            self._mishaps.pop((kind, command), None)
        else:
            self._mishaps[kind, command] = _Mishap(value, times)

    def _mishap(self, kind: str, command: str) -> float | None:
        """Return the value of a mishap that is due for ``command`` and count it down."""
        for key in ((kind, command), (kind, None)):
            mishap = self._mishaps.get(key)
            if mishap is None:
                continue
            if mishap.times is not None:
                mishap.times -= 1
                if mishap.times <= 0:
                    del self._mishaps[key]
            return mishap.value
        return None

    def _receive(self, data: bytes) -> None:
        self._buffer += data
        while (request := _take_request(self._buffer)) is not None:
            self.heard[request] += 1
            if not self._silent:
                self._waiting.append(request)
        self._work()

    def _work(self) -> None:
        """Take up the next command; a module does one thing at a time."""
        if self._working is not None or not self._waiting:
            return
        request = self._waiting.popleft()
        if isinstance(request, int):
            self.line.send(_frame(request))
            self._work()
            return
        loop = asyncio.get_running_loop()
        duration = self._radio_time_s if request == "read" else 0.0
        for kind, happens in (("lift", self.lift), ("unplug", self.unplug)):
            if self._mishap(kind, request) is not None:
                loop.call_later(duration / 2, happens)
        duration += self._mishap("delay", request) or 0.0
        self._working = loop.call_later(duration, self._answer, request)

    def _answer(self, command: str) -> None:
        self._working = None
        forced = self._mishap("status", command)
        status, data = self._module.do(command) if forced is None else self._module.fail(int(forced))
        frame = bytearray(_frame(status, data))
        if self._mishap("corrupt", command) is not None:
            frame[-1] ^= 0x01
        if self._mishap("truncate", command) is not None:
            del frame[len(frame) // 2 :]
        self.line.send(bytes(frame))
        self._work()


def _xor(data: bytes | bytearray) -> int:
    total = 0
    for byte in data:
        total ^= byte
    return total


def _frame(status: int, data: bytes = b"") -> bytes:
    """Frame a reply: two zero bytes, the status, the data."""
    content = bytes([0, 0, status]) + data
    counted = (len(content) + 1).to_bytes(2, "big") + content
    return START + counted + bytes([_xor(counted)])


def _take_request(buffer: bytearray) -> str | int | None:
    """Take one request out of ``buffer``: a command's name or the status that refuses it; None until one is whole."""
    start = buffer.find(START)
    if start < 0:
        del buffer[: -len(START) + 1]
        return None
    del buffer[:start]
    if len(buffer) < len(START) + 2:
        return None
    announced = int.from_bytes(buffer[5:7], "big")
    if not SHORTEST <= announced <= LONGEST:
        del buffer[: len(START)]
        return 0x11
    end = len(START) + 2 + announced
    if len(buffer) < end:
        return None
    covered = bytes(buffer[len(START) : end])
    del buffer[:end]
    if _xor(covered) != 0:
        return 0x10
    return COMMANDS.get(covered[2:4], 0x21)
