# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of lights. A driver proves itself by subclassing ``LightsContract``, with at least two lights fitted."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any, Protocol

from devices.lights import Light, Lights, LightState
from devices.testing.device import DeviceContract, Hands, opened, until

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

SHORTEST_BLINK_S = 1.0  # port: no faster than once a second (WCAG 2.2, 2.3.1)
WATCHED_S = 3.0  # long enough for two flashes, and for three that would come too fast
STIRRED_EVERY_S = 0.35  # how often lights are set anew while they blink
ON, BLINK, OFF = LightState.ON, LightState.BLINK, LightState.OFF


class LightsHands(Hands, Protocol):
    """What can be done to the machine from outside, and seen."""

    def lit(self) -> frozenset[Light]:
        """Return the lights that are lit now."""
        ...

    def flashes(self, light: Light) -> list[float]:
        """Return the moments (seconds on any clock) at which the light has lit up since the machine was started."""
        ...


class LightsContract(DeviceContract[Lights]):
    """Points lights have to keep. Names of the tests are the faults they prevent."""

    def calls(self, device: Lights) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {**super().calls(device), "show": lambda: device.show(dict.fromkeys(device.fitted(), ON))}

    async def test_exactly_the_lights_asked_for_are_lit(self, device: Lights, hands: LightsHands) -> None:
        async with opened(device):
            every = sorted(device.fitted())
            for count in range(1, len(every) + 1):
                for lights in itertools.combinations(every, count):
                    await device.show(dict.fromkeys(lights, ON))
                    await until(lambda lights=lights: hands.lit() == frozenset(lights))  # type: ignore[misc]  # a default binds
            await device.show({every[0]: OFF, every[1]: ON})
            await until(lambda: hands.lit() == {every[1]})
            await device.show({})
            await until(lambda: not hands.lit())

    async def test_light_that_is_not_fitted_is_ignored(self, device: Lights, hands: LightsHands) -> None:
        async with opened(device):
            fitted = min(device.fitted())
            await device.show(dict.fromkeys(Light, ON) | dict.fromkeys(device.fitted(), OFF) | {fitted: ON})
            await until(lambda: hands.lit() == {fitted})

    async def test_closed_device_leaves_no_light_on(self, device: Lights, hands: LightsHands) -> None:
        for state in (ON, BLINK):
            async with opened(device):
                await device.show(dict.fromkeys(device.fitted(), state))
                await until(lambda: hands.lit() == device.fitted())
            assert not hands.lit()
        before = {light: len(hands.flashes(light)) for light in device.fitted()}
        await asyncio.sleep(1.2 * SHORTEST_BLINK_S)
        assert {light: len(hands.flashes(light)) for light in device.fitted()} == before, "it blinks on after the close"

    async def test_opened_device_shows_nothing_of_before(self, device: Lights, hands: LightsHands) -> None:
        async with opened(device):
            await device.show(dict.fromkeys(device.fitted(), ON))
            await until(lambda: hands.lit() == device.fitted())
            await hands.unplug()
        await hands.plug()  # with the lights as they were: nobody could put them out
        async with opened(device):
            await until(lambda: not hands.lit())

    async def test_no_light_blinks_faster_than_once_a_second(self, device: Lights, hands: LightsHands) -> None:
        """Also while other lights come and go beside it, and when it begins in the middle of another's flash."""
        async with opened(device), asyncio.timeout(2 * WATCHED_S):
            first, second, *_ = sorted(device.fitted())
            wanted = itertools.cycle([{first: BLINK}, {first: BLINK, second: ON}, {first: BLINK, second: BLINK}])
            began = {light: len(hands.flashes(light)) for light in device.fitted()}
            for _ in range(round(WATCHED_S / STIRRED_EVERY_S)):
                await device.show(next(wanted))
                await asyncio.sleep(STIRRED_EVERY_S)
            flashes = hands.flashes(first)[began[first] :]
            assert len(flashes) >= 2, "it does not blink"  # noqa: PLR2004 - two make an interval
            for earlier, later in itertools.pairwise(flashes):
                assert later - earlier >= SHORTEST_BLINK_S

    async def test_blinking_light_stands_still_once_it_is_set(self, device: Lights, hands: LightsHands) -> None:
        async with opened(device):
            first, second, *_ = sorted(device.fitted())
            await device.show({first: BLINK, second: BLINK})
            await until(lambda: first in hands.lit())
            await device.show({first: ON})
            await until(lambda: hands.lit() == {first})
            before = len(hands.flashes(first))
            await asyncio.sleep(1.5 * SHORTEST_BLINK_S)
            assert hands.lit() == {first}
            assert len(hands.flashes(first)) == before
