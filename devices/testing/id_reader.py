# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of an identity card reader. A driver proves itself by subclassing ``IdReaderContract``.

The subclass gives two fixtures: ``device``, the driver, not opened; and ``hands``, what a person could do to the
machine. With a real machine the hands ask a person, and skip what no person can bring about.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from devices.errors import (
    DeviceCode,
    DeviceError,
    DeviceFault,
    DeviceProtocolError,
    DeviceTimeout,
    DeviceUnavailable,
    MediumError,
)
from devices.id_reader import IdReader
from devices.testing.device import (
    DeviceContract,
    Hands,
    cancelled_in_time,
    error_of,
    opened,
    running,
    until,
)
from devices.testing.handles import open_handles
from devices.values import IdentityCard

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

# Every error a reader's port documents, by what brings it about.
ERRORS: dict[DeviceCode, type[DeviceError]] = {
    DeviceCode.CARD_LIFTED: MediumError,
    DeviceCode.CARD_UNREADABLE: MediumError,
    DeviceCode.CARD_UNKNOWN_KIND: MediumError,
    DeviceCode.CARD_INVALID: MediumError,
    DeviceCode.CARD_REFUSED: MediumError,
    DeviceCode.SECURITY_MODULE: DeviceFault,
    DeviceCode.TIMEOUT: DeviceTimeout,
    DeviceCode.PROTOCOL: DeviceProtocolError,
    DeviceCode.ABSENT: DeviceUnavailable,
}


class ReaderHands(Hands, Protocol):
    """What can be done to the machine from outside."""

    async def put(self) -> None:
        """Lay a good card on the reader."""
        ...

    async def lift(self) -> None:
        """Take the card away."""
        ...

    async def provoke(self, code: DeviceCode) -> None:
        """Lay a card on the reader of which the next read ends with ``code``."""
        ...

    def asked(self) -> int:
        """Return how many questions have reached the machine so far."""
        ...


class IdReaderContract(DeviceContract[IdReader]):
    """Points every reader has to keep. Names of the tests are the faults they prevent."""

    pulled = DeviceUnavailable

    def calls(self, device: IdReader) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {
            "probe": device.probe,
            "read": device.read,
            "card_present": device.card_present,
            "card_waiting": device.card_waiting,
        }

    def waits(self, device: IdReader) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {"wait_card": device.wait_card, "wait_removed": device.wait_removed}

    async def make_ready(self, device: IdReader, hands: ReaderHands, call: str) -> None:
        await hands.lift()
        if call in {"read", "card_present", "wait_removed"}:
            await hands.put()
            await device.wait_card()
        if call in {"card_present", "wait_removed"}:
            await device.read()

    async def under_way(self, task: asyncio.Task[Any], hands: ReaderHands) -> None:
        await until_asked(hands, 1)
        assert not task.done(), "a reader does not answer without its module"

    async def test_read_without_a_found_card_says_what_to_call_first(
        self, device: IdReader, hands: ReaderHands
    ) -> None:
        async with opened(device):
            with pytest.raises(DeviceError, match="wait_card"):
                await device.read()
            await hands.put()
            await device.wait_card()
            await device.read()
            with pytest.raises(DeviceError, match="wait_card"):
                await device.read()

    async def test_card_is_found_read_and_missed_when_lifted(self, device: IdReader, hands: ReaderHands) -> None:
        async with opened(device):
            await hands.put()
            await device.wait_card()
            card = await device.read()
            assert isinstance(card, IdentityCard)
            assert await device.card_present()
            await hands.lift()
            await device.wait_removed()
            assert not await device.card_present()

    async def test_card_that_waits_is_seen_by_one_question(self, device: IdReader, hands: ReaderHands) -> None:
        async with opened(device):
            assert not await device.card_waiting()
            await hands.put()
            assert await device.card_waiting()
            assert isinstance(await device.read(), IdentityCard)
            assert not await device.card_waiting(), "it has been read"

    async def test_card_laid_down_while_waiting_is_found(self, device: IdReader, hands: ReaderHands) -> None:
        async with opened(device), asyncio.TaskGroup() as group:
            wait = group.create_task(device.wait_card())
            await until_asked(hands, 1)
            assert not wait.done()
            await hands.put()

    async def test_same_card_is_not_found_again_before_it_is_lifted(self, device: IdReader, hands: ReaderHands) -> None:
        """Otherwise the next resident would begin with the card of the one before."""
        async with opened(device):
            await hands.put()
            await device.wait_card()
            await device.read()
            async with asyncio.TaskGroup() as group:
                wait = group.create_task(device.wait_card())
                await until_asked(hands, 4)
                assert not wait.done()
                await hands.lift()
                await until_asked(hands, 4)
                assert not wait.done()
                await hands.put()
            await device.read()

    async def test_open_of_a_mute_machine_is_cancelled_and_leaves_nothing(
        self, device: IdReader, hands: ReaderHands
    ) -> None:
        handles, threads = open_handles(), set(threading.enumerate())
        await hands.mute()
        async with running(device.open) as task:
            await self.under_way(task, hands)
            await cancelled_in_time(task)
        await device.close()
        await hands.unmute()
        await until(lambda: open_handles() <= handles)  # a machine in this very process lets go a moment later
        assert set(threading.enumerate()) <= threads

    async def test_machine_plugged_in_again_reads_after_a_reopening(self, device: IdReader, hands: ReaderHands) -> None:
        async with opened(device):
            await hands.unplug()
            assert isinstance(await error_of(device.probe), DeviceUnavailable)
            await hands.plug()
            await device.close()
            await device.open()
            await hands.put()
            await device.wait_card()
            assert isinstance(await device.read(), IdentityCard)

    @pytest.mark.parametrize("code", ERRORS)
    async def test_documented_error_is_told_by_its_type_and_code(
        self, device: IdReader, hands: ReaderHands, code: DeviceCode
    ) -> None:
        async with opened(device):
            await hands.provoke(code)
            await device.wait_card()
            error = await error_of(device.read)
            assert type(error) is ERRORS[code]
            assert error.code is code
            assert error.device

    async def test_good_card_is_read_after_one_that_was_lifted_too_early(
        self, device: IdReader, hands: ReaderHands
    ) -> None:
        async with opened(device):
            await hands.provoke(DeviceCode.CARD_LIFTED)
            await device.wait_card()
            await error_of(device.read)
            await hands.put()
            await device.wait_card()
            assert isinstance(await device.read(), IdentityCard)

    async def test_card_that_could_not_be_read_is_not_forgotten(self, device: IdReader, hands: ReaderHands) -> None:
        """It lies there all the same: the resident has to be reminded of it."""
        async with opened(device):
            await hands.provoke(DeviceCode.CARD_REFUSED)
            await device.wait_card()
            await error_of(device.read)
            assert await device.card_present()
            await hands.lift()
            await device.wait_removed()
            assert not await device.card_present()


async def until_asked(hands: ReaderHands, times: int) -> None:
    """Wait until so many more questions have reached the machine: then the call is under way."""
    goal = hands.asked() + times
    await until(lambda: hands.asked() >= goal)
