"""A camera at the far end of a real wire, before which somebody stands, or nobody.

The pictures of a face are painted once, in a thread of the machine's own, and kept.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from devices.sim.faces import FACE_KEYS, HEIGHT, NOBODY, WIDTH, Faces, FacesMissing
from devices.sim.mjpeg import MjpegServer, grain, living, still, taken

if TYPE_CHECKING:
    from pathlib import Path

    from devices.sim.mjpeg import Painting

PATH = "/camera.mjpg"
FRAMES_PER_S = 20

_log = logging.getLogger(__name__)

Loop = tuple["Painting", ...]  # the last picture is followed by the first


@dataclass(slots=True)
class _Scene:
    """What can be wrong with the picture."""

    frozen: bytes | None = None
    looping: bool = False
    black: bool = False
    white: bool = False
    mute: bool = False


class CameraMachine:
    """One camera on a free port of 127.0.0.1; the port stays the same over unplugging. All methods: on one loop."""

    def __init__(self, faces_dir: Path) -> None:
        self._pictures = Faces(faces_dir)
        self._scene = _Scene()
        self._face = NOBODY
        self._loops: dict[str, Loop] = {}  # written by the painter, whole loops only
        self._black: Loop = (still(np.zeros((HEIGHT, WIDTH, 3), np.uint8)),)
        self._white: Loop = (still(np.full((HEIGHT, WIDTH, 3), 255, np.uint8)),)
        self._painter: _Painter | None = None
        self._server = MjpegServer(PATH, FRAMES_PER_S, self._picture)
        self._dice = random.Random(1)  # noqa: S311 - a sensor's noise

    @property
    def url(self) -> str:
        """Where the pictures are, once started."""
        return self._server.url

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
        await self._server.plug()

    async def unplug(self) -> None:
        """Pull the cable: every stream breaks off, nobody listens. Idempotent."""
        await self._server.unplug()

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
        self._scene.frozen = self._now() if on else None

    def loop(self, on: bool = True) -> None:
        """Send stored pictures, the same four seconds over and over: somebody's film in place of the sensor."""
        self._scene.looping = on

    def black(self, on: bool = True) -> None:
        """Send black pictures: a covered lens."""
        self._scene.black = on

    def white(self, on: bool = True) -> None:
        """Send white pictures: the sun in the lens."""
        self._scene.white = on

    def mute(self, on: bool = True) -> None:
        """Keep the stream open and send nothing more."""
        self._scene.mute = on

    def state(self) -> dict[str, str | bool]:
        """Return what there is to see, for the dock."""
        scene = self._scene
        flags = {"frozen": scene.frozen is not None, "looping": scene.looping, "black": scene.black}
        flags |= {"white": scene.white, "mute": scene.mute}
        return {"plugged": self._server.plugged, "face": self._face, "watched": self._server.watched, **flags}

    def _picture(self) -> bytes | None:
        """Return what is sent now; ``None``: nothing."""
        if self._scene.mute:
            return None
        return self._scene.frozen or self._now()

    def _now(self) -> bytes | None:
        """Return what the sensor sees now; ``None`` while the first loop is being painted."""
        scene = self._scene
        painted = self._loops.get(self._face) or next(reversed(self._loops.values()), ())
        loop = self._black if scene.black else self._white if scene.white else painted
        if not loop:
            return None
        painting = loop[int(time.monotonic() * FRAMES_PER_S) % len(loop)]
        return taken(painting[:1] if scene.looping else painting, self._dice)


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
        noise = grain(HEIGHT, WIDTH)
        loop: list[Painting] = []
        for picture in self._pictures.clip(face):
            if self._ended.is_set():
                return
            loop.append(living(picture, noise))
        self._loops[face] = tuple(loop)
