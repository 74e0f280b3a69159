"""Counting what a device left behind."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Final

HANDLES: Final = Path("/proc/self/fd")


def open_handles() -> int:
    """Return how many handles this process holds, once what nobody refers to any more is let go of."""
    gc.collect()  # else a socket an earlier test left to the collector goes in the middle of a count
    return len(list(HANDLES.iterdir()))
