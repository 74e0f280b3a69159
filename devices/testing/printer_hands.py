"""What the contract of a printer needs to know: what a person can do to the machine, and how its jobs are watched."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from devices.health import READY
from devices.testing.device import PATIENCE_S, Hands, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from devices.health import Condition
    from devices.printer import Printer, PrintProgress
    from devices.values import PrintJob, PrintReceipt

INTO_IT_S = 0.1  # after the first report of a job
QUIET_S = 0.3  # nothing may come out for so long after everything has ended
TICK_S = 0.02


class PrinterHands(Hands, Protocol):
    """What can be done to the machine from outside."""

    said: frozenset[Condition]  # all the driver can tell of this machine
    conditions: frozenset[Condition]  # those ``provoke`` can bring about
    out_of_reach: Mapping[Condition, str]  # the others, and why

    def new_job(self) -> PrintJob:
        """Return a job that is printed in several steps and can be told from every other."""
        ...

    def copies(self, job: PrintJob) -> int:
        """Count the complete copies of the job that have come out."""
        ...

    async def empty(self) -> None:
        """Take all paper out; the machine notices."""
        ...

    async def let_paper_end(self) -> None:
        """Leave less paper than the next job needs; the machine does not notice yet."""
        ...

    async def load(self) -> None:
        """Load paper."""
        ...

    async def slow(self, on: bool) -> None:
        """Let each job take more than a second, or as little as it can."""
        ...

    async def provoke(self, condition: Condition) -> None:
        """Bring a condition about."""
        ...

    async def clear(self, condition: Condition) -> None:
        """Put it right again."""
        ...


@asynccontextmanager
async def printing(
    device: Printer, job: PrintJob, heard: list[PrintProgress] | None = None
) -> AsyncIterator[tuple[asyncio.Task[PrintReceipt], list[PrintProgress]]]:
    """Start a job and give its task once the printer has begun, with what it reports."""
    heard = [] if heard is None else heard
    async with asyncio.TaskGroup() as group:
        running = group.create_task(device.print(job, heard.append))
        await until(lambda: bool(heard))
        await asyncio.sleep(INTO_IT_S)
        yield running, heard


async def settled(running: asyncio.Task[PrintReceipt]) -> bool:
    """Give the driver the moment it needs to see what a person sees already."""
    await asyncio.wait({running}, timeout=PATIENCE_S)
    return running.done()


async def ready(device: Printer) -> None:
    """Wait until the printer says that it can print: one that was switched on needs a moment."""
    async with asyncio.timeout(PATIENCE_S):
        while await device.probe() != READY:  # noqa: ASYNC110 - a printer sets no event
            await asyncio.sleep(TICK_S)


def blocked_by(heard: list[PrintProgress], condition: Condition) -> bool:
    """Tell whether the newest report says that the job waits for ``condition`` to go."""
    return bool(heard) and condition in heard[-1].blocked
