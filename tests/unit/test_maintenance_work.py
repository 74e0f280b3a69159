"""Self-tests, burn-in, repairs, the dry run's item and the report, apart from the screen."""

from __future__ import annotations

import asyncio
import io
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pypdf
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from devices.camera import Camera
from devices.device import DeviceInfo
from devices.errors import DeviceCode, DeviceFault
from devices.health import READY, UNKNOWN, Condition, Health
from devices.lights import Light, Lights
from devices.manager import DeviceManager
from devices.power import Power, PowerState
from devices.printer import Printer
from devices.scanner import ScannedCode, Scanner
from devices.sensors import Sensor, SensorChange, Sensors
from devices.speech import Speech
from devices.values import Frame, Pii, PrintReceipt
from kiosk.audit import AuditTrail
from kiosk.cabinet import Cabinet
from kiosk.catalogue import model
from kiosk.clock import ManualClock
from kiosk.errors import GatewayRefused, GatewayUnreachable
from kiosk.event_log import EventLog
from kiosk.guide_lights import GuideLights
from kiosk.maintenance import other_tests, repairs, self_tests
from kiosk.maintenance.burn_in import BurnIn
from kiosk.maintenance.dry_run import DryDesk, DryRun, DryRunFault
from kiosk.maintenance.findings import DeviceFinding, Findings
from kiosk.maintenance.hands import Nobody
from kiosk.maintenance.machine import look
from kiosk.maintenance.proof import Record, Trouble
from kiosk.maintenance.repairs import Bench, RepairsError, fitting
from kiosk.maintenance.report import draw_report, draw_test_page
from kiosk.maintenance.results import CheckOutcome, CheckResult
from kiosk.maintenance.sections import sections
from kiosk.maintenance.self_tests import SelfTests
from kiosk.queue_view import Problem, entries
from kiosk.settings import TerminalSettings, load
from kiosk.texts import catalogue
from kiosk.views import Language
from kiosk.visit import Tools
from offline_queue.outbox import Outbox
from tests.unit.technicians import NOW
from typefaces import SANS, FontMissing, Typefaces

ROOT = Path(__file__).parents[2]


class There:
    health = READY

    async def open(self): ...

    async def close(self): ...

    async def probe(self):
        return self.health

    def info(self):
        return DeviceInfo("fake", "here")


class Paper(There, Printer):
    def __init__(self):
        self.sheets, self.hangs, self.trouble, self.jobs = 1, False, None, []

    async def print(self, job, on_progress=None):
        if self.hangs:
            await asyncio.Event().wait()
        if self.trouble is not None:
            raise self.trouble
        self.jobs.append(job)
        return PrintReceipt("job", self.sheets)

    async def outcome(self, job): ...

    async def supplies(self):
        return ()

    async def counters(self): ...


class Eye(There, Camera):
    def __init__(self):
        self.pictures = [bytes([0, 200, n]) for n in range(9)]
        self.on = 0

    async def start(self):
        self.on += 1

    async def stop(self):
        self.on -= 1

    async def frame(self):
        return Frame(1, 1, self.pictures.pop(0), 0.0)


class Voice(There, Speech):
    spoken = True

    async def say(self, saying):
        return self.spoken

    async def silence(self): ...


class Lamps(There, Lights):
    def __init__(self):
        self.shown = []

    def fitted(self):
        return frozenset({Light.STATUS, Light.FACE})

    async def show(self, states):
        self.shown.append(dict(states))


class Contacts(There, Sensors):
    def __init__(self):
        self.news = asyncio.Queue()

    def fitted(self):
        return frozenset({Sensor.DOOR_OPEN})

    async def states(self):
        return {Sensor.DOOR_OPEN: False}

    async def change(self):
        return await self.news.get()


class Mains(There, Power):
    on_mains = True

    async def state(self):
        return PowerState(self.on_mains)

    async def changed(self): ...


class Reader(There, Scanner):
    code = ""

    async def scan(self):
        return ScannedCode(Pii(self.code))


class Person:
    """A technician who answers as told."""

    def __init__(self, answer=True):
        self.answer, self.asked = answer, []

    async def ask(self, question):
        self.asked.append(question.key)
        return self.answer

    async def bid(self, request, wait):
        self.asked.append(request.key)
        if self.answer is None:
            wait.close()
            return None
        return await wait


class Office:
    trouble = None

    async def catalogue(self):
        if self.trouble is not None:
            raise self.trouble
        return ()


class Lab:
    def __init__(self, folder, **devices):
        self.clock = ManualClock()
        self.out = io.StringIO()
        log = EventLog(self.clock, self.out)
        self.devices = DeviceManager(devices, clock=self.clock, on_change=lambda *_: None)
        self.office = Office()
        self.outbox = SimpleNamespace(read=self._read)
        self.problems = None
        self.tools = SimpleNamespace(
            clock=self.clock,
            log=log,
            devices=self.devices,
            gateway=self.office,
            face=None,
            cabinet=None,
            settings=load("demo"),
        )
        self.tests = SelfTests(self.tools, self.outbox, folder, lambda: b"%PDF")

    async def _read(self, work):
        found, self.problems = self.problems, None
        return found

    async def run(self, part, hands=None):
        await self.devices.start()
        return await self.tests.run(part, hands or Person())


@pytest.fixture
def lab(tmp_path):
    return lambda **devices: Lab(tmp_path, **devices)


async def test_a_printer_that_counts_no_sheet_did_not_print(lab):
    paper = Paper()
    made = lab(document_printer=paper)
    assert (await made.run("document_printer")).outcome is CheckOutcome.PASSED
    assert '"Printed"' in made.out.getvalue()
    paper.sheets = 0
    result = await made.run("document_printer")
    assert (result.outcome, result.code) == (CheckOutcome.FAILED, "no_paper_counted")


async def test_a_page_nobody_can_read_is_a_failure(lab):
    result = await lab(document_printer=Paper()).run("document_printer", Person(False))
    assert (result.outcome, result.code) == (CheckOutcome.FAILED, "said_no")


async def test_a_missing_typeface_is_a_result_and_no_crash(lab):
    def missing():
        raise FontMissing("none")

    made = lab(document_printer=Paper())
    made.tests._draw_page = missing
    assert (await made.run("document_printer")).code == "font_missing"


async def test_a_device_that_hangs_ends_at_the_deadline_with_a_date(lab):
    paper = Paper()
    paper.hangs = True
    made = lab(document_printer=paper)
    await made.devices.start()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(made.tests.run("document_printer", Person()))
        for _ in range(3):
            await asyncio.sleep(0.01)  # the page is drawn in a thread
            await made.clock.advance(self_tests.DEADLINE_S / 2)
    result = running.result()
    assert (result.outcome, result.code) == (CheckOutcome.FAILED, "deadline")
    assert result.at.startswith("2026-11-21T02:")


async def test_a_fault_keeps_the_devices_own_code(lab):
    paper = Paper()
    paper.trouble = DeviceFault("jam", code=DeviceCode.PAPER_JAM, device="document_printer")
    assert (await lab(document_printer=paper).run("document_printer")).code == "device.paper_jam"


async def test_a_device_that_is_away_fails_and_never_passes(lab):
    paper = Paper()
    paper.health = UNKNOWN
    assert (await lab(document_printer=paper).run("document_printer")).outcome is CheckOutcome.FAILED


async def test_a_frozen_or_black_camera_fails_and_is_switched_off(lab):
    for pictures, code in (
        ([b"\x00\xc8\x01"] * 9, "device.frozen"),
        ([bytes([n, n, n]) for n in range(9)], "picture_empty"),
    ):
        eye = Eye()
        eye.pictures = list(pictures)
        result = await lab(camera=eye).run("camera")
        assert (result.outcome, result.code, eye.on) == (CheckOutcome.FAILED, code, 0)
    assert (await lab(camera=Eye()).run("camera")).outcome is CheckOutcome.PASSED


async def test_lights_and_voice_nobody_judged_are_left_out_not_passed(lab):
    lamps = Lamps()
    for part, device in (("lights", lamps), ("speech", Voice())):
        result = await lab(**{part: device}).run(part, Nobody())
        assert (result.outcome, result.code) == (CheckOutcome.SKIPPED, "left_out")
    assert lamps.shown[-1] == {}
    assert (await lab(lights=lamps).run("lights")).outcome is CheckOutcome.PASSED
    assert [len(states) for states in lamps.shown[-3:]] == [1, 1, 0]


async def test_a_contact_has_to_turn_and_another_one_does_not_count(lab):
    contacts = Contacts()
    made = lab(sensors=contacts)
    made.tools.cabinet = Cabinet(made.devices, made.clock, SimpleNamespace(tell=None, cleared=None))
    await made.devices.start()
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(made.tools.cabinet.run())
        testing = group.create_task(made.run("sensors"))
        await made.clock.advance(3)
        contacts.news.put_nowait(SensorChange(Sensor.HEADSET_IN, on=True))
        await made.clock.advance(3)
        assert not testing.done()
        contacts.news.put_nowait(SensorChange(Sensor.DOOR_OPEN, on=True))
        await made.clock.advance(1)
        assert testing.result().outcome is CheckOutcome.PASSED
        reading.cancel()


async def test_without_a_reader_of_the_contacts_their_test_is_left_out_never_passed(lab):
    result = await lab(sensors=Contacts()).run("sensors")
    assert (result.outcome, result.code) == (CheckOutcome.SKIPPED, "not_fitted")


async def test_a_scanner_that_reads_another_code_fails(lab):
    reader = Reader()
    reader.code = "TONGBAN-TEST-0000"
    result = await lab(scanner=reader, receipt_printer=Paper()).run("scanner")
    assert (result.outcome, result.code) == (CheckOutcome.FAILED, "not_that_code")


async def test_a_machine_on_battery_is_not_in_order(lab):
    mains = Mains()
    mains.on_mains = False
    assert (await lab(power=mains).run("power")).code == "on_battery"


async def test_a_silent_central_and_one_that_refuses_are_told_apart(lab):
    made = lab()
    for trouble, code in ((GatewayUnreachable("x"), "central_silent"), (GatewayRefused("x"), "central_refused")):
        made.office.trouble = trouble
        assert (await made.run("central")).code == code


async def test_a_queue_that_does_not_hold_fails(lab):
    made = lab()
    assert (await made.run("queue")).outcome is CheckOutcome.PASSED
    made.problems = [Problem(3, "gone")]
    assert (await made.run("queue")).code == "queue_damaged"


async def test_a_disk_that_takes_nothing_fails_and_leaves_nothing(lab, tmp_path, monkeypatch):
    made = lab()
    assert (await made.run("disk")).outcome is CheckOutcome.PASSED
    assert not (tmp_path / "disk.test").exists()

    def refuses(_handle):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(other_tests.os, "fsync", refuses)
    assert (await made.run("disk")).code == "disk_refused"
    assert not (tmp_path / "disk.test").exists()


async def test_a_burn_in_counts_goes_on_or_stops_as_chosen_and_ends_at_once(lab):
    paper = Paper()
    made = lab(document_printer=paper)
    await made.devices.start()
    made.office.trouble = GatewayUnreachable("down")
    first, second, third = BurnIn(), BurnIn(), BurnIn()

    async def burn(counting, *, stop_at_first, seconds=60.0):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(counting.run(made.tests, made.clock, seconds, stop_at_first=stop_at_first))
            for _ in range(2000):
                if task.done():
                    return
                await asyncio.sleep(0.001)  # disk and page are done in threads
                await made.clock.advance(1)

    await burn(first, stop_at_first=True)
    assert (first.rounds, first.failures) == (1, {"central": 1})
    await burn(second, stop_at_first=False)
    assert second.rounds == second.failures["central"] > 3
    assert len(paper.jobs) < second.rounds
    task = asyncio.get_running_loop().create_task(third.run(made.tests, made.clock, 3600, stop_at_first=False))
    await made.clock.settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_every_repair_has_words_pictures_and_a_confirmation():
    found = repairs.load(ROOT / "config" / "repairs")
    assert len(found) >= 10
    for language in Language:
        known = catalogue(language)
        for one in found:
            assert f"maintenance.repair_name.{one.id}" in known
            for step in one.steps:
                assert f"maintenance.step.{step.say}" in known
                assert step.picture
            assert not one.steps[-1].confirm.stated, one.id  # the last word is the machine's
    served = {cause for one in found for cause in one.causes if one.role == "document_printer"}
    assert {Condition.PAPER_OUT, Condition.PAPER_JAM, Condition.TONER_OUT, Condition.COVER_OPEN} <= served


def test_the_repair_against_the_present_cause_comes_first():
    found = repairs.load(ROOT / "config" / "repairs")
    assert fitting(found, "document_printer", [Condition.TONER_OUT])[0].id == "sheets_toner"


@pytest.mark.parametrize(
    "content",
    [
        'role = "toaster"\nstep = [{say = "x", picture = "y", confirm = {usable = true}}]',
        'role = "camera"\nstep = []',
        'role = "camera"\nstep = [{say = "x", picture = "y", confirm = {}}]',
        'role = "camera"\nstep = [{say = "x", picture = "y", confirm = {usable = true, stated = true}}]',
        'role = "camera"\ncauses = ["sunspots"]\nstep = [{say = "x", picture = "y", confirm = {usable = true}}]',
        'role = "camera"\nstep = [{say = "x", picture = "y", light = "disco", confirm = {usable = true}}]',
    ],
)
def test_a_repair_that_makes_no_sense_is_named(tmp_path, content):
    (tmp_path / "wrong.toml").write_text(content)
    with pytest.raises(RepairsError, match=r"wrong\.toml"):
        repairs.load(tmp_path)


async def test_a_step_ends_by_what_the_device_says_within_a_second(lab):
    paper = Paper()
    paper.health = Health.of(frozenset({Condition.PAPER_OUT}))
    made = lab(document_printer=paper)
    await made.devices.start()
    step = next(one for one in repairs.load(ROOT / "config" / "repairs") if one.id == "sheets_out").steps[1]
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(made.devices.run())
        waiting = group.create_task(Bench(made.tools, GuideLights(None)).confirmed("document_printer", step))
        await made.clock.advance(3)
        assert not waiting.done()
        paper.health = READY
        await made.clock.advance(2)
        assert waiting.done()
        watching.cancel()


@asynccontextmanager
async def outbox(folder, clock):
    key = X25519PrivateKey.generate()
    opened = await Outbox.open(
        folder / "queue.db",
        kiosk="K0001",
        central_key=key.public_key(),
        central_key_id="seal-1",
        receipt_keys={},
        now=clock.now,
        monotonic=clock.monotonic,
        on_alarm=lambda _alarm: None,
    )
    try:
        yield opened
    finally:
        await opened.close()


async def test_a_dry_run_puts_one_item_of_its_own_kind_and_no_case(tmp_path):
    clock = ManualClock()
    slips = Paper()
    log = EventLog(clock, io.StringIO())
    loaded, _ = model.load(ROOT / "config" / "catalogue")
    settings = load("demo")
    async with outbox(tmp_path, clock) as queue:
        trail = AuditTrail(clock, log)
        trail.begin(queue)
        manager = DeviceManager({"receipt_printer": slips}, clock=clock, on_change=lambda *_: None)
        await manager.start()
        tools = SimpleTools(settings, clock, log, manager, loaded)

        def desk(visit):
            return DryDesk(queue, clock, log, "K0001", visit, trail=trail, key=lambda: None)

        result = await DryRun(tools.made(), desk, lambda: False).run()
        held = await queue.read(lambda ledger: entries(ledger, after=0))
    assert result.passed, result
    assert [item.kind for item in held] == ["dry_run"]
    assert result.shown[:3] == ("Guide", "Form", "Review")
    printed = [line.text for line in slips.jobs[0].body.lines if hasattr(line, "text")]
    assert any(line.startswith("TEST-K0001") for line in printed)
    assert not result.delivered


async def test_a_dry_run_without_a_slip_or_a_service_does_not_pass(tmp_path):
    clock = ManualClock()
    log = EventLog(clock, io.StringIO())
    loaded, _ = model.load(ROOT / "config" / "catalogue")
    slips = Paper()
    slips.trouble = DeviceFault("jam", device="receipt_printer")
    async with outbox(tmp_path, clock) as queue:
        trail = AuditTrail(clock, log)
        trail.begin(queue)
        manager = DeviceManager({"receipt_printer": slips}, clock=clock, on_change=lambda *_: None)
        await manager.start()
        tools = SimpleTools(load("demo"), clock, log, manager, loaded)

        def desk(visit):
            return DryDesk(queue, clock, log, "K0001", visit, trail=trail, key=lambda: None)

        assert (await DryRun(tools.made(), desk, lambda: False).run()).fault is DryRunFault.NO_SLIP
        tools.settings = replace(
            tools.settings, maintenance=replace(tools.settings.maintenance, dry_run_service="NONE")
        )
        assert (await DryRun(tools.made(), desk, lambda: False).run()).fault is DryRunFault.NO_SERVICE


class SimpleTools:
    def __init__(self, settings, clock, log, devices, catalogue_):
        self.settings, self.clock, self.log, self.devices, self.catalogue = settings, clock, log, devices, catalogue_

    def made(self):
        return Tools(
            settings=self.settings,
            clock=self.clock,
            log=self.log,
            devices=self.devices,
            gateway=Office(),
            catalogue=self.catalogue,
            face=None,
            photo_decoder=None,
            verifier=None,
            staff=SimpleNamespace(tell=lambda *_, **_how: None, cleared=lambda *_: None, device=lambda *_: None),
        )


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    return Typefaces(tmp_path_factory.mktemp("faces"), SANS)


def report_of(**changes):
    record = Record(
        proven={"camera": NOW.isoformat()},
        troubles=[
            Trouble("camera", NOW.isoformat(), "absent", "absent"),
            Trouble("document_printer", NOW.isoformat(), "fault paper_jam"),
        ],
    )
    given = {
        "now": NOW,
        "terminal": TerminalSettings(),
        "version": "0.1.0",
        "profile": "community",
        "running": True,
        "mode": "maintenance",
        "record": record,
        "machine": look(Path("/")),
        "devices": (DeviceFinding(role="document_printer", driver="ipp", state="fault", conditions=("cover_open",)),),
        "results": (CheckResult(role="camera", outcome=CheckOutcome.PASSED, at=NOW.isoformat(), seconds=1),),
    } | changes
    return sections(Findings(**given))


def test_the_report_says_in_both_languages_what_the_sections_say(faces):
    pdf, pages = draw_report(report_of(), TerminalSettings(), NOW, faces, technician="T-0042")
    read = pypdf.PdfReader(io.BytesIO(pdf))
    said = "".join(page.extract_text() for page in read.pages).replace("\0", "")  # pypdf halves two-byte codes
    assert len(read.pages) == pages
    for words in ("状况报告", "Readiness report", "未就绪", "Not ready", "K0001", "T-0042", "卡纸", "Paper jam"):
        assert words in said, words
    assert "maintenance." not in said


def test_a_report_of_very_many_rows_breaks_into_pages(faces):
    results = tuple(
        CheckResult(role=role, outcome=CheckOutcome.FAILED, at=NOW.isoformat(), seconds=1, code="device.timeout")
        for role in ("camera", "scanner", "lights", "speech", "power", "sensors") * 12
    )
    pdf, pages = draw_report(report_of(results=results), TerminalSettings(), NOW, faces)
    assert pages >= 3
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == pages


def test_the_test_page_is_one_page(faces):
    assert len(pypdf.PdfReader(io.BytesIO(draw_test_page(TerminalSettings(), NOW, faces))).pages) == 1
