"""Central set back to a backup: noticed, told, and everything comes again exactly once."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from central.__main__ import main
from central.office import LAST_ITEM
from central.restores import BEGINNING, NUMBERS_SKIPPED, SLACK, note_restore
from central.store.database import next_number
from central.store.schema import Case, Rating, StoredItem
from offline_queue import wire
from offline_queue.wire import Verdict
from tests.central.terminal_side import COMPLAINT, START, TerminalSide, case_body, pem, side_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from central.office import Office


def close(office: Office) -> None:
    office.restores.close()
    office.store.close()


def send(office: Office, side: TerminalSide, *items: wire.Item) -> wire.Reply:
    return wire.decode_reply(office.intake.take(side.kiosk, side.batch(*items)).reply)


def numbers(office: Office, table: type = StoredItem) -> list[int]:
    with office.store.read() as session:
        return list(session.scalars(select(table.seq).order_by(table.seq)))  # type: ignore[attr-defined]


def items(side: TerminalSide, count: int) -> list[wire.Item]:
    rating: dict[str, Any] = {"case": None, "service": COMPLAINT, "version": 1, "grade": 5, "reasons": []}
    return [
        side.item("case", case_body(COMPLAINT)) if number % 2 else side.item("rating", rating)
        for number in range(count)
    ]


def test_fault_43_what_a_backup_lost_is_asked_for_and_comes_again_once(
    build_office: Callable[..., Office], tmp_path: Path, clock: Any
) -> None:
    """Fault 43. Backup copied, items taken, backup put back: nothing lost, nothing doubled."""
    office = build_office()
    side = side_of(office, "K0001")
    queue = items(side, 4)
    send(office, side, *queue)
    close(office)
    data = tmp_path / "data"
    shutil.copy(data / "central.db", tmp_path / "backup.db")
    office = build_office()
    clock.advance(3600)
    assert send(office, side).stream.restored is None
    later = items(side, 6)
    assert send(office, side, *later).stream.restored is None
    close(office)
    for left in data.glob("central.db*"):
        left.unlink()
    shutil.copy(tmp_path / "backup.db", data / "central.db")

    office = build_office()
    greeted = send(office, side)
    assert greeted.stream.restored == START - SLACK
    assert (numbers(office), greeted.stream.highest) == ([1, 2, 3, 4], 4)
    new = items(side, 1)
    send(office, side, *new)  # a resident does not wait for the repair
    again = send(office, side, *queue, *later)  # by the mark, everything is younger than it
    assert [word.verdict for word in again.words] == [Verdict.DUPLICATE] * 4 + [Verdict.ACCEPTED] * 6
    assert numbers(office) == list(range(1, 12))
    assert len(numbers(office, Case)) + len(numbers(office, Rating)) == 11
    close(office)
    assert send(build_office(), side).stream.restored == START - SLACK  # once noted, not forgotten at the next start


def test_fault_43_terminals_are_asked_for_thirty_days_and_then_no_more(
    build_office: Callable[..., Office], clock: Any
) -> None:
    """Fault 43. The mark is carried long enough for terminals that were off, and not for ever."""
    office = build_office()
    side = side_of(office, "K0001")
    close(office)
    moment = START - timedelta(days=1)
    _note(office, moment, clock.now())
    office = build_office()
    clock.advance(30 * 86400)
    assert send(office, side).stream.restored == moment
    clock.advance(1)
    assert send(office, side).stream.restored is None


def test_fault_43_a_second_restore_is_another_mark_and_reaches_as_far_back_as_the_first(
    build_office: Callable[..., Office], clock: Any
) -> None:
    """Fault 43. Set back twice: a terminal that missed the first mark must not be asked for the second alone."""
    office = build_office()
    side = side_of(office, "K0001")
    close(office)
    _note(office, START - timedelta(days=3), clock.now())
    clock.advance(60)
    _note(office, START - timedelta(days=1), clock.now())
    assert send(build_office(), side).stream.restored == START - timedelta(days=3, seconds=1)


def test_fault_43_a_mark_that_grows_old_beside_a_younger_one_asks_for_nothing_anew(
    build_office: Callable[..., Office], clock: Any
) -> None:
    """Fault 43. Two restores ten days apart: the moment stays as it was until both are old."""
    office = build_office()
    close(office)
    _note(office, START - timedelta(days=3), clock.now())
    clock.advance(10 * 86400)
    _note(office, clock.now() - timedelta(days=1), clock.now())
    wanted = build_office().restores
    said = []
    for _ in range(32):
        said.append(wanted.wanted)
        clock.advance(86400)
    assert said == [START - timedelta(days=3, seconds=1)] * 31 + [None]


def test_numbers_given_after_the_backup_are_not_given_again(build_office: Callable[..., Office], clock: Any) -> None:
    office = build_office()
    with office.store.write() as session:
        assert next_number(session, "ticket/2026") == 1
    close(office)
    _note(office, START, clock.now())
    office = build_office()
    with office.store.write() as session:
        assert next_number(session, "ticket/2026") == NUMBERS_SKIPPED + 2


def test_a_database_that_was_lost_whole_is_asked_for_from_the_beginning(
    build_office: Callable[..., Office], tmp_path: Path
) -> None:
    office = build_office()
    side: Any = side_of(office, "K0001")
    one = side.alarm()
    send(office, side, one)
    close(office)
    for left in (tmp_path / "data").glob("central.db*"):
        left.unlink()
    office = build_office()
    office.enrolment.register_key("K0001", pem(side.signer))
    assert send(office, side, one).stream == wire.Stream(highest=1, restored=BEGINNING)


@pytest.mark.parametrize("line", ["", "K0001 torn", "K0001 x y z", "\x00" * 256])
def test_a_line_torn_by_a_power_cut_is_no_restore(
    build_office: Callable[..., Office], tmp_path: Path, line: str
) -> None:
    office = build_office()
    side = side_of(office, "K0001")
    send(office, side, side.alarm())
    close(office)
    (tmp_path / "data" / LAST_ITEM).write_text(line)
    assert build_office().restores.wanted is None


def test_an_item_with_another_chain_than_noted_is_a_restore(build_office: Callable[..., Office]) -> None:
    office = build_office()
    side = side_of(office, "K0001")
    send(office, side, side.alarm())
    with office.store.write() as session:
        session.execute(update(StoredItem).values(chain="0" * 64))
    close(office)
    assert build_office().restores.wanted is not None


def test_a_restore_is_noted_by_hand(
    build_office: Callable[..., Office], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    close(build_office())
    command = ["restore-mark", "--data", str(tmp_path / "data")]
    assert main([*command, "2026-11-20T10:00:00+08:00"]) == 0
    assert "2026-11-20" in capsys.readouterr().out
    # Noted by the system's clock, which the test does not move: the office looks as far back as it takes.
    office = build_office(ask_days=36_500)
    assert office.restores.wanted == datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    for wrong in ("yesterday", "2026-11-20T10:00:00"):
        with pytest.raises(SystemExit):
            main([*command, wrong])
    assert "its zone" in capsys.readouterr().err


def _note(office: Office, moment: datetime, noted: datetime) -> None:
    with office.store.write() as session:
        note_restore(session, moment, noted)
    office.store.close()
