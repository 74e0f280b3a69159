"""What a batch may do to the store, and what it may not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, text

from central.intake import BatchRefused
from central.store.schema import Alarm, Case, StoredItem
from central.streams import Follower
from offline_queue import wire
from offline_queue.wire import StreamState, Verdict
from tests.central.terminal_side import COMPLAINT, alarm_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.office import Office


@pytest.fixture(params=["embedded", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """Take everything in on both databases."""
    return "" if request.param == "embedded" else str(request.getfixturevalue("cluster").new_database())


def take(office: Office, side: Any, *items: wire.Item) -> list[wire.Receipt]:
    reply = wire.decode_reply(office.intake.take(side.kiosk, side.batch(*items)).reply)
    wire.verify_reply(office.keys.receipt_keys, reply)
    return list(reply.receipts())


def refused(office: Office, side: Any, *items: wire.Item) -> BatchRefused:
    with pytest.raises(BatchRefused) as caught:
        office.intake.take(side.kiosk, side.batch(*items))
    return caught.value


def alarms(office: Office) -> set[str]:
    with office.store.read() as session:
        return set(session.scalars(select(Alarm.code)))


def stored(office: Office, table: type = StoredItem) -> int:
    with office.store.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_the_store_flushes_every_commit(office: Office) -> None:
    with office.store.read() as session:
        if session.get_bind().dialect.name == "postgresql":
            assert session.execute(text("SHOW synchronous_commit")).scalar() == "on"
            return
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert session.execute(text("PRAGMA synchronous")).scalar() == 2


def test_each_kind_has_its_effect(office: Office, side: Any, bodies: Callable[..., dict[str, Any]]) -> None:
    case = {"epoch": side.epoch, "seq": 1}
    items = [
        side.item("case", bodies(COMPLAINT)),
        side.item("print", {"case": case, "document": "d1", "sheets": 1, "outcome": "printed", "job": "7"}),
        side.item("rating", {"case": case, "service": COMPLAINT, "version": 1, "grade": 5, "reasons": []}),
        side.item("alarm", alarm_body()),
    ]
    receipts = take(office, side, *items)
    assert [receipt.word.verdict for receipt in receipts] == [Verdict.ACCEPTED] * 4
    assert [receipt.word.fingerprint for receipt in receipts] == [item.fingerprint for item in items]
    assert alarms(office) == {"paper.out"}
    assert stored(office, Case) == 1


def test_the_same_item_again_gets_the_first_result(office: Office, side: Any) -> None:
    good, bad = side.item("alarm", alarm_body()), side.item("alarm", {"nonsense": 1})
    first = take(office, side, good, bad)
    again = take(office, side, good, bad)
    assert [receipt.word.verdict for receipt in first] == [Verdict.ACCEPTED, Verdict.REJECTED]
    assert [receipt.word.verdict for receipt in again] == [Verdict.DUPLICATE] * 2
    assert [receipt.word.first_verdict for receipt in again] == [Verdict.ACCEPTED, Verdict.REJECTED]
    assert again[1].word.reason == first[1].word.reason
    assert stored(office) == 2


def test_the_same_number_with_another_body_is_never_stored(office: Office, side: Any) -> None:
    first = side.item("alarm", alarm_body())
    take(office, side, first)
    side.seq, side.chain = 0, wire.chain_start(side.kiosk, side.epoch)  # an old image of the disk
    other, next_one = side.item("alarm", alarm_body("door.open")), side.item("alarm", alarm_body("fan"))
    assert refused(office, side, other).status == 422
    assert refused(office, side, other, next_one).code == "intake.fingerprint_conflict"
    assert alarms(office) == {"paper.out", "intake.fingerprint_conflict"}
    assert stored(office) == 1  # nothing of the second batch either


def test_a_second_history_after_a_known_item_is_refused(office: Office, side: Any) -> None:
    take(office, side, side.item("alarm", alarm_body()))
    side.chain = b"\x01" * 32
    assert refused(office, side, side.item("alarm", alarm_body("fan"))).code == "intake.chain_fork"
    assert "intake.chain_fork" in alarms(office)


def test_an_item_whose_chain_does_not_fit_is_refused(office: Office, side: Any) -> None:
    item = replace(side.item("alarm", alarm_body()), priority=9)
    refusal = refused(office, side, item)
    assert (refusal.status, refusal.code) == (422, "chain_broken")
    assert "intake.chain_broken" in alarms(office)
    assert stored(office) == 0


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b"\xff", b'{"kiosk": 1}', b"<html>"])
def test_what_is_no_batch_is_refused(office: Office, raw: bytes) -> None:
    with pytest.raises(BatchRefused) as caught:
        office.intake.take("K0001", raw)
    assert caught.value.status == 400


def test_a_batch_of_another_terminal_is_refused(office: Office, side: Any) -> None:
    with pytest.raises(BatchRefused) as caught:
        office.intake.take("K0002", side.batch(side.item("alarm", alarm_body())))
    assert caught.value.status == 403


def test_a_body_nobody_can_open_is_rejected_for_good(office: Office, side: Any) -> None:
    item = side.item("alarm", alarm_body())
    item = replace(item, body=item.body[:-1] + bytes([item.body[-1] ^ 1]))
    item = replace(item, chain=wire.chain_step(side.kiosk, side.epoch, item))
    side.chain = item.chain
    (receipt,) = take(office, side, item)
    assert (receipt.word.verdict, receipt.word.reason) == (Verdict.REJECTED, "unreadable")
    assert alarms(office) == {"intake.unreadable"}


def test_a_body_sealed_to_an_unknown_key_is_rejected(office: Office, side: Any) -> None:
    side.key_id = "seal-of-last-year"
    (receipt,) = take(office, side, side.item("alarm", alarm_body()))
    assert (receipt.word.verdict, receipt.word.reason) == (Verdict.REJECTED, "key_unknown")


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("case", {"service": "DEMO-XX00000000"}, "service_unknown"),
        ("case", {"version": 2}, "version_unknown"),
        ("case", {"version": 0}, "invalid.version"),
        ("case", {"surprise": 1}, "invalid.surprise"),
        ("case", {"identity": {"level": "royal", "card": None, "face": None, "sms": None}}, "invalid.identity.level"),
        ("case", {"values": {"fb.text": "x" * 20_000}}, "invalid.values.fb.text"),
        ("case", {"taken_at": "2026-11-21T02:00:00"}, "invalid.taken_at"),
        ("submission", {}, "kind_unknown"),
    ],
)
def test_a_body_of_the_wrong_shape_is_rejected_with_its_place(
    office: Office, side: Any, bodies: Any, kind: str, change: dict[str, Any], *, reason: str
) -> None:
    (receipt,) = take(office, side, side.item(kind, bodies(COMPLAINT) | change))
    assert (receipt.word.verdict, receipt.word.reason) == (Verdict.REJECTED, reason)


@pytest.mark.parametrize("raw", [b"", b"not json", b"\xff\xfe", b"[" * 5000, json.dumps([1]).encode()])
def test_a_body_that_is_no_json_object_is_rejected(office: Office, side: Any, raw: bytes) -> None:
    (receipt,) = take(office, side, side.item("case", raw))
    assert receipt.word.verdict is Verdict.REJECTED


def test_a_newer_schema_is_rejected_by_name(office: Office, side: Any) -> None:
    (receipt,) = take(office, side, side.item("alarm", alarm_body(), schema=2))
    assert receipt.word.reason == "schema_unknown"


def test_grades_beyond_five_are_rejected(office: Office, side: Any) -> None:
    body: dict[str, Any] = {"case": None, "service": COMPLAINT, "version": 1, "grade": 6, "reasons": []}
    (receipt,) = take(office, side, side.item("rating", body))
    assert receipt.word.reason == "invalid.grade"


def test_numbers_that_come_late_are_normal_and_numbers_that_stay_away_are_not(
    office: Office, side: Any, clock: Any
) -> None:
    one, two, three = (side.item("alarm", alarm_body(f"code{n}")) for n in range(3))
    take(office, side, three)
    take(office, side, one)
    assert not any(code.startswith("intake.") for code in alarms(office))
    clock.advance(3601)
    take(office, side, side.item("alarm", alarm_body("later")))
    assert "intake.gap" in alarms(office)
    take(office, side, two)
    clock.advance(3601)
    take(office, side, side.item("alarm", alarm_body("closed")))
    with office.store.read() as session:
        assert session.scalar(select(func.count()).select_from(Alarm).where(Alarm.code == "intake.gap")) == 1


def test_a_failing_effect_takes_the_whole_batch_back(
    office: Office, side: Any, bodies: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [side.item("alarm", alarm_body()), side.item("case", bodies(COMPLAINT))]

    def broken(*_: object) -> StreamState:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(Follower, "finish", broken)
    with pytest.raises(RuntimeError):
        take(office, side, *items)
    assert (stored(office), stored(office, Case), alarms(office)) == (0, 0, set())
    monkeypatch.undo()
    assert [receipt.word.verdict for receipt in take(office, side, *items)] == [Verdict.ACCEPTED] * 2
