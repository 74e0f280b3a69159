"""The oracle sees what it is there to see: defects planted in the code, each found in a cell that is well else."""

from __future__ import annotations

import logging

import pytest

import kiosk.runner
import kiosk.steps.match_face
import kiosk.steps.print_document
import kiosk.terminal
from devices.errors import DeviceTimeout
from devices.manager import DeviceManager
from kiosk.session import Session
from kiosk.steps.print_document import PrintDocument
from kiosk.steps.submit import Submit
from kiosk.views import Result, Tone, plain, text
from tests.faults.bench import play
from tests.faults.matrix import parse
from tests.faults.oracle import faults_of
from tests.journeys.conftest import NUMBER_GIVEN

CERTIFICATE, COMPLAINT = "DEMO-GF00101000", "DEMO-GF00801000"
PRINTER, CAMERA = f"{CERTIFICATE}/document_printer", f"{CERTIFICATE}/camera"


@pytest.fixture(autouse=True)
def _planted_faults_are_no_news():
    log = logging.getLogger("devices")
    level = log.level
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(level)


async def _nothing(*_: object, **__: object) -> None: ...


def prints_again_blindly(monkeypatch):
    monkeypatch.setattr(PrintDocument, "resolve", _nothing)


def forgets_the_card(monkeypatch):
    monkeypatch.setattr(kiosk.terminal, "say_goodbye", _nothing)


def thanks_before_it_is_durable(monkeypatch):
    original = Submit.run

    async def early(self, visit):
        visit.stage.show(
            Result(
                title=text("slip.title_received"), tone=Tone.GOOD, body=(plain(NUMBER_GIVEN),), done=text("slip.done")
            )
        )
        await visit.tools.clock.sleep(1)
        return await original(self, visit)

    monkeypatch.setattr(Submit, "run", early)


def loses_the_sheets_of_a_jam(monkeypatch):
    monkeypatch.setattr(PrintDocument, "_account_part", _nothing)


def tells_nobody(monkeypatch):
    monkeypatch.setattr(kiosk.runner, "_tell_staff", lambda *_: None)


def forgets_to_wipe(monkeypatch):
    monkeypatch.setattr(Session, "wipe", lambda _: None)


def takes_a_covered_camera_for_no_face(monkeypatch):
    monkeypatch.setattr(kiosk.steps.match_face, "_blame_camera", _nothing)


def prints_for_a_stranger(monkeypatch):
    monkeypatch.setattr(kiosk.steps.print_document, "check_subject", lambda *_: None)


def refuses_by_old_news(monkeypatch):
    """Report each trouble once only: "try again" then meets what was known before somebody put it right."""
    original, told = DeviceManager.report, []

    def once(self, name, error):
        if error not in told:
            told.append(error)
            original(self, name, error)

    monkeypatch.setattr(DeviceManager, "report", once)


def lets_an_error_out(monkeypatch):
    monkeypatch.setitem(kiosk.runner.__dict__, "DeviceError", DeviceTimeout)


@pytest.mark.parametrize(
    ("defect", "cell", "seen"),
    [
        (prints_again_blindly, f"{PRINTER}/lost.printed/call/once", "paper: 2 whole copies"),
        (forgets_the_card, f"{PRINTER}/device.paper_jam/call/once", "card: one lay there"),
        (thanks_before_it_is_durable, f"{CERTIFICATE}/central/sick/document/once", "case: a number or thanks"),
        (loses_the_sheets_of_a_jam, f"{PRINTER}/device.paper_jam/call/once", "paper: 4 sheets came out, 3"),
        (tells_nobody, f"{PRINTER}/device.cover_open/call/once", "staff have been told, and nobody was"),
        (forgets_to_wipe, f"{PRINTER}/device.busy/after/once", "frame: a session was not wiped"),
        (takes_a_covered_camera_for_no_face, f"{CAMERA}/says.too_dark/call/forever", "end: another way"),
        (prints_for_a_stranger, f"{CERTIFICATE}/central/wrong_person/document/once", "another person's, was printed"),
        (refuses_by_old_news, f"{PRINTER}/says.unrecoverable/call/once", "end: fault shown"),
        (lets_an_error_out, f"{PRINTER}/device.paper_jam/call/once", "crash"),
    ],
)
def test_a_planted_defect_is_seen(monkeypatch, defect, cell, seen):
    assert faults_of(play(parse(cell))) == []
    defect(monkeypatch)
    problems = faults_of(play(parse(cell)))
    assert any(seen in problem for problem in problems), problems


# Defects that the matrix has found, each with the run that showed it.
FOUND = {
    "a driver that lost its link inside print() had the document printed twice": f"{PRINTER}/device.timeout/call/once",
    "sheets of an attempt whose fate stayed unknown were not written down": f"{PRINTER}/lost.unknown/call/once",
    "the fourth lost attempt was neither asked about nor written down": f"{PRINTER}/lost.not_printed/call/forever",
    "a reader that hangs held the goodbye for ever": f"{CERTIFICATE}/id_reader/hangs/goodbye/forever",
    "a reader that hangs in a read waited for the idle warning": f"{CERTIFICATE}/id_reader/hangs/call/once",
    "a reader that hangs looked like a resident who lays no card": f"{CERTIFICATE}/id_reader/hangs/wait/forever",
    "a camera that hangs when it is switched on held the visit": f"{CAMERA}/hangs/wait/forever",
    "a camera that hangs was taken for no face": f"{CAMERA}/hangs/call/forever",
    "a covered camera was taken for no face": f"{CAMERA}/says.too_dark/call/forever",
    "a slip of unknown fate was not looked for": f"{COMPLAINT}/receipt_printer/lost.printed/after/once",
    "nobody was told of a slip printer that fell silent": f"{COMPLAINT}/receipt_printer/device.timeout/call/once",
    "a grade the outbox refused ended a visit as failed": f"{COMPLAINT}/queue/queue.full/rating/forever",
    "try again met what was known before the repair": f"{PRINTER}/says.unrecoverable/call/once",
    "leaving while central decides lost the number": f"{CAMERA}/says.other/call/forever+leaves",
}


@pytest.mark.parametrize("run", FOUND.values(), ids=[words.replace(" ", "_") for words in FOUND])
def test_what_was_found_stays_mended(run):
    bench = play(parse(run))
    assert faults_of(bench) == [], "\n".join(bench.story.trace)
