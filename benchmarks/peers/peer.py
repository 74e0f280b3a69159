"""What every queue must do here, and how one is timed."""

from __future__ import annotations

import itertools
import os
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

T = TypeVar("T")

BODY_BYTES: Final = 2048
BATCH: Final = 32  # acknowledgements in one commit, where a queue can do that


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the tables. ``open`` makes a queue in an empty folder, or opens the one that is there."""

    name: str
    open: Callable[[Path], Peer]
    durable: bool  # as configured here, what was put survives a power cut
    note: str = ""
    takes: bool = True  # False: a yardstick that only writes
    batches: bool = False  # can acknowledge many in one commit
    keeps: bool = False  # finished items stay until the caller removes them


class Peer(ABC):
    """One open queue, used from one thread."""

    @abstractmethod
    def put(self, body: bytes) -> None:
        """Store one item; return when the queue says it is stored."""

    @abstractmethod
    def take_ack(self, count: int) -> None:
        """Take the ``count`` oldest items and acknowledge them in one commit; ``count`` is 1 unless it can batch."""

    @abstractmethod
    def size(self) -> int:
        """Return the number of items that wait."""

    @abstractmethod
    def fill(self, count: int) -> None:
        """Bring the queue to ``count`` waiting items as fast as possible, not timed."""

    def fill_finished(self, count: int) -> None:
        """Add what ``count`` acknowledged items leave behind; most queues forget them."""
        del count

    @abstractmethod
    def close(self) -> None:
        """Close it as its makers want it closed."""

    def oldest_age_s(self) -> float | None:
        """Return the age of the oldest item; ``None``: the queue cannot say."""
        return None

    def time_puts(self, bodies: Sequence[bytes], budget_s: float) -> list[float]:
        """Put bodies one by one until the budget is spent; return the seconds of each put."""
        return timed(self.put, bodies, budget_s)

    def time_take_acks(self, batches: int, size: int, budget_s: float) -> list[float]:
        """Take and acknowledge ``size`` items at a time; return the seconds of each time."""
        return timed(self.take_ack, itertools.repeat(size, batches), budget_s)


def timed(call: Callable[[T], object], arguments: Iterable[T], budget_s: float) -> list[float]:
    """Call with each argument until the budget is spent, at least one; return the seconds of each."""
    clock = time.perf_counter
    spent: list[float] = []
    end = clock() + budget_s
    for argument in arguments:
        before = clock()
        call(argument)
        after = clock()
        spent.append(after - before)
        if after > end:
            break
    return spent


def random_bodies(count: int) -> list[bytes]:
    """Return bodies no compression and no page cache can make cheaper."""
    return [os.urandom(BODY_BYTES) for _ in range(count)]
