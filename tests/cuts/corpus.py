"""A queue file of an earlier schema (tests/queue/corpora/) as a disk to start from, and what was promised about it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from tests.cuts.recorder import ROOT
from tests.cuts.scenario import QUEUE

OLDEST: Final = ROOT / "tests" / "queue" / "corpora" / "0001_outbox.sql"
_LANES: Final = ("v-a", "v-a", "v-b", "v-c", "v-c", "v-c", "v-d", "v-d", "v-e")  # of seq 1 to 9
_HELD: Final = 4
_NUMBER: Final = 3  # the last one given


def old_disk(corpus: Path = OLDEST) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Return the files of the old disk, and the words of promises made before."""
    with tempfile.TemporaryDirectory(prefix="cuts-") as folder:
        path = Path(folder) / QUEUE
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(corpus.read_text(encoding="utf-8"))
            connection.execute("PRAGMA journal_mode = wal").fetchall()  # as its terminal left it; a dump does not say
            words = _words(connection)
        return {QUEUE: path.read_bytes()}, words


def _words(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    epoch = connection.execute("SELECT name FROM epoch").fetchone()[0]
    receipts = {seq: json.loads(receipt) for seq, receipt in connection.execute("SELECT seq, receipt FROM receipt")}
    rejected = connection.execute("SELECT seq FROM quarantine WHERE receipt IS NOT NULL").fetchall()
    words: list[dict[str, Any]] = [{"end": "number", "number": _NUMBER}]
    for seq, lane in enumerate(_LANES, 1):
        text = f"{lane}/{_LANES[: seq - 1].count(lane)}"
        body = {"body": hashlib.sha256(text.encode()).hexdigest(), "lane": lane, "number": 0}
        words += [{"begin": "put", **body}, {"end": "put", **body, "epoch": epoch, "seq": seq}]
        if seq in receipts:
            fingerprint = receipts[seq]["fingerprint"]
            words.append({"had": {"epoch": epoch, "seq": seq, "lane": lane, "body": text, "fingerprint": fingerprint}})
    settled = {"delivered": sorted(receipts), "rejected": [seq for (seq,) in rejected]}
    return [*words, {"end": "settle", "epoch": epoch, **settled}, {"end": "hold", "epoch": epoch, "seq": _HELD}]
