"""What of a queue goes into a file somebody carries by hand: signed batches in an order central may take them in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kiosk import queue_view
from kiosk.carry.file import CarryError
from offline_queue import wire
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from offline_queue.ledger import Ledger

SETTLED: Final = frozenset({"delivered", "rejected"})


@dataclass(slots=True)
class Plan:
    """What goes, in which batches (epoch and seqs), and what stays: seqs set aside, and what stands behind them."""

    batches: list[tuple[str, list[int]]] = field(default_factory=list)
    stays: list[int] = field(default_factory=list)
    count: int = 0


def plan(ledger: Ledger) -> Plan:
    """Sort what waits into waves: the first items of all lanes, then the second ones, so that each batch is valid."""
    made, depth, stopped = Plan(), dict[str, int](), set[str]()
    order: list[tuple[int, int, str, int]] = []
    after = 0
    while page := queue_view.entries(ledger, after=after):
        for entry in page:
            if entry.place in SETTLED:
                continue
            if entry.place == "held" or _item(ledger, entry.epoch, entry.seq) is None:
                stopped.add(entry.lane)
            if entry.lane in stopped:
                made.stays.append(entry.seq)
            else:
                depth[entry.lane] = depth.get(entry.lane, 0) + 1
                order.append((depth[entry.lane], entry.seq, entry.epoch, entry.size))
        after = page[-1].seq
    wave, room = (0, ""), 0
    for level, seq, epoch, size in sorted(order):
        if wave != (level, epoch) or size > room or len(made.batches[-1][1]) == wire.MAX_BATCH_ITEMS:
            made.batches.append((epoch, []))
            wave, room = (level, epoch), wire.MAX_BATCH_BYTES
        made.batches[-1][1].append(seq)
        room -= size
    made.count = len(order)
    return made


def signed_batches(
    ledger: Ledger, batches: list[tuple[str, list[int]]], sign: Callable[[bytes], bytes]
) -> Iterator[bytes]:
    """Yield each batch encoded and signed by the kiosk's key. Raises ``CarryError`` when an item is not readable."""
    head = ledger.load_head()
    end = wire.ChainEnd(head.epoch, head.seq, head.chain)
    for epoch, seqs in batches:
        items = [item for seq in seqs if (item := _item(ledger, epoch, seq)) is not None]
        if len(items) != len(seqs):
            raise CarryError("an item became unreadable while it was exported: export again")
        yield wire.encode_batch(wire.sign_batch(wire.Batch.of(head.kiosk, epoch, items, end), sign))


def _item(ledger: Ledger, epoch: str, seq: int) -> wire.Item | None:
    """Return an item as it was stored; ``None`` when the disk does not give it back, or something else."""
    try:
        row = ledger.sql.careful("ready_item", seq=seq)
    except QueueError:
        return None
    if row is None:
        return None
    _, fingerprint, *values = row
    item = wire.Item(*values)
    return item if ledger.fits(epoch, item, fingerprint) else None
