"""Who may name an epoch its terminal has left: an image put back again, a late request. What is a second machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offline_queue import wire
from offline_queue.wire import StreamState, Verdict
from tests.central.test_streams import alarms, image, numbers, refusal, send, state

if TYPE_CHECKING:
    from central.office import Office
    from tests.central.terminal_side import TerminalSide


@pytest.fixture(params=["embedded", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "embedded" else str(request.getfixturevalue("cluster").new_database())


def test_fault_18_a_disk_cloned_to_a_second_kiosk_stops_both(office: Office, side: TerminalSide) -> None:
    """Fault 18. Two machines with one identity: told that its epoch is left, one grows it on; both are refused."""
    send(office, side, side.alarm("one"))
    clone = image(side)
    send(office, side, side.alarm("two"))
    assert send(office, clone).stream.state is StreamState.REGRESS
    clone.turn()  # the clone obeys
    send(office, clone, clone.alarm("three of the clone"))
    three = side.alarm("three")
    told = send(office, side, three)
    assert (told.stream.state, told.words[0].verdict) == (StreamState.REGRESS, Verdict.DEFERRED)
    assert refusal(office, side, three, side.alarm("four")) == (403, "identity_doubled")
    assert refusal(office, clone, clone.alarm("four of the clone")) == (403, "identity_doubled")
    assert refusal(office, clone) == (403, "identity_doubled")
    assert {"intake.regress", "intake.identity_doubled"} == alarms(office)
    assert numbers(office) == [1, 2, 2]


def test_fault_18_a_machine_left_behind_that_obeys_gives_itself_away_by_what_it_has(
    office: Office, side: TerminalSide
) -> None:
    """Fault 18. Both begin new epochs whenever they are told: the left epoch's very next item is the proof."""
    send(office, side, side.alarm("one"))
    clone, left = image(side), side.epoch
    send(office, side, side.alarm("two"))
    send(office, clone)
    clone.turn()
    send(office, clone, clone.alarm("three of the clone"))
    three = side.alarm("three")
    assert send(office, side).stream.state is StreamState.REGRESS
    side.turn()
    assert send(office, side).stream.state is StreamState.OK
    assert refusal(office, side, three, epoch=left) == (403, "identity_doubled")
    assert refusal(office, clone) == (403, "identity_doubled")


def test_fault_18_a_reply_that_was_lost_is_not_disobeyed(office: Office, side: TerminalSide) -> None:
    """Fault 18. Told, but it never heard: what it asks again is what it asked, until an answer comes through."""
    send(office, side, side.alarm("one"))
    old = image(side)
    send(office, side, side.alarm("two"))
    send(office, old)
    old.turn()
    again = image(side)
    send(office, old, old.alarm("three"))
    batch = again.alarm("another two"), again.alarm("another three")
    for _ in range(3):
        assert send(office, again, *batch).stream.state is StreamState.REGRESS
        again.alarm("and it is used meanwhile")
        assert send(office, again).stream.state is StreamState.REGRESS
    assert (state(office), numbers(office)) == ("enrolled", [1, 2, 2])


def test_fault_17_the_same_old_image_put_back_again_and_again_is_told_each_time(
    office: Office, side: TerminalSide
) -> None:
    """Fault 17. An image told once is kept and put back again, used off line before: told, never locked out."""
    left = side.epoch
    send(office, side, side.alarm("one"))
    images = [image(side) for _ in range(3)]
    send(office, side, side.alarm("two"))
    for count, old in enumerate(images):
        grown = [old.alarm(f"grown {number}") for number in range(count * 2)]
        told = send(office, old, *grown) if count else send(office, old)
        assert told.stream.state is StreamState.REGRESS
        assert {word.verdict for word in told.words} <= {Verdict.DEFERRED}
        old.turn()
        assert send(office, old, old.alarm("new")).stream.state is StreamState.OK
        if grown:
            assert refusal(office, old, grown[0], epoch=left) == (422, "intake.fingerprint_conflict")
    assert state(office) == "enrolled"


def test_a_request_from_before_its_terminal_turned_that_comes_late_is_no_second_machine(
    office: Office, side: TerminalSide
) -> None:
    """The network kept a batch and the greetings after it: nothing of it is stored, its items come as the remainder."""
    left = side.epoch
    send(office, side, side.alarm("one"))
    two = side.alarm("two")
    late = side.batch(two)
    late_greeting = side.batch()
    side.turn()
    send(office, side, side.alarm("three"))
    for raw in (late, late_greeting, late):
        assert wire.decode_reply(office.intake.take(side.kiosk, raw).reply).stream.state is StreamState.REGRESS
    send(office, side, side.alarm("four"))
    assert [word.verdict for word in send(office, side, two, epoch=left).words] == [Verdict.ACCEPTED]
    assert (state(office), numbers(office)) == ("enrolled", [1, 2, 3, 4])


def test_fault_18_a_clone_that_only_sends_again_what_is_known_is_not_blocked(
    office: Office, side: TerminalSide
) -> None:
    """Fault 18. What was sent twice before the epoch turned is a duplicate, not a second machine."""
    one = side.alarm("one")
    send(office, side, one)
    before = side.batch(one)
    side.turn()
    send(office, side, side.alarm("two"))
    (word,) = wire.decode_reply(office.intake.take(side.kiosk, before).reply).words
    assert word.verdict is Verdict.DUPLICATE
    assert state(office) == "enrolled"
