"""The simulated world of one terminal: its machines at the far end of real wires, and what can happen to them.

What happens is an action: a name and a few plain values. A developer's hands (the dock page), ``kioskctl world`` and the
player all use the same table; nothing in the terminal knows that there is a world.
"""

from __future__ import annotations

import contextlib
import enum
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pydantic

from devices.sim.camera_machine import CameraMachine
from devices.sim.central_window import CentralWindow
from devices.sim.escpos_machine import EscposMachine
from devices.sim.ipp_machine import IppMachine
from devices.sim.link import LinkProxy
from devices.sim.personas import PERSONAS
from devices.sim.sdt_reader import SdtReaderMachine, SimCard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path


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


@dataclass(frozen=True, slots=True)
class CentralAddress:
    """Where central really is; the terminal only gets to see the line's near end."""

    url: str
    tls_ca: str = ""


class World:
    """All machines of one terminal. Created stopped; ``folder`` receives what they print."""

    def __init__(self, folder: Path, faces: Path, central: CentralAddress | None) -> None:
        self.folder = folder
        self.reader = SdtReaderMachine()
        self.camera = CameraMachine(faces)
        self.sheets = IppMachine(folder / "prints", folder / "ipp")
        self.slips = EscposMachine(folder / "slips")
        self.central = CentralWindow(central.url, central.tls_ca) if central else None
        self.line = self._line_to(central.url) if central else None
        self.face = ""
        self.card = ""
        self._running = contextlib.AsyncExitStack()
        self._actions: dict[str, Callable[..., Awaitable[None]]] = {
            name: pydantic.validate_call(getattr(self, method.__name__)) for name, method in ACTIONS.items()
        }

    @staticmethod
    def _line_to(url: str) -> LinkProxy:
        at = urlsplit(url)
        return LinkProxy(at.hostname or "127.0.0.1", at.port or (443 if at.scheme == "https" else 80))

    async def start(self) -> None:
        """Start every machine; when one fails, those that stood are stopped again and its error is raised."""
        async with contextlib.AsyncExitStack() as started:
            for machine in (self.reader, self.camera, self.sheets, self.slips, self.line):
                if machine is not None:
                    await machine.start()
                    started.push_async_callback(machine.stop)
            self._running = started.pop_all()

    async def stop(self) -> None:
        """Stop every machine. Idempotent."""
        await self._running.aclose()

    def settings(self) -> dict[str, Any]:
        """Return the settings that lead the terminal to this world."""
        settings: dict[str, Any] = {
            "devices": {
                "id_reader": {"port": self.reader.port},
                "camera": {"url": self.camera.url},
                "document_printer": {"uri": self.sheets.uri},
                "receipt_printer": {"host": self.slips.host, "port": self.slips.port},
            },
        }
        if self.line is not None and self.central is not None:
            at = urlsplit(self.central.url)
            settings["central"] = {"url": at._replace(netloc=f"{at.hostname}:{self.line.port}").geturl()}
        return settings

    def actions(self) -> Mapping[str, tuple[str, ...]]:
        """Return every action with the names of its values."""
        return {name: tuple(inspect.signature(act).parameters)[1:] for name, act in ACTIONS.items()}

    async def act(self, name: str, values: Mapping[str, object]) -> None:
        """Let something happen. Raises ``WorldRefused``."""
        act = self._actions.get(name)
        if act is None:
            raise WorldRefused(f"no action {name!r}; known are {', '.join(sorted(self._actions))}")
        try:
            await act(**values)
        except pydantic.ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise WorldRefused(f"{name}: {wrong}") from None

    def state(self) -> dict[str, Any]:
        """Return everything there is to see."""
        return {
            "card": self.card if self.reader.card is not None else "",
            "face": self.face,
            "prints": [path.name for path in self.sheets.prints],
            "slips": [slip.name for slip in self.slips.slips],
            "line": self.line.state if self.line else "none",
            "machines": {
                "reader": self.reader.state(),
                "camera": self.camera.state(),
                "sheets": self.sheets.state(),
                "slips": self.slips.state(),
            },
        }

    # --- the card reader -------------------------------------------------------------------------------------------

    async def card_insert(self, card: str, lifted: LiftedWhen = LiftedWhen.NEVER) -> None:
        """Lay the card of a persona on the reader."""
        persona = PERSONAS.get(card)
        if persona is None:
            raise WorldRefused(f"no card {card!r}; known are {', '.join(PERSONAS)}")
        self.card = card
        self.reader.insert(SimCard.of(persona))
        if lifted is LiftedWhen.DURING_READ:
            self.reader.lift_during_read()

    async def card_lift(self) -> None:
        """Take the card away."""
        self.card = ""
        self.reader.lift()

    async def reader_unplug(self) -> None:
        """Pull the reader's cable."""
        self.reader.unplug()

    async def reader_plug(self) -> None:
        """Put the reader's cable back."""
        self.reader.plug()

    async def reader_silent(self, on: bool = True) -> None:
        """Let the reader answer nothing, or answer again."""
        self.reader.silent(on)

    # --- the camera ------------------------------------------------------------------------------------------------

    async def face_show(self, face: str) -> None:
        """Put a face before the camera; empty: nobody."""
        self.camera.show(face)
        self.face = face

    async def camera_freeze(self, on: bool = True) -> None:
        """Let the picture stand still."""
        self.camera.freeze(on)

    async def camera_black(self, on: bool = True) -> None:
        """Cover the lens."""
        self.camera.black(on)

    async def camera_unplug(self) -> None:
        """Pull the camera's cable."""
        await self.camera.unplug()

    async def camera_plug(self) -> None:
        """Put the camera's cable back."""
        await self.camera.plug()

    # --- both printers ---------------------------------------------------------------------------------------------

    async def paper_out(self, printer: Which) -> None:
        """Take the paper away."""
        if printer is Which.SHEETS:
            self.sheets.set_paper(False)
        else:
            self.slips.paper("out")

    async def paper_refill(self, printer: Which) -> None:
        """Put paper in."""
        if printer is Which.SHEETS:
            self.sheets.set_paper(True)
        else:
            self.slips.paper("ok")

    async def paper_jam(self, on: bool = True) -> None:
        """Jam a sheet in the sheet printer, or free it."""
        self.sheets.jam(on)

    async def cover(self, open: bool) -> None:  # noqa: A002 - the value's name on the wire is what a person would say
        """Open or close the slip printer's cover."""
        self.slips.cover(open)

    async def printer_unplug(self, printer: Which) -> None:
        """Switch a printer off."""
        await (self.sheets if printer is Which.SHEETS else self.slips).unplug()

    async def printer_plug(self, printer: Which) -> None:
        """Switch a printer on again."""
        await (self.sheets if printer is Which.SHEETS else self.slips).plug()

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
        if self.central is None:
            raise WorldRefused("this world was started without central")
        await self.central.faults(faults)

    def _line(self) -> LinkProxy:
        if self.line is None:
            raise WorldRefused("this world was started without central: there is no line")
        return self.line


ACTIONS = {
    "card.insert": World.card_insert,
    "card.lift": World.card_lift,
    "reader.unplug": World.reader_unplug,
    "reader.plug": World.reader_plug,
    "reader.silent": World.reader_silent,
    "face.show": World.face_show,
    "camera.freeze": World.camera_freeze,
    "camera.black": World.camera_black,
    "camera.unplug": World.camera_unplug,
    "camera.plug": World.camera_plug,
    "paper.out": World.paper_out,
    "paper.refill": World.paper_refill,
    "paper.jam": World.paper_jam,
    "cover": World.cover,
    "printer.unplug": World.printer_unplug,
    "printer.plug": World.printer_plug,
    "line.cut": World.line_cut,
    "line.restore": World.line_restore,
    "line.slow": World.line_slow,
    "line.mute": World.line_mute,
    "central.faults": World.central_faults,
}
