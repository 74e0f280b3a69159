"""The SDT driver against the contract of a reader, over a paced (pseudo) serial line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.drivers.sdt_id_reader import SdtIdReader
from devices.sim.sdt_reader import SdtReaderMachine
from devices.testing.id_reader import IdReaderContract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class TestOverSerialLine(IdReaderContract):
    """115200 baud, to a module that hides a card that was read."""


class TestModuleWithoutLiftRule:
    """A module that finds the same card again and again: the driver waits for the lift by itself."""

    test_same_card = IdReaderContract.test_same_card_is_not_found_again_before_it_is_lifted
    test_lifted_card = IdReaderContract.test_card_is_found_read_and_missed_when_lifted
    test_lifted_too_early = IdReaderContract.test_good_card_is_read_after_one_that_was_lifted_too_early

    @pytest.fixture
    async def machine(self, tmp_path: Path) -> AsyncIterator[SdtReaderMachine]:
        machine = SdtReaderMachine(tmp_path, lift_rule=False)
        await machine.start()
        yield machine
        await machine.stop()

    @pytest.fixture
    async def device(self, machine: SdtReaderMachine) -> AsyncIterator[SdtIdReader]:
        device = SdtIdReader("id_reader", machine.port, lift_rule=False)
        yield device
        await device.close()
