"""A byte stream over TCP to a device on the terminal's own network."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, cast

from devices.errors import DeviceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT_S = 3.0  # a device on the same cable answers in milliseconds; a switched-off one never
UNACKNOWLEDGED_MS = 5000  # sent bytes that long without an acknowledgement: the cable is out
KEEPALIVE = ((socket.TCP_KEEPIDLE, 5), (socket.TCP_KEEPINTVL, 2), (socket.TCP_KEEPCNT, 3))  # seconds, seconds, probes


class TcpLink:
    """Open, send, receive, close. A lost link stays lost: close it and open it again.

    Nothing is sent twice and nothing is hidden: every loss is a ``DeviceUnavailable`` at the next call.
    """

    def __init__(self, host: str, port: int, device: str = "", on_lost: Callable[[], None] | None = None) -> None:
        """``on_lost`` is called when a link that stood is gone, unless :meth:`close` ended it."""
        self._host = host
        self._port = port
        self._device = device
        self._on_lost = on_lost
        self._wire: _Wire | None = None

    @property
    def address(self) -> str:
        """Return ``host:port``."""
        return f"{self._host}:{self._port}"

    async def open(self) -> None:
        """Connect; idempotent. Raises ``DeviceUnavailable``."""
        if self._wire is not None:
            return
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, wire = await loop.create_connection(lambda: _Wire(self._lost), self._host, self._port)
        except (OSError, TimeoutError) as error:
            raise DeviceUnavailable(f"no connection to {self.address}", device=self._device) from error
        self._wire = wire

    async def close(self) -> None:
        """Disconnect at once, dropping what was not sent; idempotent, never raises."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.transport.abort()
            await wire.gone.wait()

    async def send(self, data: bytes) -> None:
        """Hand ``data`` to the network; waits while the device takes no more. Raises ``DeviceUnavailable``."""
        wire = self._alive()
        wire.transport.write(data)
        await wire.writable.wait()
        self._alive()

    def take(self) -> bytes:
        """Return what has arrived, possibly nothing. Raises ``DeviceUnavailable`` when nothing more can come."""
        wire = self._wire
        if wire is not None and wire.arrived:
            data = bytes(wire.arrived)
            wire.arrived.clear()
            wire.readable.clear()
            return data
        self._alive()
        return b""

    async def receive(self) -> bytes:
        """Wait for at least one byte. Raises ``DeviceUnavailable``."""
        while not (data := self.take()):
            await self._alive().readable.wait()
        return data

    def _lost(self) -> None:
        if self._wire is not None and self._on_lost is not None:
            self._on_lost()

    def _alive(self) -> _Wire:
        if self._wire is None:
            raise DeviceUnavailable(f"no connection to {self.address}: open it first", device=self._device)
        if self._wire.gone.is_set():
            raise DeviceUnavailable(f"connection to {self.address} lost: close and open again", device=self._device)
        return self._wire


class _Wire(asyncio.Protocol):
    """The callbacks of one connection."""

    transport: asyncio.Transport

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self.arrived = bytearray()
        self.readable = asyncio.Event()
        self.writable = asyncio.Event()
        self.gone = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=0)  # send() returns when the kernel has everything
        link: socket.socket = transport.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # Best effort: a kernel without one of these still ends the connection, only later.
        with contextlib.suppress(OSError):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
            for option, value in KEEPALIVE:
                link.setsockopt(socket.IPPROTO_TCP, option, value)

    def data_received(self, data: bytes) -> None:
        self.arrived += data
        self.readable.set()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature; the next call tells
        self.gone.set()
        self.readable.set()
        self.writable.set()
        self._on_lost()
