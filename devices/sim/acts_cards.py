"""What people do with chip cards, at the reader and at the motorised slot, and what befalls the two."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, ClassVar

import pydantic

from devices.sim.card_track import SlotCard
from devices.sim.wallet import CARDS
from devices.sim.world import WorldRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from devices.sim.card_slot_machine import CardSlotMachine
    from devices.sim.vpcd_card import Chip
    from devices.sim.world import World

Slot = Annotated[int, pydantic.Field(ge=0, le=1)]
Number = Annotated[int, pydantic.Field(ge=1, le=1000)]
PAPER = "paper"  # folded, pushed in where a card belongs


class CardActs:
    """The chip card reader and the card slot."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pushed: dict[str, SlotCard] = {}

    async def chip_insert(self, card: str, slot: Slot = 0, pulled_at: Number | None = None) -> None:
        """Put a chip card into a slot of the reader; the terminal's is slot 0.

        ``pulled_at`` takes it out again in the middle of so many commands from now.
        """
        chip = await self._chip(card)
        await self._world.chip.insert(card, chip, slot)
        if pulled_at is not None:
            self._world.chip.pull_in_command(slot, pulled_at)

    async def chip_pull(self, slot: Slot = 0, at: Number | None = None) -> None:
        """Take the chip card out, now or in the middle of the n-th command from now on."""
        self._held(slot)
        if at is None:
            await self._world.chip.remove(slot)
        else:
            self._world.chip.pull_in_command(slot, at)

    async def chip_mute(self, on: bool = True, slot: Slot = 0) -> None:
        """Let the chip answer no command any more, or answer again."""
        self._held(slot)
        self._world.chip.mute_slot(slot, on)

    async def chip_garble(self, slot: Slot = 0) -> None:
        """Spoil the chip's next answer."""
        self._held(slot)
        self._world.chip.garble(slot)

    async def chip_unplug(self) -> None:
        """Pull the chip card reader's cable; cards fall out."""
        await self._world.chip.unplug()

    async def chip_plug(self) -> None:
        """Put the chip card reader's cable back."""
        await self._world.chip.plug()

    def _held(self, slot: int) -> None:
        if not self._world.chip.holds(slot):
            raise WorldRefused(f"no card is in slot {slot}")

    async def _chip(self, card: str) -> Chip:
        if card not in CARDS:
            raise WorldRefused(f"no card {card!r}; known are {', '.join(CARDS)}")
        return await asyncio.to_thread(self._world.wallet.chip, card)

    async def slot_offer(self, card: str) -> None:
        """Push a card into the motorised slot, or ``paper``; it has to be open."""
        if card not in self._pushed:
            self._pushed[card] = SlotCard(None, is_card=False) if card == PAPER else SlotCard(await self._chip(card))
        track = self._slot.track
        if track.card is not None:
            raise WorldRefused("another card is in the way")
        if not track.push(self._pushed[card]):
            raise WorldRefused("the slot is shut: it opens when the terminal asks for a card")
        self._world.offered = card

    async def slot_take(self) -> None:
        """Take the card that the slot holds out."""
        if not self._slot.track.take():
            raise WorldRefused("no card is held out")

    async def slot_jam(self, on: bool = True) -> None:
        """Let the next movement of a card get stuck; or open the slot, free the card and hand it back."""
        if on:
            self._slot.track.jam_next()
        else:
            self._slot.track.clear_jam()

    async def slot_bin(self, full: bool = True) -> None:
        """Let the bin of retained cards be full, or empty it."""
        track = self._slot.track
        if not full:
            track.empty_bin()
        while full and not track.bin_full:
            track.bin.append(SlotCard())

    async def slot_blind(self, on: bool = True) -> None:
        """Break the sensors of the slot's track, or mend them."""
        self._slot.blind(on)
        self._note(sees=not on)

    async def slot_silent(self, on: bool = True) -> None:
        """Let the slot do what it is told without a word, or answer again."""
        self._slot.silent(on)
        self._note(answers=not on)

    async def slot_unplug(self) -> None:
        """Pull the slot's cable."""
        await self._slot.unplug()
        self._note(plugged=False)

    async def slot_plug(self) -> None:
        """Put the slot's cable back."""
        await self._slot.plug()
        self._note(plugged=True)

    @property
    def _slot(self) -> CardSlotMachine:
        return self._world.slot

    def _note(self, **changed: bool) -> None:
        self._world.notes["slot"].update(changed)

    TABLE: ClassVar[Mapping[str, tuple[str, Callable[..., Awaitable[None]]]]] = {
        "chip.insert": ("chip", chip_insert),
        "chip.pull": ("chip", chip_pull),
        "chip.mute": ("chip", chip_mute),
        "chip.garble": ("chip", chip_garble),
        "chip.unplug": ("chip", chip_unplug),
        "chip.plug": ("chip", chip_plug),
        "slot.offer": ("slot", slot_offer),
        "slot.take": ("slot", slot_take),
        "slot.jam": ("slot", slot_jam),
        "slot.bin": ("slot", slot_bin),
        "slot.blind": ("slot", slot_blind),
        "slot.silent": ("slot", slot_silent),
        "slot.unplug": ("slot", slot_unplug),
        "slot.plug": ("slot", slot_plug),
    }
