# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of a voice. A driver proves itself by subclassing ``SpeechContract``.

Besides what ``DeviceContract`` asks for, the hands tell what can be heard. The driver's programs are looked for among
the children of this process; a driver that speaks in another way has none, and nothing to hide there.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from devices.errors import DeviceCode, DeviceError
from devices.speech import Saying, Speech, SpeechLanguage
from devices.testing.device import (
    CANCEL_WITHIN_S,
    TICK_S,
    DeviceContract,
    Hands,
    error_of,
    opened,
    outcome_of,
    running,
    until,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

SILENT_WITHIN_S = 0.3  # the port: in the middle of a word
SHORT = "请稍候。"
LONG = "请把身份证平放在亮灯的读卡区，不要移动。" * 3  # a quarter of a minute
NAME = "张三丰"
NAME_LATIN = "San Feng"
PROC = Path("/proc")


class SpeechHands(Hands, Protocol):
    """What can be done to the machine, and what can be heard of it."""

    def sounding(self) -> bool:
        """Tell whether anything can be heard now."""
        ...

    def heard_s(self) -> float:
        """Return how many seconds of sound were heard in all."""
        ...

    async def crash(self) -> None:
        """Kill what makes the sound while it sounds."""
        ...


class SpeechContract(DeviceContract[Speech]):
    """Points every voice has to keep."""

    can_be_asked = False  # nobody asks a loudspeaker

    def calls(self, device: Speech) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {"probe": device.probe, "say": lambda: device.say(saying(SHORT))}

    async def test_saying_is_heard_to_its_end(self, device: Speech, hands: SpeechHands) -> None:
        async with opened(device):
            before = hands.heard_s()
            assert await device.say(saying(SHORT))
            assert not hands.sounding()
            assert hands.heard_s() - before > SILENT_WITHIN_S

    async def test_sayings_of_one_owner_come_one_after_another_in_order(
        self, device: Speech, hands: SpeechHands
    ) -> None:
        ended: list[str] = []

        async def say(text: str) -> None:
            assert await device.say(saying(text))
            ended.append(text)

        async with opened(device):
            begin, before = time.monotonic(), hands.heard_s()
            async with asyncio.TaskGroup() as group:
                for text in ("一。", "二。", "三。"):
                    group.create_task(say(text))
            assert ended == ["一。", "二。", "三。"]
            assert time.monotonic() - begin > 0.9 * (hands.heard_s() - before), "they spoke at the same time"

    async def test_new_owner_silences_the_old_one_in_the_middle_of_a_word(
        self, device: Speech, hands: SpeechHands
    ) -> None:
        async with speaking(device, hands) as first:
            async with running(lambda: device.say(saying(LONG))) as waiting:
                await asyncio.sleep(0)
                begin = time.monotonic()
                async with running(lambda: device.say(saying(SHORT, owner="another"))) as newer:
                    assert not await first
                    assert time.monotonic() - begin < SILENT_WITHIN_S
                    assert not await waiting
                    assert await newer
            assert not hands.sounding()

    async def test_silence_returns_when_it_is_quiet_and_forgets_what_waits(
        self, device: Speech, hands: SpeechHands
    ) -> None:
        async with speaking(device, hands) as first, running(lambda: device.say(saying(LONG))) as waiting:
            await asyncio.sleep(0)
            begin = time.monotonic()
            await device.silence()
            assert time.monotonic() - begin < SILENT_WITHIN_S
            assert not hands.sounding()
            assert not await first
            assert not await waiting
            assert await device.say(saying(SHORT)), "the voice speaks on when asked anew"
            await device.silence()

    async def test_cancelled_saying_is_silent_and_the_next_one_comes(self, device: Speech, hands: SpeechHands) -> None:
        async with speaking(device, hands) as first, running(lambda: device.say(saying(SHORT))) as waiting:
            await asyncio.sleep(0)
            begin = time.monotonic()
            first.cancel()
            await asyncio.wait({first})
            assert time.monotonic() - begin < CANCEL_WITHIN_S
            assert await waiting

    async def test_saying_cancelled_while_it_waits_lets_nobody_speak_at_the_same_time(
        self, device: Speech, hands: SpeechHands
    ) -> None:
        async with speaking(device, hands) as first, running(lambda: device.say(saying(LONG))) as second:
            await asyncio.sleep(0)
            async with running(lambda: device.say(saying(SHORT))) as third:
                await asyncio.sleep(0)
                second.cancel()
                done, _ = await asyncio.wait({third}, timeout=2 * SILENT_WITHIN_S)
                assert not done
                assert not first.done()
                await device.silence()

    async def test_closed_voice_is_silent(self, device: Speech, hands: SpeechHands) -> None:
        async with speaking(device, hands) as first:
            await device.close()
            assert not hands.sounding()
            assert not await first
        assert (await error_of(lambda: device.say(saying(SHORT)))).code is DeviceCode.CLOSED
        await device.silence()

    async def test_voice_that_dies_in_the_middle_is_a_fault_and_speaks_again(
        self, device: Speech, hands: SpeechHands
    ) -> None:
        async with opened(device):
            async with running(lambda: outcome_of(lambda: device.say(saying(LONG)))) as said:
                await until(hands.sounding)
                await hands.crash()
                error = await said
            assert isinstance(error, DeviceError)
            assert error.device
            assert await device.say(saying(SHORT))

    async def test_no_program_is_left_behind(self, device: Speech, hands: SpeechHands) -> None:
        others = children().keys()
        async with speaking(device, hands) as first:
            await device.silence()
            await first
        assert not children().keys() - others

    async def test_text_stands_on_no_command_line(self, device: Speech) -> None:
        seen: set[str] = set()
        async with opened(device):
            for text, language in ((NAME, SpeechLanguage.MANDARIN), (NAME_LATIN, SpeechLanguage.ENGLISH)):
                async with running(lambda t=text, at=language: device.say(saying(t * 3, language=at))) as said:  # type: ignore[misc]
                    while not said.done():
                        seen.update(children().values())
                        await asyncio.sleep(TICK_S)
                assert await said
        assert not [line for line in seen if NAME in line or NAME_LATIN in line or "san1" in line]

    async def test_text_stands_in_no_repr_and_no_log(self, device: Speech, hands: SpeechHands, caplog: Any) -> None:
        caplog.set_level(0)
        async with opened(device), running(lambda: outcome_of(lambda: device.say(saying(NAME * 20)))) as said:
            await until(hands.sounding)
            await hands.crash()
            error = await said
        told = f"{caplog.text}{error}{error!r}{saying(NAME)!r}"
        assert NAME not in told
        assert "san1" not in told


def saying(text: str, *, owner: str = "screen", language: SpeechLanguage = SpeechLanguage.MANDARIN) -> Saying:
    """Return something to say."""
    return Saying(text, language, owner)


@asynccontextmanager
async def speaking(device: Speech, hands: SpeechHands) -> AsyncIterator[asyncio.Task[bool]]:
    """Open the voice and let it speak for long; wait until it can be heard."""
    async with opened(device), running(lambda: device.say(saying(LONG))) as task:
        await until(hands.sounding)
        yield task


def children() -> dict[int, str]:
    """Return the command lines of this process's living children, by process id."""
    found: dict[int, str] = {}
    for status in PROC.glob("self/task/*/children"):
        for pid in status.read_text(encoding="ascii").split():
            try:
                found[int(pid)] = (PROC / pid / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            except OSError:  # it ended meanwhile
                continue
    return found
