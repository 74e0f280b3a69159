"""What cases come to, walked by hand on a clock that stands still; and what the sheet says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from central.authority import load_or_make, new_document_signer, new_root
from central.certificates import (
    CaseRef,
    Certificate,
    Period,
    grouped,
    masked_name,
    new_code,
    plain_code,
    rows_for,
)
from central.drawing import GlyphMissing, TooLong, draw
from central.keys import load_keys
from central.promises import Calendar
from central.register import Register
from central.store.schema import Alarm, Case, Document, Sms
from central.throttle import Throttle

if TYPE_CHECKING:
    from pathlib import Path

    from central.office import Office

CERTIFICATE, COMPLAINT = "DEMO-GF00101000", "DEMO-GF00801000"


def hand_in(office: Office, side: Any, body: dict[str, Any]) -> tuple[str, str, int]:
    item = side.item("case", body)
    office.intake.take(side.kiosk, side.batch(item))
    return side.kiosk, side.epoch, item.seq


def proved(office: Office, person: dict[str, str], visit: str = "visit1") -> str:
    found = office.register.find(**person)
    assert found is not None
    sent = office.challenges.send("K0001", visit, found, "证明")
    with office.store.read() as session:
        code = str(session.scalars(select(Sms.code).order_by(Sms.id.desc())).first())
    office.challenges.answer("K0001", sent.challenge, visit, code)
    return sent.challenge


def case(office: Office, key: tuple[str, str, int]) -> Case:
    with office.store.read() as session:
        return session.get_one(Case, key)


def test_promised_days_are_counted_in_working_days(office: Office, side: Any, bodies: Any) -> None:
    key = hand_in(office, side, bodies(COMPLAINT))  # Saturday, 21 November 2026
    assert office.worker.walk() is None
    filed = case(office, key)
    assert (filed.state, filed.first_reply, filed.promise) == ("filed", date(2026, 11, 23), date(2026, 11, 27))


def test_holidays_and_worked_weekends_count_as_the_list_says() -> None:
    calendar = Calendar(closed=frozenset({date(2026, 10, 1)}), open=frozenset({date(2026, 10, 10)}))
    assert calendar.after(date(2026, 9, 30), 1) == date(2026, 10, 2)
    assert calendar.after(date(2026, 10, 9), 1) == date(2026, 10, 10)
    assert Calendar.load().after(date(2026, 9, 30), 1) == date(2026, 10, 5)


def test_a_delayed_decision_waits_for_its_time(office: Office, side: Any, bodies: Any, clock: Any) -> None:
    office.switches.change({"decision_delay_s": 30})
    key = hand_in(office, side, bodies(COMPLAINT))
    assert office.worker.walk() == pytest.approx(30)
    assert case(office, key).state == "pending"
    clock.advance(30)
    assert office.worker.walk() is None
    assert case(office, key).state == "filed"


def test_one_case_that_cannot_be_decided_stops_no_other(
    office: Office, side: Any, bodies: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = hand_in(office, side, bodies(COMPLAINT))
    good = hand_in(office, side, bodies(COMPLAINT))
    with office.store.write() as session:
        session.get_one(Case, bad).body = "{}"
    assert office.worker.walk() == pytest.approx(1.0)
    assert case(office, good).state == "filed"
    assert case(office, bad).state == "pending"
    clock.advance(1)
    assert office.worker.walk() == pytest.approx(2.0)
    with office.store.read() as session:
        assert session.scalars(select(Alarm.code)).all() == ["decision.failed"]


def test_a_decision_and_its_document_are_one(
    office: Office, side: Any, bodies: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = bodies(person=people[0], challenge=proved(office, people[0]))
    key = hand_in(office, side, body)
    with office.store.read() as session:
        pending = session.get_one(Case, key)
    lost = office.worker._desk.decide(pending)  # decided, and then the process died before the commit
    assert lost.document is not None
    office.worker.walk()
    decided = case(office, key)
    with office.store.read() as session:
        documents = session.scalars(select(Document)).all()
    assert [document.id for document in documents] == [decided.document]
    assert decided.number != lost.number  # a number is never given twice


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"si.type": "pension"},
        {"si.type": "pension", "si.period": "2026-11/2025-12"},
        {"si.period": "2026-01/2026-02"},
    ],
)
def test_an_application_with_holes_is_refused_not_guessed(
    office: Office, side: Any, bodies: Any, people: Any, values: dict[str, str]
) -> None:
    key = hand_in(office, side, bodies(person=people[0], challenge=proved(office, people[0]), values=values))
    office.worker.walk()
    assert (case(office, key).state, case(office, key).reason) == ("refused", "values_invalid")


def test_a_card_with_the_former_name_is_the_same_person(office: Office, side: Any, bodies: Any, people: Any) -> None:
    former = {"name": "测试李小梅", "id_no": people[1]["id_no"]}
    challenge = proved(office, people[1])
    key = hand_in(office, side, bodies(person=former, challenge=challenge))
    office.worker.walk()
    assert case(office, key).state == "approved"


def test_rows_are_cut_to_the_period_and_an_empty_insurance_is_said_aloud() -> None:
    person = Register.load().find("测试李梅", "999999198808150023")
    assert person is not None
    rows = rows_for(person, ["pension"], Period.parse("2021-04/2021-09"), show_employers=False)
    assert [(row.period.months() if row.period else 0, row.employer) for row in rows] == [(2, ""), (2, "")]
    empty = rows_for(person, ["injury"], Period.parse("2001-01/2001-12"), show_employers=True)
    assert [row.period for row in empty] == [None]


@pytest.mark.parametrize("text", ["", "2025-12", "2025-13/2026-01", "2026-02/2026-01", "a/b"])
def test_a_period_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the values differ, the type is the promise
        Period.parse(text)


def test_codes_survive_being_read_aloud() -> None:
    code = new_code()
    assert len(code) == 12
    assert plain_code(grouped(code).lower()) == code
    assert plain_code("oil0-1234 abcd") == "01101234ABCD"


def test_names_are_masked_for_those_who_check() -> None:
    assert [masked_name(name) for name in ("王强", "测试李梅", "欧")] == ["王*", "测**梅", "欧*"]


def sheet(**changes: Any) -> Certificate:
    person = Register.load().find("测试李梅", "999999198808150023")
    assert person is not None
    period = Period.parse("2016-01/2026-11")
    made = Certificate(
        document="d",
        number="DEMO-SB-2026-000001",
        code="0123456789AB",
        case=CaseRef("K0001", "0" * 32, 1),
        name=person.name,
        id_no=person.id_no,
        period=period,
        rows=rows_for(person, ["pension", "injury", "unemployment"], period, show_employers=True),
        show_employers=True,
        issued=datetime(2026, 11, 21, 16, 30, tzinfo=UTC),
        verify_url="https://127.0.0.1/verify?code=0123456789AB",
    )
    return replace(made, **changes)


@pytest.mark.parametrize(("times", "pages"), [(1, 1), (4, 2), (7, 3)])
def test_a_long_record_fills_further_pages(office: Office, times: int, pages: int) -> None:
    assert draw(sheet(rows=sheet().rows * times), office.worker._desk._typefaces)[1] == pages


def test_a_record_longer_than_three_pages_is_refused_with_advice(office: Office) -> None:
    with pytest.raises(TooLong):
        draw(sheet(rows=sheet().rows * 12), office.worker._desk._typefaces)


def test_a_name_the_typeface_lacks_is_not_printed_as_a_box(office: Office) -> None:
    with pytest.raises(GlyphMissing):
        draw(sheet(name="测试\U000f0000"), office.worker._desk._typefaces)


def test_the_last_day_counts_to_its_end_at_the_authority() -> None:
    # issued at half past midnight of 22 November local time
    assert sheet().expires == datetime(2026, 12, 22, 16, 0, tzinfo=UTC)


def test_keys_are_made_once_and_renewed_in_time(tmp_path: Path) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    first = load_keys(tmp_path, now)
    assert load_keys(tmp_path, now).seal_key_id == first.seal_key_id
    same = load_keys(tmp_path, now + timedelta(days=300))
    assert same.document_signer.certificate == first.document_signer.certificate
    later = load_keys(tmp_path, now + timedelta(days=380))
    assert later.document_signer.certificate != first.document_signer.certificate
    assert later.document_ca.certificate == first.document_ca.certificate


def test_a_certificate_of_a_former_authority_is_made_anew(tmp_path: Path) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    old, new = new_root("root", now), new_root("root", now)
    path = tmp_path / "leaf.pem"
    first = load_or_make(path, now, lambda: new_document_signer(old, "office", now), old)
    second = load_or_make(path, now, lambda: new_document_signer(new, "office", now), new)
    assert first.certificate != second.certificate


def test_misses_age_out_of_the_throttle(clock: Any) -> None:
    throttle = Throttle(clock, misses=2, window_s=60)
    throttle.missed("a")
    clock.advance(30)
    throttle.missed("a")
    assert throttle.wait_s("a") == pytest.approx(30)
    assert throttle.wait_s("b") == 0
    clock.advance(30)
    assert throttle.wait_s("a") == 0
