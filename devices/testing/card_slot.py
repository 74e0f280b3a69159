# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of a motorised card slot. A driver proves itself by subclassing ``CardSlotContract``.

The subclass gives two fixtures: ``device``, the driver, not opened; and ``hands``, what a person could do to the
machine. With a real machine the hands ask a person, who also counts where the cards are.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from devices.card_reader import ChipCard
from devices.card_slot import CardPosition, CardSlot
from devices.errors import DeviceCode, DeviceError, DeviceFault, MediumError, OutcomeUnknown
from devices.health import Condition, HealthState
from devices.testing.card_reader import greeting
from devices.testing.card_slot_hands import CardSlotHands, Whereabouts, accepted, agrees, at, emptied, free, taken
from devices.testing.device import (
    PATIENCE_S,
    TICK_S,
    DeviceContract,
    cancelled_in_time,
    error_of,
    opened,
    outcome_of,
    running,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

MOVES = ("accept", "present", "wait_taken", "retain")


class CardSlotContract(DeviceContract[CardSlot]):
    """Points every motorised slot has to keep. Names of the tests are the faults they prevent."""

    def calls(self, device: CardSlot) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {
            **super().calls(device),
            "position": device.position,
            "retained": device.retained,
            "present": device.present,
            "retain": device.retain,
            "converse": lambda: device.converse(greeting()),
        }

    def waits(self, device: CardSlot) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {"accept": device.accept, "wait_taken": device.wait_taken}

    async def make_ready(self, device: CardSlot, hands: CardSlotHands, call: str) -> None:
        await emptied(device, hands)
        if call in {"present", "retain", "converse", "wait_taken"}:
            await accepted(device, hands)
        if call == "wait_taken":
            await device.present()

    async def test_card_goes_in_is_spoken_with_and_comes_back(self, device: CardSlot, hands: CardSlotHands) -> None:
        async with opened(device):
            assert await device.position() is CardPosition.EMPTY
            assert isinstance(await accepted(device, hands), ChipCard)
            assert await device.position() is CardPosition.INSIDE
            assert await device.converse(greeting())
            await device.present()
            assert await device.position() is CardPosition.MOUTH
            await taken(device, hands)
            assert await device.position() is CardPosition.EMPTY
            assert await at(hands, Whereabouts.PERSON) == 1

    async def test_card_without_a_chip_is_in_all_the_same(self, device: CardSlot, hands: CardSlotHands) -> None:
        async with opened(device), running(device.accept) as accepting:
            await hands.insert_without_chip()
            assert await accepting is None
            assert await device.position() is CardPosition.INSIDE
            error = await error_of(lambda: device.converse(greeting()))
            assert type(error) is MediumError
            await device.present()
            await taken(device, hands)

    async def test_what_is_no_card_is_given_back_and_said(self, device: CardSlot, hands: CardSlotHands) -> None:
        async with opened(device):
            async with running(lambda: error_of(device.accept)) as accepting:
                await hands.insert_no_card()
                error = await accepting
            assert type(error) is MediumError
            assert error.code is DeviceCode.CARD_UNREADABLE
            await taken(device, hands)
            assert isinstance(await accepted(device, hands), ChipCard)

    async def test_opening_is_shut_unless_a_card_is_wanted(self, device: CardSlot, hands: CardSlotHands) -> None:
        async with opened(device):
            assert not await hands.opening_free()
            async with running(device.accept) as accepting:
                await free(hands)
                await cancelled_in_time(accepting)
            await device.position()
            assert not await hands.opening_free()

    async def test_card_half_in_when_the_caller_leaves_is_given_back(
        self, device: CardSlot, hands: CardSlotHands
    ) -> None:
        async with opened(device):
            async with running(device.accept) as accepting:
                await hands.insert()
                await cancelled_in_time(accepting)
            assert await device.position() is CardPosition.MOUTH
            await taken(device, hands)
            assert await at(hands, Whereabouts.PERSON) == 1

    async def test_card_forgotten_at_the_mouth_can_be_drawn_in_again(
        self, device: CardSlot, hands: CardSlotHands
    ) -> None:
        async with opened(device):
            await accepted(device, hands)
            await device.present()
            assert isinstance(await device.accept(), ChipCard)
            assert await device.position() is CardPosition.INSIDE

    async def test_presenting_nothing_is_no_error(self, device: CardSlot, hands: CardSlotHands) -> None:
        await hands.take()
        async with opened(device):
            await device.present()
            assert await device.position() is CardPosition.EMPTY
            async with asyncio.timeout(PATIENCE_S):
                await device.wait_taken()

    @pytest.mark.parametrize("presented", [False, True])
    async def test_kept_card_is_counted_and_the_count_outlasts_a_reopening(
        self, device: CardSlot, hands: CardSlotHands, presented: bool
    ) -> None:
        async with opened(device):
            before = await device.retained()
            await accepted(device, hands)
            if presented:
                await device.present()
            await device.retain()
            assert await device.position() is CardPosition.EMPTY
            assert await device.retained() == before + 1
            assert await at(hands, Whereabouts.BIN) == before + 1
        async with opened(device):
            assert await device.retained() == before + 1
            await hands.empty_bin()
            assert await device.retained() == 0

    async def test_full_bin_is_told_and_the_card_can_still_be_given_back(
        self, device: CardSlot, hands: CardSlotHands
    ) -> None:
        async with opened(device):
            await accepted(device, hands)
            await hands.fill_bin()
            error = await error_of(device.retain)
            assert type(error) is DeviceFault
            assert error.code is DeviceCode.RETAIN_BIN_FULL
            assert Condition.RETAIN_BIN_FULL in (await device.probe()).conditions
            assert await device.position() is CardPosition.INSIDE
            await device.present()
            await taken(device, hands)
            await hands.empty_bin()
            assert (await device.probe()).usable

    @pytest.mark.parametrize("move", ["accept", "draw in again", "present", "retain"])
    async def test_jam_is_told_and_the_card_is_found_when_it_is_cleared(
        self, device: CardSlot, hands: CardSlotHands, move: str
    ) -> None:
        async with opened(device):
            if move != "accept":
                await accepted(device, hands)
            if move == "draw in again":
                await device.present()
            await hands.jam()
            error = await self._jammed(device, hands, move)
            assert type(error) is DeviceFault
            assert error.code is DeviceCode.CARD_JAM
            assert error.device
            assert await device.position() is CardPosition.JAMMED
            health = await device.probe()
            assert health.state is HealthState.FAULT
            assert Condition.CARD_JAM in health.conditions
            for call in (device.accept, device.present, device.retain):
                assert (await error_of(call)).code is DeviceCode.CARD_JAM, "it stays stuck"
            await hands.clear_jam()
            assert await device.position() is CardPosition.EMPTY
            assert (await device.probe()).usable
            assert await at(hands, Whereabouts.PERSON) == 1

    async def _jammed(self, device: CardSlot, hands: CardSlotHands, move: str) -> DeviceError:
        if move == "accept":
            async with running(lambda: error_of(device.accept)) as accepting:
                await hands.insert()
                return await accepting
        return await error_of({"present": device.present, "retain": device.retain}.get(move, device.accept))

    async def test_machine_that_does_not_know_is_not_taken_for_empty(
        self, device: CardSlot, hands: CardSlotHands
    ) -> None:
        async with opened(device):
            await accepted(device, hands)
            await hands.blind()
            assert await device.position() is CardPosition.UNKNOWN

    async def test_wrong_state_is_named_with_its_remedy(self, device: CardSlot, hands: CardSlotHands) -> None:
        async with opened(device):
            for name in ("retain", "converse"):
                error = await error_of(self.calls(device)[name])
                assert "no card" in error.detail
                assert "accept()" in error.detail
            await accepted(device, hands)
            for wait in self.waits(device).values():
                error = await error_of(wait)
                assert "inside" in error.detail
                assert "present()" in error.detail
            assert await device.position() is CardPosition.INSIDE, "nothing moved"

    @pytest.mark.parametrize("presented", [False, True])
    async def test_closing_and_opening_leave_a_card_where_it_is(
        self, device: CardSlot, hands: CardSlotHands, presented: bool
    ) -> None:
        async with opened(device):
            await accepted(device, hands)
            if presented:
                await device.present()
        async with opened(device):
            assert await device.position() is (CardPosition.MOUTH if presented else CardPosition.INSIDE)
            await device.present()
            await taken(device, hands)

    @pytest.mark.parametrize("move", ["accept", "present", "retain"])
    async def test_line_lost_in_a_movement_leaves_its_end_open_and_the_machine_knows_it(
        self, device: CardSlot, hands: CardSlotHands, move: str
    ) -> None:
        async with opened(device):
            if move != "accept":
                await accepted(device, hands)
            async with running(lambda: error_of(getattr(device, move))) as moving:
                if move == "accept":
                    await hands.insert()
                else:
                    await asyncio.wait({moving}, timeout=TICK_S)
                await hands.unplug()
                assert isinstance(await moving, OutcomeUnknown)
        await hands.plug()
        async with opened(device):
            await agrees(device, hands)

    @pytest.mark.parametrize("trouble", ["none", "cancel", "unplug"])
    async def test_no_card_is_ever_lost_in_whatever_order_it_is_moved(
        self, device: CardSlot, hands: CardSlotHands, trouble: str
    ) -> None:
        """All orders of all movements, each left to its end, broken off, or cut off from the line in its middle."""
        for order in itertools.permutations(MOVES):
            for at_step in range(len(order)) if trouble != "none" else [len(order)]:
                await device.open()
                await emptied(device, hands)
                cards = 0
                for step, move in enumerate(order):
                    await self._walk(device, hands, move, trouble if step == at_step else "none")
                    await agrees(device, hands)
                    before, cards = cards, sum((await hands.whereabouts()).values())
                    assert cards >= before, (order, at_step, step)
                await device.close()

    async def _walk(self, device: CardSlot, hands: CardSlotHands, move: str, trouble: str) -> None:
        """Make one movement, with a person at the slot who does what people do, and this trouble in its middle."""
        person = {"accept": hands.insert, "wait_taken": hands.take}.get(move)
        async with running(lambda: outcome_of(getattr(device, move))) as moving:
            if person is not None:
                async with running(person) as acting:
                    await asyncio.wait({moving, acting}, return_when=asyncio.FIRST_COMPLETED)
            else:
                await asyncio.wait({moving}, timeout=TICK_S)
            if trouble == "cancel":
                await cancelled_in_time(moving)
            elif trouble == "unplug":
                await hands.unplug()
                await moving
                await hands.plug()
                await device.close()
                await device.open()
            else:
                await moving
