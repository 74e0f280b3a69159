"""Codes by text message: three tries, five minutes, one visit, one person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from central.challenges import ATTEMPTS, EXPIRES_S, PER_VISIT, RESEND_AFTER_S, TooSoon, Verdict
from central.store.schema import Challenge, Sms

if TYPE_CHECKING:
    from central.office import Office
    from central.register import Person


@pytest.fixture
def person(office: Office, people: Any) -> Person:
    found = office.register.find(people[0]["name"], people[0]["id_no"])
    assert found is not None
    return found


def last_code(office: Office) -> str:
    with office.store.read() as session:
        return str(session.scalars(select(Sms.code).order_by(Sms.id.desc())).first())


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def answer(office: Office, challenge: str, code: str, visit: str = "v1", kiosk: str = "K0001") -> tuple[str, int]:
    given = office.challenges.answer(kiosk, challenge, visit, code)
    assert given is not None
    return given.verdict.value, given.attempts_left


def test_the_right_code_is_right_and_stays_right_when_the_reply_was_lost(office: Office, person: Person) -> None:
    sent = office.challenges.send("K0001", "v1", person, "证明")
    assert sent.masked == "138****0019"
    assert answer(office, sent.challenge, last_code(office)) == ("right", 3)
    assert answer(office, sent.challenge, f" {last_code(office)} ") == ("right", 3)
    assert office.challenges.vouches("K0001", sent.challenge, "v1", person.id_no)


def test_the_third_wrong_code_locks_and_the_right_one_comes_too_late(office: Office, person: Person) -> None:
    sent = office.challenges.send("K0001", "v1", person, "证明")
    bad = wrong(last_code(office))
    assert [answer(office, sent.challenge, bad) for _ in range(ATTEMPTS)] == [("wrong", 2), ("wrong", 1), ("locked", 0)]
    assert answer(office, sent.challenge, last_code(office)) == ("locked", 0)
    assert not office.challenges.vouches("K0001", sent.challenge, "v1", person.id_no)


def test_a_code_lasts_five_minutes(office: Office, person: Person, clock: Any) -> None:
    sent = office.challenges.send("K0001", "v1", person, "证明")
    clock.advance(EXPIRES_S - 1)
    assert answer(office, sent.challenge, wrong(last_code(office))) == ("wrong", 2)
    clock.advance(1)
    assert answer(office, sent.challenge, last_code(office)) == (Verdict.EXPIRED.value, 0)


def test_a_new_code_ends_the_one_before(office: Office, person: Person, clock: Any) -> None:
    first = office.challenges.send("K0001", "v1", person, "证明")
    old = last_code(office)
    with pytest.raises(TooSoon) as caught:
        office.challenges.send("K0001", "v1", person, "证明")
    assert 0 < caught.value.wait_s <= RESEND_AFTER_S
    clock.advance(RESEND_AFTER_S)
    office.challenges.send("K0001", "v1", person, "证明")
    assert answer(office, first.challenge, old) == ("expired", 0)


def test_one_visit_cannot_send_without_end(office: Office, person: Person, clock: Any) -> None:
    for _ in range(PER_VISIT):
        office.challenges.send("K0001", "v1", person, "证明")
        clock.advance(RESEND_AFTER_S)
    with pytest.raises(TooSoon):
        office.challenges.send("K0001", "v1", person, "证明")


@pytest.mark.parametrize(("kiosk", "visit"), [("K0002", "v1"), ("K0001", "v2")])
def test_another_visit_or_terminal_does_not_even_find_the_challenge(
    office: Office, person: Person, kiosk: str, visit: str
) -> None:
    sent = office.challenges.send("K0001", "v1", person, "证明")
    assert office.challenges.answer(kiosk, sent.challenge, visit, last_code(office)) is None


def test_an_answer_vouches_for_its_person_and_visit_only_and_not_for_ever(
    office: Office, person: Person, people: Any, clock: Any
) -> None:
    sent = office.challenges.send("K0001", "v1", person, "证明")
    answer(office, sent.challenge, last_code(office))
    vouches = office.challenges.vouches
    assert vouches("K0001", sent.challenge, "v1", person.id_no)
    assert not vouches("K0001", sent.challenge, "v2", person.id_no)
    assert not vouches("K0002", sent.challenge, "v1", person.id_no)
    assert not vouches("K0001", sent.challenge, "v1", people[1]["id_no"])
    assert not vouches("K0001", "", "v1", person.id_no)
    clock.advance(1801)
    assert not vouches("K0001", sent.challenge, "v1", person.id_no)


def test_the_challenge_s_row_betrays_neither_code_nor_person(office: Office, person: Person) -> None:
    office.challenges.send("K0001", "v1", person, "证明")
    with office.store.read() as session:
        row = session.scalars(select(Challenge)).one()
    shown = " ".join(str(value) for value in vars(row).values())
    for secret in (last_code(office), person.name, person.id_no, person.mobile):
        assert secret not in shown
