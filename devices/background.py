"""What a device does beside its calls, from its opening to its closing: the one place where tasks have no group.

A group ends with the function it stands in; a device is opened by one call and closed by another.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Coroutine

_log = logging.getLogger(__name__)


class Background:
    """Keeps the tasks of one device. None outlives :meth:`stop`, and none ends by an error without a word."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, work: Coroutine[None, None, None], what: str) -> None:
        """Let ``work`` run beside everything else."""
        task = asyncio.get_running_loop().create_task(work, name=f"{what}-{self._device}")
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    async def stop(self) -> None:
        """End all of it and wait for that. Idempotent; never raises but for its own cancellation."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            # The type only: a driver's text may hold anything.
            _log.error("device %s: %s ended: %s", self._device, task.get_name(), type(error).__name__)
