"""The commands that look: right beside a running terminal, plain words about what is no queue, nobody's data."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from kiosk import queue_view
from kiosk.cli import app
from kiosk.cli_places import looking_at
from offline_queue import audit, wire
from offline_queue.outbox import Outbox
from tests.queue.central_desk import CentralDesk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from click.testing import Result

ROOT = Path(__file__).parents[2]
CANARIES = ("测试李梅", "999999198808150023", "13800138000")
BODY = json.dumps({"name": CANARIES[0], "id_no": CANARIES[1], "phone": CANARIES[2]}, ensure_ascii=False).encode()
NOW = datetime.now(UTC)


class Rig:
    """A queue that is open, as by a running terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "queue.db"
        self.central = CentralDesk(now=NOW)
        self.mono = 1000.0

    async def open(self, **changes: Any) -> Outbox:
        arguments: dict[str, Any] = {
            "kiosk": "K0001",
            "central_key": self.central.sealing.public_key(),
            "central_key_id": "central-1",
            "receipt_keys": {"receipts-1": self.central.signing.public_key()},
            "now": lambda: NOW - timedelta(hours=3),
            "monotonic": lambda: self.mono,
        }
        self.outbox = await Outbox.open(self.path, **(arguments | changes))
        return self.outbox

    async def fill(self) -> None:
        """Deliver 1, have 2 rejected, hold 3 with 4 behind it; 5 waits, 6 behind it."""
        outbox = self.outbox
        lanes = [outbox.begin_visit(f"lane{number}") for number in range(4)]
        for lane in (0, 1, 2, 2, 3, 3):
            await outbox.put(lanes[lane], "case", BODY)
        self.central.verdict_of[2] = (wire.Verdict.REJECTED, "schema_unknown", None)
        batch = await outbox.take(limit=2)
        assert batch is not None
        words = [self.central.receive(batch, item) for item in batch.items]
        await outbox.settle(self.central.reply(batch, words))
        await outbox.quarantine(3, "http_422")
        await outbox.take()  # what is left is entered where it stands
        await outbox.transact(
            lambda ledger: audit.append(ledger, ['{"event":"VisitStarted"}', '{"event":"VisitEnded"}'])
        )


def types(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path)
    await made.open()
    await made.fill()
    yield made
    await made.outbox.close()


def test_stats_tells_what_the_terminal_would(rig: Rig) -> None:
    told = json.loads(types("queue", "stats", "--state", str(rig.folder), "--json").stdout)
    assert {name: told[name] for name in ("kiosk", "last_seq", "pending", "quarantined", "clock", "audit_lines")} == {
        "kiosk": "K0001",
        "last_seq": 6,
        "pending": 3,
        "quarantined": 2,
        "clock": "trusted",
        "audit_lines": 2,
    }
    assert told["audit_not_sent"] == 2
    assert told["epoch"] == rig.outbox.epoch
    assert told["key"] == "no file: in a token, or not made yet"
    (rig.folder / "kiosk.key").touch()
    result = types("queue", "stats", "--file", str(rig.path))
    assert result.exit_code == 0
    assert "pending:           3" in result.stdout
    assert "key:               file" in result.stdout


async def test_age_after_a_reboot_is_by_the_clock_on_the_wall(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    outbox = await rig.open(boot_id="before the reboot")
    with outbox.begin_visit("v") as key:
        await outbox.put(key, "case", BODY)
    await outbox.close()
    told = json.loads(types("queue", "stats", "--state", str(tmp_path), "--json").stdout)
    assert 3 * 3600 <= told["oldest_age_s"] < 4 * 3600


def test_ls_names_every_item_where_it_is(rig: Rig) -> None:
    lines = types("queue", "ls", "--state", str(rig.folder)).stdout.splitlines()
    assert [line.split()[:4] for line in lines] == [
        ["1", "delivered", "case", "5"],
        ["2", "rejected", "case", "5"],
        ["3", "held", "case", "5"],
        ["4", "waiting", "case", "5"],
        ["5", "ready", "case", "5"],
        ["6", "waiting", "case", "5"],
    ]
    assert lines[2].endswith("http_422")
    assert " 3h " in lines[0]
    told = [
        json.loads(line)
        for line in types("queue", "ls", "--place", "held", "--json", "--file", str(rig.path)).stdout.splitlines()
    ]
    assert [(one["seq"], one["reason"]) for one in told] == [(3, "http_422")]


def test_ls_of_a_place_that_does_not_exist_names_those_that_do(rig: Rig) -> None:
    result = types("queue", "ls", "--place", "lost", "--file", str(rig.path))
    assert result.exit_code == 1
    assert "held" in result.stderr


def test_show_tells_all_but_the_content(rig: Rig) -> None:
    told = json.loads(types("queue", "show", "2", "--file", str(rig.path), "--json").stdout)
    assert (told["place"], told["reason"], told["lane"]) == ("rejected", "schema_unknown", "lane1")
    assert told["receipt"]["verdict"] == "rejected"
    assert told["receipt"]["central_time"] == NOW.isoformat()
    assert told["receipt"]["fingerprint"] == told["fingerprint"]
    assert "receipt:" in types("queue", "show", "1", "--file", str(rig.path)).stdout
    assert "receipt" not in types("queue", "show", "5", "--file", str(rig.path)).stdout


def test_show_of_an_item_that_was_never_put(rig: Rig) -> None:
    result = types("queue", "show", "7", "--file", str(rig.path))
    assert (result.exit_code, "has no item 7" in result.stderr) == (1, True)


async def test_show_of_an_item_whose_body_is_gone_shows_its_receipt(rig: Rig) -> None:
    await rig.outbox.tidy(pressed=True)
    told = json.loads(types("queue", "show", "1", "--file", str(rig.path), "--json").stdout)
    assert (told["place"], told["receipt"]["verdict"], "size" in told) == ("delivered", "accepted", False)


def test_no_command_knows_anybody(rig: Rig) -> None:
    """The people are in every body; what is printed and what is on the disk are searched for them."""
    said = ""
    for words in (("stats",), ("ls",), ("verify",), *(("show", str(seq)) for seq in range(1, 7))):
        for more in ((), ("--json",)):
            result = types("queue", *words, *more, "--file", str(rig.path))
            assert result.exit_code == 0
            said += result.output
    said += types("audit", "show", "--file", str(rig.path)).output
    for canary in CANARIES:
        assert canary not in said
        assert all(canary.encode() not in path.read_bytes() for path in rig.folder.iterdir())
    assert len(said) > 2000


def test_verify_names_each_bad_item_and_ends_with_status_1(rig: Rig) -> None:
    assert types("queue", "verify", "--file", str(rig.path)).stdout == "6 items checked, no problems\n"
    with contextlib.closing(sqlite3.connect(rig.path)) as connection, connection:
        connection.execute("UPDATE outbox SET body = zeroblob(length(body)) WHERE seq = 3")
        connection.execute("UPDATE outbox SET priority = 0 WHERE seq = 4")
        connection.execute("DELETE FROM outbox WHERE seq = 5")
    result = types("queue", "verify", "--file", str(rig.path))
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "item 3: its content does not fit its chain",
        "item 4: its content does not fit its chain",
        "item 5: it is missing, and no receipt says where it went",
        "5 items checked, 3 problems",
    ]
    told = json.loads(types("queue", "verify", "--file", str(rig.path), "--json").stdout)
    assert [problem["seq"] for problem in told["problems"]] == [3, 4, 5]


async def test_verify_beside_a_terminal_that_puts_raises_no_false_alarm(rig: Rig) -> None:
    """What is put while somebody looks is not missing: the end is what it was at the first look."""
    walk, problems = queue_view.Walk(), list[queue_view.Problem]()
    with looking_at(rig.path) as ledger, rig.outbox.begin_visit("late") as key:
        while (found := queue_view.verify(ledger, walk, limit=4)) is not None:
            problems += found
            await rig.outbox.put(key, "case", BODY)
            if walk.checked > 50:
                break
    assert problems == []
    with looking_at(rig.path, still=True) as ledger:
        await rig.outbox.transact(lambda ledger: audit.append(ledger, ['{"event":"VisitStarted"}']))
        assert audit.fault(ledger) == ""


def test_audit_is_verified_and_shown(rig: Rig) -> None:
    result = types("audit", "verify", "--state", str(rig.folder))
    assert result.exit_code == 0
    assert result.stdout.startswith("whole: lines 1 to 2")
    assert types("audit", "show", "--state", str(rig.folder)).stdout.splitlines() == [
        '1 {"event":"VisitStarted"}',
        '2 {"event":"VisitEnded"}',
    ]
    told = types("audit", "show", "--after", "1", "--json", "--state", str(rig.folder)).stdout.splitlines()
    assert [json.loads(line)["seq"] for line in told] == [2]


def test_audit_verify_names_the_line(rig: Rig) -> None:
    with contextlib.closing(sqlite3.connect(rig.path)) as connection, connection:
        connection.execute("UPDATE audit SET line = '{}' WHERE seq = 2")
    result = types("audit", "verify", "--state", str(rig.folder))
    assert (result.exit_code, "line 2 was changed" in result.stderr) == (1, True)


async def test_audit_of_a_new_terminal_is_whole(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    await (await rig.open()).close()
    assert "there is no line yet" in types("audit", "verify", "--state", str(tmp_path)).stdout


LOOKING = [("queue", "stats"), ("queue", "ls"), ("queue", "show", "1"), ("queue", "verify"), ("audit", "verify")]


@pytest.mark.parametrize("words", LOOKING)
def test_where_there_is_no_queue_the_place_and_the_remedy_are_told(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = types(*words, "--state", str(tmp_path))
    assert result.exit_code == 1
    assert f"there is no queue at {tmp_path / 'queue.db'}" in result.stderr
    assert "--state" in result.stderr
    assert list(tmp_path.iterdir()) == []  # nothing was made by looking


@pytest.mark.parametrize("words", LOOKING)
@pytest.mark.parametrize("content", [b"", b"a letter to a friend, long enough to be read as a page" * 200])
def test_a_file_that_is_no_queue_is_told(tmp_path: Path, words: tuple[str, ...], content: bytes) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(content)
    result = types(*words, "--file", str(path))
    assert (result.exit_code, str(path) in result.stderr) == (1, True)
    assert "queue" in result.stderr
    assert "Traceback" not in result.output
    assert path.read_bytes() == content


@pytest.mark.parametrize("words", LOOKING)
async def test_a_broken_queue_is_told(rig: Rig, words: tuple[str, ...], tmp_path: Path) -> None:
    await rig.outbox.tidy()
    broken = tmp_path / "broken.db"
    shutil.copyfile(rig.path, broken)
    with broken.open("r+b") as file:
        for page in range(1, broken.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(os.urandom(2048))
    result = types(*words, "--file", str(broken))
    assert result.exit_code == 1
    assert str(broken) in result.stderr
    assert isinstance(result.exception, SystemExit)


async def test_a_demo_is_found_by_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "terminal").mkdir()
    rig = Rig(tmp_path / "terminal")
    await (await rig.open()).close()
    assert types("queue", "stats", "--state", str(tmp_path)).exit_code == 0


def test_settings_name_the_folder(rig: Rig, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(f'[terminal]\nstate_dir = "{rig.folder}"\n')
    assert types("queue", "stats", "--settings", str(site)).exit_code == 0
    site.write_text("[terminal\n")
    result = types("queue", "stats", "--settings", str(site))
    assert (result.exit_code, f"{site}: not valid TOML" in result.stderr) == (1, True)
    assert "No such file" in types("queue", "stats", "--settings", str(tmp_path / "none.toml")).stderr


def test_the_commands_as_a_process(rig: Rig) -> None:
    """Once for real: the installed command, beside an open queue, with its answer cut off by whoever reads it."""
    command = [sys.executable, "-W", "error", "-m", "kiosk.cli"]
    for words in (
        ["queue", "stats"],
        ["queue", "ls"],
        ["queue", "show", "1"],
        ["queue", "verify"],
        ["audit", "verify"],
    ):
        done = subprocess.run(
            [*command, *words, "--state", str(rig.folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), words
        assert done.stdout
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as nobody:
        done = subprocess.run(
            [*command, "audit", "show", "--state", str(rig.folder)],
            cwd=ROOT,
            stdout=nobody,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert "cannot be read" not in done.stderr
    assert "Traceback" not in done.stderr


async def test_newest_item_deleted_from_the_file_is_missed_by_the_mark_beside_it(rig: Rig) -> None:
    await rig.outbox.close()
    with contextlib.closing(sqlite3.connect(rig.path)) as connection, connection:
        connection.execute("DELETE FROM outbox WHERE seq = 6")
        connection.execute("UPDATE state SET last_seq = 5")
    result = types("queue", "verify", "--file", str(rig.path))
    assert result.exit_code == 1
    assert "item 6: it is missing: the mark beside the file knows it" in result.stdout
