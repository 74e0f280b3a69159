"""The slip: signed where the kiosk's key answers, plain where it does not, readable by any scanner, never refused."""

from __future__ import annotations

import datetime as dt
import io
import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from devices.drivers.escpos_printer import EscposPrinter
from devices.sim.escpos_machine import EscposMachine
from devices.values import PrintJob, SlipCode
from kiosk import settings as settings_module
from kiosk.audit import AuditTrail
from kiosk.case_desk import CaseTicket, VisitDesk
from kiosk.catalogue import model
from kiosk.clock import ManualClock
from kiosk.documents.slip_code import KnownKiosk, read_slip_code
from kiosk.documents.slips import ticket_slip
from kiosk.event_log import EventLog
from kiosk.intents import Agreed, Submitted
from kiosk.keys import FileKey, KeyCode, KeyStoreError
from kiosk.views import Language
from offline_queue import wire

if TYPE_CHECKING:
    from pathlib import Path

NUMBER = "0001-261121-0007-4821"
KIOSK = "K0001"
TAKEN = dt.datetime(2026, 11, 21, 2, 5, 7, tzinfo=dt.UTC)
TICKET = CaseTicket(wire.ItemId(KIOSK, "9f0c" * 8, 4711), NUMBER, TAKEN, bytes(range(32)))


class FakeOutbox:
    def begin_visit(self, lane: str) -> Any:
        return SimpleNamespace(drop=lambda: None)


def desk(key: Any) -> VisitDesk:
    clock = ManualClock()
    log = EventLog(clock, io.StringIO())
    trail = AuditTrail(clock, log)
    return VisitDesk(FakeOutbox(), clock, log, KIOSK, "visit1", trail=trail, key=lambda: key)  # type: ignore[arg-type]


def visit(language: Language, *, online: bool) -> Any:
    catalogue, _ = model.load(settings_module.CONFIG / "catalogue")
    loaded = settings_module.load("demo")
    decision = SimpleNamespace(case_number="GZ-2026-000123", promise=dt.date(2026, 11, 27)) if online else None
    return SimpleNamespace(
        case=TICKET,
        online=online,
        decision=decision,
        service=catalogue.packages[0],
        stage=SimpleNamespace(language=language),
        tools=SimpleNamespace(settings=loaded, clock=ManualClock()),
    )


@pytest.fixture
def key(tmp_path: Path) -> FileKey:
    return FileKey.open(tmp_path / "kiosk.key", create=True)


async def printed(folder: Path, slip: Any) -> Path:
    """Print on the simulated 80 mm paper; return the picture."""
    machine = EscposMachine(folder)
    await machine.start()
    printer = EscposPrinter("slips", machine.host, machine.port)
    try:
        await printer.open()
        await printer.print(PrintJob("slip", slip))
    finally:
        await printer.close()
        await machine.stop()
    (path,) = machine.slips
    return path


def scanned(picture: Any) -> str:
    """Look as a scanner does, more than once: each signature is another pattern, and each reader misses a few."""
    for scale in (1.0, 0.7, 1.4):
        seen = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for reader in (cv2.QRCodeDetector(), cv2.QRCodeDetectorAruco()):
            if text := reader.detectAndDecode(seen)[0]:
                return str(text)
    return ""


def held_askew(picture: Any, degrees: float) -> Any:
    """Return the paper as a camera sees it in a hand: turned, softened, grey, not quite even in its light."""
    high, wide = picture.shape[:2]
    side = int(math.hypot(high, wide)) + 40
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), degrees, 0.8)
    turn[:, 2] += (side / 2 - wide / 2, side / 2 - high / 2)
    turned = cv2.warpAffine(picture, turn, (side, side), borderValue=(255, 255, 255))
    soft = cv2.GaussianBlur(turned, (3, 3), 0).astype(np.float64)
    light = np.linspace(0.6, 1.0, side)[None, :, None]
    return (soft * 0.7 * light + 40).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("online", [True, False])
async def test_the_signed_code_is_read_from_the_paper(
    key: FileKey, tmp_path: Path, language: Language, online: bool
) -> None:
    code = await desk(key).slip_code(TICKET)
    path = await printed(tmp_path / "paper", ticket_slip(visit(language, online=online), code))
    picture = cv2.imread(str(path))
    keys = {key.key_id: KnownKiosk(kiosk=KIOSK, public_key=key.public_key())}
    for seen in (picture, held_askew(picture, 7), held_askew(picture, -20)):
        proof = read_slip_code(scanned(seen), keys)
        assert (proof.number, proof.seq, proof.taken_at) == (NUMBER, 4711, TAKEN)
        assert proof.fingerprint == bytes(range(32))
    assert NUMBER in path.with_suffix(".txt").read_text("utf-8")


async def test_there_is_white_all_around_the_code(tmp_path: Path) -> None:
    """Four modules, as the standard asks: without them some readers find no code at all."""
    path = await printed(tmp_path / "paper", ticket_slip(visit(Language.ZH_CN, online=False), "TB1:" + "A7" * 130))
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    found, corners = cv2.QRCodeDetector().detect(picture)
    assert found
    (left, top), (right, bottom) = corners[0].min(0).round().astype(int), corners[0].max(0).round().astype(int)
    quiet = 4 * 6 - 2  # dots; corners are found to a dot or two
    for band in (
        picture[top - quiet : top - 2, left:right],
        picture[bottom + 2 : bottom + quiet, left:right],
        picture[top:bottom, left - quiet : left - 2],
        picture[top:bottom, right + 2 : right + quiet],
    ):
        assert band.size
        assert band.min() == 255


async def test_without_a_key_the_plain_number_is_the_code(tmp_path: Path) -> None:
    with pytest.raises(KeyStoreError):  # so that staff are told
        await desk(None).slip_code(TICKET)
    path = await printed(tmp_path / "paper", ticket_slip(visit(Language.ZH_CN, online=False), NUMBER))
    assert scanned(cv2.imread(str(path))) == NUMBER


ANSWERS = {
    "fb.kind": "report",
    "fb.anonymous": "yes",
    "fb.text": "小区门口的路灯坏了三天没有人修。",
    "fb.about_kiosk": "no",
}


async def to_slip(book: Any) -> None:
    await book.begin("complaint")
    await book.expect("Guide")
    book.does(Agreed)
    for _ in ANSWERS:
        scene = await book.expect("Form")
        given = tuple((one.id, ANSWERS.get(one.id, "")) for one in scene.view.fields)
        book.does(Submitted, values=given, complete=False)
        await book.clock.settle()
        book.does(Submitted, values=tuple((one.id, ANSWERS.get(one.id, "")) for one in book.scene.view.fields))
        await book.clock.settle()
        if type(book.scene.view).__name__ == "Review":
            return


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (KeyStoreError(KeyCode.NO_ANSWER, "the token is silent", "plug it in"), "key.no_answer"),
        (KeyStoreError(KeyCode.CLOSED, "closed", "open"), "key.closed"),
        (ValueError("no name of a kiosk"), "slip.unsigned"),
    ],
)
async def test_a_key_that_fails_costs_the_signature_not_the_slip(book: Any, fault: Exception, told: str) -> None:
    book.desk.slip_fault = fault
    await to_slip(book)
    book.does(Agreed)
    await book.expect("Result", within_s=5)
    (slip,) = book.slips.jobs
    assert [line.payload for line in slip.lines if isinstance(line, SlipCode)] == ["0001-261121-0001-0000"]
    assert f'"code": "{told}"' in book.events("AlarmRaised")[0]
    assert len(book.events("AlarmRaised")) == 1


async def test_a_key_that_answers_signs(book: Any) -> None:
    await to_slip(book)
    book.does(Agreed)
    await book.expect("Result", within_s=5)
    (slip,) = book.slips.jobs
    assert [line.payload for line in slip.lines if isinstance(line, SlipCode)] == ["TB1:SIGNED"]
    assert book.events("AlarmRaised") == []


async def test_a_key_that_hangs_is_waited_for_a_few_seconds(book: Any) -> None:
    book.desk.slip_hangs = True
    await to_slip(book)
    book.does(Agreed)
    await book.expect("Result", within_s=10)
    assert '"code": "key.no_answer"' in book.events("AlarmRaised")[0]
