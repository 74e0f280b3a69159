"""What can go wrong with the queue itself. The link to central is not here: a dead link is a state, not an error.

QueueError            locked by another process, closed, read-only, wrong arguments
 ├─ QueueFull         no room: the item was refused before it was taken
 └─ QueueCorrupt      the file is not what was written
"""

from __future__ import annotations

import enum


class QueueCode(enum.StrEnum):
    """Closed set; staff text and docs/errors.md are keyed by it."""

    FULL = "queue.full"
    CORRUPT = "queue.corrupt"
    LOCKED = "queue.locked"  # another process owns the file
    CLOSED = "queue.closed"
    IO = "queue.io"  # the disk refused
    READ_ONLY = "queue.read_only"
    WRONG_KIOSK = "queue.wrong_kiosk"  # the file belongs to another terminal
    INVALID = "queue.invalid"  # a caller's mistake: wrong kind, too large, dropped key


class QueueError(Exception):
    """Root. ``detail`` is for technicians and never holds personal data."""

    default_code = QueueCode.IO

    def __init__(self, detail: str, *, code: QueueCode | None = None) -> None:
        super().__init__(detail)
        self.code = code or self.default_code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class QueueFull(QueueError):
    """No room left on the disk or under the cap; nothing was stored."""

    default_code = QueueCode.FULL


class QueueCorrupt(QueueError):
    """The file is damaged; stop take-in, keep the file, call a technician."""

    default_code = QueueCode.CORRUPT
