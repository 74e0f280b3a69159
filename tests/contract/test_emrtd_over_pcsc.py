"""Travel documents on a real ``pcscd``: read whole, lifted in the middle, slow, silent."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from devices.chip.emrtd import Access, Authenticity, MrzKey, TrustAnchors, read_travel_document
from devices.drivers import pcsc_card_reader
from devices.drivers.pcsc_card_reader import PcscCardReader
from devices.errors import DeviceCode, DeviceTimeout, MediumError
from devices.sim.emrtd_issuer import Issuer
from devices.sim.emrtd_pace import PaceProfile
from devices.sim.vpcd.service import READER_NAMES
from devices.testing.device import until
from tests.emrtd import KEY, TODAY, TRAVELLER, chip_of, jpeg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devices.chip.emrtd import TravelDocument
    from devices.sim.vpcd.service import VpcdService
    from devices.sim.vpcd_card import VpcdSlot

pytest_plugins = ["tests.pcsc"]

WRONG_KEY = MrzKey.of("X99999999", TRAVELLER.birth, TRAVELLER.expiry)


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer(TODAY)


@pytest.fixture
async def reader(pcscd: VpcdService) -> AsyncIterator[PcscCardReader]:
    reader = PcscCardReader("passports", READER_NAMES[0], contactless=True)
    await reader.open()
    yield reader
    await reader.close()
    await until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("dev-")])


async def read(reader: PcscCardReader, issuer: Issuer, key: MrzKey = KEY) -> TravelDocument:
    return await reader.converse(read_travel_document(key, TrustAnchors.of(issuer.anchor), today=TODAY))


@pytest.mark.parametrize(
    "case",
    [(None, 256, Access.BAC), (PaceProfile(), 256, Access.PACE), (PaceProfile(), 8000, Access.PACE)],
    ids=["BAC", "PACE", "extended"],
)
async def test_document_is_read_whole(reader, left_slot: VpcdSlot, issuer, case) -> None:
    profile, largest, access = case
    picture = jpeg(150)
    await asyncio.to_thread(left_slot.insert, chip_of(issuer, picture, pace=profile, largest_answer=largest))
    assert (await reader.wait_card()).contactless
    document = await read(reader, issuer)
    assert (document.access, document.authenticity) == (access, Authenticity.TRUSTED)
    assert bytes(document.portrait.reveal()) == picture


async def test_document_can_be_read_again_without_lifting_it(reader, left_slot: VpcdSlot, issuer) -> None:
    await asyncio.to_thread(left_slot.insert, chip_of(issuer))
    await reader.wait_card()
    with pytest.raises(MediumError) as error:
        await read(reader, issuer, WRONG_KEY)
    assert error.value.code is DeviceCode.CHIP_ACCESS
    assert error.value.device == "passports"
    for _ in range(2):
        assert (await read(reader, issuer)).authenticity is Authenticity.TRUSTED


async def test_document_lifted_in_the_middle_is_said_to_be_lifted(reader, left_slot: VpcdSlot, issuer) -> None:
    for command in (1, 6, 20):
        await asyncio.to_thread(left_slot.insert, chip_of(issuer, jpeg(150)))
        await reader.wait_card()
        left_slot.pull_in_command(command)
        with pytest.raises(MediumError) as error:
            await read(reader, issuer)
        assert error.value.code is DeviceCode.CARD_LIFTED
        await reader.wait_removed()
        left_slot.remove()


async def test_chip_that_goes_away_by_itself_is_said_to_be_lifted(reader, left_slot: VpcdSlot, issuer) -> None:
    chip = chip_of(issuer)
    chip.faults.gone = 4
    await asyncio.to_thread(left_slot.insert, chip)
    await reader.wait_card()
    with pytest.raises(MediumError) as error:
        await read(reader, issuer)
    assert error.value.code is DeviceCode.CARD_LIFTED


async def test_chip_that_takes_its_time_after_wrong_keys_ends_by_the_clock(
    reader, left_slot: VpcdSlot, issuer, monkeypatch
) -> None:
    """The wait is the chip's own and grows; it is cut off like any silence, and asked no second time."""
    monkeypatch.setattr(pcsc_card_reader, "ANSWER_TIMEOUT_S", 0.3)
    awake = threading.Event()
    chip = chip_of(issuer, sleep=lambda _: awake.wait(10))
    await asyncio.to_thread(left_slot.insert, chip)
    await reader.wait_card()
    try:
        with pytest.raises(DeviceTimeout):
            await read(reader, issuer, WRONG_KEY)
    finally:
        awake.set()
    assert chip.wrong_keys == 1


async def test_cancelled_reading_leaves_the_reader_as_good_as_before(reader, left_slot: VpcdSlot, issuer) -> None:
    await asyncio.to_thread(left_slot.insert, chip_of(issuer, jpeg(150)))
    await reader.wait_card()
    left_slot.pace_s = 0.02
    asked = left_slot.asked
    async with asyncio.TaskGroup() as group:
        task = group.create_task(read(reader, issuer))
        await until(lambda: left_slot.asked > asked + 8)
        task.cancel()
    left_slot.pace_s = 0.0
    await reader.close()
    await reader.open()
    assert (await read(reader, issuer)).authenticity is Authenticity.TRUSTED
