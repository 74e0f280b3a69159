"""Central's signed reply: every field is signed, every contradiction refused, every hostile byte survived."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from offline_queue import wire
from tests.queue.moves import any_json

KIOSK, EPOCH = "hall-03", "00112233445566778899aabbccddeeff"
SIGNER = Ed25519PrivateKey.generate()


def make_word(**changes: Any) -> wire.Word:
    return wire.Word(**({"seq": 1, "verdict": wire.Verdict.ACCEPTED, "fingerprint": bytes(32)} | changes))


def make_reply(*words: wire.Word, **changes: Any) -> wire.Reply:
    reply = wire.Reply(
        kiosk=KIOSK,
        epoch=EPOCH,
        central_time=datetime(2026, 11, 3, 16, 15, tzinfo=UTC),
        credit=50,
        stream=wire.Stream(highest=1),
        words=words,
        key_id="receipts-1",
    )
    return wire.sign_reply(SIGNER, dataclasses.replace(reply, **changes))


def test_each_field_of_a_reply_is_signed() -> None:
    reply = make_reply(make_word(), make_word(seq=2))
    keys = {"receipts-1": SIGNER.public_key(), "receipts-2": SIGNER.public_key()}
    wire.verify_reply(keys, wire.decode_reply(wire.encode_reply(reply)))
    other = {
        "kiosk": "hall-04",
        "epoch": "f" * 32,
        "central_time": datetime(2027, 1, 1, tzinfo=UTC),
        "credit": 49,
        "stream": wire.Stream(highest=2),
        "words": (make_word(seq=2), make_word()),
        "key_id": "receipts-2",
    }
    assert other.keys() == {field.name for field in dataclasses.fields(reply)} - {"signature", "raw"}
    for name, value in other.items():
        with pytest.raises(wire.SignatureError):
            wire.verify_reply(keys, dataclasses.replace(reply, **{name: value}))  # type: ignore[arg-type]  # test data


def test_each_field_of_a_word_is_signed() -> None:
    keys = {"receipts-1": SIGNER.public_key()}
    reply = make_reply(make_word())
    other = {
        "seq": 2,
        "verdict": wire.Verdict.REJECTED,
        "fingerprint": b"\1" * 32,
        "reason": "late",
        "retry_after_s": 1,
        "first_verdict": wire.Verdict.ACCEPTED,
    }
    assert other.keys() == set(wire.Word._fields)
    for name, value in other.items():
        with pytest.raises(wire.SignatureError):
            wire.verify_reply(keys, dataclasses.replace(reply, words=(make_word(**{name: value}),)))


def test_each_field_of_a_stream_is_signed() -> None:
    keys = {"receipts-1": SIGNER.public_key()}
    reply = make_reply()
    other = {"highest": 2, "state": wire.StreamState.REGRESS, "restored": datetime(2026, 11, 2, tzinfo=UTC)}
    assert other.keys() == {field.name for field in dataclasses.fields(wire.Stream)}
    for name, value in other.items():
        stream = dataclasses.replace(reply.stream, **{name: value})  # type: ignore[arg-type]  # test data
        with pytest.raises(wire.SignatureError):
            wire.verify_reply(keys, dataclasses.replace(reply, stream=stream))


def test_reply_survives_the_wire_and_yields_a_receipt_for_each_word() -> None:
    stream = wire.Stream(highest=9, state=wire.StreamState.REGRESS, restored=datetime(2026, 11, 2, 3, 4, tzinfo=UTC))
    words = (make_word(seq=9), make_word(seq=4, verdict=wire.Verdict.REJECTED, reason="case.unknown_service"))
    reply = make_reply(*words, stream=stream)
    assert wire.decode_reply(wire.encode_reply(reply)) == reply
    receipts = reply.receipts()
    assert [one.item_id for one in receipts] == [wire.ItemId(KIOSK, EPOCH, 9), wire.ItemId(KIOSK, EPOCH, 4)]
    assert [one.outcome for one in receipts] == [wire.Verdict.ACCEPTED, wire.Verdict.REJECTED]


def test_reply_by_a_p256_key_and_by_a_key_nobody_knows() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    reply = wire.sign_reply(key, make_reply(make_word()))
    wire.verify_reply({"receipts-1": key.public_key()}, reply)
    with pytest.raises(wire.SignatureError, match="not known"):
        wire.verify_reply({"receipts-2": key.public_key()}, reply)
    wrong_curve = ec.generate_private_key(ec.SECP384R1())
    with pytest.raises(wire.SignatureError, match="P-256"):
        wire.verify_reply({"receipts-1": wrong_curve.public_key()}, reply)


@pytest.mark.parametrize(
    "words",
    [
        [make_word(verdict=wire.Verdict.DUPLICATE)],
        [make_word(first_verdict=wire.Verdict.ACCEPTED)],
        [make_word(verdict=wire.Verdict.DEFERRED, reason="busy")],
        [make_word(retry_after_s=5)],
        [make_word(verdict=wire.Verdict.REJECTED)],
        [make_word(), make_word()],
        [make_word(seq=seq) for seq in range(1, wire.MAX_BATCH_ITEMS + 2)],
    ],
    ids=["no first", "first", "no wait", "wait", "no reason", "one item twice", "more than a batch holds"],
)
def test_reply_that_contradicts_itself_is_refused(words: list[wire.Word]) -> None:
    with pytest.raises(wire.WireError):
        wire.decode_reply(wire.encode_reply(make_reply(*words)))


def test_endless_reply_is_not_even_parsed() -> None:
    with pytest.raises(wire.WireError, match="larger"):
        wire.decode_reply(b" " * (wire.MAX_REPLY_BYTES + 1))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_altered_reply_is_refused_or_equal(data: st.DataObject) -> None:
    keys = {"receipts-1": SIGNER.public_key()}
    document = json.loads(wire.encode_reply(make_reply(make_word(), make_word(seq=2))))
    target = data.draw(st.sampled_from([document, document["stream"], *document["words"]]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(any_json)
    try:
        reply = wire.decode_reply(json.dumps(document).encode())
        wire.verify_reply(keys, reply)
    except (wire.WireError, wire.SignatureError):
        return
    assert json.loads(wire.encode_reply(reply)) == document
