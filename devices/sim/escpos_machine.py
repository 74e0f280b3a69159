"""Receipt printers to put at the far end of the wire: one on the network, one on a serial line or a USB file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devices.sim.escpos_mechanism import BUFFER, Mechanism
from devices.sim.pty_line import PtyLine

if TYPE_CHECKING:
    from pathlib import Path

READ = 512
XON, XOFF = 0x11, 0x13
HIGH_WATER = BUFFER - 512  # where it asks the host to stop: bytes on their way still find room
LOW_WATER = BUFFER // 2
PTY_BAUD = 921_600  # a pseudo-terminal in place of a USB printer's file: faster than any line


class EscposMachine(Mechanism):
    """A printer on TCP. ``port`` is known after the first start and stays the same."""

    def __init__(self, out_dir: Path) -> None:
        super().__init__(out_dir)
        self.host = "127.0.0.1"
        self.port = 0
        self._server: asyncio.Server | None = None
        self._client: asyncio.StreamWriter | None = None
        self._hung_up = asyncio.Event()
        self._hung_up.set()

    @property
    def connected(self) -> bool:
        """Tell whether somebody is connected."""
        return self._client is not None

    async def start(self) -> None:
        """Switch on."""
        await self.warm_up()
        await self.plug()

    async def stop(self) -> None:
        """Switch off and leave nothing running. Idempotent."""
        await self.unplug()
        self.put_away()

    async def plug(self) -> None:
        """Give power: the buffer is empty, the port the same as before."""
        if self._server is not None:
            return
        self.power_on()
        self._server = await asyncio.start_server(self._serve, self.host, self.port, limit=READ)
        self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Pull the power plug: connections break, the buffer is lost, printed lines stay on the paper."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        if self._client is not None:
            self._client.transport.abort()
        await self.power_off()  # also frees a reader that waits for room
        await self._hung_up.wait()
        await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._client is not None:  # one at a time, as port 9100 is
            writer.transport.abort()
            return
        self._client = writer
        self._hung_up.clear()
        self.connect(writer.write)
        try:
            while data := await reader.read(READ):
                self.receive(data)
                await self.room()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._client = None
            self.connect(None)
            writer.transport.abort()
            self._hung_up.set()


class EscposLineMachine(Mechanism):
    """A printer on a serial line (a pseudo-terminal), or, at the default speed, one in place of a USB printer's file.

    ``path`` is what a driver opens; it stays the same. ``stops_host``: it sends XOFF before its buffer overflows; else
    bytes beyond the buffer are lost, as on a line without flow control.
    """

    def __init__(self, out_dir: Path, path: Path, baud: int = PTY_BAUD, *, stops_host: bool = False) -> None:
        super().__init__(out_dir)
        self.lost = 0  # bytes that found no room
        self._stops_host = stops_host
        self._host_stopped = False
        self._line = PtyLine(path, self._arrived, baud)

    @property
    def path(self) -> str:
        """Return what a driver opens."""
        return str(self._line.path)

    async def start(self) -> None:
        """Switch on."""
        await self.warm_up()
        await self.plug()

    async def stop(self) -> None:
        """Switch off and leave nothing running. Idempotent."""
        await self.unplug()
        self.put_away()

    async def plug(self) -> None:
        """Put the cable in and give power."""
        if self._line.plugged:
            return
        self.power_on()
        self._line.plug()
        self.connect(self._line.send)

    async def unplug(self) -> None:
        """Pull cable and power: the line vanishes, the buffer is lost."""
        self._line.unplug()
        self.connect(None)
        self._host_stopped = False
        await self.power_off()

    def _arrived(self, data: bytes) -> None:
        room = max(BUFFER - len(self._buffer), 0)
        self.lost += max(len(data) - room, 0)
        self.receive(data[:room])
        if self._stops_host and len(self._buffer) >= HIGH_WATER and not self._host_stopped:
            self._host_stopped = True
            self._line.send(bytes([XOFF]))

    async def _step(self) -> bool:
        went_on = await super()._step()
        if self._host_stopped and len(self._buffer) <= LOW_WATER:
            self._host_stopped = False
            self._line.send(bytes([XON]))
        return went_on
