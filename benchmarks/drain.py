"""Q10: the courier with its real HTTP sender against a central in another process, over the loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.peers.tongban import ITEMS_PER_VISIT, KIOSK, Central, open_outbox, put_many
from offline_queue.courier import Courier
from offline_queue.http import HttpSender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from offline_queue.outbox import Outbox

_POLL_S: Final = 0.02  # a hundredth of the time measured; more often, and asking is what is measured
_DEADLINE_S: Final = 300.0
OUTAGE_S: Final = 3.0  # long enough for the courier to have backed off


@dataclass(frozen=True, slots=True)
class Drained:
    """A backlog gone: how fast, and how much of the time central worked itself."""

    items: int
    seconds: float
    batches: int
    central_s: float

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items / self.seconds

    @property
    def rate_without_central(self) -> float:
        """Items a second, had central answered at once."""
        return self.items / (self.seconds - self.central_s)


class Desk:
    """The process of central, seen from here."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.port = 0
        self.listening = 0.0

    @classmethod
    async def start(cls, central: Central, delay_s: float, port: int = 0) -> Desk:
        """Start it; returns when it listens."""
        keys = central.sealing.private_bytes_raw() + central.signing.private_bytes_raw()
        arguments = [sys.executable, "-m", "benchmarks.desk", str(port), str(delay_s), keys.hex()]
        pipe = asyncio.subprocess.PIPE
        desk = cls(await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe))
        line = await desk.line()
        desk.port, desk.listening = line["port"], line["listening"]
        return desk

    async def line(self) -> dict[str, Any]:
        """Return the next thing it tells."""
        if self._process.stdout is None:
            raise RuntimeError("central has no output")
        async with asyncio.timeout(_DEADLINE_S):
            return dict(json.loads(await self._process.stdout.readline()))

    async def stop(self) -> dict[str, Any]:
        """Stop it; return its last words."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        last = await self.line()
        await self._process.wait()
        return last


async def measure(room: Path, count: int, delay_s: float) -> Drained:
    """Drain a backlog of ``count`` items, with ``delay_s`` added to each round trip."""
    central = Central()
    outbox = await open_outbox(room, central)
    desk = await Desk.start(central, delay_s)
    await put_many(outbox, count)
    began = time.monotonic()
    async with _running(outbox, desk.port):
        await _empty(outbox)
        seconds = time.monotonic() - began
    await outbox.close()
    await desk.line()
    last = await desk.stop()
    return Drained(count, seconds, last["batches"], last["busy_s"])


async def measure_return(room: Path) -> float:
    """Return the seconds from the moment central listens again until the first batch has arrived there."""
    central = Central()
    outbox = await open_outbox(room, central)
    port = _free_port()
    await put_many(outbox, ITEMS_PER_VISIT)
    async with _running(outbox, port) as courier:
        await asyncio.sleep(OUTAGE_S)
        desk = await Desk.start(central, 0.0, port)
        courier.nudge()  # as the terminal does when the network comes up
        first = (await desk.line())["first"]
        await _empty(outbox)
    await outbox.close()
    await desk.stop()
    return float(first) - desk.listening


@asynccontextmanager
async def _running(outbox: Outbox, port: int) -> AsyncIterator[Courier]:
    sender = HttpSender(f"http://127.0.0.1:{port}", kiosk=KIOSK, ca_file=None, token=lambda: "bench")
    courier = Courier(outbox, sender, monotonic=time.monotonic)
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(courier.run())
            try:
                yield courier
            finally:
                task.cancel()
    finally:
        await sender.close()


async def _empty(outbox: Outbox) -> None:
    async with asyncio.timeout(_DEADLINE_S):
        while (await outbox.stats()).pending:  # noqa: ASYNC110 - no single item's end is the end of all
            await asyncio.sleep(_POLL_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
