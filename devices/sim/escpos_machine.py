"""A receipt printer to put at the far end of the wire: a TCP server with a buffer, sensors, a cutter and paper."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

from devices.sim.escpos_paper import PaperRoll
from devices.sim.escpos_parser import (
    Automatic,
    Cut,
    DotFeed,
    Incomplete,
    LineFeed,
    Parser,
    QrSymbol,
    Raster,
    StatusRequest,
)

if TYPE_CHECKING:
    from pathlib import Path

    from devices.sim.escpos_parser import Command

BUFFER = 4096  # bytes, as small printers have; while it is full nothing more is read, not even a question
READ = 512
PaperLevel = Literal["ok", "low", "out"]


class EscposMachine:
    """Prints slips as ``slip-001.png`` and ``slip-001.txt`` in ``out_dir``. Faults may come at any moment."""

    def __init__(self, out_dir: Path) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self._out = out_dir
        self._roll: PaperRoll | None = None
        self._server: asyncio.Server | None = None
        self._power: asyncio.Task[None] | None = None
        self._drawing: ThreadPoolExecutor | None = None
        self._paper: PaperLevel = "ok"
        self._lines_left: int | None = None
        self._cover_open = False
        self._cutter_broken = False
        self._silent = False
        self._heedless = False
        self._pace_s = 0.0
        self._powered_up()

    @property
    def slips(self) -> list[Path]:
        """Return the slips that were cut, oldest first."""
        return sorted(self._out.glob("slip-*.png"))

    async def start(self) -> None:
        """Switch on. Slips of an earlier run in ``out_dir`` are kept and counted on from."""
        self._out.mkdir(parents=True, exist_ok=True)
        self._drawing = ThreadPoolExecutor(1, thread_name_prefix="sim-escpos")
        self._roll = await asyncio.get_running_loop().run_in_executor(self._drawing, PaperRoll)
        await self.plug()

    async def stop(self) -> None:
        """Switch off and leave nothing running. Idempotent."""
        await self.unplug()
        if self._drawing is not None:
            self._drawing.shutdown()
            self._drawing = None

    async def plug(self) -> None:
        """Give power: the buffer is empty, the port the same as before."""
        if self._server is not None:
            return
        self._powered_up()
        self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=READ)
        self.port = self._server.sockets[0].getsockname()[1]
        self._power = asyncio.get_running_loop().create_task(self._work())

    async def unplug(self) -> None:
        """Pull the power plug: connections break, the buffer is lost, printed lines stay on the paper."""
        server, self._server = self._server, None
        power, self._power = self._power, None
        if server is None or power is None:
            return
        server.close()
        power.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await power
        if self._client is not None:
            self._client.transport.abort()
        self._drop_buffer()  # also frees a reader that waits for room
        await self._hung_up.wait()
        await server.wait_closed()

    def paper(self, level: PaperLevel) -> None:
        """Load paper, or let its sensors see it near the end or at the end."""
        self._paper = level
        self._lines_left = None
        self._changed()

    def paper_after(self, lines: int) -> None:
        """Let the paper end after so many more printed lines (a picture or a code is one)."""
        self._lines_left = lines

    def cover(self, is_open: bool) -> None:
        """Open or close the cover."""
        self._cover_open = is_open
        self._changed()

    def cutter_error(self, on: bool) -> None:
        """Block or free the knife. A cut that failed is tried again when the printer is told to go on."""
        self._cutter_broken = on
        self._changed()

    def heedless(self, on: bool) -> None:
        """Let it run on when the paper has ended, as cheap machines do: nothing gets on paper, yet it answers."""
        self._heedless = on

    def silent(self, on: bool) -> None:
        """Let nothing come back any more, as with half a cable."""
        self._silent = on

    def pace(self, seconds: float) -> None:
        """Set how long one printed line takes."""
        self._pace_s = seconds

    # -- sensors ------------------------------------------------------------------------------------------------------

    def _powered_up(self) -> None:
        self._buffer = bytearray()
        self._parser = Parser()
        self._waiting = False
        self._asb_mask = 0
        self._asb_sent = b""
        self._client: asyncio.StreamWriter | None = None
        self._hung_up = asyncio.Event()
        self._hung_up.set()
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        if self._roll is not None:
            self._roll.reset()

    @property
    def _stopped(self) -> bool:
        return self._cover_open or self._waiting or (self._paper == "out" and not self._heedless)

    @property
    def _offline(self) -> bool:
        return self._stopped or self._cutter_broken

    def _real_time(self, n: int) -> int:
        """Answer DLE EOT n; the fixed bits are 0x12."""
        bits = {
            1: 0x08 * self._offline | 0x20 * self._waiting,
            2: 0x04 * self._cover_open | 0x20 * (self._paper == "out") | 0x40 * self._cutter_broken,
            3: 0x08 * self._cutter_broken,
            4: 0x0C * (self._paper != "ok") | 0x60 * (self._paper == "out"),
        }
        return 0x12 | bits[n]

    def _automatic(self) -> bytes:
        first = 0x10 | 0x08 * self._offline | 0x20 * self._cover_open
        paper = 0x03 * (self._paper != "ok") | 0x0C * (self._paper == "out")
        return bytes([first, 0x01 * self._waiting | 0x08 * self._cutter_broken, paper, 0])

    def _changed(self) -> None:
        if self._asb_mask and self._automatic() != self._asb_sent:
            self._asb_sent = self._automatic()
            self._say(self._asb_sent)
        self._wake.set()

    def _say(self, data: bytes) -> None:
        if self._client is not None and not self._silent:
            self._client.write(data)

    # -- line ---------------------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._client is not None:  # one at a time, as port 9100 is
            writer.transport.abort()
            return
        self._client = writer
        self._hung_up.clear()
        try:
            tail = b""
            while data := await reader.read(READ):
                tail = self._obey_at_once(tail, data)
                self._buffer += data
                self._wake.set()
                while len(self._buffer) >= BUFFER:
                    self._room.clear()
                    await self._room.wait()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._client = None
            self._asb_mask = 0
            writer.transport.abort()
            self._hung_up.set()

    def _obey_at_once(self, tail: bytes, data: bytes) -> bytes:
        """Find real-time commands anywhere in what arrives, even inside other data; return what may begin one."""
        stream = tail + data
        at = stream.find(0x10)
        while 0 <= at < len(stream) - 2:
            second, n = stream[at + 1], stream[at + 2]
            if second == 0x04 and n in {1, 2, 3, 4}:  # noqa: PLR2004 - EOT
                self._say(bytes([self._real_time(n)]))
            elif second == 0x05 and n in {1, 2}:  # noqa: PLR2004 - ENQ
                self._recover(drop=n == 2)  # noqa: PLR2004 - 2: recover and drop the buffers
            elif stream[at : at + 10] == bytes.fromhex("10140801031401060208"):
                self._drop_buffer()
            at = stream.find(0x10, at + 1)
        return stream[at:] if at >= 0 else b""

    def _recover(self, *, drop: bool) -> None:
        if drop:
            self._drop_buffer()
        if self._waiting and (drop or not (self._cover_open or self._paper == "out")):
            self._waiting = False
            self._changed()

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
            while not self._stopped and await self._step():
                pass
            await self._wake.wait()

    async def _step(self) -> bool:
        """Obey the first command of the buffer; return whether another may follow."""
        buffer = self._buffer
        try:
            command, length = self._parser.next(buffer)
        except Incomplete:
            return False
        if not self._can(command):
            self._waiting = True
            self._changed()
            return False
        del buffer[:length]
        self._room.set()
        await self._do(command)
        return True

    def _can(self, command: Command) -> bool:
        if self._lines_left == 0 and isinstance(command, LineFeed | DotFeed | Raster | QrSymbol | Cut):
            self._paper = "out"
            self._lines_left = None
            return self._heedless
        return not (isinstance(command, Cut) and self._cutter_broken)

    async def _do(self, command: Command) -> None:
        if isinstance(command, StatusRequest):
            self._say(bytes([self._real_time(4) >> 2 & 0x03 | self._real_time(4) >> 3 & 0x0C]))
            return
        if isinstance(command, Automatic):
            self._asb_mask = command.mask
            self._asb_sent = b""
            self._changed()
            return
        if self._paper != "out" or isinstance(command, Cut):
            await self._draw(command)
        if isinstance(command, LineFeed | Raster | QrSymbol):
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
