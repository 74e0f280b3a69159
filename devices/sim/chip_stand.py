"""The chip card reader of the simulated world: two slots on a PC/SC service of its own, beside the machine's.

Slot 0 is the terminal's; slot 1 is there for whoever wants a second one.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from devices.sim.vpcd.service import READER_NAMES, SLOTS, VpcdService
from devices.sim.vpcd_card import VpcdSlot

if TYPE_CHECKING:
    from pathlib import Path

    from devices.sim.vpcd_card import Chip


class ChipStand:
    """Cards go in and out by hand; the calls that block run in threads, one after the other.

    ``folder`` is made for the service, and removed with it; its path has to be short (``short_path``).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.plugged = True
        self.mute = False
        self.cards: dict[int, str] = {}  # by slot: the name of the card last put in
        self._service: VpcdService | None = None
        self._slots: tuple[VpcdSlot, ...] = ()
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Start the service. Raises ``ToolMissingError``, ``RuntimeError``, ``OSError``."""
        await asyncio.to_thread(self._start)

    def _start(self) -> None:
        self._folder.mkdir()
        service = VpcdService(self._folder)
        try:
            service.start()
        except BaseException:
            service.close()
            raise
        self._service = service
        self._slots = tuple(VpcdSlot(partial(service.connect, slot), name=f"chip-{slot}") for slot in SLOTS)

    async def stop(self) -> None:
        """Take the cards out, end the service and remove its folder. Idempotent."""
        async with self._turn:
            service, self._service = self._service, None
            if service is not None:
                await asyncio.to_thread(self._stop, service)

    def _stop(self, service: VpcdService) -> None:
        for slot in self._slots:
            slot.unmute()
            slot.remove()
        service.close()

    def settings(self) -> dict[str, object]:
        """Return the options of a driver for slot 0."""
        return {"reader": READER_NAMES[0], "service": str(self._running.socket_path)}

    def state(self) -> dict[str, Any]:
        """Return what there is to see."""
        slots = {str(slot): self.cards.get(slot, "") if self.holds(slot) else "" for slot in SLOTS}
        return {"plugged": self.plugged, "mute": self.mute, "cards": slots}

    def holds(self, slot: int) -> bool:
        """Tell whether a card is in the slot."""
        return bool(self._slots) and self._slots[slot].occupied

    async def insert(self, name: str, chip: Chip, slot: int) -> None:
        """Put a card in; another one there is taken out first. Raises ``ConnectionError`` without a reader."""
        async with self._turn:
            await asyncio.to_thread(self._slot(slot).insert, chip)
            self.cards[slot] = name

    async def remove(self, slot: int) -> None:
        """Take the card out."""
        async with self._turn:
            await asyncio.to_thread(self._slot(slot).remove)

    def mute_slot(self, slot: int, on: bool) -> None:
        """Let the chip answer nothing more, or answer again."""
        chip = self._slot(slot)
        (chip.mute if on else chip.unmute)()
        self.mute = on

    def pull_in_command(self, slot: int, number: int) -> None:
        """Take the card out in the middle of the n-th command from now on."""
        self._slot(slot).pull_in_command(number)

    def garble(self, slot: int) -> None:
        """Spoil the chip's next answer."""
        self._slot(slot).garble_answer()

    async def unplug(self) -> None:
        """Pull the reader's cable; cards fall out with it."""
        async with self._turn:
            for slot in self._slots:
                await asyncio.to_thread(slot.remove)
            self._running.pull_reader()
            self.plugged = False

    async def plug(self) -> None:
        """Put the cable back."""
        async with self._turn:
            await asyncio.to_thread(self._running.plug_reader)
            self.plugged = True

    @property
    def _running(self) -> VpcdService:
        if self._service is None:
            raise ConnectionError("the card reader is not switched on")
        return self._service

    def _slot(self, slot: int) -> VpcdSlot:
        if not self._slots:
            raise ConnectionError("the card reader is not switched on")
        return self._slots[slot]
