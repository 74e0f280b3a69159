"""What crosses between terminal and central: strict, bound to its place, and unforgeable."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from offline_queue import wire
from tests.queue.moves import any_json

KIOSK, EPOCH = "hall-03", "00112233445566778899aabbccddeeff"
CENTRAL = X25519PrivateKey.generate()


def visit_key(lane: str) -> wire.VisitKey:
    return wire.VisitKey(CENTRAL.public_key(), "central-1", kiosk=KIOSK, epoch=EPOCH, lane=lane)


def make_batch(count: int = 3, body: bytes = b"anything") -> wire.Batch:
    items, before = [], wire.chain_start(KIOSK, EPOCH)
    for seq in range(1, count + 1):
        key = visit_key(f"v-{seq}")
        item = wire.Item(
            seq=seq,
            lane=key.lane,
            kind="case",
            schema=1,
            priority=5,
            key_id=key.key_id,
            sealed_key=key.sealed_key,
            body=key.seal(seq, "case", 1, body),
            chain_before=before,
        )
        before = wire.chain_step(KIOSK, EPOCH, item)
        items.append(dataclasses.replace(item, chain=before))
    return wire.Batch.of(KIOSK, EPOCH, items, wire.ChainEnd(EPOCH, count, before))


def test_batch_survives_the_wire_and_only_central_opens_it() -> None:
    batch = wire.decode_batch(wire.encode_batch(make_batch()))
    wire.check_chain(batch)
    assert [wire.open_item(CENTRAL, KIOSK, EPOCH, item) for item in batch.items] == [b"anything"] * 3
    with pytest.raises(wire.WireError):
        wire.open_item(X25519PrivateKey.generate(), KIOSK, EPOCH, batch.items[0])


def test_idempotency_key_depends_on_identity_alone() -> None:
    one = wire.idempotency_key(wire.ItemId(KIOSK, EPOCH, 1))
    assert one == wire.idempotency_key(wire.ItemId(KIOSK, EPOCH, 1))
    others = [wire.ItemId("hall-04", EPOCH, 1), wire.ItemId(KIOSK, wire.new_epoch(), 1), wire.ItemId(KIOSK, EPOCH, 2)]
    assert one not in {wire.idempotency_key(other) for other in others}
    assert str(one) == "9f87a960-c034-5eaf-adaa-0d3c8c2819e4"  # stored by centrals in the field: never changes


@pytest.mark.parametrize(
    "change",
    [{"seq": 2}, {"kind": "rating"}, {"schema": 2}, {"lane": "v-2"}, {"key_id": "central-2"}],
    ids=lambda change: next(iter(change)),
)
def test_body_moved_to_another_place_is_refused(change: dict[str, object]) -> None:
    item = dataclasses.replace(make_batch(1).items[0], **change)  # type: ignore[arg-type]  # test data
    with pytest.raises(wire.WireError):
        wire.open_item(CENTRAL, KIOSK, EPOCH, item)


@pytest.mark.parametrize(("kiosk", "epoch"), [("hall-04", EPOCH), (KIOSK, "f" * 32)])
def test_body_of_another_kiosk_or_epoch_is_refused(kiosk: str, epoch: str) -> None:
    with pytest.raises(wire.WireError):
        wire.open_item(CENTRAL, kiosk, epoch, make_batch(1).items[0])


def test_one_flipped_bit_of_a_body_is_refused_at_central() -> None:
    item = make_batch(1).items[0]
    for at in range(len(item.body)):
        broken = bytes(byte ^ (at == index) for index, byte in enumerate(item.body))
        with pytest.raises(wire.WireError, match="seal"):
            wire.open_item(CENTRAL, KIOSK, EPOCH, dataclasses.replace(item, body=broken))


def test_key_is_gone_after_the_visit() -> None:
    with visit_key("v-1") as key:
        key.seal(1, "case", 1, b"x")
    with pytest.raises(wire.KeyDroppedError):
        key.seal(2, "case", 1, b"x")
    assert not any(isinstance(value, bytearray) and value for value in vars(key).values())


@pytest.mark.parametrize("name", ["lane", "priority", "kind", "schema", "key_id", "sealed_key", "body", "chain_before"])
def test_chain_names_the_altered_item(name: str) -> None:
    batch = make_batch()
    new = {"lane": "v-9", "priority": 0, "kind": "other", "schema": 7, "key_id": "k", "sealed_key": b"k"}
    broken = dataclasses.replace(batch.items[1], **{name: new.get(name, bytes(32))})  # type: ignore[arg-type]  # test data
    with pytest.raises(wire.WireError, match="seq 2"):
        wire.check_chain(dataclasses.replace(batch, items=(batch.items[0], broken, batch.items[2])))


def test_chain_of_items_left_out_is_still_checked() -> None:
    batch = make_batch(5)
    end = wire.ChainEnd(EPOCH, 5, batch.last_chain)
    wire.check_chain(wire.Batch.of(KIOSK, EPOCH, [batch.items[0], batch.items[3]], end))
    for item in batch.items:
        wire.check_chain(batch.only(item))


@pytest.mark.parametrize(
    "change",
    [{"chain_before": bytes(32)}, {"chain_after": bytes(32)}, {"last_chain": bytes(32)}],
    ids=lambda change: next(iter(change)),
)
def test_head_that_does_not_fit_its_items_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(wire.WireError, match="head"):
        wire.check_chain(dataclasses.replace(make_batch(), **change))


def test_greeting_survives_the_wire_with_the_end_of_the_chain() -> None:
    end = wire.ChainEnd(EPOCH, 7, b"\7" * 32)
    greeting = wire.decode_batch(wire.encode_batch(wire.Batch.of(KIOSK, EPOCH, [], end)))
    wire.check_chain(greeting)
    assert (greeting.count, greeting.first_seq, greeting.items) == (0, 0, ())
    assert (greeting.last_epoch, greeting.last_seq, greeting.last_chain) == (EPOCH, 7, b"\7" * 32)
    assert greeting.chain_before == greeting.chain_after == greeting.last_chain


def test_head_signature_covers_each_item_and_the_end_of_the_chain() -> None:
    kiosk_key = ec.generate_private_key(ec.SECP256R1())
    signed = wire.sign_batch(make_batch(), lambda head: wire.sign(kiosk_key, head))
    wire.verify_batch(kiosk_key.public_key(), wire.decode_batch(wire.encode_batch(signed)))
    end = wire.ChainEnd(signed.last_epoch, signed.last_seq, signed.last_chain)
    others = [wire.Batch.of(KIOSK, EPOCH, signed.items[:2], end)]
    others += [
        dataclasses.replace(signed, **{name: value})  # type: ignore[arg-type]  # test data
        for name, value in {"last_seq": 4, "last_chain": bytes(32), "last_epoch": "f" * 32, "kiosk": "hall-04"}.items()
    ]
    for other in others:
        with pytest.raises(wire.SignatureError):
            wire.verify_batch(kiosk_key.public_key(), dataclasses.replace(other, signature=signed.signature))


def test_all_problems_of_a_batch_are_named_at_once() -> None:
    document = json.loads(wire.encode_batch(make_batch(2)))
    del document["epoch"]
    document["surprise"] = 1
    document["items"][0]["seq"] = True
    document["items"][1]["body"] = "!"
    document["items"][1]["kind"] = "Zhang San"
    with pytest.raises(wire.WireError) as caught:
        wire.decode_batch(json.dumps(document).encode())
    named = [problem.partition(":")[0] for problem in caught.value.problems]
    assert sorted(named) == ["document", "epoch", "items[0].seq", "items[1].body", "items[1].kind"]
    assert "Zhang" not in str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [b"", b"<html>", b"[]", b'{"a":NaN}', b'{"kiosk":"a","kiosk":"b"}', b"\xff", b"[" * 100_000, b"1" * 5000],
    ids=["empty", "html", "list", "nan", "key twice", "not utf-8", "deep", "huge number"],
)
def test_hostile_bytes_are_refused_by_name(raw: bytes) -> None:
    for decode in (wire.decode_batch, wire.decode_reply):
        with pytest.raises(wire.WireError):
            decode(raw)


def test_batch_over_256_kib_is_refused_unless_it_is_one_item() -> None:
    assert wire.decode_batch(wire.encode_batch(make_batch(1, bytes(300_000)))).count == 1
    with pytest.raises(wire.WireError, match="bytes of bodies"):
        wire.decode_batch(wire.encode_batch(make_batch(2, bytes(200_000))))


def test_two_items_of_one_lane_in_a_batch_are_refused() -> None:
    batch = make_batch(2)
    same = tuple(dataclasses.replace(item, lane="v-1") for item in batch.items)
    with pytest.raises(wire.WireError, match="one lane"):
        wire.decode_batch(wire.encode_batch(dataclasses.replace(batch, items=same)))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_altered_batch_is_refused_or_equal(data: st.DataObject) -> None:
    document = json.loads(wire.encode_batch(make_batch(2)))
    target = data.draw(st.sampled_from([document, *document["items"]]))
    name = data.draw(st.sampled_from(sorted(target)))
    target[name] = data.draw(any_json)
    try:
        batch = wire.decode_batch(json.dumps(document).encode())
        wire.check_chain(batch)
    except wire.WireError:
        return
    assert json.loads(wire.encode_batch(batch)) == document
