"""Rounds: every row in turn, again and again, so that a disk that slows down slows all of them."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.peers.peer import BATCH, random_bodies

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.peers.peer import Kind, Peer

PUT: Final = "put"
ACK: Final = "take+ack, one a commit"
ACKS: Final = f"take+ack, {BATCH} a commit"
P99_NEEDS: Final = 100  # calls; of fewer the slowest is told as p99, which is the harsher word


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done in one round by each row."""

    rounds: int
    calls: int  # puts, and single acknowledgements; batches are chosen to move as many items
    budget_s: float  # of one operation of one row in one round: some peers take seconds an item


class Tally:
    """Seconds of every call, by row, operation and round."""

    def __init__(self) -> None:
        self._rates: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._spent: dict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, row: str, operation: str, spent: Sequence[float], items_a_call: int = 1) -> None:
        """Add a round of one row."""
        self._rates[row, operation].append(items_a_call * len(spent) / sum(spent))
        self._spent[row, operation] += spent

    def has(self, row: str, operation: str) -> bool:
        """Tell whether the row did that."""
        return (row, operation) in self._rates

    def rate(self, row: str, operation: str) -> float:
        """Return the median of items a second."""
        return statistics.median(self._rates[row, operation])

    def p50_us(self, row: str, operation: str) -> float:
        """Return the median call in µs."""
        return statistics.median(self._spent[row, operation]) * 1e6

    def p99_us(self, row: str, operation: str) -> float:
        """Return the 99th percentile of the calls in µs."""
        return percentile(self._spent[row, operation], 0.99) * 1e6

    def ratio(self, row: str, operation: str, to: str, to_operation: str | None = None) -> Ratio:
        """Return a row's rate over another's of the same round."""
        others = self._rates[to, to_operation or operation]
        return Ratio.of([mine / other for mine, other in zip(self._rates[row, operation], others, strict=True)])


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the rounds, and the two rounds furthest from it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, rounds: Sequence[float]) -> Ratio:
        """Summarise rounds."""
        return cls(statistics.median(rounds), min(rounds), max(rounds))

    def __str__(self) -> str:
        return f"{short(self.median)} ({short(self.low)}–{short(self.high)})"


def run_rounds(peers: Mapping[str, tuple[Kind, Peer]], effort: Effort, tally: Tally) -> None:
    """Let each row put and take as much as it put, ``effort.rounds`` times over, beginning with another row each time.

    The queues stay as long as they were: what a put adds, an acknowledgement removes.
    """
    names = list(peers)
    for number in range(effort.rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            kind, peer = peers[name]
            _round(name, kind, peer, effort, tally)


def _round(name: str, kind: Kind, peer: Peer, effort: Effort, tally: Tally) -> None:
    singles = effort.calls
    batches = math.ceil(effort.calls / BATCH) if kind.batches else 0
    puts = peer.time_puts(random_bodies(singles + batches * BATCH), effort.budget_s)
    tally.add(name, PUT, puts)
    if not kind.takes:
        return
    tally.add(name, ACK, peer.time_take_acks(min(singles, len(puts)), 1, effort.budget_s))
    if kind.batches:
        tally.add(name, ACKS, peer.time_take_acks(batches, BATCH, effort.budget_s), BATCH)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of the values do not exceed; of few values, the largest."""
    ordered = sorted(values)
    return ordered[-1] if len(ordered) < P99_NEEDS else ordered[math.ceil(share * len(ordered)) - 1]


def short(value: float) -> str:
    """Write a number with two or three digits that count."""
    if value == 0 or value >= 100:  # noqa: PLR2004 - digits
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.01 else f"{value:.1g}"  # noqa: PLR2004 - digits
