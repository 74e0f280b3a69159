"""Whose batch it is: the kiosk's signature, its registered key, batches carried by hand, two at the same time."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select

from central.__main__ import main
from central.enrolment import KeyConflictError, KeyUnusableError
from central.intake import BatchRefused
from central.store.schema import Alarm
from central.streams import Follower
from kiosk.documents.slip_code import load_public_keys
from kiosk.keys import name_of
from offline_queue import wire
from offline_queue.wire import Verdict
from tests.central.terminal_side import TerminalSide, new_key, pem, side_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from central.office import Office


def refusal(take: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(BatchRefused) as caught:
        take()
    return caught.value.status, caught.value.code


def alarms(office: Office) -> list[str]:
    with office.store.read() as session:
        return list(session.scalars(select(Alarm.code)))


def verdicts(reply: bytes) -> list[Verdict]:
    return [word.verdict for word in wire.decode_reply(reply).words]


def unregistered(office: Office, signer: ec.EllipticCurvePrivateKey | None) -> TerminalSide:
    public = wire.sealing_key_bytes(office.keys.sealing_key.public_key())
    return TerminalSide("K0001", office.keys.seal_key_id, public, signer)


@pytest.mark.parametrize("signer", [None, new_key()])
def test_a_batch_without_the_terminal_s_signature_is_refused(
    office: Office, side: TerminalSide, signer: ec.EllipticCurvePrivateKey | None
) -> None:
    raw = replace(side, signer=signer).batch(side.alarm())
    assert refusal(lambda: office.intake.take("K0001", raw)) == (403, "signature_refused")
    assert alarms(office) == ["intake.signature_refused"]


def test_a_head_changed_under_its_signature_is_refused(office: Office, side: TerminalSide) -> None:
    raw = wire.encode_batch(replace(side.signed(side.alarm()), last_seq=99))
    assert refusal(lambda: office.intake.take("K0001", raw)) == (403, "signature_refused")


def test_a_terminal_that_registered_no_key_is_asked_to(office: Office) -> None:
    side = unregistered(office, new_key())
    assert refusal(lambda: office.intake.take("K0001", side.batch(side.alarm()))) == (403, "key_missing")
    assert alarms(office) == ["intake.key_missing"]


def test_where_signatures_are_not_demanded_a_registered_key_still_is(build_office: Callable[..., Office]) -> None:
    office = build_office(require_signatures=False)
    side = unregistered(office, None)
    one = side.alarm()
    assert verdicts(office.intake.take("K0001", side.batch(one)).reply) == [Verdict.ACCEPTED]
    office.enrolment.register_key("K0001", pem(new_key()))
    assert refusal(lambda: office.intake.take("K0001", side.batch(one))) == (403, "signature_refused")


def test_a_key_is_registered_once_and_never_replaced(office: Office) -> None:
    key = new_key()
    assert office.enrolment.register_key("K0001", pem(key)) == (name_of(key.public_key()), True)
    assert office.enrolment.register_key("K0001", pem(key)) == (name_of(key.public_key()), False)
    with pytest.raises(KeyConflictError):
        office.enrolment.register_key("K0001", pem(new_key()))
    with pytest.raises(KeyConflictError):  # a disk copied into another terminal
        office.enrolment.register_key("K0002", pem(key))
    assert alarms(office) == ["intake.key_conflict"] * 2


@pytest.mark.parametrize("text", ["", "x", "ключ", pem(ec.generate_private_key(ec.SECP384R1()))])
def test_what_is_no_key_on_the_curve_is_refused(office: Office, text: str) -> None:
    with pytest.raises(KeyUnusableError):
        office.enrolment.register_key("K0001", text)


def test_a_key_of_another_kind_is_refused(office: Office) -> None:
    public = Ed25519PrivateKey.generate().public_key()
    with pytest.raises(KeyUnusableError):
        office.enrolment.register_key(
            "K0001", public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        )


def test_published_keys_outlive_the_enrolment_they_were_made_in(office: Office, side: TerminalSide) -> None:
    old = next(iter(office.enrolment.public_keys()))
    office.enrolment.enrol_again("K0001")
    fresh: Any = side_of(office, "K0001")
    assert set(office.enrolment.public_keys()) == {old, name_of(fresh.signer.public_key())}


def test_an_old_key_signs_nothing_after_the_terminal_was_enrolled_again(office: Office, side: TerminalSide) -> None:
    office.enrolment.enrol_again("K0001")
    side_of(office, "K0001")
    assert refusal(lambda: office.intake.take("K0001", side.batch(side.alarm()))) == (403, "signature_refused")


def test_what_was_carried_by_hand_is_taken_as_from_its_terminal(office: Office, side: TerminalSide) -> None:
    raw = side.batch(side.alarm("one"), side.alarm("two"))
    first = wire.decode_reply(office.intake.take_carried(raw).reply)
    wire.verify_reply(office.keys.receipt_keys, first)
    assert (first.kiosk, [word.verdict for word in first.words]) == ("K0001", [Verdict.ACCEPTED] * 2)
    assert verdicts(office.intake.take_carried(raw).reply) == [Verdict.DUPLICATE] * 2
    assert verdicts(office.intake.take("K0001", raw).reply) == [Verdict.DUPLICATE] * 2


def test_what_was_carried_needs_its_own_terminal_s_signature(build_office: Callable[..., Office]) -> None:
    office = build_office(require_signatures=False)
    nobody = unregistered(office, None)
    assert refusal(lambda: office.intake.take_carried(nobody.batch(nobody.alarm()))) == (403, "key_missing")
    side = side_of(office, "K0001")
    carrier = replace(side, signer=side_of(office, "K0002").signer)
    assert refusal(lambda: office.intake.take_carried(carrier.batch(side.alarm()))) == (403, "signature_refused")


def test_what_was_carried_may_be_older_than_what_the_terminal_sent_since(office: Office, side: TerminalSide) -> None:
    left = replace(side)
    stick = left.batch(left.alarm("one"))
    side.seq = 1
    side.turn()  # the disk died after the copy was made
    office.intake.take("K0001", side.batch(side.alarm("two")))
    assert verdicts(office.intake.take_carried(stick).reply) == [Verdict.ACCEPTED]
    assert verdicts(office.intake.take("K0001", side.batch(side.alarm("three"))).reply) == [Verdict.ACCEPTED]
    assert not [code for code in alarms(office) if code.startswith("intake.")]


def test_an_epoch_first_heard_of_from_a_stick_can_be_the_present_one(office: Office, side: TerminalSide) -> None:
    office.intake.take("K0001", side.batch(side.alarm("one")))
    side.turn()
    office.intake.take_carried(side.batch(side.alarm("two")))
    assert verdicts(office.intake.take("K0001", side.batch(side.alarm("three"))).reply) == [Verdict.ACCEPTED]


@pytest.mark.parametrize(("kiosk", "expected"), [("K0009", (404, "kiosk_unknown")), ("K0001", (403, "kiosk_revoked"))])
def test_nothing_is_taken_from_a_stick_of_a_terminal_that_is_not_let_in(
    office: Office, side: TerminalSide, kiosk: str, expected: tuple[int, str]
) -> None:
    office.enrolment.exclude("K0001")
    other = TerminalSide(kiosk, side.key_id, side.key, side.signer)
    assert refusal(lambda: office.intake.take_carried(other.batch(other.alarm()))) == expected


def test_the_same_items_while_they_are_in_work_are_put_off(
    office: Office, side: TerminalSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, begun, go_on = side.batch(side.alarm()), threading.Event(), threading.Event()
    finish = Follower.finish

    def slow(follower: Follower) -> wire.StreamState:
        begun.set()
        assert go_on.wait(10)
        return finish(follower)

    monkeypatch.setattr(Follower, "finish", slow)
    thread = threading.Thread(target=office.intake.take, args=("K0001", raw))
    thread.start()
    assert begun.wait(10)
    assert refusal(lambda: office.intake.take("K0001", raw)) == (409, "in_work")
    go_on.set()
    thread.join(10)
    assert verdicts(office.intake.take("K0001", raw).reply) == [Verdict.DUPLICATE]


def test_the_published_keys_are_what_a_slip_is_checked_with(
    office: Office, side: TerminalSide, tmp_path: Path, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(office.enrolment.public_keys()))
    assert [known.kiosk for known in load_public_keys(path).values()] == [side.kiosk]
    told = ["--database", database] if database else []
    assert main(["kiosk", "keys", "--data", str(tmp_path / "data"), *told]) == 0
    assert json.loads(capsys.readouterr().out) == office.enrolment.public_keys()
