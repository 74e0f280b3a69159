"""Fixtures of the queue's tests: time moved by hand, a central that signs, outboxes that are closed again."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from offline_queue.courier import Courier
from offline_queue.outbox import Outbox
from tests.queue.central_desk import CentralDesk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from offline_queue.values import Alarm


class HandTime:
    """Wall and monotonic clock that move when told to; ``true`` is central's clock, which nothing sets wrong."""

    def __init__(self) -> None:
        self.wall = self.true = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
        self.mono = 1000.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.mono

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        event = asyncio.Event()
        self._sleepers.append((self.mono + seconds, event))
        await event.wait()

    def advance(self, seconds: float) -> None:
        self.mono += seconds
        self.wall += timedelta(seconds=seconds)
        self.true += timedelta(seconds=seconds)
        for due, event in self._sleepers:
            if due <= self.mono:
                event.set()


class Rig:
    """Opens outboxes and couriers that share one folder, one time and one central."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "queue.db"
        self.time = HandTime()
        self.central = CentralDesk(clock=lambda: self.time.true)
        self.alarms: list[Alarm] = []
        self.outboxes: list[Outbox] = []

    async def open(self, **changes: Any) -> Outbox:
        arguments: dict[str, Any] = {
            "kiosk": "hall-03",
            "central_key": self.central.sealing.public_key(),
            "central_key_id": "central-1",
            "receipt_keys": {"receipts-1": self.central.signing.public_key()},
            "now": self.time.now,
            "monotonic": self.time.monotonic,
            "on_alarm": self.alarms.append,
            "boot_id": "boot-1",
        }
        outbox = await Outbox.open(self.path, **(arguments | changes))
        self.outboxes.append(outbox)
        return outbox

    def courier(self, outbox: Outbox, **changes: Any) -> Courier:
        arguments: dict[str, Any] = {
            "send": self.central.send,
            "monotonic": self.time.monotonic,
            "sleep": self.time.sleep,
            "chance": lambda: 1.0,
        }
        return Courier(outbox, **(arguments | changes))

    @contextlib.asynccontextmanager
    async def running(self, courier: Courier) -> AsyncIterator[Courier]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(courier.run(), name="courier")
            try:
                yield courier
            finally:
                task.cancel()

    async def until(self, condition: Callable[[], bool | Awaitable[bool]], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while True:
                answer = condition()
                if answer if isinstance(answer, bool) else await answer:
                    return
                await asyncio.sleep(0.002)

    async def pending(self, outbox: Outbox, count: int) -> None:
        async def reached() -> bool:
            return (await outbox.stats()).pending == count

        await self.until(reached)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    for outbox in rig.outboxes:
        await outbox.close()
