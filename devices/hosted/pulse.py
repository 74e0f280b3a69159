"""Whether a driver's process still lives: it beats, and one that does not is hung, unless it only gets no processor."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.hosted.link import Link

SILENT_S: Final = 0.6  # six beats; what is left of a second is for a busy machine
LATE_S: Final = 0.4  # of the loop of the process: told with a beat, at most two beats later
STARVED_MAX_S: Final = 10.0  # so long a process that wants to run and may not is waited for
STARVED_SHARE: Final = 0.25  # of one core since it was last looked at; with more it could have beaten
_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
_SPAN_MIN_S: Final = 0.1  # some ticks: a shorter look says nothing about a share


class Pulse:
    """Watches one process from :meth:`start` to :meth:`stop`."""

    def __init__(self, pid: int, link: Link, on_hang: Callable[[], None]) -> None:
        self._link, self._on_hang = link, on_hang
        self._all = Path(f"/proc/{pid}/task")
        self._loop = self._all / str(pid)  # its main thread
        self._timer: asyncio.TimerHandle | None = None
        self._looked = (0.0, 0.0, 0.0)  # when; processor time used by then, of all threads and of the loop's

    def start(self) -> None:
        """Begin."""
        self._link.heard = time.monotonic()
        self._again(SILENT_S)

    def stop(self) -> None:
        """End. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def beat(self, late_s: float) -> None:
        """Take a sign of life that says how long the process's loop has not come round."""
        if self._timer is not None and late_s >= LATE_S and not self._starved(late_s, self._loop, self._looked[2]):
            self.stop()
            self._on_hang()

    def _again(self, seconds: float) -> None:
        self._looked = (time.monotonic(), _processor(self._all)[0], _processor(self._loop)[0])
        self._timer = asyncio.get_running_loop().call_later(seconds, self._check)

    def _check(self) -> None:
        silent_s = time.monotonic() - self._link.heard
        if silent_s < SILENT_S:
            self._again(SILENT_S - silent_s)
        elif self._starved(silent_s, self._all, self._looked[1]):
            self._again(SILENT_S / 4)
        else:
            self.stop()
            self._on_hang()

    def _starved(self, silent_s: float, threads: Path, before_s: float) -> bool:
        """Tell whether it wants to run and was hardly let: a busy machine is no reason to kill a sound driver."""
        used_s, wants = _processor(threads)
        span_s = time.monotonic() - self._looked[0]
        little = span_s < _SPAN_MIN_S or used_s - before_s < STARVED_SHARE * span_s
        return wants and little and silent_s < STARVED_MAX_S


def _processor(threads: Path) -> tuple[float, bool]:
    """Return the processor time used, in seconds, and whether more is wanted now: of a thread, or of a folder of them.

    proc(5), fields 3, 14 and 15 of ``stat``.
    """
    used, wants = 0, False
    try:
        for thread in [threads] if threads.name != "task" else threads.iterdir():
            fields = (thread / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            wants = wants or fields[0] == "R"
            used += int(fields[11]) + int(fields[12])
    except (OSError, IndexError, ValueError):  # it ends this moment: its end is told by itself
        return 0.0, False
    return used * _TICK_S, wants
