"""A machine nobody hears of any more is noticed by central; what it said last is listed, the worst first."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from central.commands import run
from central.store.schema import Alarm
from central.store.upkeep import Heartbeat
from offline_queue import wire
from tests.central.terminal_side import START, alarm_body, side_of

SILENT = "machine.silent"
HOUR = 3600


def beat(at: Any = START, **changes: Any) -> dict[str, Any]:
    part = {"state": "ready", "cause": "", "proven": at.isoformat(), "alone": True}
    said = {
        "at": at.isoformat(),
        "every_s": HOUR,
        "done": True,
        "mode": "in_service",
        "parts": {"camera": part, "scanner": part | {"proven": None, "alone": False}},
        "supplies": {"sheets": {"left": 400, "days_left": None}},
        "pending": 0,
        "quarantined": 0,
    }
    return {"heartbeat": said | changes}


def send(office, side, body, kind="maintenance") -> wire.Verdict:
    taken = office.intake.take(side.kiosk, side.batch(side.item(kind, body)))
    return wire.decode_reply(taken.reply).words[0].verdict


def alarms(office) -> list[Alarm]:
    with office.store.read() as session:
        return [one for one in session.query(Alarm).order_by(Alarm.at) if one.code == SILENT]


def listed(office, capsys) -> list[str]:
    run(["machine", "list", "--data", str(office.data)])
    return capsys.readouterr().out.splitlines()


def test_a_machine_is_silent_after_two_missed_beats_and_only_once(office, side, clock):
    assert send(office, side, beat()) is wire.Verdict.ACCEPTED
    clock.advance(2 * HOUR + 9 * 60)
    office.silence.look()
    assert not alarms(office)
    clock.advance(2 * 60)
    for _ in range(3):
        office.silence.look()
    (alarm,) = alarms(office)
    assert (alarm.kiosk, alarm.ended, alarm.source) == ("K0001", None, "central")


def test_the_alarm_ends_when_the_machine_speaks_again_and_a_second_silence_is_another(office, side, clock):
    send(office, side, beat())
    clock.advance(3 * HOUR)
    office.silence.look()
    send(office, side, beat(START + timedelta(hours=3)))
    office.silence.look()
    assert alarms(office)[0].ended == office.clock.now()
    clock.advance(3 * HOUR)
    office.silence.look()
    assert [one.ended is None for one in alarms(office)] == [False, True]


def test_whatever_a_machine_sends_itself_is_a_sign_of_life(office, side, clock):
    send(office, side, beat())
    clock.advance(2 * HOUR)
    send(office, side, alarm_body("device.paper_jam"), "alarm")
    clock.advance(2 * HOUR)
    office.silence.look()
    assert not alarms(office)


def test_what_was_not_heard_while_central_was_down_is_nobodys_silence(build_office, clock):
    office = build_office()
    side = side_of(office, "K0001")
    send(office, side, beat())
    office.restores.close()
    office.store.close()
    clock.advance(48 * HOUR)
    again = build_office()
    again.silence.look()
    assert not alarms(again)
    clock.advance(3 * HOUR)
    again.silence.look()
    assert len(alarms(again)) == 1


def test_a_machine_found_silent_stays_silent_over_a_restart_of_central(build_office, clock):
    office = build_office()
    send(office, side_of(office, "K0001"), beat())
    clock.advance(3 * HOUR)
    office.silence.look()
    office.restores.close()
    office.store.close()
    again = build_office()
    again.silence.look()
    assert [one.ended for one in alarms(again)] == [None]


def test_a_machine_that_never_beat_is_no_silent_one(office, side, clock):
    send(office, side, alarm_body("device.paper_jam"), "alarm")
    clock.advance(90 * HOUR)
    office.silence.look()
    assert not alarms(office)


def test_an_old_beat_that_comes_late_does_not_overwrite_a_newer_one(office, side):
    send(office, side, beat(START, mode="degraded"))
    send(office, side, beat(START - timedelta(hours=5)))
    with office.store.read() as session:
        held = session.get_one(Heartbeat, "K0001")
        assert (held.at, '"degraded"' in held.body) == (START, True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"every_s": 0},
        {"pending": -1},
        {"mode": "测试·张老伯"},
        {"parts": {"camera": {"state": "ready", "cause": "", "proven": "never", "alone": True}}},
        {"parts": {f"part{n}": {"state": "", "cause": "", "proven": None, "alone": True} for n in range(33)}},
        {"owner": "somebody"},
    ],
)
def test_a_heartbeat_of_another_shape_is_rejected_and_keeps_nothing(office, side, wrong):
    assert send(office, side, beat(**wrong)) is wire.Verdict.REJECTED
    with office.store.read() as session:
        assert session.get(Heartbeat, "K0001") is None


def test_the_list_shows_the_last_proven_minute_red_first(build_office, clock, capsys):
    office = build_office(["K0001", "K0002", "K0003", "K0004"])
    jam = {"state": "fault paper_jam", "cause": "fault paper_jam", "proven": START.isoformat(), "alone": True}
    send(office, side_of(office, "K0001"), beat())
    send(office, side_of(office, "K0003"), beat(parts={"document_printer": jam}, mode="degraded"))
    send(
        office, side_of(office, "K0002"), beat(parts={"camera": jam | {"state": "ready", "cause": "", "proven": None}})
    )
    lines = listed(office, capsys)
    assert [line.split()[:2] for line in lines] == [
        ["K0003", "red"],
        ["K0002", "yellow"],
        ["K0004", "unknown"],
        ["K0001", "green"],
    ]
    assert "document_printer: fault paper_jam" in lines[0]
    assert "proven never" in lines[1]
    assert "proven 2026-11-21T02:00Z" in lines[3]
    clock.advance(3 * HOUR)
    office.silence.look()
    assert [line.split()[1] for line in listed(office, capsys)] == ["red", "red", "red", "unknown"]


def test_the_worker_looks_for_silent_machines_by_itself(office, monkeypatch):
    looked = threading.Event()
    monkeypatch.setattr(office.silence, "look", looked.set)
    office.worker.start()
    try:
        assert looked.wait(30)
    finally:
        office.worker.stop()
