# ruff: noqa: S101 - a contract suite speaks in asserts
"""What a person can do at a motorised card slot, and the small steps the slot's contract is made of."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING, Protocol

from devices.card_slot import CardPosition, CardSlot
from devices.testing.device import PATIENCE_S, TICK_S, Hands, running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.card_reader import ChipCard


class Whereabouts(enum.Enum):
    """Where a card can be, in truth."""

    PERSON = "person"
    MOUTH = "mouth"
    INSIDE = "inside"
    JAMMED = "jammed"
    BIN = "bin"


class CardSlotHands(Hands, Protocol):
    """What a person can do at a motorised slot."""

    async def insert(self) -> None:
        """Push a card with a chip in as soon as the opening is free; return when the machine has begun to draw it."""
        ...

    async def insert_without_chip(self) -> None:
        """Push a card in whose chip does not answer."""
        ...

    async def insert_no_card(self) -> None:
        """Push something in that cannot be a card."""
        ...

    async def take(self) -> None:
        """Take what is at the mouth, if anything is."""
        ...

    async def jam(self) -> None:
        """Let the next movement get stuck."""
        ...

    async def clear_jam(self) -> None:
        """Free what is stuck; its owner has it back."""
        ...

    async def fill_bin(self) -> None:
        """Let the bin take no more cards."""
        ...

    async def empty_bin(self) -> None:
        """Empty the bin; the owners have their cards back, and the counter starts anew."""
        ...

    async def blind(self) -> None:
        """Let the machine not know where a card is, until the end of the test."""
        ...

    async def opening_free(self) -> bool:
        """Tell whether a card could be pushed in now."""
        ...

    async def whereabouts(self) -> Mapping[Whereabouts, int]:
        """Count the cards by where they are, once nothing moves."""
        ...


async def accepted(device: CardSlot, hands: CardSlotHands) -> ChipCard | None:
    """Let a card with a chip in."""
    async with asyncio.timeout(PATIENCE_S), running(device.accept) as accepting:
        await hands.insert()
        return await accepting


async def taken(device: CardSlot, hands: CardSlotHands) -> None:
    """Let the person take the card."""
    async with asyncio.timeout(PATIENCE_S), running(device.wait_taken) as waiting:
        await hands.take()
        await waiting


async def emptied(device: CardSlot, hands: CardSlotHands) -> None:
    """Give back whatever is in the slot."""
    await device.present()
    await hands.take()
    async with asyncio.timeout(PATIENCE_S):
        await device.wait_taken()


async def free(hands: CardSlotHands) -> None:
    """Wait until the opening is free."""
    async with asyncio.timeout(PATIENCE_S):
        while not await hands.opening_free():  # noqa: ASYNC110 - the machine may be a real one: it sets no event
            await asyncio.sleep(TICK_S)


async def at(hands: CardSlotHands, place: Whereabouts) -> int:
    """Return how many cards are there in truth."""
    return (await hands.whereabouts()).get(place, 0)


async def agrees(device: CardSlot, hands: CardSlotHands) -> None:
    """Demand that what the driver says of the cards is true."""
    said, kept = await device.position(), await device.retained()
    truth = await hands.whereabouts()
    inside = {place: truth.get(Whereabouts(place.value), 0) for place in _IN_THE_SLOT}
    wanted = {place: int(place is said) for place in _IN_THE_SLOT}
    assert inside == wanted, f"{said}: in truth {dict(truth)}"
    assert kept == truth.get(Whereabouts.BIN, 0)


_IN_THE_SLOT = (CardPosition.MOUTH, CardPosition.INSIDE, CardPosition.JAMMED)
