"""A camera's network side: an HTTP server that sends one endless multipart answer of JPEG pictures.

As with any sensor no two pictures are equal, and sending them costs next to nothing all the same: each is painted
twice, with other noise, and what is sent is put together from the rows of both (JPEG, ITU-T T.81: what stands between
two restart markers is coded by itself).
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]  # height x width x 3, BGR

BOUNDARY = "picture"
REQUEST_LIMIT_S = 5.0  # a client that connects and asks nothing
JPEG_QUALITY = 85
CODED_UNIT = 16  # pixels: of a picture whose colour is halved both ways
NOISE = 1.0  # levels, of the second painting against the first
QUEUED_PICTURES = 8  # waiting for a slow client: then some are left out, as a camera does

_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
_HEAD = f"HTTP/1.0 200 OK\r\nCache-Control: no-store\r\nContent-Type: {_TYPE}\r\n\r\n"
_NOT_FOUND = b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_RESTART = re.compile(rb"(?=\xff[\xd0-\xd7])")  # inside coded data FF is always followed by 00, but for these

Painting = tuple[tuple[bytes, ...], ...]  # one picture painted once or more, each cut at its restart markers


def still(picture: Picture) -> Painting:
    """Pack a picture that comes out the same each time."""
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    settings += [cv2.IMWRITE_JPEG_RST_INTERVAL, -(-picture.shape[1] // CODED_UNIT)]
    done, data = cv2.imencode(".jpg", picture, settings)
    if not done:
        raise ValueError("the picture could not be packed as JPEG")
    return (tuple(_RESTART.split(data.tobytes())),)


def living(picture: Picture, noise: NDArray[np.int16]) -> Painting:
    """Pack a picture that comes out different each time; ``noise`` (see :func:`grain`) is as large."""
    return still(picture) + still(np.asarray(cv2.add(picture, noise, dtype=cv2.CV_8U), np.uint8))


def grain(height: int, width: int) -> NDArray[np.int16]:
    """Return a sensor's noise for one picture."""
    return np.random.default_rng(3).normal(0, NOISE, (height, width, 3)).round().astype(np.int16)


def taken(painting: Painting, dice: random.Random) -> bytes:
    """Return the picture as the sensor sees it this time."""
    return b"".join(dice.choice(rows) for rows in zip(*painting, strict=True))


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
