"""diskcache's Deque: WAL and NORMAL as shipped, which a power cut undoes; FULL when forced."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from diskcache import Cache, Deque

from benchmarks.peers.peer import BODY_BYTES, Peer
from benchmarks.peers.raw import steps

if TYPE_CHECKING:
    from pathlib import Path


class DiskCache(Peer):
    """Taking removes: there is no acknowledgement, a crash in between loses the item."""

    def __init__(self, folder: Path, *, full: bool) -> None:
        changes = {"sqlite_synchronous": 2} if full else {}
        self._cache = Cache(str(folder), eviction_policy="none", **changes)
        self._deque = Deque.fromcache(self._cache)

    def put(self, body: bytes) -> None:
        """Append."""
        self._deque.append(body)

    def take_ack(self, count: int) -> None:
        """Pop; many in its transaction."""
        if count == 1:
            self._deque.popleft()
            return
        with self._deque.transact():
            for _ in range(count):
                self._deque.popleft()

    def size(self) -> int:
        """Return its counter."""
        return len(self._deque)

    def fill(self, count: int) -> None:
        """Append many a transaction."""
        for step in steps(count - self.size()):
            with self._deque.transact():
                for _ in range(step):
                    self._deque.append(os.urandom(BODY_BYTES))

    def close(self) -> None:
        """Close."""
        self._cache.close()
