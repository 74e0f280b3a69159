"""Self-tests of what is no device: face comparison, central, queue, disk. Each does its real work once."""

from __future__ import annotations

import asyncio
import os
import secrets
from typing import TYPE_CHECKING, Final

from kiosk import queue_view
from kiosk.errors import GatewayRefused, KioskError
from kiosk.maintenance.results import CheckOutcome
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from kiosk.visit import Tools
    from offline_queue.ledger import Ledger
    from offline_queue.outbox import Outbox

DISK_BYTES: Final = 1024 * 1024


class Ended(Exception):
    """A test ended before its end. ``code`` is a device's code, or one of ``maintenance.why``."""

    def __init__(self, outcome: CheckOutcome, code: str) -> None:
        super().__init__(code)
        self.outcome = outcome
        self.code = code


class OtherTests:
    """One test a part; each returns when it passed and raises :class:`Ended` when not."""

    def __init__(self, tools: Tools, outbox: Outbox, folder: Path) -> None:
        self._tools = tools
        self._outbox = outbox
        self._folder = folder

    def tests(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return the tests by part."""
        return {"face": self._face, "central": self._central, "queue": self._queue, "disk": self._disk}

    async def _face(self) -> None:
        if self._tools.face is None or not await self._tools.face.ready():
            raise Ended(CheckOutcome.FAILED, "health")

    async def _central(self) -> None:
        try:
            await self._tools.gateway.catalogue()
        except KioskError as error:
            refused = isinstance(error, GatewayRefused)
            raise Ended(CheckOutcome.FAILED, "central_refused" if refused else "central_silent") from None

    async def _queue(self) -> None:
        walk = queue_view.Walk()

        def step(ledger: Ledger) -> list[queue_view.Problem] | None:
            return queue_view.verify(ledger, walk)

        try:
            while (problems := await self._outbox.read(step)) is not None:
                if problems:
                    raise Ended(CheckOutcome.FAILED, "queue_damaged")
        except QueueError:
            raise Ended(CheckOutcome.FAILED, "queue_damaged") from None

    async def _disk(self) -> None:
        try:
            sound = await asyncio.to_thread(_write_and_read, self._folder / "disk.test")
        except OSError:
            sound = False
        if not sound:
            raise Ended(CheckOutcome.FAILED, "disk_refused")


def _write_and_read(path: Path) -> bool:
    content = secrets.token_bytes(DISK_BYTES)
    try:
        with path.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
            # Out of the cache: what is read back shall come from the disk.
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return path.read_bytes() == content
    finally:
        path.unlink(missing_ok=True)
