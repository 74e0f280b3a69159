"""Room kept for the day the disk is full: a file that is given up so that settling can go on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

SPARE_BYTES: Final = 4 * 1024 * 1024  # reserve file and spare pages: enough log to settle a batch on a full disk


class Reserve:
    """One file of :data:`SPARE_BYTES`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.spent = True  # given up, or not put back yet

    def give_up(self) -> None:
        """Free its room. Raises ``OSError``."""
        self._path.unlink(missing_ok=True)
        self.spent = True

    def fill(self) -> None:
        """Take its room on the disk; when there is none, admission says so by the free space."""
        try:
            if not self._path.exists() or self._path.stat().st_size != SPARE_BYTES:
                with self._path.open("wb") as reserve:
                    os.posix_fallocate(reserve.fileno(), 0, SPARE_BYTES)
        except OSError:
            self.give_up()
        else:
            self.spent = False
