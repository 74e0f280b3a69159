"""What tests do to a queue again and again: put, look, take, and answer as central would."""

from __future__ import annotations

import dataclasses
import sqlite3
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from offline_queue import wire

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from offline_queue.outbox import Outbox
    from offline_queue.values import Settlement
    from tests.queue.conftest import Rig

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=12,
)


async def put(outbox: Outbox, lane: str = "v-1", body: bytes = b"body", **more: int) -> wire.ItemId:
    """Put one item as a visit of one item would."""
    with outbox.begin_visit(lane) as key:
        return await outbox.put(key, "case", body, **more)


async def put_each(outbox: Outbox, *lanes: str) -> list[wire.ItemId]:
    """Put one item into each lane named; its body is the lane's name."""
    return [await put(outbox, lane, lane.encode()) for lane in lanes]


async def offered(outbox: Outbox) -> list[int]:
    """Return the seqs that may be sent now."""
    batch = await outbox.take()
    return [] if batch is None else [item.seq for item in batch.items]


async def reply(
    rig: Rig,
    outbox: Outbox,
    *seqs: int,
    verdict: wire.Verdict = wire.Verdict.ACCEPTED,
    by: Ed25519PrivateKey | None = None,
    fields: dict[str, Any] | None = None,
    **more: Any,
) -> wire.Reply:
    """Return central's signed reply about stored items. ``fields`` of the reply, ``more`` of each word."""
    greeting = await outbox.read(lambda ledger: ledger.greeting())
    words = []
    for seq in seqs:
        found = look(rig, "SELECT fingerprint FROM outbox WHERE seq = ?", seq) or [(bytes(32),)]
        words.append(wire.Word(**({"seq": seq, "verdict": verdict, "fingerprint": found[0][0]} | more)))
    return rig.central.reply(greeting, words, by=by, **(fields or {}))


async def settle(
    rig: Rig, outbox: Outbox, *seqs: int, verdict: wire.Verdict = wire.Verdict.ACCEPTED, **more: Any
) -> Settlement:
    """Settle stored items as central says; nothing of it may be refused."""
    settlement = await outbox.settle(await reply(rig, outbox, *seqs, verdict=verdict, **more))
    assert not settlement.refused
    return settlement


async def drain(rig: Rig, outbox: Outbox) -> None:
    """Bring everything that can go to central, as the courier would."""
    for _ in range(1000):
        batch = await outbox.take()
        if batch is None:
            return
        wire.check_chain(wire.decode_batch(wire.encode_batch(batch)))
        words = [rig.central.receive(batch, item) for item in batch.items]
        settlement = await outbox.settle(rig.central.reply(batch, words))
        assert settlement.delivered or settlement.rejected
    raise AssertionError("the queue does not become empty")


def effects(rig: Rig) -> list[int]:
    """Return the seqs central acted on, in its order."""
    return [seq for _, seq, _, _ in rig.central.effects]


def opened(rig: Rig, batch: wire.Batch) -> list[bytes]:
    """Return the bodies of a batch, as central reads them."""
    return [wire.open_item(rig.central.sealing, batch.kiosk, batch.epoch, item) for item in batch.items]


def resealed(item: wire.Item, **changes: Any) -> wire.Item:
    """Return an item with fields changed."""
    return dataclasses.replace(item, **changes)


def look(rig: Rig, query: str, *values: int | str | bytes) -> list[tuple[Any, ...]]:
    """Read beside the owner, as a technician may."""
    connection = sqlite3.connect(f"file:{rig.path}?mode=ro", uri=True)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()
