from __future__ import annotations

import json
import zipfile
from datetime import timedelta

import pytest

from devices.sim.personas import PERSONAS
from kiosk.clock import ManualClock
from kiosk.events import CardRead, SessionWiped, VisitStarted
from kiosk.maintenance import export as export_module
from kiosk.maintenance.export import LogKeeper, PersonalDataFound, export, scan, sticks

ORDINARY = [
    '{"at": "2026-11-21T02:00:00.000+00:00", "event": "VisitStarted", "visit": "1234567890123452"}',
    '{"event": "ConsentGiven", "visit": "a1b2c3d4e5f60718", "text_sha256": "' + "4" * 64 + '"}',
    '{"event": "KeyOpened", "kind": "file", "key": "kiosk-4111111111111111"}',
    '{"event": "CaseTakenIn", "seq": 20261121000712, "seconds": 13912345678.5}',
    '{"serial": "20261121-00034567", "subject": "document_printer", "n": 123456789012345678}',
]


@pytest.mark.parametrize("line", ORDINARY)
def test_what_the_terminal_says_of_itself_is_no_personal_data(line):
    scan({"log.jsonl": line})


@pytest.mark.parametrize(
    "text",
    [
        "999999195203070019",  # a resident's number
        "99999919951122003X",
        "99999919951122003x",
        "13812345678",  # a mobile number
        "6234567890123456780",  # a card's number, nineteen digits
        "4111111111111111",
    ],
)
def test_one_line_that_looks_personal_refuses_the_whole_export_and_is_not_repeated(tmp_path, text):
    book = tmp_path / "book.jsonl"
    book.write_text('{"a": 1}\n{"detail": "reader said ' + text + '"}\n')
    target = tmp_path / "stick"
    target.mkdir()
    with pytest.raises(PersonalDataFound) as found:
        export(tmp_path, target, kiosk="K0001", at="2026-11-21T02:00:00", sections=[])
    assert (found.value.file, found.value.line) == ("book.jsonl", 2)
    assert text not in str(found.value)
    assert not list(target.iterdir())


def test_every_canary_of_the_simulated_people_refuses_the_export():
    for person in PERSONAS.values():
        with pytest.raises(PersonalDataFound):
            scan({"x": f"read {person.number} now"})
    with pytest.raises(PersonalDataFound):
        scan({"x": "said 张老伯 aloud"}, canaries=("张老伯",))


def test_the_log_of_the_last_days_the_book_and_the_sections_are_in_the_export(tmp_path):
    clock = ManualClock()
    keeper = LogKeeper(tmp_path, clock, days=7)
    keeper.hear(VisitStarted(visit="a1b2"))
    keeper.hear(CardRead(visit="a1b2", kind="resident"))
    (tmp_path / "book.jsonl").write_text('{"n": 1}\n')
    (tmp_path / "orders.json").write_text("{}")  # no log: stays
    target = tmp_path / "stick"
    target.mkdir()
    done = export(tmp_path, target, kiosk="K0001", at=clock.now().isoformat(), sections=[{"id": "devices"}])
    with zipfile.ZipFile(target / done.name) as archive:
        assert set(archive.namelist()) == {"book.jsonl", "log/2026-11-21.jsonl", "sections.json"}
        lines = archive.read("log/2026-11-21.jsonl").decode().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["VisitStarted", "CardRead"]
    assert [path.name for path in target.iterdir()] == [done.name]


async def test_old_days_go_and_a_storm_of_events_does_not_fill_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "MOST_DAY_BYTES", 2000)
    clock = ManualClock()
    keeper = LogKeeper(tmp_path, clock, days=2)
    for _ in range(5):
        for _ in range(100):
            keeper.hear(SessionWiped(visit="a1b2", milliseconds=3))
        clock.jump(timedelta(days=1).total_seconds())
    files = sorted(path.name for path in (tmp_path / "log").iterdir())
    assert files == ["2026-11-23.jsonl", "2026-11-24.jsonl", "2026-11-25.jsonl"]
    assert all(path.stat().st_size <= 2000 for path in (tmp_path / "log").iterdir())


def test_a_stick_that_is_full_leaves_nothing_half_written(tmp_path, monkeypatch):
    target = tmp_path / "stick"
    target.mkdir()

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_module.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        export(tmp_path, target, kiosk="K0001", at="2026-11-21T02:00:00", sections=[])
    assert not list(target.iterdir())


def test_an_ordinary_folder_is_no_stick(tmp_path):
    (tmp_path / "usb").mkdir()
    assert sticks(tmp_path) == ()
    assert sticks(tmp_path / "missing") == ()
