"""A queue carried by hand to a real central, by the commands a technician types; and the audit that came with it."""

from __future__ import annotations

import asyncio
import base64
import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from typer.testing import CliRunner

from central.__main__ import main as central_main
from kiosk.audit import AuditTrail, carried
from kiosk.cli import app
from kiosk.clock import SystemClock
from kiosk.event_log import EventLog
from kiosk.events import VisitEnded, VisitStarted
from kiosk.keys import FileKey, public_pem
from offline_queue import wire
from offline_queue.courier import Courier
from offline_queue.http import HttpSender
from offline_queue.outbox import Outbox
from tests.central.terminal_side import COMPLAINT, alarm_body, case_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def central(start_central: Callable[..., Any]) -> Iterator[Any]:
    """Run one central for this module: the key of K0001 is registered once, and it is the key in a file."""
    with start_central() as running:
        yield running


@pytest.fixture(scope="module")
def key(central: Any, tmp_path_factory: pytest.TempPathFactory) -> FileKey:
    made = FileKey.open(tmp_path_factory.mktemp("key") / "kiosk.key", create=True)
    shown = {"public_key_pem": public_pem(made.public_key())}
    assert central.call("POST", "/v1/kiosks/K0001/key", json=shown).status_code == 201
    return made


class Machine:
    """A terminal's folder and its settings; commands as they are typed there."""

    def __init__(self, central: Any, kiosk: str, folder: Path, key: Path) -> None:
        self.central = central
        self.kiosk = kiosk
        self.state = folder / kiosk
        self.state.mkdir()
        self.queue = self.state / "queue.db"
        self.settings = folder / f"{kiosk}.toml"
        files = central.folder(kiosk)
        self.settings.write_text(
            f"""
            [terminal]
            kiosk = "{kiosk}"
            [keys]
            file = "{key}"
            [central]
            url = "{central.url}"
            tls_ca = "{files}/tls_ca.pem"
            tls_client = "{files}/tls_client.pem"
            anchors = "{files}/central.json"
            token_file = "{files}/token"
            """
        )

    def types(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--settings", str(self.settings), "--state", str(self.state)])

    def told(self, *words: str) -> dict[str, Any]:
        """Type a command that goes well; return what it says."""
        result = self.types(*words, "--json")
        assert result.exit_code == 0, result.output
        return dict(json.loads(result.stdout))

    async def open(self) -> Outbox:
        anchors = self.central.anchors()
        keys = anchors["receipt_keys"].items()
        return await Outbox.open(
            self.queue,
            kiosk=self.kiosk,
            central_key=wire.load_sealing_key(base64.b64decode(anchors["seal_public_key"])),
            central_key_id=anchors["seal_key_id"],
            receipt_keys={name: Ed25519PublicKey.from_public_bytes(base64.b64decode(raw)) for name, raw in keys},
            now=lambda: datetime.now(UTC),
            monotonic=time.monotonic,
        )

    async def take_in(self) -> None:
        """Take in what a terminal without a line takes in: two visits of two items, with their audit, and an alarm."""
        clock = SystemClock()
        with (self.state / "log").open("a") as said:
            log = EventLog(clock, said)
            trail = AuditTrail(clock, log)
            outbox = await self.open()
            trail.begin(outbox)
            for visit in ("visita", "visitb"):
                log.emit(VisitStarted(visit=visit))
                with outbox.begin_visit(f"{visit}{time.monotonic_ns()}") as lane:

                    def put(ledger: Any, lane: Any = lane, visit: str = visit) -> None:
                        body = case_body(COMPLAINT, visit=visit, audit=carried(ledger))
                        ledger.put(lane, "case", json.dumps(body).encode())

                    await trail.within(put)
                    await outbox.put(lane, "alarm", json.dumps(alarm_body()).encode())
                log.emit(VisitEnded(visit=visit, ending="completed", seconds=1.0))
            with outbox.begin_visit(f"x{time.monotonic_ns()}") as lane:
                await outbox.put(lane, "alarm", json.dumps(alarm_body()).encode())
            await trail.write()
            await outbox.close()

    async def send_all(self, key: FileKey) -> None:
        outbox = await self.open()
        files = self.central.folder(self.kiosk)
        token, shown = (files / "token").read_text(), files / "tls_client.pem"
        sender = HttpSender(
            self.central.url,
            kiosk=self.kiosk,
            ca_file=files / "tls_ca.pem",
            token=lambda: token,
            cert=(shown, shown),
        )
        courier = Courier(outbox, sender, monotonic=time.monotonic, signer=key.sign)
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            task = group.create_task(courier.run())
            while (await outbox.stats()).pending:  # noqa: ASYNC110 - no event says that all is sent
                await asyncio.sleep(0.01)
            task.cancel()
        await sender.close()
        await outbox.close()


@pytest.fixture
def origin(central: Any, key: FileKey, tmp_path: Path) -> Machine:
    made = Machine(central, "K0001", tmp_path, key._path)
    asyncio.run(made.take_in())
    return made


@pytest.fixture
def elsewhere(central: Any, tmp_path: Path) -> Machine:
    return Machine(central, "K0002", tmp_path, tmp_path / "none")


def items(central: Any) -> int:
    return int(central.get("/sim/state")["items"])


def test_out_in_in_again_and_home(central: Any, origin: Machine, elsewhere: Machine, tmp_path: Path) -> None:
    stick = tmp_path / "K0001.tbq"
    before = items(central)
    assert origin.told("queue", "export", str(stick)) == {"items": 5, "batches": 2, "stays": []}
    assert origin.told("queue", "stats")["pending"] == 5
    first = elsewhere.told("queue", "import", str(stick))
    assert (first["accepted"], first["duplicate"], first["not_sent"]) == (5, 0, 0)
    assert items(central) - before == 5
    again = elsewhere.told("queue", "import", str(stick))
    assert (again["accepted"], again["duplicate"]) == (0, 5)
    assert items(central) - before == 5
    home = origin.told("queue", "import", f"{stick}.replies")
    assert home == {"delivered": 5, "rejected": 0, "deferred": 0, "refused": [], "pending": 0, "alarms": []}
    twice = origin.told("queue", "import", f"{stick}.replies")
    assert (twice["delivered"], twice["pending"], twice["refused"], twice["alarms"]) == (0, 0, [], [])
    shown = origin.told("queue", "show", "1")
    assert (shown["place"], shown["receipt"]["verdict"]) == ("delivered", "duplicate")
    assert origin.types("queue", "verify").stdout == "5 items checked, no problems\n"


def test_the_commands_as_processes(origin: Machine, elsewhere: Machine, tmp_path: Path) -> None:
    stick = tmp_path / "K0001.tbq"

    def process(machine: Machine, *words: str) -> tuple[int, str, str]:
        places = ["--settings", str(machine.settings), "--state", str(machine.state)]
        command = [sys.executable, "-W", "error", "-m", "kiosk.cli", "queue", *words, *places]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    exported = f"5 items in 2 batches are in {stick}; all of them are still in the queue\n"
    assert process(origin, "export", str(stick)) == (0, exported, "")
    status, _, said = process(origin, "export", str(stick))
    assert (status, said) == (1, f"{stick} is there already: name another file, or take that one away first\n")
    status, answer, said = process(elsewhere, "import", str(stick))
    assert (status, said) == (0, "")
    assert "accepted: 5\n" in answer
    status, answer, said = process(origin, "import", f"{stick}.replies")
    assert (status, said) == (0, "")
    assert "delivered: 5\n" in answer
    assert "pending: 0\n" in answer
    assert process(origin, "export", str(tmp_path / "more.tbq"))[1].startswith("nothing waits")


def test_online_before_the_stick_is_carried(
    central: Any, origin: Machine, elsewhere: Machine, key: FileKey, tmp_path: Path
) -> None:
    stick = tmp_path / "K0001.tbq"
    before = items(central)
    origin.told("queue", "export", str(stick))
    asyncio.run(origin.send_all(key))
    assert items(central) - before == 5
    late = elsewhere.told("queue", "import", str(stick))
    assert (late["accepted"], late["duplicate"]) == (0, 5)
    assert items(central) - before == 5
    home = origin.told("queue", "import", f"{stick}.replies")
    assert (home["delivered"], home["pending"], home["alarms"]) == (0, 0, [])


def test_replies_go_to_nobody_else(origin: Machine, elsewhere: Machine, tmp_path: Path) -> None:
    stick = tmp_path / "K0001.tbq"
    origin.told("queue", "export", str(stick))
    elsewhere.told("queue", "import", str(stick))
    elsewhere.queue.touch()
    result = elsewhere.types("queue", "import", f"{stick}.replies")
    assert result.exit_code == 1
    assert "has replies for K0001, this is K0002" in result.stderr
    # Nor when the head lies: each reply is central's signed word to one terminal.
    raw = (tmp_path / "K0001.tbq.replies").read_text()
    (tmp_path / "K0001.tbq.replies").write_text(raw.replace("K0001", "K0002"))
    assert "a part of it was changed" in elsewhere.types("queue", "import", f"{stick}.replies").stderr


def test_a_terminal_that_runs_keeps_its_queue(origin: Machine, elsewhere: Machine, tmp_path: Path) -> None:
    stick = tmp_path / "K0001.tbq"

    async def beside_the_terminal() -> Result:
        outbox = await origin.open()
        try:  # all that only looks works beside it
            for command in ("stats", "ls", "verify"):
                assert (await asyncio.to_thread(origin.types, "queue", command)).exit_code == 0
            assert (await asyncio.to_thread(origin.types, "queue", "export", str(stick))).exit_code == 0
            assert (await asyncio.to_thread(elsewhere.types, "queue", "import", str(stick))).exit_code == 0
            return await asyncio.to_thread(origin.types, "queue", "import", f"{stick}.replies")
        finally:
            await outbox.close()

    result = asyncio.run(beside_the_terminal())
    assert result.exit_code == 1
    assert f"the terminal is running on {origin.queue}: stop it" in result.stderr
    assert origin.told("queue", "import", f"{stick}.replies")["pending"] == 0


def test_an_export_by_another_key_is_refused_by_central(
    central: Any, origin: Machine, elsewhere: Machine, tmp_path: Path
) -> None:
    FileKey.open(tmp_path / "thief.key", create=True)
    origin.settings.write_text(
        origin.settings.read_text().replace(str(origin_key(origin)), str(tmp_path / "thief.key"))
    )
    stick = tmp_path / "K0001.tbq"
    before = items(central)
    origin.told("queue", "export", str(stick))
    result = elsewhere.types("queue", "import", str(stick))
    assert result.exit_code == 1
    assert "signature_refused" in result.stdout
    assert items(central) == before


def origin_key(machine: Machine) -> str:
    return next(line.split('"')[1] for line in machine.settings.read_text().splitlines() if "file = " in line)


def test_without_the_key_nothing_is_exported(origin: Machine, tmp_path: Path) -> None:
    origin.settings.write_text(origin.settings.read_text().replace(origin_key(origin), str(tmp_path / "none.key")))
    result = origin.types("queue", "export", str(tmp_path / "K0001.tbq"))
    assert result.exit_code == 1
    assert "there is no key at" in result.stderr
    assert not list(tmp_path.glob("K0001.tbq*"))


def test_the_audit_that_was_carried_is_whole_at_central_until_a_line_is_touched(
    start_central: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "central"
    data.mkdir()
    with start_central(data) as central:
        key = FileKey.open(tmp_path / "kiosk.key", create=True)
        shown = {"public_key_pem": public_pem(key.public_key())}
        assert central.call("POST", "/v1/kiosks/K0001/key", json=shown).status_code == 201
        origin = Machine(central, "K0001", tmp_path, tmp_path / "kiosk.key")
        asyncio.run(origin.take_in())
        elsewhere = Machine(central, "K0002", tmp_path, tmp_path / "none")
        origin.told("queue", "export", str(tmp_path / "q.tbq"))
        elsewhere.told("queue", "import", str(tmp_path / "q.tbq"))
        assert central.stop() == 0
    assert origin.types("audit", "verify").stdout.startswith("whole: lines 1 to 4, of which up to 3")
    lines = origin.types("audit", "show").stdout.splitlines()
    assert [json.loads(line.partition(" ")[2])["event"] for line in lines] == ["VisitStarted", "VisitEnded"] * 2
    assert audit_at_central(data) == 0
    with closing(sqlite3.connect(data / "central.db")) as connection, connection:
        connection.execute("UPDATE audit_line SET line = replace(line, 'visita', 'visitz') WHERE seq = 2")
    assert audit_at_central(data) != 0
    assert "line 2 was changed" in capsys.readouterr().out
    with closing(sqlite3.connect(origin.queue)) as connection, connection:
        connection.execute("DELETE FROM audit WHERE seq = 2")
    result = origin.types("audit", "verify")
    assert (result.exit_code, "line 2 is missing" in result.stderr) == (1, True)


def audit_at_central(data: Path) -> int:
    return central_main(["audit", "verify", "--kiosk", "K0001", "--data", str(data)])
