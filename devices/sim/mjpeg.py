"""A camera's network side: an HTTP server that sends one endless multipart answer of JPEG pictures."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BOUNDARY = "picture"
REQUEST_LIMIT_S = 5.0  # a client that connects and asks nothing
QUEUED_PICTURES = 8  # waiting for a slow client: then some are left out, as a camera does

_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
_HEAD = f"HTTP/1.0 200 OK\r\nCache-Control: no-store\r\nContent-Type: {_TYPE}\r\n\r\n"
_NOT_FOUND = b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class MjpegServer:
    """Serves what ``picture`` returns, ``frames_per_s`` times a second, to each client; ``None``: nothing to send.

    On a free port of 127.0.0.1, which stays the same over unplugging. All methods: on one loop.
    """

    def __init__(self, path: str, frames_per_s: float, picture: Callable[[], bytes | None]) -> None:
        self._path = path
        self._pause_s = 1 / frames_per_s
        self._picture = picture
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._port = 0

    @property
    def url(self) -> str:
        """Where the pictures are, once plugged."""
        return f"http://127.0.0.1:{self._port}{self._path}"

    @property
    def plugged(self) -> bool:
        """Tell whether it listens."""
        return self._server is not None

    @property
    def watched(self) -> bool:
        """Tell whether somebody looks."""
        return bool(self._clients)

    async def plug(self) -> None:
        """Put the cable in: listen, at the same port as before. Idempotent. Raises ``OSError``."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Pull the cable: every stream breaks off, nobody listens. Idempotent."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        clients = tuple(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a client is served in a task of its server")
        self._clients.add(task)
        try:
            async with asyncio.timeout(REQUEST_LIMIT_S):
                request = await reader.readuntil(b"\r\n\r\n")
            if request.startswith(f"GET {self._path} ".encode()):
                await self._stream(writer)
            writer.write(_NOT_FOUND)
            await writer.drain()
        except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
            # Gone, silent or unplugged: the stream breaks off in the middle. The task ends here, nobody awaits it.
            writer.transport.abort()
        finally:
            self._clients.discard(task)
            writer.close()
            with contextlib.suppress(OSError):  # it was aborted, or the client went first
                await writer.wait_closed()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        """Send pictures until the client goes."""
        writer.write(_HEAD.encode())
        while not writer.is_closing():
            picture = self._picture()
            if picture is not None and writer.transport.get_write_buffer_size() < QUEUED_PICTURES * len(picture):
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                writer.write(head.encode() + picture + b"\r\n")
            await asyncio.sleep(self._pause_s)
        raise ConnectionResetError("the client has gone")
