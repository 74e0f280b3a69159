"""Figures of the computer itself: disk, memory, temperature, load. What the kernel does not tell is ``None``."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMINFO: Final = Path("/proc/meminfo")
THERMAL: Final = Path("/sys/class/thermal")
UPTIME: Final = Path("/proc/uptime")
MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """At one moment. Sizes in mebibytes, temperature in degrees Celsius (the hottest zone), uptime in seconds."""

    disk_free_mb: int | None
    disk_total_mb: int | None
    memory_free_mb: int | None
    memory_total_mb: int | None
    temperature: float | None
    load: float | None
    uptime_s: int | None


def look(state: Path) -> Machine:
    """Return the figures; ``state`` names the disk that is meant. Reads a few kernel files; never raises."""
    disk = None
    try:
        disk = shutil.disk_usage(state)
        load: float | None = os.getloadavg()[0]
    except OSError:
        load = None
    memory = dict(_memory())
    return Machine(
        disk_free_mb=None if disk is None else disk.free // MEGABYTE,
        disk_total_mb=None if disk is None else disk.total // MEGABYTE,
        memory_free_mb=memory.get("MemAvailable"),
        memory_total_mb=memory.get("MemTotal"),
        temperature=max(_temperatures(), default=None),
        load=load,
        uptime_s=_uptime(),
    )


def _memory() -> Iterator[tuple[str, int]]:
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        name, _, rest = line.partition(":")
        if name in {"MemAvailable", "MemTotal"}:
            yield name, int(rest.split()[0]) // 1024


def _temperatures() -> Iterator[float]:
    for zone in sorted(THERMAL.glob("thermal_zone*/temp")):
        try:
            yield int(zone.read_text(encoding="ascii")) / 1000
        except (OSError, ValueError):  # a zone whose sensor sleeps answers with an error
            continue


def _uptime() -> int | None:
    try:
        return int(float(UPTIME.read_text(encoding="ascii").split()[0]))
    except (OSError, ValueError, IndexError):
        return None
