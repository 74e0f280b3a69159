"""What central learns from a terminal's chain: lost numbers, old images, second machines. On both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from central.intake import BatchRefused
from central.store.schema import Alarm, Kiosk, StoredItem, Stream
from offline_queue import wire
from offline_queue.wire import StreamState, Verdict
from tests.central.terminal_side import TerminalSide, pem

if TYPE_CHECKING:
    from central.office import Office


@pytest.fixture(params=["embedded", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "embedded" else str(request.getfixturevalue("cluster").new_database())


def send(office: Office, side: TerminalSide, *items: wire.Item, epoch: str = "") -> wire.Reply:
    reply = wire.decode_reply(office.intake.take(side.kiosk, side.batch(*items, epoch=epoch)).reply)
    wire.verify_reply(office.keys.receipt_keys, reply)
    return reply


def refusal(office: Office, side: TerminalSide, *items: wire.Item, epoch: str = "") -> tuple[int, str]:
    with pytest.raises(BatchRefused) as caught:
        office.intake.take(side.kiosk, side.batch(*items, epoch=epoch))
    return caught.value.status, caught.value.code


def alarms(office: Office) -> set[str]:
    with office.store.read() as session:
        return {code for code in session.scalars(select(Alarm.code)) if code.startswith("intake.")}


def numbers(office: Office) -> list[int]:
    with office.store.read() as session:
        return list(session.scalars(select(StoredItem.seq).order_by(StoredItem.seq)))


def state(office: Office) -> str:
    with office.store.read() as session:
        return session.get_one(Kiosk, "K0001").state


def image(side: TerminalSide) -> TerminalSide:
    """Return what a copy of the terminal's disk is."""
    return replace(side)


def test_a_greeting_is_answered_with_what_central_has(office: Office, side: TerminalSide) -> None:
    assert send(office, side).stream == wire.Stream(highest=0)
    send(office, side, *(side.alarm(f"code{n}") for n in range(3)))
    reply = send(office, side)
    assert (reply.words, reply.stream.highest, reply.stream.state, reply.credit) == ((), 3, StreamState.OK, 50)


def test_numbers_that_go_on_in_a_new_epoch_are_no_gap(office: Office, side: TerminalSide, clock: Any) -> None:
    send(office, side, *(side.alarm(f"code{n}") for n in range(3)))
    side.turn()
    send(office, side, side.alarm("later"))
    clock.advance(3601)
    assert send(office, side, side.alarm("latest")).stream.highest == 5
    assert alarms(office) == set()


def test_an_epoch_whose_first_item_stays_away_is_a_gap(office: Office, side: TerminalSide, clock: Any) -> None:
    send(office, side, side.alarm())
    side.turn()
    first, second = side.alarm("first"), side.alarm("second")
    send(office, side, second)
    clock.advance(3601)
    assert alarms(office) == set()
    send(office, side)  # a greeting is enough to notice
    assert alarms(office) == {"intake.gap"}
    send(office, side, first)
    with office.store.read() as session:
        assert session.get_one(Stream, (side.kiosk, side.epoch)).gap_since is None


@pytest.mark.parametrize("late", [0, 1, 2])
def test_two_beginnings_of_one_epoch_are_two_histories(office: Office, side: TerminalSide, late: int) -> None:
    twin = image(side)
    send(office, side, *(side.alarm(f"code{n}") for n in range(3)))
    twin.seq = 2 + late  # another item claims to be the first, with a number of its own
    second = twin.alarm("twin")
    code = "intake.fingerprint_conflict" if second.seq == 3 else "intake.chain_fork"
    assert refusal(office, twin, second) == (422, code)
    assert numbers(office) == [1, 2, 3]


def test_an_item_that_does_not_join_the_one_after_it_is_a_second_history(office: Office, side: TerminalSide) -> None:
    send(office, side, side.alarm("one"))
    twin = image(side)
    side.alarm("two")
    send(office, side, side.alarm("three"))
    other = twin.alarm("another two")
    assert refusal(office, replace(twin, seq=side.seq, chain=side.chain), other) == (422, "intake.chain_fork")


def test_fault_17_an_old_image_of_the_disk_is_told_so(office: Office, side: TerminalSide) -> None:
    """Fault 17. The terminal's database is an old image: regress in the greeting, alarm, nothing overwritten."""
    send(office, side, side.alarm("one"))
    old = image(side)
    send(office, side, side.alarm("two"), side.alarm("three"))
    reply = send(office, old)
    assert reply.stream == wire.Stream(highest=3, state=StreamState.REGRESS)
    assert alarms(office) == {"intake.regress"}
    old.turn()
    assert send(office, old, old.alarm("new")).stream == wire.Stream(highest=2)
    assert state(office) == "enrolled"
    assert numbers(office) == [1, 2, 2, 3]


def test_fault_17_an_old_image_that_grew_past_what_central_has_is_told_so_after_the_first_conflict(
    office: Office, side: TerminalSide
) -> None:
    """Fault 17. Restored, then used off line for longer than before: only a conflict shows it, the greeting tells."""
    send(office, side, side.alarm("one"))
    old = image(side)
    send(office, side, side.alarm("two"))
    two, three = old.alarm("another two"), old.alarm("another three")
    assert send(office, old).stream.state is StreamState.OK  # nothing known contradicts number 3
    assert refusal(office, old, two) == (422, "intake.fingerprint_conflict")
    assert refusal(office, old, three) == (422, "intake.chain_fork")
    assert send(office, old).stream == wire.Stream(highest=2, state=StreamState.REGRESS)
    assert numbers(office) == [1, 2]


def test_fault_17_an_end_of_the_chain_that_is_another_is_told_at_once(office: Office, side: TerminalSide) -> None:
    """Fault 17. Same length, another content."""
    old = image(side)
    send(office, side, side.alarm("one"))
    old.alarm("another one")
    assert send(office, old).stream.state is StreamState.REGRESS


def test_what_an_epoch_left_unsent_is_taken_after_a_new_one_began(office: Office, side: TerminalSide) -> None:
    left = side.epoch
    one, two = side.alarm("one"), side.alarm("two")
    send(office, side, one)
    side.turn()
    send(office, side, side.alarm("three"))  # a higher priority: it goes before the remainder
    assert send(office, side, two, epoch=left).stream.highest == 2
    send(office, side, side.alarm("four"))
    assert (state(office), alarms(office)) == ("enrolled", set())


def test_an_epoch_nobody_heard_of_before_the_next_began_is_an_old_one(office: Office, side: TerminalSide) -> None:
    left = side.epoch
    one = side.alarm("one")
    side.turn()
    two = side.alarm("two")
    send(office, side, two)
    send(office, side, one, epoch=left)
    assert send(office, side, side.alarm("three")).stream.state is StreamState.OK
    assert (state(office), numbers(office)) == ("enrolled", [1, 2, 3])


def test_after_a_second_machine_was_found_the_terminal_goes_on_when_enrolled_again(office: Office, side: Any) -> None:
    send(office, side, side.alarm("one"))
    clone: Any = image(side)
    side.turn()
    send(office, side, side.alarm("two"))
    three = clone.alarm("three")
    send(office, clone)
    assert refusal(office, clone, three, clone.alarm("four")) == (403, "identity_doubled")
    office.enrolment.enrol_again("K0001")
    assert refusal(office, side, side.alarm("four")) == (403, "key_missing")
    office.enrolment.register_key("K0001", pem(clone.signer))
    (word,) = send(office, clone, three).words
    assert word.verdict is Verdict.ACCEPTED
    assert state(office) == "enrolled"


def test_fault_29_a_revoked_kiosk_is_refused_by_name_until_cleared(office: Office, side: TerminalSide) -> None:
    """Fault 29. Revoked: 403 by name, nothing stored; its items are kept at the terminal and welcome once cleared."""
    one = side.alarm("one")
    office.enrolment.exclude("K0001")
    assert refusal(office, side, one) == (403, "kiosk_revoked")
    assert numbers(office) == []
    office.enrolment.clear("K0001")
    assert [word.verdict for word in send(office, side, one).words] == [Verdict.ACCEPTED]


def test_fault_34_the_same_key_with_another_body_is_refused_and_never_overwrites(
    office: Office, side: TerminalSide
) -> None:
    """Fault 34. 422, alarm, and what was stored first stays."""
    other = image(side)
    one = side.alarm("one")
    send(office, side, one)
    assert refusal(office, other, other.alarm("another one")) == (422, "intake.fingerprint_conflict")
    assert alarms(office) == {"intake.fingerprint_conflict"}
    with office.store.read() as session:
        assert session.scalars(select(StoredItem.fingerprint)).all() == [one.fingerprint.hex()]


def test_the_first_verdict_is_repeated_whatever_it_was(office: Office, side: TerminalSide) -> None:
    good, bad = side.alarm("one"), side.item("alarm", b"{}")
    send(office, side, good, bad)
    words = send(office, side, good, bad).words
    assert [word.verdict for word in words] == [Verdict.DUPLICATE] * 2
    assert [word.first_verdict for word in words] == [Verdict.ACCEPTED, Verdict.REJECTED]


def test_the_highest_numbers_there_are_break_nothing(office: Office, side: TerminalSide) -> None:
    side.seq = wire.identity.MAX_SEQ - 1
    assert send(office, side, side.alarm()).stream.highest == wire.identity.MAX_SEQ
