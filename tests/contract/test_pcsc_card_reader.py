"""The PC/SC driver on a real ``pcscd``: the contract of a reader, both protocols, and the manners of the service."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from devices import registry
from devices.drivers.pcsc_card_reader import PcscCardReader
from devices.hosted.confine import Limits
from devices.sim.vpcd.service import READER_NAMES
from devices.sim.vpcd_card import Wire
from devices.testing.card_reader import CardReaderContract
from devices.testing.device import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devices.device import Device
    from devices.sim.vpcd.service import VpcdService
    from devices.sim.vpcd_card import VpcdSlot

pytest_plugins = ["tests.pcsc"]

LEFT, RIGHT = READER_NAMES


class Plain:
    """A chip without any application."""

    def reset(self) -> None:
        pass

    def answer(self, apdu: bytes) -> bytes:
        return b"\x6a\x82"


class PcscHands:
    """Hands on a reader of the service; its cable is the service's life."""

    def __init__(self, service: VpcdService, slot: VpcdSlot, wire: Wire) -> None:
        self.service = service
        self.slot = slot
        self.wire = wire

    async def unplug(self) -> None:
        await asyncio.to_thread(self.service.stop)

    async def plug(self) -> None:
        await asyncio.to_thread(self.service.start)

    async def mute(self) -> None:
        self.service.freeze()

    async def unmute(self) -> None:
        self.service.thaw()

    async def put(self) -> None:
        self.service.mute_chip(0, on=False)
        await asyncio.to_thread(self.slot.insert, Plain(), self.wire)

    async def lift(self) -> None:
        await asyncio.to_thread(self.slot.remove)

    async def put_mute(self) -> None:
        self.service.mute_chip(0, on=True)
        await asyncio.to_thread(self.slot.insert, Plain(), self.wire)

    async def put_and_pull(self) -> None:
        await self.put()
        self.slot.pull_in_command()


async def no_thread_is_left() -> None:
    await until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("dev-")])


@pytest.fixture(params=[Wire.T1])
def wire(request: pytest.FixtureRequest) -> Wire:
    return request.param


@pytest.fixture
def hands(pcscd: VpcdService, left_slot: VpcdSlot, wire: Wire) -> PcscHands:
    return PcscHands(pcscd, left_slot, wire)


@pytest.fixture
async def device(pcscd: VpcdService, wire: Wire) -> AsyncIterator[PcscCardReader]:
    device = PcscCardReader("card_reader", LEFT, contactless=wire is Wire.T1)
    yield device
    await device.close()
    await no_thread_is_left()


class TestPcscCardReader(CardReaderContract):
    """Cards that talk T=1, as through an antenna."""


class TestHostedPcscCardReader(CardReaderContract):
    """In a process of its own: dialogues stay here, their commands cross one by one."""

    reopenings = 4

    @pytest.fixture
    async def device(self, pcscd: VpcdService, wire: Wire) -> AsyncIterator[Device]:
        options = {"reader": LEFT, "contactless": wire is Wire.T1}
        device = registry.create_hosted("pcsc", "card_reader", options, Limits())
        yield device
        await device.close()


@pytest.mark.parametrize("wire", [Wire.T0], indirect=True)
class TestPcscCardReaderWithContacts:
    """Cards that talk T=0; what has nothing to do with a card is the same."""

    test_spoken_with = CardReaderContract.test_card_is_found_spoken_with_and_missed_when_lifted
    test_mute = CardReaderContract.test_chip_that_does_not_answer_is_told_once_and_the_card_not_forgotten
    test_pulled = CardReaderContract.test_card_pulled_in_the_middle_of_a_conversation_is_told_and_nothing_hangs
    test_caller_leaves = CardReaderContract.test_conversation_whose_caller_leaves_is_ended_and_the_card_goes_on
