"""Items that outlive a change of central: its keys were rotated, or it reads newer bodies now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from offline_queue import wire
from offline_queue.values import Phase
from offline_queue.wire import Verdict
from tests.queue.central_desk import CentralDesk, word
from tests.queue.corpora.freeze import LANES, known_keys
from tests.queue.moves import put
from tests.queue.test_migrations import CORPORA, thaw

if TYPE_CHECKING:
    from pathlib import Path

    from tests.queue.conftest import Rig

READS = {1: b"old: ", 2: b"new: "}  # versions of the body of a case, as a desk of today reads them


class DeskOfToday(CentralDesk):
    """Reads every version of the past, and knows which one it read."""

    def receive(self, batch: wire.Batch, item: wire.Item) -> wire.Word:
        if item.schema not in READS:
            return word(item, Verdict.REJECTED, reason="schema_unknown")
        known = len(self.effects)
        said = super().receive(batch, item)
        if len(self.effects) > known:
            lane, seq, kind, body = self.effects.pop()
            self.effects.append((lane, seq, kind, READS[item.schema] + body))
        return said


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda path: path.stem)
async def test_items_queued_before_a_schema_change_are_read_by_the_desk_of_today(rig: Rig, corpus: Path) -> None:
    """Fault 39. A file of an earlier version, delivered by the courier, beside items of the present version."""
    rig.central = DeskOfToday(clock=lambda: rig.time.true)
    known_keys(rig)
    thaw(corpus, rig.path)
    outbox = await rig.open()
    newer = await put(outbox, "v-new", b"body", schema=2)
    unknown = await put(outbox, "v-newest", b"body", schema=9)
    async with rig.running(rig.courier(outbox)):
        rig.time.advance(61)
        await rig.pending(outbox, 2)  # what stands behind the held one waits
        assert await outbox.transact(lambda ledger: ledger.release(4))
        await rig.pending(outbox, 0)
    bodies = dict(enumerate([f"old: {lane}/{n}".encode() for lane, count in LANES for n in range(count)], 1))
    expected = {seq: bodies[seq] for seq in range(4, 10)} | {newer.seq: b"new: body"}
    assert {seq: body for _, seq, _, body in rig.central.effects} == expected
    state = await outbox.state(unknown)
    assert (state.phase, state.reason) == (Phase.QUARANTINED, "schema_unknown")  # kept, with an alarm


async def test_key_of_central_rotated_with_items_queued(rig: Rig) -> None:
    """Fault 40. Items say which key they were sealed to; a visit under way keeps the key it began with."""
    outbox = await rig.open()
    old_seal, old_sign = rig.central.sealing, rig.central.signing
    new_seal, new_sign = X25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    await put(outbox, "v-old", b"old")
    under_way = outbox.begin_visit("v-under-way")
    await outbox.put(under_way, "case", b"begun")
    outbox.trust(
        new_seal.public_key(),
        "central-2",
        {"receipts-1": old_sign.public_key(), "receipts-2": new_sign.public_key()},
    )
    await outbox.put(under_way, "case", b"ended")
    under_way.drop()
    await put(outbox, "v-new", b"new")
    read: dict[int, tuple[str, bytes]] = {}
    for _ in range(2):
        batch = await outbox.take()
        assert batch is not None
        for item in batch.items:
            key = {"central-1": old_seal, "central-2": new_seal}[item.key_id]
            read[item.seq] = (item.key_id, wire.open_item(key, batch.kiosk, batch.epoch, item))
        words = [word(item) for item in batch.items]
        reply = rig.central.reply(batch, words, by=new_sign, key_id="receipts-2")
        assert len((await outbox.settle(reply)).delivered) == batch.count
    assert read == {
        1: ("central-1", b"old"),
        2: ("central-1", b"begun"),
        3: ("central-1", b"ended"),
        4: ("central-2", b"new"),
    }


async def test_key_id_cannot_be_exchanged_on_the_way(rig: Rig) -> None:
    """Fault 40. The key's name is bound into the seal and into the chain."""
    outbox = await rig.open()
    await put(outbox, "v-1", b"body")
    batch = await outbox.take()
    assert batch is not None
    (item,) = batch.items
    renamed = wire.Item(**{name: getattr(item, name) for name in item.__dataclass_fields__} | {"key_id": "central-9"})
    with pytest.raises(wire.WireError):
        wire.open_item(rig.central.sealing, batch.kiosk, batch.epoch, renamed)
    with pytest.raises(wire.WireError):
        wire.check_chain(batch.only(renamed))


async def test_receipts_of_a_key_no_longer_trusted_are_refused_and_kept_ones_stay(rig: Rig) -> None:
    """Fault 40."""
    outbox = await rig.open()
    first, second = await put(outbox, "v-1"), await put(outbox, "v-2")
    batch = await outbox.take()
    assert batch is not None
    await outbox.settle(rig.central.reply(batch, [word(batch.items[0])]))
    outbox.trust(rig.central.sealing.public_key(), "central-1", {})
    assert (await outbox.settle(rig.central.reply(batch, [word(batch.items[1])]))).refused[0].why == "signature"
    assert (await outbox.state(first)).phase is Phase.DELIVERED
    assert (await outbox.state(second)).phase is Phase.PENDING
