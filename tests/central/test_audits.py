"""Audit lines of terminals: taken with cases or alone, chained over everything, checked line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from central.__main__ import main
from central.audits import first_fault
from central.store.schema import Alarm, AuditLine, Case
from offline_queue import wire
from offline_queue.wire import Verdict
from tests.central.terminal_side import COMPLAINT, AuditBook, TerminalSide, case_body

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from central.office import Office


@pytest.fixture(params=["embedded", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "embedded" else str(request.getfixturevalue("cluster").new_database())


@pytest.fixture
def book() -> AuditBook:
    return AuditBook("K0001")


def send(office: Office, side: TerminalSide, *runs: dict[str, Any]) -> list[str]:
    """Send each run as a body of its own; return the reasons of refusals."""
    items = [side.item("audit", {"audit": run}) for run in runs]
    words = wire.decode_reply(office.intake.take(side.kiosk, side.batch(*items)).reply).words
    return [word.reason for word in words if word.verdict is not Verdict.ACCEPTED]


def broken(office: Office) -> list[str]:
    with office.store.read() as session:
        return list(session.scalars(select(Alarm.subject).where(Alarm.code == "intake.audit_broken")))


def fault(office: Office) -> str:
    with office.store.read() as session:
        return first_fault(session, "K0001")


def test_lines_travel_with_a_case_and_are_not_kept_in_it(office: Office, side: TerminalSide, book: AuditBook) -> None:
    body = case_body(COMPLAINT, audit=book.run("visit began", "visit ended"))
    (word,) = wire.decode_reply(office.intake.take("K0001", side.batch(side.item("case", body))).reply).words
    assert word.verdict is Verdict.ACCEPTED
    with office.store.read() as session:
        lines = session.scalars(select(AuditLine).order_by(AuditLine.seq)).all()
        assert [(line.seq, line.line) for line in lines] == [
            (1, '{"event": "visit began"}'),
            (2, '{"event": "visit ended"}'),
        ]
        assert "audit" not in session.scalars(select(Case.body)).one()
    assert (fault(office), broken(office)) == ("", [])


def test_runs_that_overtake_each_other_are_one_audit_in_the_end(
    office: Office, side: TerminalSide, book: AuditBook
) -> None:
    runs = [book.run("one", "two"), book.run("three"), book.run("four", "five")]
    assert send(office, side, runs[2], runs[0]) == []
    assert fault(office) == "line 3 is missing"
    assert send(office, side, runs[1], runs[1]) == []
    assert (fault(office), broken(office)) == ("", [])


def test_an_empty_run_changes_nothing(office: Office, side: TerminalSide, book: AuditBook) -> None:
    assert send(office, side, book.run(), book.run("one"), book.run()) == []
    assert (fault(office), broken(office)) == ("", [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda run: run["lines"][1].update(line='{"event": "other"}'), "line 2 was changed"),
        (lambda run: run["lines"].pop(1), "line 2 is missing"),
        (lambda run: run["lines"].reverse(), "line 3 is missing"),
        (lambda run: run["after"].update(chain="0" * 64), "line 1 does not follow line 0 in custody"),
    ],
)
def test_a_broken_chain_is_an_alarm_that_names_the_line_and_rejects_nothing(
    office: Office, side: TerminalSide, book: AuditBook, change: Callable[[Any], None], said: str
) -> None:
    run = book.run("one", "two", "three")
    if said == "line 3 is missing":
        said = "lines 1 to 2 are missing"
    change(run)
    assert send(office, side, run) == []
    assert broken(office) == [said]


def test_a_second_history_does_not_replace_the_first(office: Office, side: TerminalSide, book: AuditBook) -> None:
    other = AuditBook("K0001")
    send(office, side, book.run("one", "two"))
    assert send(office, side, other.run("another one")) == []
    assert send(office, side, other.run("another two", "another three")) == []
    assert broken(office) == [
        "line 1 is in custody with another content",
        "line 2 does not follow line 1 in custody",
    ]
    assert fault(office) == "line 3 was changed"
    with office.store.read() as session:
        assert session.scalars(select(AuditLine.line).where(AuditLine.seq == 1)).one() == '{"event": "one"}'


def test_a_run_that_the_next_one_does_not_follow_is_an_alarm(
    office: Office, side: TerminalSide, book: AuditBook
) -> None:
    twin = AuditBook("K0001")
    twin.run("another one")
    book.run("one")
    send(office, side, book.run("two"))
    assert send(office, side, AuditBook("K0001").run("a third one")) == []
    assert broken(office) == ["line 2 was changed"]


@pytest.mark.parametrize("seq", [0, -1, 2**63 - 1, 2**70])
def test_numbers_no_database_can_hold_are_rejected_not_stumbled_over(
    office: Office, side: TerminalSide, book: AuditBook, seq: int
) -> None:
    run = book.run("one")
    run["lines"][0]["seq"] = seq
    assert send(office, side, run) == ["invalid.audit.lines.0.seq"]


def test_a_character_no_database_keeps_is_rejected(office: Office, side: TerminalSide, book: AuditBook) -> None:
    run = book.run("one")
    run["lines"][0]["line"] = "\x00"
    assert send(office, side, run) == ["invalid.audit.lines.0.line"]


def test_the_command_prints_the_first_bad_line(
    office: Office, side: TerminalSide, tmp_path: Path, capsys: pytest.CaptureFixture[str], database: str
) -> None:
    command = ["audit", "verify", "--kiosk", "K0001", "--data", str(tmp_path / "data"), "--database", database]
    book = AuditBook("K0001")
    send(office, side, book.run(*(f"line {number}" for number in range(1, 9))))
    assert main(command) == 0
    assert capsys.readouterr().out == "every line that came is there and unchanged\n"
    with office.store.write() as session:
        session.execute(update(AuditLine).where(AuditLine.seq == 5).values(line='{"event": "nothing"}'))
    assert main(command) == 1
    assert capsys.readouterr().out == "line 5 was changed\n"


@pytest.mark.parametrize("wrong", [{"version": 99}, {"service": "DEMO-NONE"}, {"values": 7}])
def test_lines_inside_a_case_that_is_rejected_are_taken(
    office: Office, side: TerminalSide, wrong: dict[str, Any]
) -> None:
    """The terminal counts lines as carried once central has a word on their item: they come with nothing else."""
    book = AuditBook("K0001")
    bad = side.item("case", case_body(COMPLAINT) | wrong | {"audit": book.run("one", "two")})
    good = side.item("audit", {"audit": book.run("three")})
    reply = wire.decode_reply(office.intake.take("K0001", side.batch(bad, good)).reply)
    assert [word.verdict for word in reply.words] == [wire.Verdict.REJECTED, wire.Verdict.ACCEPTED]
    with office.store.read() as session:
        assert first_fault(session, "K0001") == ""
        assert session.scalars(select(AuditLine.seq).order_by(AuditLine.seq)).all() == [1, 2, 3]


def test_a_rejected_case_whose_lines_are_no_lines_is_rejected_and_nothing_else(
    office: Office, side: TerminalSide
) -> None:
    bad = side.item("case", case_body(COMPLAINT) | {"version": 99, "audit": {"lines": "none"}})
    reply = wire.decode_reply(office.intake.take("K0001", side.batch(bad)).reply)
    assert reply.words[0].verdict is wire.Verdict.REJECTED
    with office.store.read() as session:
        assert session.scalars(select(AuditLine.seq)).all() == []
