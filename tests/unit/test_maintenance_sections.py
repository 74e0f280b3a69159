from __future__ import annotations

import io
import json
from datetime import date, timedelta

import pytest

from kiosk.clock import ManualClock
from kiosk.event_log import EventLog
from kiosk.events import AlarmRaised, CardRead, DeviceChanged, LinkChanged, Printed
from kiosk.maintenance import machine
from kiosk.maintenance.findings import DeviceFinding, Findings
from kiosk.maintenance.proof import Proofs, Record, read_record
from kiosk.maintenance.results import CheckOutcome, CheckResult, keep_results, read_results
from kiosk.maintenance.sections import sections, told
from kiosk.maintenance.supplies import Supplies, SupplyKind, Use, days_left, forecast
from kiosk.settings import MaintenanceSettings, TerminalSettings
from kiosk.texts import catalogue, resolve
from kiosk.views import Colour, Language
from tests.unit.technicians import NOW

PRINTER = "document_printer"


def changed(state, *conditions, detail=""):
    return DeviceChanged(device=PRINTER, state=state, conditions=conditions, detail=detail)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def proofs(tmp_path, clock):
    return Proofs(tmp_path, clock)


async def test_the_first_cause_is_kept_when_clearing_it_shows_others(proofs, clock):
    proofs.hear(changed("fault", "paper_jam", detail="sensor 3"))
    await clock.advance(600)
    proofs.hear(changed("fault", "cover_open"))
    proofs.hear(changed("absent"))
    trouble = proofs.record.present(PRINTER)
    assert (trouble.first, trouble.last, trouble.detail) == ("fault paper_jam", "absent", "sensor 3")
    proofs.hear(changed("ready"))
    assert proofs.record.present(PRINTER) is None
    proofs.hear(changed("fault", "toner_out"))
    assert proofs.record.present(PRINTER).first == "fault toner_out"


async def test_what_was_proved_and_how_trouble_began_survives_a_restart(proofs, clock, tmp_path):
    proofs.hear(CardRead(visit="v", kind="resident"))
    proofs.hear(changed("fault", "paper_jam"))
    proofs.hear(LinkChanged(state="down"))
    proofs.hear(AlarmRaised(code="device.paper_jam", subject=PRINTER))
    await proofs.write()
    again = Proofs(tmp_path, clock).record
    assert again.proven["id_reader"] == NOW.isoformat(timespec="seconds")
    assert again.present(PRINTER).first == "fault paper_jam"
    assert again.present("central") is not None
    assert again.alarms[0]["code"] == "device.paper_jam"


async def test_a_clock_set_back_does_not_bring_an_old_time_back(proofs, clock, tmp_path):
    await clock.advance(3600)
    proofs.proved("camera")
    await proofs.write()
    clock.jump(-86400)
    assert Proofs(tmp_path, clock).now() == NOW + timedelta(seconds=3600)


def test_a_record_that_was_damaged_is_set_aside_and_read_by_nobody(tmp_path, clock):
    (tmp_path / "proof.json").write_text('{"proven": ')
    assert read_record(tmp_path).proven == {}
    assert (tmp_path / "proof.json").exists()  # a reader beside a terminal touches nothing
    Proofs(tmp_path, clock)
    assert (tmp_path / "proof.json.damaged").exists()


def findings(**changes):
    proven = {PRINTER: NOW.isoformat()}
    record = changes.pop("record", None) or Record()
    record.proven = changes.pop("proven", proven)
    given = {
        "now": NOW,
        "terminal": TerminalSettings(),
        "version": "0.1.0",
        "profile": "community",
        "running": True,
        "mode": "in_service",
        "key": "file",
        "link": "up",
        "devices": (DeviceFinding(role=PRINTER, driver="ipp", state="ready"),),
        "record": record,
        "queue": {"pending": 0, "quarantined": 0, "oldest_age_s": 0, "last_receipt": None, "clock": "trusted"},
        "machine": machine.Machine(
            disk_free_mb=9000,
            disk_total_mb=9000,
            memory_free_mb=900,
            memory_total_mb=900,
            temperature=None,
            load=0.1,
            uptime_s=5,
        ),
    } | changes
    return Findings(**given)


def section(name, **changes):
    return next(one for one in sections(findings(**changes)) if one.id == name)


def test_a_device_that_answers_but_proved_nothing_lately_is_not_green():
    assert section("devices").colour is Colour.GREEN
    old = (NOW - timedelta(hours=5)).isoformat()
    assert section("devices", proven={PRINTER: old}).colour is Colour.YELLOW
    assert section("devices", proven={}).colour is Colour.YELLOW


def test_a_silent_queue_or_disk_is_grey_never_green():
    assert section("queue", queue=None).colour is Colour.GREY
    nothing = dict.fromkeys(
        ("disk_free_mb", "disk_total_mb", "memory_free_mb", "memory_total_mb", "temperature", "load", "uptime_s")
    )
    assert section("machine", machine=machine.Machine(**nothing)).colour is Colour.GREY


def test_the_sections_are_the_same_for_people_and_machines_and_every_word_exists():
    result = CheckResult(
        role="camera", outcome=CheckOutcome.FAILED, at=NOW.isoformat(), seconds=1, code="device.frozen"
    )
    own = CheckResult(role="lights", outcome=CheckOutcome.SKIPPED, at=NOW.isoformat(), seconds=1, code="not_fitted")
    made = sections(findings(results=(result, own)))
    plain = json.loads(json.dumps(told(made)))
    assert [one["id"] for one in plain] == [one.id for one in made]
    for language in Language:
        known = catalogue(language)
        for one in made:
            for words in (one.title, *(w for row in one.rows for w in (row.label, row.value, row.detail))):
                said = resolve(words, language)
                assert said not in known
                assert "maintenance." not in said


def test_every_kind_and_problem_has_words():
    from devices.health import Condition  # noqa: PLC0415
    from kiosk.maintenance.access import AccessProblem  # noqa: PLC0415
    from kiosk.maintenance.found_items import FoundKind  # noqa: PLC0415
    from kiosk.maintenance.orders import OrderProblem  # noqa: PLC0415

    known = catalogue(Language.EN)
    for problem in (*AccessProblem, *OrderProblem):
        assert f"maintenance.{problem.value}" in known
    for kind, where in ((FoundKind, "found"), (SupplyKind, "supply"), (Condition, "condition"), (CheckOutcome, "test")):
        for one in kind:
            assert f"maintenance.{where}.{one.value}" in known


def use(counts, *, refills=None, today=date(2026, 11, 20)):
    days = {(today - timedelta(days=n + 1)).isoformat(): {PRINTER: count} for n, count in enumerate(reversed(counts))}
    return Use({PRINTER: sum(counts)}, days, refills or {})


def test_one_busy_day_does_not_cry_wolf():
    today = date(2026, 11, 18)  # a Wednesday
    steady = days_left(100, use([10] * 14, today=today), PRINTER, today)
    assert days_left(100, use([10] * 13 + [400], today=today), PRINTER, today) == steady == 10


def test_weekends_use_less_and_the_forecast_knows():
    today = date(2026, 11, 19)  # a Thursday
    counts = [0 if (today - timedelta(days=28 - n)).weekday() >= 5 else 20 for n in range(28)]
    assert days_left(60, use(counts, today=today), PRINTER, today) == 5  # Fri, Sat, Sun, Mon, Tue


def test_a_supply_that_ends_after_the_weekend_is_told_before_it():
    settings = MaintenanceSettings(sheets_full=45, toner_sheets=100000)
    told_on = {}
    for day in (date(2026, 11, 17), date(2026, 11, 20)):
        of_day = use([10] * 14, today=day, refills={"sheets": {"total": 140, "amount": 45}})
        told_on[day.weekday()] = forecast(of_day, settings, day, {PRINTER}, {})[0].warn
    assert told_on == {1: False, 4: True}


def test_nothing_known_of_the_use_is_said_as_that():
    supplies = forecast(Use({}, {}, {}), MaintenanceSettings(), date(2026, 11, 20), {PRINTER}, {})
    assert [(one.left, one.days_left, one.warn) for one in supplies] == [(500, None, False), (3000, None, False)]


async def test_refills_and_counts_survive_a_restart_and_the_printers_word_counts_more(tmp_path, clock):
    supplies = Supplies(tmp_path, clock, TerminalSettings())
    EventLog(clock, io.StringIO()).listen(supplies.hear)
    supplies.hear(Printed(visit="v", device=PRINTER, sheets=30))
    await supplies.refilled(SupplyKind.SHEETS, 200)
    supplies.hear(Printed(visit="v", device=PRINTER, sheets=5))
    await supplies.write()
    again = Supplies(tmp_path, clock, TerminalSettings()).use
    told_by = {}
    for said in ({}, {SupplyKind.SHEETS: 7}):
        one = forecast(again, MaintenanceSettings(), date(2026, 11, 21), {PRINTER}, said)[0]
        told_by[one.counted_by] = one.left
    assert told_by == {"terminal": 195, "printer": 7}


def test_the_latest_result_of_each_part_is_kept(tmp_path):
    def result(role, outcome):
        return CheckResult(role=role, outcome=outcome, at=NOW.isoformat(), seconds=1)

    keep_results(tmp_path, [result("camera", CheckOutcome.PASSED), result("lights", CheckOutcome.FAILED)])
    keep_results(tmp_path, [result("lights", CheckOutcome.PASSED)])
    assert {one.role: one.outcome for one in read_results(tmp_path)} == {
        "camera": CheckOutcome.PASSED,
        "lights": CheckOutcome.PASSED,
    }
