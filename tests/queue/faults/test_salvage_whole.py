"""Rotten pages, what a salvage makes of them: each item is in the fresh file or named, whatever column is rotten."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

import pytest

from offline_queue import audit, salvage
from offline_queue.errors import QueueCode, QueueError
from offline_queue.sql import plain
from offline_queue.wreck import Wreck
from tests.queue.corpora.freeze import known_keys
from tests.queue.faults.test_restored_central import told
from tests.queue.moves import drain, effects, look, offered, put, settle
from tests.queue.test_migrations import CORPORA, thaw

if TYPE_CHECKING:
    from pathlib import Path

    from tests.queue.conftest import Rig

KIOSK = "hall-03"


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def rot(path: Path, table: str, column: str, where: str) -> None:
    """Put a NULL where the schema allows none, as a flipped bit in a row's header does."""
    connection = sqlite3.connect(path)
    was = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
    connection.close()
    loose = re.sub(rf"(\b{column}\s+\w+) NOT NULL", r"\1", was)
    assert loose != was
    for sql, after in ((loose, f"UPDATE {table} SET {column} = NULL WHERE {where}"), (was, "SELECT 1")):  # noqa: S608 - ours
        quoted = sql.replace("'", "''")
        change(path, "PRAGMA writable_schema = on", f"UPDATE sqlite_master SET sql = '{quoted}' WHERE name = '{table}'")  # noqa: S608 - ours
        change(path, after)


async def five(rig: Rig) -> None:
    outbox = await rig.open()
    for n in range(1, 6):
        await put(outbox, f"v-{n}", f"body {n}".encode())
    await outbox.tidy()
    await outbox.close()


@pytest.mark.parametrize("column", ["first", "put_at", "put_mono", "boot", "total"])
async def test_item_with_a_rotten_column_that_no_chain_binds_is_kept(rig: Rig, column: str) -> None:
    """Fault 15."""
    await five(rig)
    rot(rig.path, "outbox", column, "seq = 3")
    assert salvage.mend(rig.path, KIOSK, broken=True).startswith("no item lost")
    outbox = await rig.open()
    stats = await outbox.stats()
    assert (stats.pending, stats.pending_bytes) == (5, look(rig, "SELECT sum(length(body)) FROM outbox")[0][0])
    await drain(rig, outbox)
    assert sorted(effects(rig)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("column", ["last_seq", "receipts_swept", "boot", "audit_dropped"])
async def test_rotten_state_does_not_end_the_salvage(rig: Rig, column: str) -> None:
    """Fault 15."""
    await five(rig)
    rot(rig.path, "state", column, "id = 1")
    assert salvage.mend(rig.path, KIOSK, broken=True).startswith("no item lost")
    outbox = await rig.open()
    assert (await put(outbox, "v-new")).seq == 6
    await outbox.close()


@pytest.mark.parametrize("rotten", [b"NU\xccL", b"NU\x4cM"])
async def test_rotten_schema_is_damage_and_every_item_is_named(rig: Rig, rotten: bytes) -> None:
    """Fault 15. SQLite quotes the schema in its error, and the quote need not be text."""
    await five(rig)
    data = rig.path.read_bytes()
    at = data.index(b"NULL", data.index(b"CREATE TABLE ready"))
    rig.path.write_bytes(data[:at] + rotten + data[at + 4 :])
    outbox = await rig.open()
    await rig.until(lambda: bool(rig.alarms))
    assert rig.alarms[0].detail.startswith("items 1 to 5 lost")
    assert (await put(outbox, "v-new")).seq == 6


async def test_item_under_a_rotten_column_name_is_named(rig: Rig) -> None:
    """Fault 15."""
    await five(rig)
    data = rig.path.read_bytes()
    at = data.index(b"fingerprint", data.index(b"new_outbox" if b"new_outbox" in data else b"outbox"))
    rig.path.write_bytes(data[:at] + b"fincerprint" + data[at + 11 :])
    assert salvage.mend(rig.path, KIOSK, broken=True).startswith("items 1 to 5 lost")


async def test_item_that_does_not_go_into_the_fresh_file_is_named(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 15. An insert that fails is no item saved."""
    await five(rig)
    real = Wreck._items

    def spoiled(self: Wreck, *arguments: object) -> object:
        return ({**item, "total": None if item["seq"] == 3 else item["total"]} for item in real(self, *arguments))  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(Wreck, "_items", spoiled)
    assert salvage.mend(rig.path, KIOSK, broken=True).startswith("items 3 lost")


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda path: path.stem)
async def test_broken_file_of_an_earlier_schema_loses_nothing(rig: Rig, corpus: Path) -> None:
    """Fault 15. Delivered 1 and 3, rejected 2, held 4 before 5 and 6 of its lane: as it was."""
    known_keys(rig)
    thaw(corpus, rig.path)
    assert salvage.mend(rig.path, KIOSK, broken=True).startswith("no item lost")
    outbox = await rig.open()
    stats = await outbox.stats()
    assert (stats.pending, stats.quarantined) == (5, 2)
    assert await offered(outbox) == [7, 9]
    assert look(rig, "SELECT seq FROM receipt") == [(1,), (3,)]
    assert look(rig, "SELECT seq, reply IS NULL FROM quarantine") == [(2, 0), (4, 1)]


async def test_rotten_receipt_of_the_first_schema_costs_its_receipt_alone(rig: Rig) -> None:
    """Fault 15."""
    known_keys(rig)
    thaw(CORPORA[0], rig.path)
    change(rig.path, "UPDATE quarantine SET receipt = x'7b' WHERE seq = 2", "UPDATE outbox SET head = 1")
    change(rig.path, "INSERT INTO quarantine SELECT seq, 'rotten', at, receipt FROM receipt")
    assert salvage.mend(rig.path, KIOSK, broken=True).startswith("no item lost")
    assert await offered(await rig.open()) == [2, 7, 9]


@pytest.mark.parametrize("name", ["SQLITE_FULL", "SQLITE_IOERR_READ"])
async def test_disk_that_refuses_ends_the_salvage_and_nothing_is_given_up(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Fault 15. The broken file stays as it was, and the tries leave no copy behind."""
    await five(rig)
    broken = rig.path.read_bytes()

    def refuse(*_: object) -> object:
        error = sqlite3.OperationalError("the disk refuses")
        error.sqlite_errorname = name
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Wreck, "_last", refuse)
        for _ in range(3):
            with pytest.raises(QueueError) as caught:
                salvage.mend(rig.path, KIOSK, broken=True)
    assert caught.value.code is (QueueCode.FULL if name == "SQLITE_FULL" else QueueCode.IO)
    assert rig.path.read_bytes() == broken
    assert not [one.name for one in rig.path.parent.iterdir() if "broken" in one.name or "copy" in one.name]
    assert salvage.mend(rig.path, KIOSK, broken=True).startswith("no item lost")


async def test_insert_that_finds_the_disk_full_ends_the_salvage(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 15. SQLite itself refuses."""
    await five(rig)

    def small(path: Path) -> sqlite3.Connection:
        connection = plain(path)
        connection.execute("PRAGMA max_page_count = 20").fetchone()
        return connection

    monkeypatch.setattr("offline_queue.wreck.plain", small)
    with pytest.raises(QueueError) as caught:
        salvage.mend(rig.path, KIOSK, broken=True)
    assert caught.value.code is QueueCode.FULL


@pytest.mark.parametrize(
    "rotten", ["UPDATE receipt SET seq = seq + (1 << 40)", "UPDATE state SET last_seq = last_seq + (1 << 40)"]
)
async def test_salvage_with_one_rotten_number_ends(rig: Rig, rotten: str) -> None:
    """Fault 15. The item whose receipt is gone goes again, and central says duplicate."""
    await five(rig)
    outbox = await rig.open()
    await settle(rig, outbox, 1)
    await outbox.close()
    change(rig.path, rotten)
    assert salvage.mend(rig.path, KIOSK, broken=True).startswith("no item lost")
    outbox = await rig.open()
    assert (await put(outbox, "v-new")).seq == 6
    await outbox.close()


async def test_audit_is_whole_after_a_salvage(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 15. A salvage that forgets where the audit begins makes the terminal accuse itself of deleted lines."""
    monkeypatch.setattr("offline_queue.audit.LINES_KEPT", 2)
    outbox = await rig.open()
    await outbox.transact(lambda ledger: audit.append(ledger, [f'{{"n":{n}}}' for n in range(6)]))
    await outbox.transact(audit.carry)
    rig.time.advance(500 * 86400)
    await outbox.tidy()
    await outbox.close()
    assert look(rig, "SELECT audit_dropped FROM state") != [(0,)]
    salvage.mend(rig.path, KIOSK, broken=True)
    outbox = await rig.open()
    assert await outbox.read(audit.fault) == ""


async def test_lane_goes_on_after_a_salvage_before_a_later_held_item(rig: Rig) -> None:
    """Fault 15. Item 1 goes again, because central was restored, while 2 of its lane is held."""
    outbox = await rig.open()
    backup = rig.time.true
    rig.time.advance(60)
    with outbox.begin_visit("v-1") as key:
        for _ in range(2):
            await outbox.put(key, "case", b"x")
    await offered(outbox)
    await settle(rig, outbox, 1)
    await outbox.quarantine(2, "http_422")
    await told(rig, outbox, backup)
    assert await offered(outbox) == [1]
    await outbox.close()
    salvage.mend(rig.path, KIOSK, broken=True)
    assert await offered(await rig.open()) == [1]


async def test_disk_that_refuses_the_look_does_not_make_a_sound_file_broken(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 15. The suspicion stays for the next start."""
    await five(rig)
    salvage.suspect(rig.path)
    before = rig.path.read_bytes()

    def refuse(_: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(salvage, "plain", refuse)
        assert salvage.mend(rig.path, KIOSK) == ""
    assert rig.path.read_bytes() == before
    assert rig.path.with_name("queue.db.suspect").exists()
    assert salvage.mend(rig.path, KIOSK) == ""
    assert not rig.path.with_name("queue.db.suspect").exists()
