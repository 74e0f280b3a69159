# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of a chip card reader. A driver proves itself by subclassing ``CardReaderContract``.

The subclass gives two fixtures: ``device``, the driver, not opened; and ``hands``, what a person could do to the
machine. With a real machine the hands ask a person, and skip what no person can bring about.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from devices.card_reader import CardReader, ChipCard
from devices.chip import apdu
from devices.errors import DeviceCode, MediumError
from devices.testing.device import (
    PATIENCE_S,
    TICK_S,
    DeviceContract,
    Hands,
    cancelled_in_time,
    error_of,
    opened,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from devices.chip import Dialogue

NO_APPLICATION = b"1PAY.SYS.DDF01"  # any name does: a chip that answers 6A82 answers
LOOKS = 0.9  # s; a reader that found the same card twice would have done so by then


class CardReaderHands(Hands, Protocol):
    """What a person can do at a reader of chip cards."""

    async def put(self) -> None:
        """Put a card in whose chip answers; one that is still there comes out first."""
        ...

    async def lift(self) -> None:
        """Take the card away, if one is there."""
        ...

    async def put_mute(self) -> None:
        """Put a card in whose chip does not answer to power: upside down."""
        ...

    async def put_and_pull(self) -> None:
        """Put a card in that is pulled in the middle of the first conversation."""
        ...


class CardReaderContract(DeviceContract[CardReader]):
    """Points every reader of chip cards has to keep. Names of the tests are the faults they prevent."""

    can_be_asked = False  # it is the chip that falls silent, and that has a point of its own

    def calls(self, device: CardReader) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {
            **super().calls(device),
            "card_present": device.card_present,
            "converse": lambda: device.converse(greeting()),
        }

    def waits(self, device: CardReader) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {"wait_card": device.wait_card, "wait_removed": device.wait_removed}

    async def make_ready(self, device: CardReader, hands: CardReaderHands, call: str) -> None:
        if call == "wait_card":
            await hands.lift()
            await lifted(device)
        elif call != "probe":
            await found(device, hands)

    async def test_card_is_found_spoken_with_and_missed_when_lifted(
        self, device: CardReader, hands: CardReaderHands
    ) -> None:
        async with opened(device):
            assert not await device.card_present()
            card = await found(device, hands)
            assert card.atr
            assert await device.card_present()
            assert len(await device.converse(greeting())) >= len(b"\x90\x00")
            await hands.lift()
            await device.wait_removed()
            assert not await device.card_present()

    async def test_card_put_in_while_waiting_is_found(self, device: CardReader, hands: CardReaderHands) -> None:
        async with opened(device), running(device.wait_card) as waiting:
            await asyncio.wait({waiting}, timeout=10 * TICK_S)
            assert not waiting.done()
            await hands.put()
            assert isinstance(await waiting, ChipCard)

    async def test_card_that_was_there_before_opening_is_found(
        self, device: CardReader, hands: CardReaderHands
    ) -> None:
        await hands.put()
        async with opened(device):
            assert isinstance(await device.wait_card(), ChipCard)

    async def test_same_card_is_not_found_again_before_it_is_lifted(
        self, device: CardReader, hands: CardReaderHands
    ) -> None:
        """Otherwise the next resident would begin with the card of the one before."""
        async with opened(device):
            await found(device, hands)
            await device.converse(greeting())
            async with running(device.wait_card) as waiting:
                await asyncio.wait({waiting}, timeout=LOOKS)
                assert not waiting.done()
                await hands.lift()
                await asyncio.wait({waiting}, timeout=LOOKS)
                assert not waiting.done()
                await hands.put()
                assert isinstance(await waiting, ChipCard)

    async def test_card_that_was_looked_for_in_vain_is_still_found(
        self, device: CardReader, hands: CardReaderHands
    ) -> None:
        """A wait that was cancelled has told nobody of a card: the next wait has to."""
        async with opened(device):
            async with running(device.wait_card) as waiting:
                await asyncio.wait({waiting}, timeout=10 * TICK_S)
                await cancelled_in_time(waiting)
            assert isinstance(await found(device, hands), ChipCard)

    async def test_chip_that_does_not_answer_is_told_once_and_the_card_not_forgotten(
        self, device: CardReader, hands: CardReaderHands
    ) -> None:
        async with opened(device):
            await hands.put_mute()
            error = await error_of(device.wait_card)
            assert type(error) is MediumError
            assert error.code is DeviceCode.CARD_UNREADABLE
            assert error.device
            assert await device.card_present(), "it is there all the same: its owner has to be reminded"
            async with running(device.wait_card) as waiting:
                await asyncio.wait({waiting}, timeout=LOOKS)
                assert not waiting.done()
                await hands.lift()
                await hands.put()
                assert isinstance(await waiting, ChipCard)

    async def test_card_pulled_in_the_middle_of_a_conversation_is_told_and_nothing_hangs(
        self, device: CardReader, hands: CardReaderHands
    ) -> None:
        async with opened(device):
            await hands.put_and_pull()
            await device.wait_card()
            error = await error_of(lambda: device.converse(greeting()))
            assert type(error) is MediumError
            assert error.code is DeviceCode.CARD_LIFTED
            assert error.device
            await device.wait_removed()
            await found(device, hands)
            assert await device.converse(greeting())

    async def test_conversation_without_a_card_says_so(self, device: CardReader, hands: CardReaderHands) -> None:
        await hands.lift()
        async with opened(device):
            error = await error_of(lambda: device.converse(greeting()))
            assert type(error) is MediumError
            assert error.code is DeviceCode.CARD_LIFTED

    async def test_what_a_dialogue_finds_wrong_leaves_with_the_readers_name_and_the_card_goes_on(
        self, device: CardReader, hands: CardReaderHands
    ) -> None:
        async with opened(device):
            await found(device, hands)
            ended: list[str] = []
            error = await error_of(lambda: device.converse(refusing(ended)))
            assert type(error) is MediumError
            assert error.code is DeviceCode.CARD_REFUSED
            assert error.device
            assert ended == ["closed"]
            assert await device.converse(greeting())

    async def test_conversation_whose_caller_leaves_is_ended_and_the_card_goes_on(
        self, device: CardReader, hands: CardReaderHands
    ) -> None:
        async with opened(device):
            await found(device, hands)
            ended: list[str] = []
            async with running(partial(device.converse, endless(ended))) as talking:
                await asyncio.wait({talking}, timeout=10 * TICK_S)
                await cancelled_in_time(talking)
            assert await device.converse(greeting())
            assert ended == ["closed"]


async def found(device: CardReader, hands: CardReaderHands) -> ChipCard:
    """Put a card in and let the reader find it."""
    await hands.put()
    async with asyncio.timeout(PATIENCE_S):
        return await device.wait_card()


async def lifted(device: CardReader) -> None:
    """Wait until the reader has noticed that no card is there."""
    async with asyncio.timeout(PATIENCE_S):
        await device.wait_removed()


def greeting() -> Dialogue[bytes]:
    """Ask the chip for an application and return its answer, whatever it is."""
    answer = yield apdu.select(NO_APPLICATION)
    return answer


def refusing(ended: list[str]) -> Dialogue[None]:
    """Find something wrong with the card."""
    try:
        yield apdu.select(NO_APPLICATION)
        raise MediumError("not a card of ours", code=DeviceCode.CARD_REFUSED)
    finally:
        ended.append("closed")


def endless(ended: list[str]) -> Dialogue[None]:
    """Go on asking until it is closed."""
    try:
        while True:
            yield apdu.select(NO_APPLICATION)
    finally:
        ended.append("closed")
