"""Noticing that the database was set back to a backup, and asking the terminals for what was lost with it.

A line beside the database names the item taken in last. It is rewritten after each commit and not flushed: it may be
older than the database after a power cut, and then says nothing, but never newer. An item it names that the database
has not is the proof of a restore.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, update

from central.store.schema import Counter, RestoreMark, StoredItem

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from central.clock import Clock
    from central.store.database import Store
    from offline_queue.wire import Batch, Item

log = logging.getLogger(__name__)
ASK_DAYS: Final = 30  # terminals keep delivered bodies for a week, receipts longer; a terminal may be off for weeks
SLACK: Final = timedelta(minutes=5)  # a transaction may end later than one that began after it
NUMBERS_SKIPPED: Final = 10_000  # case and document numbers given after the backup are not given again
BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)  # a database without items was lost whole
_LINE_BYTES: Final = 256
_PARTS: Final = 4


class Restores:
    """What is known of restores; read once, for a restore needs a stop of central."""

    def __init__(self, store: Store, line: Path, clock: Clock, *, ask_days: int = ASK_DAYS) -> None:
        self._line = line
        self._clock = clock
        self._ask = timedelta(days=ask_days)
        self._lock = threading.Lock()
        with store.write() as session:
            lost = self._lost(session)
            if lost:
                newest = session.scalar(select(func.max(StoredItem.received)))
                moment = BEGINNING if newest is None else newest - SLACK
                log.error("the database was set back to %s: terminals are asked for what came later", moment)
                note_restore(session, moment, clock.now())
            self._marks = [(mark.noted, mark.moment) for mark in session.scalars(select(RestoreMark))]
        if lost:
            self._line.unlink()  # told once
        self._line.touch(0o600)
        self._file = self._line.open("r+b", buffering=0)

    def close(self) -> None:
        """Close the file; idempotent."""
        self._file.close()

    @property
    def wanted(self) -> datetime | None:
        """The moment after which items are wanted again; ``None``: nothing was lost in the last days."""
        since = self._clock.now() - self._ask
        if not any(noted >= since for noted, _ in self._marks):
            return None
        # The earliest, moved by a second for each restore: a terminal knows a new one by a moment it has not heard.
        # Old marks count as long as a young one does: without them the moment would move, and everybody be asked anew.
        return min(moment for _, moment in self._marks) - timedelta(seconds=len(self._marks) - 1)

    def took(self, batch: Batch, item: Item) -> None:
        """Note the item taken in last, after its commit."""
        said = f"{batch.kiosk} {batch.epoch} {item.seq} {item.chain.hex()}".encode("ascii")
        with self._lock:
            self._file.seek(0)
            self._file.write(said.ljust(_LINE_BYTES - 1) + b"\n")

    def _lost(self, session: Session) -> bool:
        try:
            parts = self._line.read_text("ascii").split()
        except (FileNotFoundError, UnicodeDecodeError):
            return False
        if len(parts) != _PARTS or not parts[2].isdigit():
            return False  # never written, or torn by a power cut
        kiosk, epoch, seq, chain = parts
        found = session.get(StoredItem, (kiosk, epoch, int(seq)))
        return found is None or found.chain != chain


def note_restore(session: Session, moment: datetime, now: datetime) -> None:
    """Record a restore to ``moment`` within the caller's transaction."""
    session.add(RestoreMark(noted=now, moment=moment))
    session.execute(update(Counter).values(value=Counter.value + NUMBERS_SKIPPED))
    session.flush()
