"""Every visit file is played on the whole terminal; afterwards nothing of its people may be left anywhere."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from central.__main__ import main as central_main
from devices.sim.canaries import Trace, needles, scan
from devices.sim.cards import photo_of
from devices.sim.faces import Faces
from devices.sim.personas import PERSONAS
from kiosk.cli_places import looking_at
from kiosk.events import Event
from offline_queue import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
FACES = HERE.parents[1] / "build" / "faces"
NEVER_DRAWN_MS = (
    1000  # the core went on before the first frame; generous: speed is for benchmarks, not for loaded test machines
)
VISITS = sorted(HERE.glob("*.yaml"))

pytestmark = [
    pytest.mark.visit,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not Faces(FACES).available(), reason="the portraits were not fetched: make setup"),
]


@pytest.fixture(scope="session")
def wanted() -> dict[str, bytes]:
    """Return what must not be found: every persona that can lie on the reader in these visits."""
    faces = Faces(FACES)
    found: dict[str, bytes] = {}
    for key in ("p1", "p2", "p3"):
        persona = PERSONAS[key]
        found |= {f"{key}: {what}": needle for what, needle in needles(persona, photo_of(persona, faces)).items()}
    return found


@pytest.mark.parametrize("visit", VISITS, ids=lambda path: path.stem)
def test_visit_ends_as_written_and_leaves_nothing_of_its_people(
    visit: Path, play: Callable[[Path], Any], wanted: dict[str, bytes]
) -> None:
    played = play(visit)

    assert played.status == 0, played.said
    report = played.report
    assert report["ok"]
    assert not report["warnings"]
    for entry in report["views"]:
        if entry["screenshot"] is None:
            assert entry["shown_ms"] < NEVER_DRAWN_MS, f"view {entry['number']} {entry['view']} has no picture"
            continue
        assert (played.out / entry["screenshot"]).stat().st_size > 0
    assert list(_full_numbers(report)) == []
    for place in _places(played):
        _prove_it_would_be_found(place, wanted)
        assert scan(place, wanted) == [], f"{visit.stem}: {place} still knows somebody"
    _prove_the_audit(played.out)


def _places(played: Any) -> list[Path]:
    """Return everything a terminal may write to: not paper, not central, not the player's own evidence."""
    out = played.out
    return [out / "logs", out / "terminal", out / "world" / "ipp", played.temporary, played.working]


def _prove_it_would_be_found(place: Path, wanted: dict[str, bytes]) -> None:
    """Plant the people in this very place and see every needle found; the same inside a copy of the queue."""
    canary = place / "canary"
    canary.write_bytes(b"\n".join(wanted.values()))
    try:
        assert {trace.what for trace in scan(place, wanted)} == set(wanted)
    finally:
        canary.unlink()
    for database in place.rglob("*.db"):
        copy = place / "canary.db"
        shutil.copyfile(database, copy)
        try:
            with sqlite3.connect(copy) as connection:
                connection.execute("CREATE TABLE canary (value BLOB)")
                connection.executemany("INSERT INTO canary VALUES (?)", [(needle,) for needle in wanted.values()])
            connection.close()
            assert {trace.what for trace in scan(copy, wanted)} == set(wanted)
        finally:
            copy.unlink()


def _prove_the_audit(out: Path) -> None:
    """Every audited event of the log is a line of the chain, in order; central's part of it is whole as well."""
    audited = {kind.__name__ for kind in Event.__subclasses__() if kind.audited}
    lines = (out / "logs" / "terminal.log").read_text("utf-8").splitlines()
    said = [json.loads(line) for line in lines if line.startswith("{")]  # the devices' own words stand between
    expected = [{**event, "at": ""} for event in said if event["event"] in audited]
    with looking_at(out / "terminal" / "queue.db", still=True) as ledger:
        assert audit.fault(ledger) == ""
        assert [{**json.loads(line.line), "at": ""} for line in audit.lines(ledger)] == expected
    assert expected
    assert central_main(["audit", "verify", "--kiosk", "K0001", "--data", str(out / "central")]) == 0


def _full_numbers(report: dict[str, Any]) -> Iterator[Trace]:
    """Yield each full identity number that stood on the glass: there, and in what a screen reader was told."""
    for entry in report["views"]:
        said = " ".join(entry["words"]).replace(" ", "")
        for persona in PERSONAS.values():
            if persona.number in said:
                yield Trace(f"view {entry['number']} {entry['view']}", persona.key)


def test_visit_that_cannot_be_done_as_written_fails_and_says_what_is_there(
    tmp_path: Path, play: Callable[[Path], Any]
) -> None:
    file = tmp_path / "impossible.yaml"
    steps = "[{tap: {name: 领取奖金, within_s: 1}}]"
    expectations = "{outcome: completed, settle_s: 1}"
    file.write_text(f"name: impossible\nsteps: {steps}\nexpectations: {expectations}\n", encoding="utf-8")

    played = play(file)

    assert played.status == 1
    report = played.report
    assert not report["ok"]
    assert "no '领取奖金'; there are '办事'" in report["failure"]
    assert {"what": "outcome", "expected": "completed", "actual": "", "ok": False} in report["expectations"]
    assert list((played.out / "screens").glob("*-failed.png"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("name: x\n", "steps: Field required"),
        ("name: x\nsteps: [{tap: a}, {jump: b}]\nexpectations: {outcome: done}\n", "a step is a map with one key of"),
        ("name: x\nsteps: [{expect: {view: Attrakt}}]\nexpectations: {outcome: done}\n", "no view 'Attrakt'"),
        ("name: x\nname: y\n", "stands twice"),
        ("steps: [", "not valid YAML"),
        ("- a\n", "expected a map"),
    ],
)
def test_malformed_visit_is_refused_with_file_key_and_reason(
    content: str, complaint: str, tmp_path: Path, play: Callable[[Path], Any]
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(content, encoding="utf-8")

    played = play(file)

    assert played.status == 64
    assert complaint in played.said
    assert str(file) in played.said
