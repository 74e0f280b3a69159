"""What befalls the two printers."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated, ClassVar

import pydantic

from devices.sim.escpos_sensors import Trouble  # noqa: TC001 - pydantic reads the annotations
from devices.sim.ipp_machine import TONER_FULL, TONER_LOW, TONER_OUT
from devices.sim.world import WorldRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from devices.sim.world import World

SHEETS_MAX = 250
SLOWEST_S = 30.0


class Which(enum.StrEnum):
    """Which printer is meant."""

    SHEETS = "sheets"
    SLIPS = "slips"


class Toner(enum.StrEnum):
    """How much toner there is."""

    OK = "ok"
    LOW = "low"
    OUT = "out"


class SheetTrouble(enum.StrEnum):
    """What else the sheet printer can complain of, in its own words (PWG 5100.9, RFC 8011)."""

    COVER = "cover-open"
    TRAY = "input-tray-missing"
    OUTPUT_NEARLY = "output-area-almost-full"
    OUTPUT_FULL = "output-area-full"
    DRUM_WORN = "opc-near-eol"
    DRUM_OUT = "opc-life-over"
    FUSER = "fuser-over-temp"
    WASTE_NEARLY = "marker-waste-almost-full"
    WASTE_FULL = "marker-waste-full"
    MEMORY = "spool-area-full"
    PAUSED = "paused"
    OTHER = "other"


TONER_LEVELS = {Toner.OK: TONER_FULL, Toner.LOW: TONER_LOW, Toner.OUT: TONER_OUT}


class PaperActs:
    """Both printers."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def paper_out(self, printer: Which) -> None:
        """Take the paper away."""
        await self._paper(printer, "out")

    async def paper_low(self, printer: Which) -> None:
        """Leave a little paper."""
        await self._paper(printer, "low")

    async def paper_refill(self, printer: Which) -> None:
        """Put paper in."""
        await self._paper(printer, "ok")

    async def _paper(self, printer: Which, level: str) -> None:
        self._world.need(printer.value)
        if printer is Which.SLIPS:
            self._world.slips.paper("low" if level == "low" else "out" if level == "out" else "ok")
            return
        if level == "low":
            await self._world.sheets.paper_low()
        else:
            await self._world.sheets.set_paper(level == "ok")
        self._note(paper=level)

    async def paper_after(self, sheets: Annotated[int, pydantic.Field(ge=0, le=SHEETS_MAX)]) -> None:
        """Let the sheet printer's paper end after so many more sheets; it only notices when it reaches for the next."""
        self._world.sheets.paper_after(sheets)

    async def paper_jam(self, on: bool = True) -> None:
        """Jam the next sheet in the sheet printer, or free it."""
        await self._world.sheets.jam(on)
        self._note(jammed=on)

    async def cover(self, open: bool, printer: Which = Which.SLIPS) -> None:  # noqa: A002 - the value's name on the wire is what a person would say
        """Open or close a printer's cover."""
        self._world.need(printer.value)
        if printer is Which.SHEETS:
            await self.sheets_trouble(SheetTrouble.COVER, on=open)
        else:
            self._world.slips.cover(is_open=open)

    async def toner(self, level: Toner) -> None:
        """Use the toner up, or put a full cartridge in."""
        self._powered()
        await self._world.sheets.toner(TONER_LEVELS[level])
        self._note(toner=level.value)

    async def sheets_trouble(self, what: SheetTrouble, on: bool = True) -> None:
        """Let the sheet printer complain of something, or put it right."""
        self._powered()
        said = self._world.notes["sheets"]["reasons"]
        if on == (what.value in said):
            return
        await self._world.sheets.report(add=what.value if on else "", remove="" if on else what.value)
        self._note(reasons=[*said, what.value] if on else [one for one in said if one != what.value])

    async def sheets_slow(self, seconds: Annotated[float, pydantic.Field(ge=0, le=SLOWEST_S)]) -> None:
        """Set how long each sheet takes."""
        self._world.sheets.slow(seconds)

    async def slips_trouble(self, what: Trouble, on: bool = True) -> None:
        """Let the slip printer's mechanism fail, or repair it."""
        self._world.slips.trouble(what, on)

    async def slips_button(self, held: bool = True) -> None:
        """Hold or leave the slip printer's feed button."""
        self._world.slips.button(held)

    async def slips_ticket(self, there: bool = True) -> None:
        """Leave a slip in the outlet, or take it."""
        self._world.slips.ticket(there)

    async def printer_unplug(self, printer: Which) -> None:
        """Switch a printer off."""
        self._world.need(printer.value)
        await (self._world.sheets if printer is Which.SHEETS else self._world.slips).unplug()
        self._world.notes[printer.value]["powered"] = False

    async def printer_plug(self, printer: Which) -> None:
        """Switch a printer on again; the sheet printer has forgotten what it complained of."""
        self._world.need(printer.value)
        notes = self._world.notes[printer.value]
        if not notes["powered"] and printer is Which.SHEETS:
            self._note(reasons=[], toner=Toner.OK.value, mute=False)
        await (self._world.sheets if printer is Which.SHEETS else self._world.slips).plug()
        notes["powered"] = True

    async def printer_mute(self, printer: Which, on: bool = True) -> None:
        """Let a printer take what it is sent and answer nothing, or answer again."""
        self._world.need(printer.value)
        if printer is Which.SLIPS:
            self._world.slips.silent(on)
        else:
            await (self._world.sheets.mute() if on else self._world.sheets.unmute())
        self._world.notes[printer.value]["mute"] = on

    def _powered(self) -> None:
        """Refuse what only a printer with power can take note of. Raises ``WorldRefused``."""
        notes = self._world.notes["sheets"]
        if not notes["powered"] or notes["mute"]:
            raise WorldRefused("the sheet printer is off or hangs: switch it on first")

    def _note(self, **changed: object) -> None:
        self._world.notes["sheets"].update(changed)

    TABLE: ClassVar[Mapping[str, tuple[str, Callable[..., Awaitable[None]]]]] = {
        "paper.out": ("", paper_out),
        "paper.low": ("", paper_low),
        "paper.after": ("sheets", paper_after),
        "paper.refill": ("", paper_refill),
        "paper.jam": ("sheets", paper_jam),
        "cover": ("", cover),
        "toner": ("sheets", toner),
        "sheets.trouble": ("sheets", sheets_trouble),
        "sheets.slow": ("sheets", sheets_slow),
        "slips.trouble": ("slips", slips_trouble),
        "slips.button": ("slips", slips_button),
        "slips.ticket": ("slips", slips_ticket),
        "printer.unplug": ("", printer_unplug),
        "printer.plug": ("", printer_plug),
        "printer.mute": ("", printer_mute),
    }
