"""A document camera at the far end of a real wire: what lies on its glass is painted when it is laid there."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from devices.background import Background
from devices.sim.mjpeg import MjpegServer, grain, living, still, taken
from devices.sim.pages import SENSOR, Kind, Scene, picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.sim.mjpeg import Painting

PATH: Final = "/glass.mjpg"
FRAMES_PER_S: Final = 12
STEPS: Final = 6  # of a paper that is pushed about
STEP_SHARE: Final = 0.012  # of the view, from picture to picture: 5 mm

NOTHING: Final = "nothing"
MOVING: Final = "moving"
SCENES: Final[Mapping[str, Scene]] = MappingProxyType(
    {
        "page": Scene(),
        "card": Scene(kind=Kind.ID1, turn_deg=3),
        "spread": Scene(kind=Kind.SPREAD, turn_deg=-2),
        "crooked": Scene(turn_deg=103, tilt=0.08),
        "half_out": Scene(centre=(0.15, 0.5)),
        "blurred": Scene(blur_mm=0.8),
        "glare": Scene(glare_mm=18),
        "blank": Scene(blank=True),
        "dark": Scene(light=0.2),
        NOTHING: Scene(kind=None),
        MOVING: Scene(),
    }
)


@dataclass(slots=True)
class _Camera:
    """What can be wrong with the camera itself."""

    frozen: bytes | None = None
    black: bool = False
    white: bool = False
    mute: bool = False


class GlassMachine:
    """One document camera on a free port of 127.0.0.1; the port stays the same over unplugging. On one loop."""

    def __init__(self, size: tuple[int, int] = SENSOR) -> None:
        self._size = size
        self._server = MjpegServer(PATH, FRAMES_PER_S, self._picture)
        self._camera = _Camera()
        self._lies = NOTHING
        self._shown: tuple[Painting, ...] = ()
        self._painting = Background("glass")
        self._painted = False  # or being painted
        flat = (size[1], size[0], 3)
        self._black, self._white = still(np.zeros(flat, np.uint8)), still(np.full(flat, 255, np.uint8))
        self._grain = grain(size[1], size[0])
        self._dice = random.Random(1)  # noqa: S311 - a sensor's noise

    @property
    def url(self) -> str:
        """Where the pictures are, once started."""
        return self._server.url

    async def start(self) -> None:
        """Switch on, with nothing on the glass. Raises ``OSError``. Idempotent.

        The empty glass is painted when somebody looks: until then nothing is sent.
        """
        await self.plug()

    async def stop(self) -> None:
        """Switch off. Idempotent."""
        await self.unplug()
        await self._painting.stop()

    async def plug(self) -> None:
        """Put the cable back: listen at the same port. Idempotent."""
        await self._server.plug()

    async def unplug(self) -> None:
        """Pull the cable: every stream breaks off, nobody listens. Idempotent."""
        await self._server.unplug()

    async def lay(self, what: str) -> None:
        """Lay something on the glass, one of ``SCENES``; half a second of painting. Raises ``ValueError``."""
        scene = SCENES.get(what)
        if scene is None:
            raise ValueError(f"nothing is called {what!r}; known are {', '.join(SCENES)}")
        shown = await asyncio.to_thread(self._paint, scene, STEPS if what == MOVING else 1)
        self._shown, self._lies = shown, what

    async def _lay_nothing(self) -> None:
        shown = await asyncio.to_thread(self._paint, SCENES[NOTHING], 1)
        self._shown = self._shown or shown  # something may have been laid meanwhile

    def freeze(self, on: bool = True) -> None:
        """Send the same picture over and over."""
        self._camera.frozen = self._now() if on else None

    def black(self, on: bool = True) -> None:
        """Send black pictures: a covered lens."""
        self._camera.black = on

    def white(self, on: bool = True) -> None:
        """Send white pictures: a lamp in the lens."""
        self._camera.white = on

    def mute(self, on: bool = True) -> None:
        """Keep the stream open and send nothing more."""
        self._camera.mute = on

    def state(self) -> dict[str, str | bool]:
        """Return what there is to see, for the dock."""
        camera = self._camera
        flags = {"frozen": camera.frozen is not None, "black": camera.black, "white": camera.white, "mute": camera.mute}
        return {"plugged": self._server.plugged, "lies": self._lies, "watched": self._server.watched, **flags}

    def _paint(self, scene: Scene, steps: int) -> tuple[Painting, ...]:
        across, down = scene.centre
        offsets = [STEP_SHARE * (step - (steps - 1) / 2) for step in range(steps)]
        scenes = [replace(scene, centre=(across + offset, down)) for offset in [*offsets, *offsets[-2:0:-1]]]
        return tuple(living(picture(each, self._size), self._grain) for each in scenes)

    def _picture(self) -> bytes | None:
        if self._camera.mute:
            return None
        if not self._shown and not self._painted:
            self._painted = True
            self._painting.start(self._lay_nothing(), "paint")
        return self._camera.frozen or self._now()

    def _now(self) -> bytes | None:
        camera = self._camera
        if camera.black or camera.white:
            return taken(self._black if camera.black else self._white, self._dice)
        if not self._shown:
            return None
        return taken(self._shown[int(time.monotonic() * FRAMES_PER_S) % len(self._shown)], self._dice)
