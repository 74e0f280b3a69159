"""The SDT driver in a process of its own, against the contract of a reader, unchanged: the line hides nothing."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from devices import registry
from devices.hosted.confine import Limits
from devices.sim.sdt_reader import SimCard
from devices.testing.device import opened
from devices.testing.id_reader import IdReaderContract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devices.hosted.proxy import HostedDevice
    from devices.sim.sdt_reader import SdtReaderMachine

NAME = "测试\U0002cc56"


@pytest.fixture
async def device(machine: SdtReaderMachine) -> AsyncIterator[HostedDevice]:
    device = registry.create_hosted("sdt", "id_reader", {"port": machine.port}, Limits())
    yield device
    await device.close()


class TestHostedSdtIdReader(IdReaderContract):
    """Every value, error and cancellation crosses."""

    reopenings = 4


async def test_card_arrives_whole_and_still_wrapped(device: HostedDevice, machine: SdtReaderMachine) -> None:
    machine.insert(
        SimCard.resident(
            name=NAME,
            sex="1",
            birth=date(1990, 3, 7),
            number="999999199003070012",
            valid_from=date(2020, 6, 1),
            valid_until=None,
            photo=b"picture",
        )
    )
    async with opened(device):
        await device.wait_card()
        card = await device.read()
    assert card.name.reveal() == NAME
    assert card.number.reveal() == "999999199003070012"
    assert card.birth.reveal() == date(1990, 3, 7)
    assert isinstance(card.photo.reveal(), bytearray)
    assert (card.valid_from, card.valid_until) == (date(2020, 6, 1), None)
    assert NAME not in repr(card)
