"""Inside the simulated receipt printer: buffer, real-time commands, print head, knife. The wires are the machines'."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from devices.background import Background
from devices.sim.escpos_paper import PaperRoll
from devices.sim.escpos_parser import (
    Automatic,
    Counter,
    Cut,
    DotFeed,
    Identity,
    Incomplete,
    LineFeed,
    Parser,
    QrSymbol,
    Raster,
    StatusRequest,
    Style,
)
from devices.sim.escpos_sensors import FULL_STATUS, Sensors, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from devices.sim.escpos_parser import Command
    from devices.sim.escpos_sensors import PaperLevel

BUFFER = 4096  # bytes, as small printers have; while it is full nothing more is read, not even a question
NAMES = {65: "1.00", 66: "SIMPOS", 67: "SP-80", 68: "SIM0001"}  # GS I: firmware, maker, model, serial number
CUTS, LINES, STROBES = 178, 148, 149  # GS g 2: cumulative counters


class Mechanism:
    """Prints slips as ``slip-001.png`` and ``slip-001.txt`` in ``out_dir``. Faults may come at any moment."""

    def __init__(self, out_dir: Path) -> None:
        self.asked = 0  # real-time questions received
        self.sensors = Sensors()
        self.counters = {CUTS: 0, LINES: 0, STROBES: 0}
        self._out = out_dir
        self._roll: PaperRoll | None = None
        self._power = Background("slips")
        self._drawing: ThreadPoolExecutor | None = None
        self._lines_left: int | None = None
        self._silent = False
        self._pace_s = 0.0
        self._answer: Callable[[bytes], None] | None = None
        self._asb_mask = 0
        self._asb_sent = b""
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._powered_up()

    @property
    def slips(self) -> list[Path]:
        """Return the slips that were cut, oldest first."""
        return sorted(self._out.glob("slip-*.png"))

    @property
    def full(self) -> bool:
        """Tell whether there is room for nothing more."""
        return len(self._buffer) >= BUFFER

    @property
    def waiting(self) -> bool:
        """Tell whether it waits to be told to go on."""
        return self.sensors.waiting

    def holds(self, data: bytes) -> bool:
        """Tell whether ``data`` lies in the buffer."""
        return data in self._buffer

    # -- what a person can do -----------------------------------------------------------------------------------------

    def paper(self, level: PaperLevel) -> None:
        """Load paper, or let its sensors see it near the end or at the end."""
        self.sensors.paper = level
        self._lines_left = None
        self.changed()

    def paper_after(self, lines: int) -> None:
        """Let the paper end after so many more printed lines (a picture or a code is one)."""
        self._lines_left = lines

    def cover(self, is_open: bool) -> None:
        """Open or close the cover."""
        self.sensors.cover_open = is_open
        self.changed()

    def button(self, held: bool) -> None:
        """Hold or leave the feed button."""
        self.sensors.button = held
        self.changed()

    def ticket(self, there: bool) -> None:
        """Leave a slip in the outlet, or take it."""
        self.sensors.ticket = there

    def trouble(self, kind: Trouble, on: bool) -> None:
        """Let the mechanism fail, or repair it. A cut that failed is tried again when the printer is told to go on."""
        (self.sensors.troubles.add if on else self.sensors.troubles.discard)(kind)
        self.changed()

    def cutter_error(self, on: bool) -> None:
        """Block or free the knife."""
        self.trouble(Trouble.CUTTER, on)

    def heedless(self, on: bool) -> None:
        """Let it run on when the paper has ended, as cheap machines do: nothing gets on paper, yet it answers."""
        self.sensors.heedless = on

    def silent(self, on: bool) -> None:
        """Let nothing come back any more, as with half a cable."""
        self._silent = on

    def pace(self, seconds: float) -> None:
        """Set how long one printed line takes."""
        self._pace_s = seconds

    # -- power and line -----------------------------------------------------------------------------------------------

    async def warm_up(self) -> None:
        """Get ready to draw. Slips of an earlier run are kept and counted on from."""
        self._out.mkdir(parents=True, exist_ok=True)
        self._drawing = ThreadPoolExecutor(1, thread_name_prefix="sim-escpos")
        self._roll = await asyncio.get_running_loop().run_in_executor(self._drawing, PaperRoll)

    def put_away(self) -> None:
        """Leave nothing running. Idempotent."""
        if self._drawing is not None:
            self._drawing.shutdown()
            self._drawing = None

    def power_on(self) -> None:
        """Begin with an empty buffer."""
        self._powered_up()
        self._power.start(self._work(), "mechanism")

    async def power_off(self) -> None:
        """Lose the buffer; printed lines stay on the paper."""
        await self._power.stop()
        self._drop_buffer()

    def connect(self, answer: Callable[[bytes], None] | None) -> None:
        """Send what the printer says there; ``None``: nobody is connected, and nobody asked for pushed status."""
        self._answer = answer
        self._asb_mask = 0
        self._tail = b""

    def receive(self, data: bytes) -> None:
        """Take bytes from the line: real-time commands are obeyed at once, and everything goes into the buffer."""
        self._tail = self._obey_at_once(self._tail, data)
        self._buffer += data
        self._wake.set()

    async def room(self) -> None:
        """Wait until the buffer is not full."""
        while self.full:
            self._room.clear()
            await self._room.wait()

    def changed(self) -> None:
        """Push the status, if it was asked for, and go on with what was stopped."""
        frame = self.sensors.automatic()
        if self._asb_mask and frame != self._asb_sent:
            self._asb_sent = frame
            self._say(frame)
        self._wake.set()

    def _powered_up(self) -> None:
        self._buffer = bytearray()
        self._tail = b""
        self._parser = Parser()
        self.sensors.waiting = False
        self._asb_mask = 0
        self._asb_sent = b""
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        if self._roll is not None:
            self._roll.reset()

    def _say(self, data: bytes) -> None:
        if self._answer is not None and not self._silent:
            self._answer(data)

    def _obey_at_once(self, tail: bytes, data: bytes) -> bytes:
        """Find real-time commands anywhere in what arrives, even inside other data; return what may begin one."""
        stream = tail + data
        at = stream.find(0x10)
        while 0 <= at < len(stream) - 2:
            second, n = stream[at + 1], stream[at + 2]
            if second == 0x04 and n in {1, 2, 3, 4, FULL_STATUS}:  # noqa: PLR2004 - EOT
                self.asked += 1
                self._say(self.sensors.real_time(n))
            elif second == 0x05 and n in {1, 2}:  # noqa: PLR2004 - ENQ
                self._recover(drop=n == 2)  # noqa: PLR2004 - 2: recover and drop the buffers
            elif stream[at : at + 10] == bytes.fromhex("10140801031401060208"):
                self._drop_buffer()
            at = stream.find(0x10, at + 1)
        return stream[at:] if at >= 0 else b""

    def _recover(self, *, drop: bool) -> None:
        if drop:
            self._drop_buffer()
        if self.sensors.waiting and (drop or not (self.sensors.cover_open or self.sensors.paper == "out")):
            self.sensors.waiting = False
            self.changed()

    def _drop_buffer(self) -> None:
        self._buffer.clear()
        self._parser = Parser()
        if self._roll is not None:
            self._roll.reset()
        self._room.set()

    # -- mechanism ----------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            self._wake.clear()
            while not self.sensors.stopped and await self._step():
                pass
            await self._wake.wait()

    async def _step(self) -> bool:
        """Obey the first command of the buffer; return whether another may follow."""
        try:
            command, length = self._parser.next(self._buffer)
        except Incomplete:
            return False
        if not self._can(command):
            self.sensors.waiting = True
            self.changed()
            return False
        del self._buffer[:length]
        self._room.set()
        await self._do(command)
        return True

    def _can(self, command: Command) -> bool:
        if self._lines_left == 0 and isinstance(command, LineFeed | DotFeed | Raster | QrSymbol | Cut):
            self.sensors.paper = "out"
            self._lines_left = None
            return self.sensors.heedless
        return not (isinstance(command, Cut) and Trouble.CUTTER in self.sensors.troubles)

    async def _do(self, command: Command) -> None:
        match command:
            case StatusRequest():
                self._say(self.sensors.marker())
            case Identity(n):
                self._say(b"_" + NAMES.get(n, "").encode() + b"\0")
            case Counter(n):
                self._say(b"_" + str(self.counters.get(n, 0)).encode() + b"\0")
            case Automatic(mask):
                self._asb_mask, self._asb_sent = mask, b""
                self.changed()
            case _:
                await self._print(command)

    async def _print(self, command: Command) -> None:
        if isinstance(command, Style) and command.name == "reset":
            self._asb_mask = 0  # ESC @ puts it back to what the printer was switched on with
        if self.sensors.paper != "out" or isinstance(command, Cut):
            await self._draw(command)
        self.counters[CUTS] += isinstance(command, Cut)
        if isinstance(command, LineFeed | Raster | QrSymbol):
            self.counters[LINES] += 1
            self.counters[STROBES] += 24
            if self._lines_left is not None:
                self._lines_left -= 1
            await asyncio.sleep(self._pace_s)

    async def _draw(self, command: Command) -> None:
        if self._roll is None or self._drawing is None:
            return
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._drawing, self._roll.put, command)
        if isinstance(command, Cut):
            path = self._out / f"slip-{len(self.slips) + 1:03d}.png"
            await loop.run_in_executor(self._drawing, self._roll.cut_to, path)
