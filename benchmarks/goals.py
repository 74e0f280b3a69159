"""What is measured, row by row, against what is wanted: one function a goal, each returns verdicts and tables."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from benchmarks import counting, drain, latency, million, reopen
from benchmarks.measure import ACK, ACKS, PUT, Effort, Tally, run_rounds, short
from benchmarks.million import FULL, SPARE_ITEMS
from benchmarks.peers.peer import BATCH
from benchmarks.peers.registry import (
    KINDS,
    LITE_QUEUE,
    OURS,
    OURS_AWAITED,
    PERSIST_QUEUE,
    RAW,
    RAW_AWAITED,
)
from benchmarks.place import opened
from benchmarks.report import Table, Verdict, at_least, at_most

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.peers.peer import Kind
    from benchmarks.place import Medium

    Found = tuple[list[Verdict], list[Table]]

OPERATIONS: Final = (PUT, ACK, ACKS)
PUT_ON_DISK, PUT_ON_RAM = 0.95, 0.50  # Q2
ACKS_ON_DISK, ACKS_ON_RAM = 10.0, 2.0  # Q3
MILLION: Final = 1_000_000
AGEING: Final = 1.3  # Q5: no operation may become slower than that
ASKING_MS: Final = 1.0  # Q5
TIMES_PERSIST_QUEUE: Final = 100  # Q5
TIMES_LITE_QUEUE: Final = 10_000  # Q5
BACKLOG: Final = 2000  # Q10
FIRST_S: Final = 1.0  # Q10: from the return of the link to the first item on its way
LAN_BACKLOG: Final = 10_000  # long enough to measure by the second
LINE_S: Final = 0.05  # Q10: the added round trip of a line that is not a LAN


def counts(medium: Medium, items: int, say: Callable[[str], None]) -> Found:
    """Q1 and Q4: flushes and bytes."""
    found: dict[tuple[str, str], counting.Count] = {}
    with medium.room() as room:
        counter = counting.build_counter(room)
        for row, kind in KINDS.items():
            for operation in OPERATIONS[: 1 if not kind.takes else 3 if kind.batches else 2]:
                found[row, operation] = counting.count(counter, row, operation, items, room)
            say(f"counted: {row}")
    rows = []
    for row, kind in KINDS.items():
        ones = [found.get((row, operation)) for operation in OPERATIONS]
        cells = [text for one in ones for text in ((f"{one.flushes:.3f}", f"{one.kib:.1f}") if one else ("–", "–"))]
        rows.append((row, _durable(kind), *cells, kind.note))
    note = (
        f"Counted over {items:,} items by a preloaded library between the process and the C library: calls of "
        "fsync, fdatasync and syncfs, and bytes written to regular files, whatever they are: WAL, checkpoints, also at "
        "closing. Commits that flush nothing are lost in a power cut: the column *durable*."
    )
    head = ("", "durable", *(f"{o}: {what}" for o in OPERATIONS for what in ("flushes", "KiB")), "remarks")
    table = Table("Flushes and bytes of an item (Q1, Q4)", note, head, tuple(rows))
    verdicts = [
        at_most("Q1", "flushes of a put", 1.03, found[OURS, PUT].flushes),
        at_most("Q1", "flushes of a lone acknowledgement", 1.05, found[OURS, ACK].flushes),
        at_most("Q1", f"flushes of an acknowledgement among {BATCH}", 0.05, found[OURS, ACKS].flushes),
        at_most("Q4", "written for a put of 2 KiB", 20.0, found[OURS, PUT].kib, " KiB"),
    ]
    return verdicts, [table]


def speed(medium: Medium, effort: Effort, put_goal: float, ack_goal: float) -> Found:
    """Q2 and Q3 on one medium, all rows side by side, the queues short."""
    tally = Tally()
    with medium.room() as room, opened(KINDS, room) as peers:
        for _, peer in peers.values():
            peer.fill(SPARE_ITEMS)
        run_rounds(peers, effort, tally)
    rows = []
    for row, kind in KINDS.items():
        cells = [row, _durable(kind)]
        for operation, base in ((PUT, PUT), (ACK, ACK), (ACKS, ACK)):
            cells.append(str(tally.ratio(row, operation, RAW, base)) if tally.has(row, operation) else "–")
        cells.append(f"{tally.p50_us(row, PUT):,.0f} / {tally.p99_us(row, PUT):,.0f}")
        rows.append(tuple(cells))
    note = (
        f"{effort.rounds} rounds of {effort.calls} calls. Ratios of items a second to raw's put, and to raw's "
        f"take+ack with one commit each; so the last shows what {BATCH} a commit are worth, for raw too."
    )
    head = ("", "durable", PUT, ACK, ACKS, "put p50 / p99, µs in these rounds")
    at = f"on the {medium.name}"
    verdicts = [
        at_least("Q2", f"put on its thread / raw, {at}", put_goal, tally.ratio(OURS, PUT, RAW)),
        at_least("Q2", f"put awaited / raw awaited, {at}", put_goal, tally.ratio(OURS_AWAITED, PUT, RAW_AWAITED)),
        at_least("Q3", f"{ACKS}, on its thread / raw, one, {at}", ack_goal, tally.ratio(OURS, ACKS, RAW, ACK)),
        at_least(
            "Q3",
            f"{ACKS}, awaited / raw awaited, one, {at}",
            ack_goal,
            tally.ratio(OURS_AWAITED, ACKS, RAW_AWAITED, ACK),
        ),
    ]
    return verdicts, [Table(f"Speed of short queues on the {medium.name} (Q2, Q3)", note, head, tuple(rows))]


def long_queues(media: tuple[Medium, ...], count: int, effort: Effort, say: Callable[[str], None]) -> Found:
    """Q5: every row a million long."""
    found = [one for case in _cases(count) for one in million.measure(case, media, effort, say)]
    verdicts: list[Verdict] = []
    tables: list[Table] = []
    note = (
        f"How many times slower than the same queue with {SPARE_ITEMS} items, in the same rounds: 1 is no ageing. "
        f"{count:,} items wait and {count:,} are finished: ours keeps their receipts, persist-queue and litequeue keep "
        "them as rows until the caller clears them. *Of raw* compares with a short raw SQLite in these rounds."
    )
    head = (
        "", *(f"slower: {operation}" for operation in OPERATIONS), f"of raw: {ACK}", f"of raw: {ACKS}",
        "take+ack, ms: slowest 1 % / first ever", "size, ms", "oldest, ms", "bytes an item",
    )  # fmt: skip
    for medium in media:
        of_medium = [one for one in found if one.medium == medium.name]
        verdicts += _ageing_verdicts({one.row + one.remark: one for one in of_medium}, count, medium.name)
        rows = tuple(_long_row(one) for one in of_medium)
        tables.append(Table(f"{count:,} items waiting, on the {medium.name} (Q5)", note, head, rows))
    return verdicts, tables


def _cases(count: int) -> Iterator[million.Case]:
    for row, kind in KINDS.items():
        if kind.takes and kind.durable and row not in {RAW_AWAITED, OURS_AWAITED}:
            yield million.Case((OURS, OURS_AWAITED) if row == OURS else (row,), waiting=count, finished=count)
        if kind.keeps and kind.durable:
            yield million.Case((row,), waiting=count, finished=0, remark=", cleared of what is finished")


def _long_row(found: million.Found) -> tuple[str, ...]:
    tally, row, full = found.tally, found.row, found.row + FULL
    slower = [str(tally.ratio(row, o, full)) if tally.has(full, o) else "–" for o in OPERATIONS]
    of_raw = [str(tally.ratio(full, o, RAW, ACK)) if tally.has(full, o) else "–" for o in (ACK, ACKS)]
    oldest = "–" if found.oldest_ms is None else short(found.oldest_ms)
    slowest = f"{short(tally.p99_us(full, ACK) / 1e3)} / {short(found.first_ms)}"
    return (row + found.remark, *slower, *of_raw, slowest, short(found.size_ms), oldest, f"{found.bytes_an_item:,.0f}")


def _ageing_verdicts(found: dict[str, million.Found], count: int, medium: str) -> list[Verdict]:
    at = f"at {count:,} on the {medium}"
    verdicts = []
    for row in (OURS, OURS_AWAITED):
        verdicts += [
            at_most("Q5", f"{row}: times slower, {o}, {at}", AGEING, found[row].tally.ratio(row, o, row + FULL))
            for o in OPERATIONS
        ]
    ours = found[OURS]
    peers = ((PERSIST_QUEUE, TIMES_PERSIST_QUEUE), (LITE_QUEUE, TIMES_LITE_QUEUE))
    for peer, wanted in peers if count >= MILLION else ():
        theirs = found[peer].tally.ratio(peer + FULL, ACK, RAW).median
        for operation in (ACK, ACKS):
            times = ours.tally.ratio(OURS + FULL, operation, RAW, ACK).median / theirs
            verdicts.append(at_least("Q5", f"times {peer}, {operation}, {at}", wanted, times))
    first_s, oldest_ms = ours.first_ms / 1e3, ours.oldest_ms or 0.0
    verdicts.append(at_most("Q10", f"first take after {count:,} puts without one, {at}", FIRST_S, first_s, " s"))
    verdicts.append(at_most("Q5", f"asking for the size, {at}", ASKING_MS, ours.size_ms, " ms"))
    verdicts.append(at_most("Q5", f"asking for the oldest, {at}", ASKING_MS, oldest_ms, " ms"))
    return verdicts


def _durable(kind: Kind) -> str:
    return "yes" if kind.durable else "**no**"


def waits(medium: Medium, puts: int) -> Found:
    """Q6: the slowest puts beside a drain."""
    with medium.room() as room:
        found = asyncio.run(latency.measure(room, puts))
    what = f"slowest 1 % of puts while {found.drained:,} items drain, on the {medium.name}"
    wanted = f"≤ {short(found.goal)} ms"
    verdict = Verdict("Q6", what, wanted, f"{short(found.put_p99)} ms", found.put_p99 <= found.goal)
    note = (
        f"{puts:,} puts at random moments, {latency.PAUSE_S * 1e3:.0f} ms apart on average, while batches of 50 are "
        f"settled every {latency.ROUND_TRIP_S * 1e3:.0f} ms on the same file and SQLite checkpoints as it likes; after "
        "each put a page is flushed to a file of its own. The goal is two such flushes (median) and a millisecond."
    )
    row = (
        *(short(value) for value in (found.put_p50, found.put_p99, found.put_worst, found.flush_p50, found.flush_p99)),
        short(found.goal),
    )
    head = ("put p50", "put p99", "put, slowest", "flush p50", "flush p99", "goal")
    return [verdict], [Table(f"A put beside the drain, ms, on the {medium.name} (Q6)", note, head, (row,))]


def drains(medium: Medium) -> Found:
    """Q10: to central and back."""
    rows = []
    found: dict[float, drain.Drained] = {}
    for delay_s, count in ((0.0, LAN_BACKLOG), (LINE_S, BACKLOG)):
        with medium.room() as room:
            one = found[delay_s] = asyncio.run(drain.measure(room, count, delay_s))
        rates = (f"{one.rate:,.0f}", f"{one.rate_without_central:,.0f}", f"{one.items / one.batches:.0f}")
        rows.append((f"{delay_s * 1e3:.0f} ms", f"{count:,}", short(one.seconds), *rates))
    with medium.room() as room:
        back_s = asyncio.run(drain.measure_return(room))
    verdicts = [
        at_least("Q10", "drain without a round trip, central's own time in it", 10_000, found[0.0].rate, " items/s"),
        at_least("Q10", "drain at 50 ms round trip", 900, found[LINE_S].rate, " items/s"),
        at_most("Q10", f"backlog of {BACKLOG:,} gone, at 50 ms round trip", 5.0, found[LINE_S].seconds, " s"),
        at_most("Q10", "first batch at central after the link returns and the courier is told", FIRST_S, back_s, " s"),
    ]
    note = (
        f"The courier and its HTTP sender as they are, the queue on the {medium.name}; central, a process "
        "of its own on the loopback, reads, checks the chain, signs and stores nothing."
    )
    head = ("added round trip", "items", "seconds", "items/s", "items/s, central's work taken out", "items a batch")
    return verdicts, [Table("Draining over HTTP (Q10)", note, head, tuple(rows))]


def cuts(medium: Medium, count: int, say: Callable[[str], None]) -> Found:
    """Q11: open after a cut."""
    with medium.room() as room:
        folder: Path = room / "queue"
        folder.mkdir()
        found = reopen.measure(folder, count, say)
    at = f"{count:,} waiting, on the {medium.name}"
    verdicts = [
        at_most("Q11", f"open after a cut, {at}", 1.0, found.open_s, " s"),
        at_least("Q11", f"chain proven, {at}", 100_000, found.chain_rate, " items/s"),
    ]
    wal = f"{found.wal_bytes / 1024**2:.1f}"
    row = (short(found.open_s), short(found.worst_open_s), wal, f"{found.chain_rate:,.0f}")
    note = (
        f"The process is killed in mid-work, its files leave the page cache, the queue is opened anew; {reopen.ROUNDS} "
        "times. Then the chain of everything waiting is proven."
    )
    head = ("open, s", "slowest, s", "WAL found, MiB", "chain, items/s")
    return verdicts, [Table(f"After a cut: {at} (Q11)", note, head, (row,))]
