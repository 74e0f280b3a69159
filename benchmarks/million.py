"""Q5: a queue that is a million items long, and remembers a million more, against the same queue empty."""

from __future__ import annotations

import shutil
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Effort, Tally, run_rounds
from benchmarks.peers.registry import KINDS, RAW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.peers.peer import Peer
    from benchmarks.place import Medium

FULL: Final = ", full"
SPARE_ITEMS: Final = 400  # in the short queues: enough lanes for a batch
_ASKED: Final = 5


@dataclass(frozen=True, slots=True)
class Case:
    """One file to fill: by whom it is used (``ways`` of the registry), how much waits in it, how much is finished."""

    ways: tuple[str, ...]
    waiting: int
    finished: int
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A long queue measured. Times in ms; ``None``: it cannot say."""

    row: str
    remark: str
    medium: str
    tally: Tally  # of raw, of the row, and of the row with ``FULL``
    first_ms: float  # the first take and acknowledgement after the filling
    size_ms: float
    oldest_ms: float | None
    bytes_an_item: float  # that waits


def measure(case: Case, media: tuple[Medium, ...], effort: Effort, say: Callable[[str], None]) -> Iterator[Found]:
    """Fill a queue once, on the first medium; measure it there, copy it to the next, and so on.

    In each round raw sqlite3, the row empty and the row full take turns.
    """
    with media[0].room() as first:
        full = first / "full"
        full.mkdir()
        began = time.monotonic()
        first_ms = _fill(case, full)
        say(f"{case.ways[0]}{case.remark}: filled in {time.monotonic() - began:.0f} s")
        for medium in media:
            with medium.room() as room:
                place = full
                if medium is not media[0]:
                    place = room / "full"
                    shutil.copytree(full, place)
                for row in case.ways:
                    tally = Tally()
                    weight = sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
                    size_ms, oldest_ms = _compare(row, place, room / row, effort, tally)
                    say(f"{row}{case.remark}: measured on the {medium.name}")
                    yield Found(
                        row, case.remark, medium.name, tally, first_ms, size_ms, oldest_ms, weight / case.waiting
                    )


def _fill(case: Case, folder: Path) -> float:
    peer = KINDS[case.ways[0]].open(folder)
    try:
        peer.fill_finished(case.finished)
        peer.fill(case.waiting)
        return peer.time_take_acks(1, 1, 0.0)[0] * 1e3
    finally:
        peer.close()


def _compare(row: str, full: Path, room: Path, effort: Effort, tally: Tally) -> tuple[float, float | None]:
    peers = {}
    try:
        for name, folder in ((RAW, room / "raw"), (row, room / "empty"), (row + FULL, full)):
            kind = KINDS[name.removesuffix(FULL)]
            folder.mkdir(parents=True, exist_ok=True)
            peers[name] = (kind, kind.open(folder))
            if folder is not full:
                peers[name][1].fill(SPARE_ITEMS)
        run_rounds(peers, effort, tally)
        return _ask(peers[row + FULL][1])
    finally:
        for _, peer in peers.values():
            peer.close()


def _ask(peer: Peer) -> tuple[float, float | None]:
    return _time_ms(peer.size), None if peer.oldest_age_s() is None else _time_ms(peer.oldest_age_s)


def _time_ms(question: Callable[[], object]) -> float:
    spent = []
    for _ in range(_ASKED):
        before = time.perf_counter()
        question()
        spent.append(time.perf_counter() - before)
    return statistics.median(spent) * 1e3
