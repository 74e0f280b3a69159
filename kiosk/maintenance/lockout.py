"""The terminal's own lock after a wrong PIN: one minute, then two, four, … beside the card's own counter.

Time is counted on the machine's monotonic clock and named with the boot it belongs to: setting the wall clock does not
help, a restart of the program neither, and a restart of the machine begins the present wait anew.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kiosk.maintenance.keeping import keep, kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.values import Clock

FIRST_S: Final = 60.0
LONGEST_S: Final = 8 * 3600.0  # a shift: whoever may open the machine can be sent for by then
FILE: Final = "lockout.json"
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Return the kernel's name of the present boot; blocks no longer than reading memory does."""
    return BOOT_ID.read_text(encoding="ascii").strip()


class Lockout:
    """Counts tries; a try counts as wrong until it is known to be right, so that a power cut gives none for free."""

    def __init__(self, folder: Path, clock: Clock, boot: Callable[[], str] = boot_id) -> None:
        self._path = folder / FILE
        self._clock = clock
        self._boot = boot()
        self._failures = 0
        self._until = 0.0
        found = kept(self._path)
        if isinstance(found, dict):
            self._failures = max(0, int(found.get("failures", 0)))
            same = found.get("boot") == self._boot
            self._until = float(found.get("until", 0.0)) if same else self._now() + self._pause()

    @property
    def failures(self) -> int:
        """Return how many tries went wrong since the last right one."""
        return self._failures

    def wait_s(self) -> float:
        """Return how long the next try has to wait; 0: it may be made now."""
        return max(0.0, min(self._until - self._now(), self._pause()))

    async def begin_try(self) -> None:
        """Count a try as wrong, on the disk, before its PIN goes to the card. Raises ``OSError``: then no try."""
        self._failures += 1
        self._until = self._now() + self._pause()
        await self._keep()

    async def take_back(self) -> None:
        """Uncount a try that told nothing about the PIN (card lifted, reader gone). Raises ``OSError``."""
        self._failures = max(0, self._failures - 1)
        self._until = self._now()
        await self._keep()

    async def succeeded(self) -> None:
        """Forget all tries: the PIN was right. Raises ``OSError``."""
        self._failures, self._until = 0, 0.0
        await self._keep()

    def _pause(self) -> float:
        return min(FIRST_S * 2.0 ** min(self._failures - 1, 20), LONGEST_S) if self._failures else 0.0

    def _now(self) -> float:
        return self._clock.monotonic()

    async def _keep(self) -> None:
        data = {"failures": self._failures, "boot": self._boot, "until": self._until}
        await asyncio.to_thread(keep, self._path, data)
