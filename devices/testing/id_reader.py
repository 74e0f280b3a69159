# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of an identity card reader. A driver proves itself by subclassing ``IdReaderContract``.

The subclass gives two fixtures: ``device``, the driver, not opened; and ``hands``, what a person could do to the
machine. With a real machine the hands ask a person, and skip what no person can bring about.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import asynccontextmanager
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
from devices.health import Health
from devices.testing.handles import open_handles
from devices.values import IdentityCard

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from devices.id_reader import IdReader

CANCEL_WITHIN_S = 0.5  # design §5: every wait is cancellable within it
PATIENCE_S = 10.0  # nothing in a contract takes longer; what does is stuck
REOPENINGS = 20

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


class ReaderHands(Protocol):
    """What can be done to the machine from outside."""

    def put(self) -> None:
        """Lay a good card on the reader."""
        ...

    def lift(self) -> None:
        """Take the card away."""
        ...

    def unplug(self) -> None:
        """Pull the cable."""
        ...

    def plug(self) -> None:
        """Put the cable back."""
        ...

    def mute(self) -> None:
        """Let the machine swallow what it is asked without answering."""
        ...

    def provoke(self, code: DeviceCode) -> None:
        """Lay a card on the reader of which the next read ends with ``code``."""
        ...

    def asked(self) -> int:
        """Return how many questions have reached the machine so far."""
        ...


class IdReaderContract:
    """Points every reader has to keep. Names of the tests are the faults they prevent."""

    async def test_open_and_close_twice_is_the_same_as_once(self, device: IdReader) -> None:
        await device.close()
        await device.open()
        await device.open()
        assert (await device.probe()).usable
        await device.close()
        await device.close()

    async def test_calls_on_a_closed_reader_say_so_and_name_the_remedy(self, device: IdReader) -> None:
        for call in calls(device).values():
            with pytest.raises(DeviceUnavailable, match="open") as caught:
                await call()
            assert caught.value.code is DeviceCode.CLOSED
            assert caught.value.device

    async def test_read_without_a_found_card_says_what_to_call_first(
        self, device: IdReader, hands: ReaderHands
    ) -> None:
        async with opened(device):
            with pytest.raises(DeviceError, match="wait_card"):
                await device.read()
            hands.put()
            await device.wait_card()
            await device.read()
            with pytest.raises(DeviceError, match="wait_card"):
                await device.read()

    async def test_card_is_found_read_and_missed_when_lifted(self, device: IdReader, hands: ReaderHands) -> None:
        async with opened(device):
            hands.put()
            await device.wait_card()
            card = await device.read()
            assert isinstance(card, IdentityCard)
            assert await device.card_present()
            hands.lift()
            await device.wait_removed()
            assert not await device.card_present()

    async def test_card_laid_down_while_waiting_is_found(self, device: IdReader, hands: ReaderHands) -> None:
        async with opened(device), asyncio.TaskGroup() as group:
            wait = group.create_task(device.wait_card())
            await until_asked(hands, 1)
            assert not wait.done()
            hands.put()

    async def test_same_card_is_not_found_again_before_it_is_lifted(self, device: IdReader, hands: ReaderHands) -> None:
        """Otherwise the next resident would begin with the card of the one before."""
        async with opened(device):
            hands.put()
            await device.wait_card()
            await device.read()
            async with asyncio.TaskGroup() as group:
                wait = group.create_task(device.wait_card())
                await until_asked(hands, 4)
                assert not wait.done()
                hands.lift()
                await until_asked(hands, 4)
                assert not wait.done()
                hands.put()
            await device.read()

    @pytest.mark.parametrize("wait", ["wait_card", "wait_removed"])
    async def test_wait_is_cancelled_within_half_a_second(
        self, device: IdReader, hands: ReaderHands, wait: str
    ) -> None:
        async with opened(device):
            if wait == "wait_removed":
                hands.put()
                await device.wait_card()
                await device.read()
            await cancelled_in_time(hands, getattr(device, wait))
            assert (await device.probe()).usable, "the reader is as good as before"

    @pytest.mark.parametrize("call", ["probe", "wait_card", "read", "card_present", "wait_removed"])
    async def test_call_to_a_mute_machine_is_cancelled_within_half_a_second(
        self, device: IdReader, hands: ReaderHands, call: str
    ) -> None:
        async with opened(device):
            await ready_for(device, hands, call)
            hands.mute()
            await cancelled_in_time(hands, calls(device)[call])
            begin = time.monotonic()
            await device.close()
            assert time.monotonic() - begin < 2 * CANCEL_WITHIN_S

    @pytest.mark.parametrize("call", ["probe", "wait_card", "read", "card_present", "wait_removed"])
    async def test_cable_pulled_in_the_middle_of_a_call_is_noticed(
        self, device: IdReader, hands: ReaderHands, call: str
    ) -> None:
        async with opened(device):
            await ready_for(device, hands, call)
            hands.mute()
            async with asyncio.TaskGroup() as group:
                broken = group.create_task(error_of(calls(device)[call]))
                await until_asked(hands, 1)
                hands.unplug()
            assert isinstance(broken.result(), DeviceUnavailable)
            assert broken.result().device

    async def test_open_without_a_machine_fails_and_works_once_it_is_there(
        self, device: IdReader, hands: ReaderHands
    ) -> None:
        hands.unplug()
        assert isinstance(await error_of(device.open), DeviceUnavailable)
        hands.plug()
        async with opened(device):
            assert (await device.probe()).usable

    async def test_open_of_a_mute_machine_is_cancelled_and_leaves_nothing(
        self, device: IdReader, hands: ReaderHands
    ) -> None:
        handles, threads = open_handles(), set(threading.enumerate())
        hands.mute()
        await cancelled_in_time(hands, device.open)
        await device.close()
        assert set(threading.enumerate()) <= threads
        assert open_handles() == handles

    async def test_machine_plugged_in_again_reads_after_a_reopening(self, device: IdReader, hands: ReaderHands) -> None:
        async with opened(device):
            hands.unplug()
            assert isinstance(await error_of(device.probe), DeviceUnavailable)
            hands.plug()
            await device.close()
            await device.open()
            hands.put()
            await device.wait_card()
            assert isinstance(await device.read(), IdentityCard)

    async def test_twenty_reopenings_leave_no_thread_and_no_handle(self, device: IdReader) -> None:
        await device.open()
        await device.close()
        handles, threads = open_handles(), set(threading.enumerate())
        for _ in range(REOPENINGS):
            await device.open()
            await device.probe()
            await device.close()
        assert set(threading.enumerate()) <= threads
        assert open_handles() == handles

    @pytest.mark.parametrize("code", ERRORS)
    async def test_documented_error_is_told_by_its_type_and_code(
        self, device: IdReader, hands: ReaderHands, code: DeviceCode
    ) -> None:
        async with opened(device):
            hands.provoke(code)
            await device.wait_card()
            error = await error_of(device.read)
            assert type(error) is ERRORS[code]
            assert error.code is code
            assert error.device

    async def test_good_card_is_read_after_one_that_was_lifted_too_early(
        self, device: IdReader, hands: ReaderHands
    ) -> None:
        async with opened(device):
            hands.provoke(DeviceCode.CARD_LIFTED)
            await device.wait_card()
            await error_of(device.read)
            hands.put()
            await device.wait_card()
            assert isinstance(await device.read(), IdentityCard)

    async def test_card_that_could_not_be_read_is_not_forgotten(self, device: IdReader, hands: ReaderHands) -> None:
        """It lies there all the same: the resident has to be reminded of it."""
        async with opened(device):
            hands.provoke(DeviceCode.CARD_REFUSED)
            await device.wait_card()
            await error_of(device.read)
            assert await device.card_present()
            hands.lift()
            await device.wait_removed()
            assert not await device.card_present()

    async def test_health_and_name_plate_are_given(self, device: IdReader) -> None:
        async with opened(device):
            assert isinstance(await device.probe(), Health)
            plate = device.info()
            assert plate.driver
            assert plate.address


@asynccontextmanager
async def opened(device: IdReader) -> AsyncIterator[None]:
    """Open the device around a test that must not take long; closing never depends on its success."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await device.open()
            yield
    finally:
        await device.close()


def calls(device: IdReader) -> dict[str, Callable[[], Coroutine[Any, Any, object]]]:
    """Return every call that needs an open reader."""
    return {
        "probe": device.probe,
        "wait_card": device.wait_card,
        "read": device.read,
        "card_present": device.card_present,
        "wait_removed": device.wait_removed,
    }


async def ready_for(device: IdReader, hands: ReaderHands, call: str) -> None:
    """Bring the reader to where ``call`` makes sense."""
    if call in {"read", "card_present", "wait_removed"}:
        hands.put()
        await device.wait_card()
    if call in {"card_present", "wait_removed"}:
        await device.read()


async def error_of(call: Callable[[], Coroutine[Any, Any, object]]) -> DeviceError:
    """Return the error that ``call`` ends with; it has to, and soon."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            await call()
        except DeviceError as error:
            return error
    raise AssertionError("no error was raised")


async def until_asked(hands: ReaderHands, times: int) -> None:
    """Wait until so many more questions have reached the machine: then the call is under way."""
    goal = hands.asked() + times
    async with asyncio.timeout(PATIENCE_S):
        while hands.asked() < goal:  # noqa: ASYNC110 - the machine may be a real one: it sets no event
            await asyncio.sleep(0.002)


async def cancelled_in_time(hands: ReaderHands, call: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Cancel ``call`` in its middle and demand that its caller is free in time."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(call())
        await until_asked(hands, 1)
        begin = time.monotonic()
        task.cancel()
        await asyncio.wait({task})
        assert time.monotonic() - begin < CANCEL_WITHIN_S
        assert task.cancelled()
