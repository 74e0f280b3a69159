"""The A4 printer of the simulated world: ``ippeveprinter`` behind a front panel that knows the words it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devices.sim.ipp_machine import IppMachine
from devices.sim.ippeve.front_panel import FrontPanel

if TYPE_CHECKING:
    from pathlib import Path

REASONS: Final = "printer-state-reasons"
PANEL_ONLY: Final = frozenset(
    {"output-area-almost-full", "output-area-full", "opc-near-eol", "opc-life-over", "fuser-over-temp"}
)
"""What printers say (PWG 5100.9) and ``ippeveprinter`` has no word for."""


class SheetPrinter(IppMachine):
    """``address`` is what a driver is given; it stays the same over unplugging."""

    def __init__(self, out_dir: Path, work_dir: Path) -> None:
        super().__init__(out_dir, work_dir)
        self._panel: FrontPanel | None = None
        self._lit: list[str] = []

    @property
    def address(self) -> str:
        """Return the address of the panel; known after the first start."""
        if self._panel is None:
            raise RuntimeError("not switched on")
        return self._panel.uri

    async def plug(self) -> None:
        """Switch on."""
        await super().plug()
        if self._panel is None:
            self._panel = FrontPanel(self.uri)
        await self._panel.__aexit__()
        await self._panel.__aenter__()

    async def unplug(self) -> None:
        """Pull the power plug; what the panel said is forgotten."""
        if self._panel is not None:
            await self._panel.__aexit__()
            self._light([])
        await super().unplug()

    async def report(self, *, add: str = "", remove: str = "") -> None:
        """Set or clear a printer-state-reason, the panel's words among them."""
        if {add, remove} & PANEL_ONLY:
            self._light([word for word in [*self._lit, add] if word and word != remove])
        else:
            await super().report(add=add, remove=remove)

    def _light(self, words: list[str]) -> None:
        self._lit = words
        if self._panel is not None:
            self._panel.add(REASONS, *words)
