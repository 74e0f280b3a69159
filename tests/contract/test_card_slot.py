"""The simulated motorised card slot, against the contract of a slot: it proves the contract as much as itself."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING

import pytest

from devices.chip import emv
from devices.sim.card_slot_machine import CardSlotMachine
from devices.sim.card_track import Place, SlotCard
from devices.sim.emv_chip import PAN, EmvChip
from devices.sim.sim_card_slot import SimCardSlot
from devices.testing.card_slot import CardSlotContract
from devices.testing.card_slot_hands import Whereabouts, accepted
from devices.testing.device import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

BIN = 3
MOVE_S = 0.02
POLL_S = 0.002


class SlotHands:
    """Hands at the simulated slot."""

    def __init__(self, machine: CardSlotMachine) -> None:
        self.machine = machine
        self.track = machine.track
        self.unplug, self.plug = machine.unplug, machine.plug
        self.card = SlotCard(EmvChip())

    async def mute(self) -> None:
        self.machine.silent(True)

    async def unmute(self) -> None:
        self.machine.silent(False)

    async def insert(self) -> None:
        await self._push(self.card if self._at_hand(self.card) else SlotCard(EmvChip()))

    async def insert_without_chip(self) -> None:
        await self._push(SlotCard())

    async def insert_no_card(self) -> None:
        await self._push(SlotCard(is_card=False))

    async def take(self) -> None:
        await self._at_rest()
        self.track.take()

    async def jam(self) -> None:
        self.track.jam_next()

    async def clear_jam(self) -> None:
        self.track.clear_jam()

    async def fill_bin(self) -> None:
        self.track.bin += [SlotCard() for _ in range(BIN - len(self.track.bin))]

    async def empty_bin(self) -> None:
        self.track.empty_bin()

    async def blind(self) -> None:
        self.machine.blind(True)

    async def opening_free(self) -> bool:
        return self.track.shutter_open

    async def whereabouts(self) -> Mapping[Whereabouts, int]:
        await self._at_rest()
        return {Whereabouts(place.value): count for place, count in self.track.whereabouts().items() if count}

    def _at_hand(self, card: SlotCard) -> bool:
        return card is not self.track.card and card not in self.track.bin

    async def _push(self, card: SlotCard) -> None:
        while not self.track.push(card):  # noqa: ASYNC110 - a person looks, and tries again
            await asyncio.sleep(POLL_S)

    async def _at_rest(self) -> None:
        while self.track.card is not None and self.track.place is Place.PATH:  # noqa: ASYNC110 - as a person looks
            await asyncio.sleep(POLL_S)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[CardSlotMachine]:
    machine = CardSlotMachine(tmp_path, move_s=MOVE_S, bin_size=BIN)
    await machine.start()
    yield machine
    await machine.stop()


@pytest.fixture
def hands(machine: CardSlotMachine) -> SlotHands:
    return SlotHands(machine)


@pytest.fixture
async def device(machine: CardSlotMachine) -> AsyncIterator[SimCardSlot]:
    device = SimCardSlot("card_slot", machine.address)
    yield device
    await device.close()


class TestSimCardSlot(CardSlotContract):
    """Over a Unix socket to a machine with a bin for three."""


async def test_bank_card_in_the_slot_is_read_by_the_same_dialogue(device: SimCardSlot, hands: SlotHands) -> None:
    async with opened(device):
        await accepted(device, hands)
        card = await device.converse(emv.read_bank_card(date(2026, 5, 1)))
        assert card.last_four == PAN[-4:]
