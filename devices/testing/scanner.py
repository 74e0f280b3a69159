# ruff: noqa: S101, D102 - a contract suite speaks in asserts, and its tests' names say what they prevent
"""The contract of a scanner. A driver proves itself by subclassing ``ScannerContract``.

The subclass gives two fixtures: ``device``, the driver, not opened; and ``hands``, what a person could do to the
machine. With a real machine the hands ask a person, and skip what no person can bring about.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from devices.errors import DeviceCode, DeviceError, MediumError
from devices.scanner import ScannedCode, Scanner
from devices.testing.device import PATIENCE_S, TICK_S, DeviceContract, Hands, error_of, opened, running, until
from devices.values import Pii

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

QUIET_S = 0.3  # how long nothing may come before it is believed that nothing will
BROKEN_OFF_S = 2.0  # a code that broke off is told within it
LARGE = 4096  # bytes of a code larger than any health or ticket code
TOO_LARGE = 9000  # ... and of none at all: the largest QR code holds 7,089 digits (ISO/IEC 18004)
FIRST, SECOND, THIRD = "票号999999-1", "票号999999-2", "票号999999-3"


class ScannerHands(Hands, Protocol):
    """What can be done to the machine from outside. Each returns when the machine has sent all it sends."""

    async def show(self, content: bytes) -> None:
        """Hold a code before it."""
        ...

    async def begin(self, content: bytes) -> None:
        """Let a code be sent up to its middle."""
        ...

    async def finish(self) -> None:
        """Let the rest of it follow."""
        ...

    async def ready(self) -> None:
        """Return when the machine reads what it is shown: at once, or when its trigger has been pulled."""
        ...

    def lit(self) -> bool:
        """Tell whether its light or trigger is on; skips where nobody can tell."""
        ...


class ScannerContract(DeviceContract[Scanner]):
    """Points every scanner has to keep. Names of the tests are the faults they prevent."""

    can_be_asked = False  # it only speaks

    def waits(self, device: Scanner) -> Mapping[str, Callable[[], Coroutine[Any, Any, object]]]:
        return {"scan": device.scan}

    async def under_way(self, task: asyncio.Task[Any], hands: ScannerHands) -> None:
        await asyncio.wait({task}, timeout=TICK_S)
        if not task.done():
            await hands.ready()

    async def test_code_shown_to_who_waits_is_returned_as_it_is(self, device: Scanner, hands: ScannerHands) -> None:
        for text in (FIRST, "https://example.org/?a=1&b=%E4%B8%AD", "\U0002cc56·测试 ]Q1", "0"):
            async with opened(device):
                assert await scanned(device, hands, text) == text

    async def test_code_shown_before_is_not_taken_for_the_one_asked_for(
        self, device: Scanner, hands: ScannerHands
    ) -> None:
        """Otherwise the next resident would get the ticket of the one before."""
        async with opened(device):
            await hands.show(FIRST.encode())
            assert await scanned(device, hands, SECOND) == SECOND

    async def test_code_that_was_arriving_already_is_dropped_whole(self, device: Scanner, hands: ScannerHands) -> None:
        """Its rest alone would be another code, and a wrong one."""
        async with opened(device):
            await hands.begin(FIRST.encode())
            async with running(device.scan) as task:
                await self.under_way(task, hands)
                await hands.finish()
                await hands.show(SECOND.encode())
                assert (await task).text.reveal() == SECOND

    async def test_code_is_returned_once(self, device: Scanner, hands: ScannerHands) -> None:
        async with opened(device):
            await scanned(device, hands, FIRST)
            async with running(device.scan) as task:
                done, _ = await asyncio.wait({task}, timeout=QUIET_S)
                assert not done
                await hands.show(SECOND.encode())
                assert (await task).text.reveal() == SECOND

    async def test_code_shown_after_a_cancelled_scan_waits_for_nobody(
        self, device: Scanner, hands: ScannerHands
    ) -> None:
        async with opened(device):
            async with running(device.scan) as task:
                await self.under_way(task, hands)
            await hands.show(FIRST.encode())
            assert await scanned(device, hands, SECOND) == SECOND

    async def test_two_codes_in_quick_succession_are_two(self, device: Scanner, hands: ScannerHands) -> None:
        async with opened(device):
            async with running(device.scan) as task:
                await self.under_way(task, hands)
                await hands.show(FIRST.encode())
                await hands.show(SECOND.encode())
                assert (await task).text.reveal() == FIRST
            assert await scanned(device, hands, THIRD) == THIRD

    async def test_large_code_is_whole(self, device: Scanner, hands: ScannerHands) -> None:
        text = "".join(chr(0x30 + number % 75) for number in range(LARGE))
        async with opened(device):
            assert await scanned(device, hands, text) == text

    async def test_endless_code_is_refused_and_costs_not_the_next(self, device: Scanner, hands: ScannerHands) -> None:
        async with opened(device):
            await refused(device, hands, b"9" * TOO_LARGE)
            assert await scanned(device, hands, FIRST) == FIRST

    @pytest.mark.parametrize("content", [b"\xff\xfe\x80\x81", b"99\x00\x01\x0299"], ids=["no text", "controls"])
    async def test_garbage_is_refused_and_costs_not_the_next(
        self, device: Scanner, hands: ScannerHands, content: bytes
    ) -> None:
        async with opened(device):
            await refused(device, hands, content)
            assert await scanned(device, hands, FIRST) == FIRST

    async def test_code_that_breaks_off_is_told_in_time_and_costs_not_the_next(
        self, device: Scanner, hands: ScannerHands
    ) -> None:
        async with opened(device):
            async with running(lambda: error_of(device.scan)) as task:
                await self.under_way(task, hands)
                await hands.begin(FIRST.encode())
                begin = time.monotonic()
                unreadable(await task)
                assert time.monotonic() - begin < BROKEN_OFF_S
            assert await scanned(device, hands, SECOND) == SECOND

    async def test_light_is_on_only_while_somebody_waits(self, device: Scanner, hands: ScannerHands) -> None:
        async with opened(device):
            assert not hands.lit()
            async with running(device.scan) as task:
                await self.under_way(task, hands)
                assert hands.lit()
            await until(lambda: not hands.lit())
            await scanned(device, hands, FIRST)
            await until(lambda: not hands.lit())

    async def test_what_a_code_says_is_personal(
        self, device: Scanner, hands: ScannerHands, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        async with opened(device):
            async with running(device.scan) as task:
                await self.under_way(task, hands)
                await hands.show(FIRST.encode())
                code = await task
            assert isinstance(code, ScannedCode)
            assert isinstance(code.text, Pii)
            error = await refused(device, hands, FIRST.encode() + b"\xff")
        said = repr(code) + repr(device) + repr(error) + caplog.text
        assert "999999" not in said


async def scanned(device: Scanner, hands: ScannerHands, text: str) -> str:
    """Wait for a code, show one, and return what was read."""
    async with asyncio.timeout(PATIENCE_S), running(device.scan) as task:
        await asyncio.wait({task}, timeout=TICK_S)
        await hands.ready()
        await hands.show(text.encode())
        code: ScannedCode = await task
        return code.text.reveal()


async def refused(device: Scanner, hands: ScannerHands, content: bytes) -> DeviceError:
    """Show a code that cannot be read, and return what is said of it."""
    async with running(lambda: error_of(device.scan)) as task:
        await asyncio.wait({task}, timeout=TICK_S)
        await hands.ready()
        await hands.show(content)
        return unreadable(await task)


def unreadable(error: DeviceError) -> DeviceError:
    """Demand that this is what a scanner says of a code it cannot read."""
    assert isinstance(error, MediumError)
    assert error.code is DeviceCode.CODE_UNREADABLE
    assert error.device
    return error
