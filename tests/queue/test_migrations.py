"""Files of earlier versions: they open, keep what they hold, and a power cut in between leaves the old or the new."""

from __future__ import annotations

import re
import shutil
import sqlite3
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlite_utils import Database

from offline_queue import wire
from offline_queue.migrations import steps
from offline_queue.queries import read_sql
from offline_queue.values import AlarmCode, Phase
from offline_queue.wire import Verdict
from tests.queue.corpora.freeze import LANES, known_keys
from tests.queue.moves import drain, look, offered, put

if TYPE_CHECKING:
    from offline_queue.outbox import Outbox
    from tests.queue.conftest import Rig

CORPORA = sorted(Path(__file__).with_name("corpora").glob("*.sql"))
FIRST = CORPORA[0]
BODIES = dict(enumerate([f"{lane}/{n}".encode() for lane, count in LANES for n in range(count)], 1))


def thaw(corpus: Path, path: Path) -> None:
    """Make the database a corpus was dumped from, as the queue leaves it: with a log."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal").fetchone()
    connection.executescript(corpus.read_text(encoding="utf-8"))
    connection.close()


def shape(connection: sqlite3.Connection) -> dict[str, str]:
    """Return name -> definition without comments, quotes and white space; what sqlite-utils keeps for itself aside."""
    found = {}
    for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
        if "_sqlite_migrations" not in name:
            bare = re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", sql)).replace('"', "").strip()
            found[name] = bare.replace("( ", "(").replace(" )", ")")
    return found


def written_down(name: str) -> dict[str, str]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(read_sql(name))
    found = shape(connection)
    connection.close()
    return found


def migrated(connection: sqlite3.Connection) -> sqlite3.Connection:
    steps.apply(Database(connection, execute_plugins=False))
    return connection


@pytest.fixture
async def thawed(rig: Rig, request: pytest.FixtureRequest) -> Outbox:
    known_keys(rig)
    thaw(request.param, rig.path)
    return await rig.open()


every_corpus = pytest.mark.parametrize("thawed", CORPORA, ids=lambda path: path.stem, indirect=True)


def test_there_is_a_corpus_of_each_schema() -> None:
    folder = resources.files("offline_queue").joinpath("migrations")
    assert [path.name for path in CORPORA] == sorted(one.name for one in folder.iterdir() if one.name.endswith(".sql"))


@every_corpus
async def test_each_item_is_where_it_was(rig: Rig, thawed: Outbox) -> None:
    states = [await thawed.state(wire.ItemId("hall-03", thawed.epoch, seq)) for seq in range(1, 11)]
    expected = [Phase.DELIVERED, Phase.QUARANTINED, Phase.DELIVERED, Phase.QUARANTINED, *[Phase.PENDING] * 5]
    assert [state.phase for state in states] == [*expected, Phase.UNKNOWN]
    assert (states[1].reason, states[3].reason) == ("service_unknown", "poison")
    assert await offered(thawed) == [9]
    assert await thawed.read(lambda ledger: ledger.link_backoff()) == (0, 0.0)
    rig.time.advance(59)
    assert await offered(thawed) == [9]
    rig.time.advance(1)
    assert await offered(thawed) == [7, 9]


@every_corpus
async def test_figures_and_counters_go_on(rig: Rig, thawed: Outbox) -> None:
    stats = await thawed.stats()
    assert (stats.pending, stats.quarantined, stats.last_seq) == (5, 2, 9)
    assert stats.pending_bytes == sum(len(BODIES[seq]) + wire.SEAL_BYTES for seq in range(5, 10))
    assert stats.last_receipt == rig.time.now()
    assert await thawed.next_number("slip", "2026-11-03") == 4
    await thawed.close()
    assert (await (await rig.open()).stats()).pending == 5
    assert rig.alarms == []


@every_corpus
async def test_what_waited_is_delivered_in_order_and_new_items_follow_the_chain(rig: Rig, thawed: Outbox) -> None:
    newest = look(rig, "SELECT chain FROM outbox WHERE seq = 9")[0][0]
    assert (await put(thawed, "v-new", b"new")).seq == 10
    rig.time.advance(60)
    await drain(rig, thawed)
    assert await thawed.transact(lambda ledger: ledger.release(4))
    await drain(rig, thawed)
    taken = {seq: body for _, seq, _, body in rig.central.effects}
    assert taken == {seq: BODIES[seq] for seq in range(4, 10)} | {10: b"new"}
    order = [seq for _, seq, _, _ in rig.central.effects]
    assert [seq for seq in order if seq in {7, 8}] == [7, 8]
    assert [seq for seq in order if seq in {4, 5, 6}] == [4, 5, 6]
    assert look(rig, "SELECT chain_before FROM outbox WHERE seq = 10") == [(newest,)]
    stats = await thawed.stats()
    assert (stats.pending, stats.pending_bytes, stats.quarantined) == (0, 0, 1)


@every_corpus
async def test_receipts_are_still_read(rig: Rig, thawed: Outbox) -> None:
    for seq, verdict in ((1, Verdict.ACCEPTED), (2, Verdict.REJECTED), (3, Verdict.ACCEPTED)):
        receipt = (await thawed.state(wire.ItemId("hall-03", thawed.epoch, seq))).receipt
        assert receipt is not None
        assert receipt.item_id == wire.ItemId("hall-03", thawed.epoch, seq)
        assert (receipt.outcome, receipt.reply.key_id) == (verdict, "receipts-1")
        kept = look(rig, "SELECT central_time FROM reply WHERE body = ?", wire.encode_reply(receipt.reply))
        assert kept == [(receipt.reply.central_time.timestamp(),)]


async def test_receipts_signed_one_by_one_still_prove_custody(rig: Rig) -> None:
    """The first version signed each receipt; the signature it kept fits what was signed then."""
    known_keys(rig)
    thaw(FIRST, rig.path)
    outbox = await rig.open()
    for seq in (1, 2, 3):
        receipt = (await outbox.state(wire.ItemId("hall-03", outbox.epoch, seq))).receipt
        assert receipt is not None
        reply, word = receipt.reply, receipt.word
        values: list[Any] = [reply.kiosk, reply.epoch, seq, str(word.verdict), None, word.fingerprint.hex()]
        values += [reply.central_time.isoformat(), word.reason, word.retry_after_s, reply.key_id]
        wire.verify(rig.central.signing.public_key(), wire.canonical("tongban/receipt/1", values), reply.signature)


async def test_restore_of_central_asks_for_what_the_first_version_did_not_keep(rig: Rig) -> None:
    known_keys(rig)
    thaw(FIRST, rig.path)
    outbox = await rig.open()
    greeting = await outbox.read(lambda ledger: ledger.greeting())
    stream = wire.Stream(restored=rig.time.now().replace(hour=7))
    await outbox.settle(rig.central.reply(greeting, [], stream=stream))
    await rig.until(lambda: len(rig.alarms) == 3)
    without = [alarm.seq for alarm in rig.alarms if alarm.code is AlarmCode.RECEIPT_WITHOUT_BODY]
    assert without == [1, 3]


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda path: path.stem)
def test_every_road_leads_to_the_schema_written_down(corpus: Path, tmp_path: Path) -> None:
    thaw(corpus, tmp_path / "queue.db")
    for path in (":memory:", tmp_path / "queue.db"):
        connection = migrated(sqlite3.connect(path, isolation_level=None))
        assert shape(connection) == written_down("schema.sql")
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()


@pytest.mark.parametrize("step", [0, 1], ids=["0001", "0002"])
async def test_cut_after_each_statement_of_a_migration_leaves_the_old_or_the_new_schema(
    rig: Rig, tmp_path: Path, step: int
) -> None:
    """Fault 6. What is on the disk before each statement is kept, opened as after a cut, and migrated again."""
    known_keys(rig)
    images = tmp_path / "images"
    images.mkdir()
    if step:
        thaw(FIRST, rig.path)
    connection = sqlite3.connect(rig.path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal").fetchone()
    connection.execute("PRAGMA cache_size = 1").fetchall()  # what was not committed reaches the disk early
    database = Database(connection, execute_plugins=False)
    statements: list[str] = []

    def keep(statement: str) -> None:
        for name in ("queue.db", "queue.db-wal"):
            if (found := rig.path.with_name(name)).exists():
                (images / str(len(statements))).mkdir(exist_ok=True)
                shutil.copyfile(found, images / str(len(statements)) / name)
        statements.append(statement)

    stop = [] if step else ["0002_kept_bodies"]
    connection.set_trace_callback(keep)
    steps.apply(database, stop_before=stop)
    connection.set_trace_callback(None)
    keep("the end")
    wanted = {frozenset(shape(connection).items())}
    connection.close()
    wanted |= {frozenset(written_down("migrations/0001_outbox.sql").items() if step else ())}
    written = read_sql("migrations/0002_kept_bodies.sql" if step else "migrations/0001_outbox.sql").count(";\n\n") + 1
    assert len(statements) > written
    found = set()
    for image in sorted(images.iterdir()):
        cut = sqlite3.connect(image / "queue.db", isolation_level=None)
        found.add(frozenset(shape(cut).items()))
        assert found <= wanted, image.name
        applied = [one.name for one in steps.applied(Database(cut, execute_plugins=False))]
        assert applied == ["0001_outbox"] * (step or bool(shape(cut))) + ["0002_kept_bodies"] * ("audit" in shape(cut))
        assert shape(migrated(cut)) == written_down("schema.sql")
        if step:
            assert cut.execute("SELECT count(*), sum(seq) FROM outbox").fetchone() == (7, 41)
            assert cut.execute("SELECT count(*) FROM reply").fetchone() == (3,)
        cut.close()
    assert found == wanted


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda path: path.stem)
def test_corpus_is_what_its_name_says(corpus: Path) -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(corpus.read_text(encoding="utf-8"))
    epoch = connection.execute("SELECT name FROM epoch").fetchone()[0]
    names = [row[0] for row in connection.execute("SELECT name FROM _sqlite_migrations ORDER BY id")]
    assert names[-1] == corpus.stem
    assert connection.execute("SELECT kiosk FROM state").fetchone() == ("hall-03",)
    connection.close()
    assert re.fullmatch("[0-9a-f]{32}", epoch)
