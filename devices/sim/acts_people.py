"""What people do: lay an identity card down, step before the camera; and what befalls reader and camera."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING, ClassVar

from devices.sim.cards import card_of, photo_of
from devices.sim.personas import PERSONAS
from devices.sim.world import WorldRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from devices.sim.world import World


class LiftedWhen(enum.StrEnum):
    """When a card laid down goes away by itself."""

    NEVER = "never"
    DURING_READ = "during_read"


class Picture(enum.StrEnum):
    """What is on the card's photo block."""

    WHOLE = "whole"
    CUT_SHORT = "cut_short"


class PeopleActs:
    """The identity card reader and the camera."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._photos: dict[str, bytes] = {}

    async def card_insert(
        self, card: str, lifted: LiftedWhen = LiftedWhen.NEVER, picture: Picture = Picture.WHOLE
    ) -> None:
        """Lay the card of a persona on the reader.

        ``during_read`` takes it away again in the middle of the read; ``cut_short`` lays one whose picture is damaged.
        """
        persona = PERSONAS.get(card.lower())
        if persona is None:
            raise WorldRefused(f"no card {card!r}; known are {', '.join(PERSONAS)}")
        world = self._world
        if persona.face not in self._photos:
            self._photos[persona.face] = await asyncio.to_thread(photo_of, persona, world.pictures)
        if lifted is LiftedWhen.DURING_READ:
            world.reader.lift_during_read()
        photo = self._photos[persona.face]
        if picture is Picture.CUT_SHORT:
            photo = photo[: len(photo) // 4].ljust(len(photo), b"\0")
        world.reader.insert(card_of(persona, photo))
        world.card = persona.key if lifted is LiftedWhen.NEVER else ""

    async def card_lift(self) -> None:
        """Take the card away."""
        self._world.reader.lift()
        self._world.card = ""

    async def reader_unplug(self) -> None:
        """Pull the reader's cable."""
        self._world.reader.unplug()
        self._note(plugged=False)

    async def reader_plug(self) -> None:
        """Put the reader's cable back."""
        self._world.reader.plug()
        self._note(plugged=True)

    async def reader_corrupt(self, times: int = 1) -> None:
        """Spoil the reader's next replies on the wire."""
        self._world.reader.corrupt(times)

    async def reader_silent(self, on: bool = True) -> None:
        """Let the reader answer nothing, or answer again."""
        self._world.reader.silent(on)
        self._note(answers=not on)

    def _note(self, **changed: bool) -> None:
        self._world.notes["reader"].update(changed)

    async def face_show(self, face: str) -> None:
        """Put somebody before the camera: a face's name, a persona's, or ``nobody``."""
        camera = self._world.camera
        persona = PERSONAS.get(face.lower())
        wanted = persona.face if persona else face
        if wanted not in camera.faces():
            raise WorldRefused(f"no face {face!r}; known are {', '.join([*camera.faces(), *PERSONAS])}")
        camera.show(wanted)
        self._world.face = wanted

    async def camera_freeze(self, on: bool = True) -> None:
        """Let the picture stand still."""
        self._world.camera.freeze(on)

    async def camera_loop(self, on: bool = True) -> None:
        """Put a film in place of the sensor: the same four seconds over and over."""
        self._world.camera.loop(on)

    async def camera_black(self, on: bool = True) -> None:
        """Cover the lens."""
        self._world.camera.black(on)

    async def camera_white(self, on: bool = True) -> None:
        """Let the sun shine into the lens."""
        self._world.camera.white(on)

    async def camera_mute(self, on: bool = True) -> None:
        """Let the camera deliver nothing while it stays there."""
        self._world.camera.mute(on)

    async def camera_unplug(self) -> None:
        """Pull the camera's cable."""
        await self._world.camera.unplug()

    async def camera_plug(self) -> None:
        """Put the camera's cable back; what else was done to it stays."""
        await self._world.camera.plug()

    async def camera_normal(self) -> None:
        """Take back whatever was done to the camera."""
        camera = self._world.camera
        for fault in (camera.freeze, camera.loop, camera.black, camera.white, camera.mute):
            fault(False)
        await camera.plug()

    TABLE: ClassVar[Mapping[str, tuple[str, Callable[..., Awaitable[None]]]]] = {
        "card.insert": ("reader", card_insert),
        "card.lift": ("reader", card_lift),
        "reader.unplug": ("reader", reader_unplug),
        "reader.plug": ("reader", reader_plug),
        "reader.corrupt": ("reader", reader_corrupt),
        "reader.silent": ("reader", reader_silent),
        "face.show": ("camera", face_show),
        "camera.freeze": ("camera", camera_freeze),
        "camera.loop": ("camera", camera_loop),
        "camera.black": ("camera", camera_black),
        "camera.white": ("camera", camera_white),
        "camera.mute": ("camera", camera_mute),
        "camera.plug": ("camera", camera_plug),
        "camera.normal": ("camera", camera_normal),
        "camera.unplug": ("camera", camera_unplug),
    }
