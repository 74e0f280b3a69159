"""``kioskctl devices``: against a reader at the end of a real line, on a terminal that is stopped, or is not."""

from __future__ import annotations

import asyncio
import fcntl
import json
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from devices.errors import DeviceFault
from devices.health import Condition
from devices.roles import PORTS
from devices.sim.sdt_reader import SdtReaderMachine, SimCard
from devices.testing import asking, conformance
from devices.testing.device import Hands
from devices.testing.id_reader import ReaderHands
from devices.testing.printer_hands import PrinterHands
from devices.values import PdfDocument, Slip
from kiosk.cli import app
from kiosk.cli_places import QUEUE_FILE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
NAME = "测试"
ENDS_WITHIN_S = 60


class Shell:
    """Runs the command beside this test's loop, where the machine lives."""

    def __init__(self, folder: Path, port: str) -> None:
        self.state = folder / "state"
        self.site = folder / "site.toml"
        self.site.write_text(f'[devices.id_reader]\ndriver = "sdt"\nport = "{port}"\n', encoding="utf-8")

    async def run(self, *words: str, typed: str = "", settings: str = "lab") -> tuple[int, str, str]:
        command = [sys.executable, "-m", "kiosk.cli", "devices", *words, "--profile", settings]
        command += ["--state", str(self.state), "--settings", str(self.site)]
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe)
        async with asyncio.timeout(ENDS_WITHIN_S):
            out, err = await child.communicate(typed.encode())
        assert child.returncode is not None
        return child.returncode, out.decode(), err.decode()


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[SdtReaderMachine]:
    machine = SdtReaderMachine(tmp_path)
    await machine.start()
    yield machine
    await machine.stop()


@pytest.fixture
def shell(machine: SdtReaderMachine, tmp_path: Path) -> Shell:
    return Shell(tmp_path, machine.port)


async def test_list_opens_each_device_and_shows_name_plate_and_health(shell: Shell) -> None:
    status, out, _ = await shell.run("list", "--json")
    [row] = json.loads(out)
    assert status == 0
    assert (row["device"], row["driver"], row["state"], row["isolation"]) == ("id_reader", "sdt", "ready", "thread")
    assert row["since"]
    assert row["model"] == "SDT/SAM_A"


async def test_absent_device_is_listed_with_its_cause_and_status_one(shell: Shell, machine: SdtReaderMachine) -> None:
    machine.unplug()
    status, out, _ = await shell.run("list", "--json")
    [row] = json.loads(out)
    assert (status, row["state"]) == (1, "absent")
    assert row["error"]


async def test_watch_tells_changes_one_object_a_line(shell: Shell) -> None:
    status, out, _ = await shell.run("watch", "--seconds", "1", "--json")
    assert status == 0
    assert [json.loads(line)["state"] for line in out.splitlines()] == ["ready"]


async def test_quick_check_goes_step_by_step_and_reads_no_card(shell: Shell, machine: SdtReaderMachine) -> None:
    machine.insert(
        SimCard.resident(
            name=NAME,
            sex="1",
            birth=date(1990, 3, 7),
            number="999999199003070012",
            valid_from=date(2020, 6, 1),
            valid_until=None,
            photo=b"picture",
        )
    )
    status, out, _ = await shell.run("test", "id_reader", "--json")
    said = json.loads(out)
    assert status == 0
    assert [step["step"] for step in said["steps"]] == ["open", "health", "name plate", "use"]
    assert said["steps"][-1]["said"] == "a card lies there"
    assert NAME not in out


async def test_quick_check_of_a_broken_device_stops_there_with_status_one(
    shell: Shell, machine: SdtReaderMachine
) -> None:
    machine.fault(0x66, "status")
    status, out, _ = await shell.run("test", "id_reader")
    assert status == 1
    assert "FAILED" in out
    assert "security_module" in out


async def test_devices_of_a_running_terminal_are_left_alone_and_it_is_named(shell: Shell) -> None:
    shell.state.mkdir()
    with (shell.state / f"{QUEUE_FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for words in (["list"], ["test", "id_reader"], ["watch"], ["conformance", "id_reader"]):
            status, _, err = await shell.run(*words)
            assert status == 1
            assert "a terminal is running" in err
            assert "stop it" in err


async def test_device_that_is_not_configured_is_named_with_those_that_are(shell: Shell) -> None:
    status, _, err = await shell.run("test", "camera")
    assert status == 1
    assert "'camera'" in err
    assert "id_reader" in err


async def test_conformance_asks_a_person_in_the_hands_words_and_writes_a_dated_report(shell: Shell) -> None:
    """Nobody can lay a card down here: what needs one is skipped, and says so; the rest is proved."""
    status, out, err = await shell.run(
        "conformance", "id_reader", "--json", "--only", "twice or closed or plate or laid_down", typed="s\n" * 20
    )
    report = json.loads(out)
    assert status == 0
    assert "Lay a good card on the reader. Then press Enter" in err
    outcomes = {point["name"]: point["outcome"] for point in report["points"]}
    assert outcomes["test_open_and_close_twice_is_the_same_as_once"] == "passed"
    assert outcomes["test_card_laid_down_while_waiting_is_found"] == "skipped"
    machine, human = map(Path, report["files"])
    assert json.loads(machine.read_text(encoding="utf-8"))["counts"] == report["counts"]
    assert machine.parent == shell.state / "conformance"
    page = human.read_text(encoding="utf-8")
    assert "# Conformance of id_reader" in page
    assert report["serial"] in page
    assert "could not be brought about here: Lay a good card on the reader." in page


async def test_point_that_fails_is_told_by_its_line_and_ends_with_status_one(
    shell: Shell, machine: SdtReaderMachine
) -> None:
    machine.fault(0x66, "status")
    status, out, _ = await shell.run("conformance", "id_reader", "--json", "--only", "plate")
    [point] = json.loads(out)["points"]
    assert status == 1
    assert point["outcome"] == "failed"
    assert "DeviceFault device.security_module at device.py" in point["reason"]


async def test_world_gives_the_hands_of_a_demo(shell: Shell) -> None:
    shell.site.write_text("")
    status, out, err = await shell.run(
        "conformance", "id_reader", "--hands", "sim", "--json", "--only", "missed_when_lifted", settings="demo"
    )
    assert status == 0, err
    report = json.loads(out)
    assert report["counts"] == {"passed": 1, "failed": 0, "skipped": 0}
    assert report["hands"] == "simulated"


def test_simulated_hands_are_refused_where_nothing_is_simulated(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[devices.id_reader]\ndriver = "sdt"\nport = "/dev/none"\n')
    words = ["devices", "conformance", "id_reader", "--hands", "sim", "--settings", str(site)]
    done = CliRunner().invoke(app, [*words, "--state", str(tmp_path)])
    assert done.exit_code == 1
    assert "no simulated world" in done.output


def test_missing_pytest_is_said_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site.toml"
    site.write_text('[devices.id_reader]\ndriver = "sdt"\nport = "/dev/none"\n')
    for name in [name for name in sys.modules if name.startswith("devices.testing")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("devices.testing", raising=False)
    monkeypatch.setitem(sys.modules, "pytest", None)
    words = ["devices", "conformance", "id_reader", "--settings", str(site), "--state", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert "tongban[conformance]" in done.output


# --- the asking hands


class Lines:
    """A person with prepared answers."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.questions = list(answers), list[str]()

    def __call__(self, question: str) -> str | None:
        self.questions.append(question)
        return self.answers.pop(0) if self.answers else None


def hands(protocol: type, person: Lines, role: str = "id_reader") -> Any:
    stopwatch = asking.Stopwatch()
    return asking.hands_of(protocol, role, asking.Person(person, stopwatch), stopwatch)


async def test_hand_that_was_refused_once_is_not_asked_for_again() -> None:
    person = Lines("s")
    made = hands(Hands, person)
    for _ in range(3):
        with pytest.raises(pytest.skip.Exception, match="answer nothing"):
            await made.mute()
    assert len(person.questions) == 1


async def test_nobody_at_the_terminal_is_a_refusal_and_no_endless_wait() -> None:
    with pytest.raises(pytest.skip.Exception):
        await hands(Hands, Lines()).unplug()


async def test_question_names_what_is_asked_for_this_time() -> None:
    person = Lines("", "", "2")
    made = hands(PrinterHands, person, "receipt_printer")
    await made.provoke(Condition.PAPER_JAM)
    await made.slow(on=False)
    job = made.new_job()
    assert isinstance(job.body, Slip)
    assert made.copies(job) == 2
    assert "condition: paper_jam" in person.questions[0]
    assert person.questions[1].startswith("Undo this: Let each job take")
    assert job.title in person.questions[2]


def test_every_suite_that_is_here_has_hands_that_can_be_asked() -> None:
    assert conformance.SUITES.keys() == PORTS.keys(), "a port without a suite cannot be proved on site"
    for role in conformance.SUITES:
        made = hands(conformance.hands_protocol(role), Lines(), role)
        assert callable(made.unplug)


async def test_what_a_point_left_is_put_right_before_the_next() -> None:
    """A machine on site is the same for all points: one left mute would fail all that follow."""
    person = Lines("", "", "", "", "", "")
    made = hands(PrinterHands, person, "receipt_printer")
    await made.mute()
    await made.unplug()
    await made.plug()
    await made.provoke(Condition.COVER_OPEN)
    asked = len(person.questions)
    made.restore()
    assert [question.partition(" Then")[0] for question in person.questions[asked:]] == [
        "Let it answer again.",
        "Put it right again. [condition: cover_open]",
    ]
    made.restore()
    assert len(person.questions) == asked + 2


def test_time_stands_still_while_a_person_acts() -> None:
    stopwatch = asking.Stopwatch()
    loop = asking.PatientPolicy(stopwatch).new_event_loop()
    try:
        before = loop.time()
        with stopwatch.standing():
            pass
        stopwatch.stood_s += 3600
        assert loop.time() < before - 3000
    finally:
        loop.close()


def test_questions_to_a_machine_are_counted_by_the_clock_where_nobody_can_count() -> None:
    stopwatch = asking.Stopwatch()
    made = asking.hands_of(ReaderHands, "id_reader", asking.Person(Lines(), stopwatch), stopwatch)
    before = made.asked()
    stopwatch.stood_s -= 10
    assert made.asked() == before + 20


def test_reason_of_a_failure_holds_no_value() -> None:
    def read_wrongly() -> None:
        name = NAME
        assert name == "another", f"{name} is not another"

    with pytest.raises(AssertionError) as caught:
        read_wrongly()
    assert conformance.reason_of(caught.value) == "AssertionError"
    grouped = ExceptionGroup("many", [DeviceFault(NAME)])
    assert conformance.reason_of(grouped) == "DeviceFault device.fault"


def test_specimen_of_a_sheet_printer_is_a_whole_document(tmp_path: Path) -> None:
    job = asking.new_job("document_printer")
    assert isinstance(job.body, PdfDocument)
    (tmp_path / "specimen.pdf").write_bytes(job.body.content)
    pages = PdfReader(tmp_path / "specimen.pdf", strict=True).pages
    assert len(pages) == job.body.pages == 2
    assert job.title in pages[1].extract_text()
