"""Q5: a queue that is a million items long, and remembers a million more, against the same queue empty."""

from __future__ import annotations

import shutil
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.measure import Effort, Tally, run_rounds
from benchmarks.peers.registry import KINDS, RAW
from benchmarks.peers.tongban import Tongban

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.peers.peer import Peer
    from benchmarks.place import Medium

FULL: Final = ", full"
SPARE_ITEMS: Final = 400  # in the short queues: enough lanes for a batch
RECEIPTS_DAYS_AGO: Final = 30.0  # older than sealed bodies are kept, younger than receipts are
_ASKED: Final = 5


@dataclass(frozen=True, slots=True)
class Length:
    """What asking a long queue costs and what it weighs. Times in ms; ``None``: it cannot say."""

    size_ms: float
    oldest_ms: float | None
    bytes_an_item: float


def measure(
    rows: tuple[str, ...], count: int, media: tuple[Medium, ...], effort: Effort, say: Callable[[str], None]
) -> dict[tuple[str, str], tuple[Tally, Length]]:
    """Fill a queue once, on the first medium; measure it there, copy it to the next, and so on.

    ``rows`` are ways to use the same file. In each round raw sqlite3, the row empty and the row full take turns. By row
    and medium's name.
    """
    found: dict[tuple[str, str], tuple[Tally, Length]] = {}
    with media[0].room() as first:
        full = first / "full"
        full.mkdir()
        began = time.monotonic()
        _fill(rows[0], full, count)
        say(f"{rows[0]}: filled in {time.monotonic() - began:.0f} s")
        for medium in media:
            with medium.room() as room:
                place = full
                if medium is not media[0]:
                    place = room / "full"
                    shutil.copytree(full, place)
                for number, row in enumerate(rows):
                    short = room / f"short-{number}"
                    short.mkdir()
                    found[row, medium.name] = _compare(row, place, short, count, effort)
                    say(f"{row}: measured on the {medium.name}")
    return found


def _fill(row: str, folder: Path, count: int) -> None:
    peer = KINDS[row].open(folder)
    try:
        if isinstance(peer, Tongban):
            peer.fill_receipts(count, RECEIPTS_DAYS_AGO)
        peer.fill(count)
    finally:
        peer.close()


def _compare(row: str, full: Path, room: Path, count: int, effort: Effort) -> tuple[Tally, Length]:
    tally = Tally()
    peers = {}
    try:
        for name, folder in ((RAW, room / "raw"), (row, room / "empty"), (row + FULL, full)):
            kind = KINDS[name.removesuffix(FULL)]
            folder.mkdir(exist_ok=True)
            peers[name] = (kind, kind.open(folder))
            if folder is not full:
                peers[name][1].fill(SPARE_ITEMS)
        run_rounds(peers, effort, tally)
        weight = sum(file.stat().st_size for file in full.rglob("*") if file.is_file())
        length = _ask(peers[row + FULL][1], weight / count)
    finally:
        for _, peer in peers.values():
            peer.close()
    return tally, length


def _ask(peer: Peer, bytes_an_item: float) -> Length:
    return Length(
        _time_ms(peer.size),
        None if peer.oldest_age_s() is None else _time_ms(peer.oldest_age_s),
        bytes_an_item,
    )


def _time_ms(question: Callable[[], object]) -> float:
    spent = []
    for _ in range(_ASKED):
        before = time.perf_counter()
        question()
        spent.append(time.perf_counter() - before)
    return statistics.median(spent) * 1e3
