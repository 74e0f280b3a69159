"""What happens at the rest of the cabinet: scanner, number pad, document glass, contacts, supply."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, Annotated, ClassVar

import pydantic

from devices.sensors import Sensor  # noqa: TC001 - pydantic reads the annotations
from devices.sim.glass_machine import SCENES
from devices.sim.pin_pad_machine import USAGES
from devices.sim.world import WorldRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from devices.sim.world import World

CODE_MAX = 2953  # bytes of the largest QR symbol (ISO/IEC 18004, version 40-L)
KEYS_MAX = 40
Percent = Annotated[int, pydantic.Field(ge=0, le=100)]


class GlassFault(enum.StrEnum):
    """What can be wrong with the document camera itself."""

    FROZEN = "frozen"
    BLACK = "black"
    WHITE = "white"
    MUTE = "mute"


class CabinetActs:
    """Everything that is neither card nor paper."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def scanner_show(self, text: Annotated[str, pydantic.Field(min_length=1)]) -> None:
        """Hold a code with this content before the scanner."""
        content = text.encode("utf-8")
        if len(content) > CODE_MAX:
            raise WorldRefused(f"no code holds more than {CODE_MAX} bytes")
        notes = self._world.notes["scanner"]
        if notes["mute"] or not notes["plugged"]:
            raise WorldRefused("the scanner reads nothing now")
        self._world.scanner.show(content)
        notes["shown"] += 1

    async def scanner_mute(self, on: bool = True) -> None:
        """Let the scanner read nothing, or read again."""
        self._world.scanner.mute(on)
        self._world.notes["scanner"]["mute"] = on

    async def scanner_unplug(self) -> None:
        """Pull the scanner's cable."""
        self._world.scanner.unplug()
        self._world.notes["scanner"]["plugged"] = False

    async def scanner_plug(self) -> None:
        """Put the scanner's cable back."""
        self._world.scanner.plug()
        self._world.notes["scanner"]["plugged"] = True

    async def pad_press(self, keys: str) -> None:
        """Press keys of the number pad: digits as they come, others by name with spaces between ("1234 enter")."""
        wanted = [key for word in keys.split() for key in (list(word) if re.fullmatch(r"[0-9.]+", word) else [word])]
        unknown = sorted({key for key in wanted if key not in USAGES})
        if unknown or not wanted:
            raise WorldRefused(f"no key {', '.join(unknown) or 'named'}; known are {', '.join(USAGES)}")
        if len(wanted) > KEYS_MAX:
            raise WorldRefused(f"{len(wanted)} keys at once; {KEYS_MAX} at most")
        self._world.pad.press(*wanted)

    async def pad_mute(self, on: bool = True) -> None:
        """Let the pad send nothing, or send again."""
        self._world.pad.mute(on)
        self._world.notes["pad"]["mute"] = on

    async def pad_unplug(self) -> None:
        """Pull the pad's cable."""
        self._world.pad.line.unplug()
        self._world.notes["pad"]["plugged"] = False

    async def pad_plug(self) -> None:
        """Put the pad's cable back."""
        self._world.pad.line.plug()
        self._world.notes["pad"]["plugged"] = True

    async def glass_lay(self, what: str) -> None:
        """Lay something on the glass, or ``nothing``."""
        if what not in SCENES:
            raise WorldRefused(f"nothing is called {what!r}; known are {', '.join(SCENES)}")
        await self._world.glass.lay(what)

    async def glass_fault(self, what: GlassFault, on: bool = True) -> None:
        """Let the document camera fail."""
        glass = self._world.glass
        faults = {
            GlassFault.FROZEN: glass.freeze,
            GlassFault.BLACK: glass.black,
            GlassFault.WHITE: glass.white,
            GlassFault.MUTE: glass.mute,
        }
        faults[what](on)

    async def glass_unplug(self) -> None:
        """Pull the document camera's cable."""
        await self._world.glass.unplug()

    async def glass_plug(self) -> None:
        """Put the document camera's cable back; what else was done to it stays."""
        await self._world.glass.plug()

    async def glass_normal(self) -> None:
        """Take back whatever was done to the document camera; what lies there stays."""
        for fault in GlassFault:
            await self.glass_fault(fault, on=False)
        await self._world.glass.plug()

    async def sensor(self, sensor: Sensor, on: bool = True) -> None:
        """Open a door, step up, put a headset in, take a sheet: each contact by its name."""
        self._world.board.turn(sensor, on)

    async def board_silent(self, on: bool = True) -> None:
        """Let the board of lights and contacts answer nothing, or answer again."""
        self._world.board.silent(on)

    async def board_restart(self) -> None:
        """Let that board lose its power for a moment."""
        self._world.board.restart()

    async def board_unplug(self) -> None:
        """Pull that board's line."""
        self._world.board.unplug()

    async def board_plug(self) -> None:
        """Put that board's line back."""
        self._world.board.plug()

    async def power_mains(self, on: bool) -> None:
        """Cut the mains, or restore it."""
        self._world.power.change(mains=on)

    async def power_battery(self, percent: Percent) -> None:
        """Set what is left in the battery; below 20 it calls itself low."""
        self._world.power.change(battery=percent)

    async def power_worn(self, on: bool = True) -> None:
        """Wear the battery out, or replace it."""
        self._world.power.change(worn=on)

    async def power_stale(self, on: bool = True) -> None:
        """Let upsd have no news of its supply, or have them again."""
        self._world.power.lose_contact(on)

    async def power_mute(self, on: bool = True) -> None:
        """Let upsd answer nothing, or answer again."""
        self._world.power.silence(on)

    async def power_unplug(self) -> None:
        """End upsd."""
        await self._world.power.unplug()

    async def power_plug(self) -> None:
        """Start upsd again."""
        await self._world.power.plug()

    TABLE: ClassVar[Mapping[str, tuple[str, Callable[..., Awaitable[None]]]]] = {
        "scanner.show": ("scanner", scanner_show),
        "scanner.mute": ("scanner", scanner_mute),
        "scanner.unplug": ("scanner", scanner_unplug),
        "scanner.plug": ("scanner", scanner_plug),
        "pad.press": ("pad", pad_press),
        "pad.mute": ("pad", pad_mute),
        "pad.unplug": ("pad", pad_unplug),
        "pad.plug": ("pad", pad_plug),
        "glass.lay": ("glass", glass_lay),
        "glass.fault": ("glass", glass_fault),
        "glass.unplug": ("glass", glass_unplug),
        "glass.plug": ("glass", glass_plug),
        "glass.normal": ("glass", glass_normal),
        "sensor": ("board", sensor),
        "board.silent": ("board", board_silent),
        "board.restart": ("board", board_restart),
        "board.unplug": ("board", board_unplug),
        "board.plug": ("board", board_plug),
        "power.mains": ("power", power_mains),
        "power.battery": ("power", power_battery),
        "power.worn": ("power", power_worn),
        "power.stale": ("power", power_stale),
        "power.mute": ("power", power_mute),
        "power.unplug": ("power", power_unplug),
        "power.plug": ("power", power_plug),
    }
