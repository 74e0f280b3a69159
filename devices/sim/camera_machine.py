"""A camera at the far end of a real wire: an HTTP server that sends one endless multipart answer of JPEG pictures.

The pictures of a face are painted once, in a thread of the machine's own, and kept: sending them costs next to nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from devices.sim.faces import FACE_KEYS, HEIGHT, NOBODY, WIDTH, Faces, FacesMissing

if TYPE_CHECKING:
    from pathlib import Path

    from devices.sim.faces import Picture

PATH = "/camera.mjpg"
BOUNDARY = "picture"
FRAMES_PER_S = 20
JPEG_QUALITY = 85
REQUEST_LIMIT_S = 5.0  # a client that connects and asks nothing
QUEUED_LIMIT = 256_000  # bytes waiting for a slow client, some eight pictures: then some are left out, as a camera does

_log = logging.getLogger(__name__)
_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
_HEAD = f"HTTP/1.0 200 OK\r\nCache-Control: no-store\r\nContent-Type: {_TYPE}\r\n\r\n"
_NOT_FOUND = b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n"

Loop = tuple[bytes, ...]  # JPEG pictures; the last is followed by the first


@dataclass(slots=True)
class _Scene:
    """What can be wrong with the picture."""

    frozen_at: int | None = None
    black: bool = False
    mute: bool = False


class CameraMachine:
    """One camera on a free port of 127.0.0.1; the port stays the same over unplugging. All methods: on one loop."""

    def __init__(self, faces_dir: Path) -> None:
        self._pictures = Faces(faces_dir)
        self._scene = _Scene()
        self._face = NOBODY
        self._loops: dict[str, Loop] = {}  # written by the painter, whole loops only
        self._black: Loop = (_jpeg(np.zeros((HEIGHT, WIDTH, 3), np.uint8)),)
        self._painter: _Painter | None = None
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[None]] = set()
        self._port = 0

    @property
    def url(self) -> str:
        """Where the pictures are, once started."""
        return f"http://127.0.0.1:{self._port}{PATH}"

    async def start(self) -> None:
        """Switch on, with nobody before the camera. Raises ``OSError``. Idempotent."""
        if self._painter is None:
            self._painter = _Painter(self._pictures, self._loops)
            self._painter.start()
            self._painter.paint(self._face)
        await self.plug()

    async def stop(self) -> None:
        """Switch off and end the painter's thread. Idempotent."""
        await self.unplug()
        painter, self._painter = self._painter, None
        if painter is not None:
            painter.end()
            await asyncio.to_thread(painter.join)  # half a second when it has just begun to cut somebody out

    async def plug(self) -> None:
        """Put the cable back: listen at the same port. Idempotent."""
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

    def faces(self) -> tuple[str, ...]:
        """Return the faces that can be shown: all, or only the empty room where the portraits were not fetched."""
        return FACE_KEYS if self._pictures.available() else (NOBODY,)

    def show(self, face: str) -> None:
        """Put a face before the camera; empty: nobody. Raises ``ValueError``, ``FacesMissing``.

        The first time it takes a second of painting; until then the camera shows what it showed.
        """
        wanted = face or NOBODY
        if wanted not in FACE_KEYS:
            raise ValueError(f"no face {face!r}; known are {', '.join(FACE_KEYS)}")
        if wanted not in self.faces():
            raise FacesMissing("the portraits are not there: run make setup")
        self._face = wanted
        if self._painter is not None:
            self._painter.paint(wanted)

    def freeze(self, on: bool = True) -> None:
        """Send the same picture over and over."""
        self._scene.frozen_at = self._index() if on else None

    def black(self, on: bool = True) -> None:
        """Send black pictures: a covered lens."""
        self._scene.black = on

    def mute(self, on: bool = True) -> None:
        """Keep the stream open and send nothing more."""
        self._scene.mute = on

    def state(self) -> dict[str, str | bool]:
        """Return what there is to see, for the dock."""
        scene = self._scene
        flags = {"frozen": scene.frozen_at is not None, "black": scene.black, "mute": scene.mute}
        return {"plugged": self._server is not None, "face": self._face, "watched": bool(self._clients), **flags}

    @staticmethod
    def _index() -> int:
        return int(time.monotonic() * FRAMES_PER_S)

    def _picture(self) -> bytes | None:
        """Return what the sensor sees now; ``None`` while the first loop is being painted."""
        painted = self._loops.get(self._face) or next(reversed(self._loops.values()), ())
        loop = self._black if self._scene.black else painted
        at = self._index() if self._scene.frozen_at is None else self._scene.frozen_at
        return loop[at % len(loop)] if loop else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a client is served in a task of its server")
        self._clients.add(task)
        try:
            async with asyncio.timeout(REQUEST_LIMIT_S):
                request = await reader.readuntil(b"\r\n\r\n")
            if request.startswith(f"GET {PATH} ".encode()):
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
            picture = None if self._scene.mute else self._picture()
            if picture is not None and writer.transport.get_write_buffer_size() < QUEUED_LIMIT:
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                writer.write(head.encode() + picture + b"\r\n")
            await asyncio.sleep(1 / FRAMES_PER_S)
        raise ConnectionResetError("the client has gone")


class _Painter(threading.Thread):
    """Makes the loops asked for, one after the other."""

    def __init__(self, pictures: Faces, loops: dict[str, Loop]) -> None:
        super().__init__(name="sim-camera-painter", daemon=True)
        self._pictures = pictures
        self._loops = loops
        self._wanted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._ended = threading.Event()

    def paint(self, face: str) -> None:
        """Ask for a loop; one that is there already costs nothing."""
        self._wanted.put(face)

    def end(self) -> None:
        """Stop after the picture in hand."""
        self._ended.set()
        self._wanted.put("")

    def run(self) -> None:
        while not self._ended.is_set():
            face = self._wanted.get()
            if not face or face in self._loops:
                continue
            try:
                self._paint(face)
            except (OSError, ValueError) as error:  # a portrait that was removed, or is no picture
                _log.error("cannot show %s: %s", face, error)

    def _paint(self, face: str) -> None:
        pictures: list[bytes] = []
        for picture in self._pictures.clip(face):
            if self._ended.is_set():
                return
            pictures.append(_jpeg(picture))
        self._loops[face] = tuple(pictures)


def _jpeg(picture: Picture) -> bytes:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ValueError("the picture could not be packed as JPEG")
    return data.tobytes()
