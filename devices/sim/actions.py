"""What can happen to a simulated world: one method for each action, named in one table.

The dock page, ``kioskctl world`` and the player reach these by name; the values are checked against the annotations.
"""

from __future__ import annotations

import asyncio
import enum
import inspect
from typing import TYPE_CHECKING, Any

import pydantic

from devices.sim.cards import card_of, photo_of
from devices.sim.personas import PERSONAS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from devices.sim.link import LinkProxy
    from devices.sim.world import World


class WorldRefused(ValueError):
    """The action does not exist, or not with these values. The text says what is known."""


class Which(enum.StrEnum):
    """Which printer is meant."""

    SHEETS = "sheets"
    SLIPS = "slips"


class LiftedWhen(enum.StrEnum):
    """When a card laid down goes away by itself."""

    NEVER = "never"
    DURING_READ = "during_read"


class Picture(enum.StrEnum):
    """What is on the card's photo block."""

    WHOLE = "whole"
    CUT_SHORT = "cut_short"


class Actions:
    """The actions of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._photos: dict[str, bytes] = {}
        self._table: dict[str, Callable[..., Awaitable[None]]] = {
            name: pydantic.validate_call(getattr(self, method.__name__)) for name, method in ACTIONS.items()
        }

    async def act(self, name: str, values: Mapping[str, object]) -> None:
        """Let something happen. Raises ``WorldRefused``."""
        act = self._table.get(name)
        if act is None:
            raise WorldRefused(f"no action {name!r}; known are {', '.join(sorted(self._table))}")
        try:
            await act(**values)
        except pydantic.ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise WorldRefused(f"{name}: {wrong}") from None

    # --- the card reader -------------------------------------------------------------------------------------------

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
        self._note("reader", plugged=False)

    async def reader_plug(self) -> None:
        """Put the reader's cable back."""
        self._world.reader.plug()
        self._note("reader", plugged=True)

    async def reader_corrupt(self, times: int = 1) -> None:
        """Spoil the reader's next replies on the wire."""
        self._world.reader.corrupt(times)

    async def reader_silent(self, on: bool = True) -> None:
        """Let the reader answer nothing, or answer again."""
        self._world.reader.silent(on)
        self._note("reader", answers=not on)

    # --- the camera ------------------------------------------------------------------------------------------------

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
        self._note("camera", frozen=on)

    async def camera_black(self, on: bool = True) -> None:
        """Cover the lens."""
        self._world.camera.black(on)
        self._note("camera", black=on)

    async def camera_mute(self, on: bool = True) -> None:
        """Let the camera deliver nothing while it stays there."""
        self._world.camera.mute(on)
        self._note("camera", mute=on)

    async def camera_unplug(self) -> None:
        """Pull the camera's cable."""
        await self._world.camera.unplug()
        self._note("camera", plugged=False)

    async def camera_normal(self) -> None:
        """Take back whatever was done to the camera."""
        await self.camera_freeze(on=False)
        await self.camera_black(on=False)
        await self.camera_mute(on=False)
        await self._world.camera.plug()
        self._note("camera", plugged=True)

    # --- both printers ---------------------------------------------------------------------------------------------

    async def paper_out(self, printer: Which) -> None:
        """Take the paper away."""
        await self._paper(printer, there=False)

    async def paper_after(self, sheets: int) -> None:
        """Let the sheet printer's paper end after so many more sheets; it only notices when it reaches for the next."""
        self._world.sheets.paper_after(sheets)

    async def paper_refill(self, printer: Which) -> None:
        """Put paper in."""
        await self._paper(printer, there=True)

    async def paper_jam(self, on: bool = True) -> None:
        """Jam the next sheet in the sheet printer, or free it."""
        await self._world.sheets.jam(on)
        self._note("sheets", jammed=on)

    async def cover(self, open: bool) -> None:  # noqa: A002 - the value's name on the wire is what a person would say
        """Open or close the slip printer's cover."""
        self._world.slips.cover(is_open=open)
        self._note("slips", cover_open=open)

    async def printer_unplug(self, printer: Which) -> None:
        """Switch a printer off."""
        await (self._world.sheets if printer is Which.SHEETS else self._world.slips).unplug()
        self._note(printer.value, powered=False)

    async def printer_plug(self, printer: Which) -> None:
        """Switch a printer on again."""
        await (self._world.sheets if printer is Which.SHEETS else self._world.slips).plug()
        self._note(printer.value, powered=True)

    async def _paper(self, printer: Which, *, there: bool) -> None:
        if printer is Which.SHEETS:
            await self._world.sheets.set_paper(there)
        else:
            self._world.slips.paper("ok" if there else "out")
        self._note(printer.value, paper=there)

    def _note(self, machine: str, **changed: bool) -> None:
        self._world.machines[machine].update(changed)

    # --- the line and central --------------------------------------------------------------------------------------

    async def line_cut(self) -> None:
        """Cut the line to central."""
        await self._line().cut()

    async def line_restore(self) -> None:
        """Repair the line to central."""
        await self._line().restore()

    async def line_slow(self, seconds: float) -> None:
        """Let every piece on the line wait."""
        await self._line().slow(seconds)

    async def line_mute(self) -> None:
        """Lose every answer of central."""
        await self._line().mute()

    async def central_faults(self, faults: dict[str, Any]) -> None:
        """Ask the simulated far side for trouble: a register down, a gateway that delivers no messages."""
        if self._world.central is None:
            raise WorldRefused("this world was started without central")
        await self._world.central.faults(faults)

    def _line(self) -> LinkProxy:
        line = self._world.line
        if line is None:
            raise WorldRefused("this world was started without central: there is no line")
        return line


ACTIONS: dict[str, Callable[..., Awaitable[None]]] = {
    "card.insert": Actions.card_insert,
    "card.lift": Actions.card_lift,
    "reader.unplug": Actions.reader_unplug,
    "reader.plug": Actions.reader_plug,
    "reader.corrupt": Actions.reader_corrupt,
    "reader.silent": Actions.reader_silent,
    "face.show": Actions.face_show,
    "camera.freeze": Actions.camera_freeze,
    "camera.black": Actions.camera_black,
    "camera.mute": Actions.camera_mute,
    "camera.normal": Actions.camera_normal,
    "camera.unplug": Actions.camera_unplug,
    "paper.out": Actions.paper_out,
    "paper.after": Actions.paper_after,
    "paper.refill": Actions.paper_refill,
    "paper.jam": Actions.paper_jam,
    "cover": Actions.cover,
    "printer.unplug": Actions.printer_unplug,
    "printer.plug": Actions.printer_plug,
    "line.cut": Actions.line_cut,
    "line.restore": Actions.line_restore,
    "line.slow": Actions.line_slow,
    "line.mute": Actions.line_mute,
    "central.faults": Actions.central_faults,
}


def known_actions() -> dict[str, list[str]]:
    """Return every action with the names of its values."""
    return {name: list(inspect.signature(method).parameters)[1:] for name, method in ACTIONS.items()}
