"""The file's shape: every query fits it, is used, and finds what it seeks without reading everything."""

from __future__ import annotations

import re
import sqlite3
from importlib import resources

import pytest
from sqlite_utils import Database

from offline_queue.migrations import steps
from offline_queue.queries import queries


@pytest.fixture
def database() -> Database:
    database = Database(sqlite3.connect(":memory:", isolation_level=None), execute_plugins=False)
    steps.apply(database)
    return database


def test_every_query_fits_the_schema(database: Database) -> None:
    for name, query in queries().items():
        values = [None] * query.count("?") or dict.fromkeys(re.findall(r":(\w+)", query))
        assert database.conn.execute(f"EXPLAIN {query}", values).fetchall(), name


def test_every_query_is_used() -> None:
    folder = resources.files("offline_queue")
    modules = [one for one in folder.iterdir() if one.name.endswith(".py")]
    modules.append(resources.files("kiosk").joinpath("queue_view.py"))
    source = "".join(one.read_text(encoding="utf-8") for one in modules)
    assert [name for name in queries() if f'"{name}"' not in source] == []


@pytest.mark.parametrize("query", ["ready_items", "ready_seqs", "oldest_ready", "next_waiting", "tail"])
def test_what_is_ready_is_found_without_sorting_or_reading_all_items(database: Database, query: str) -> None:
    values = dict.fromkeys(re.findall(r":(\w+)", queries()[query]))
    plan = database.conn.execute(f"EXPLAIN QUERY PLAN {queries()[query]}", values).fetchall()
    detail = " | ".join(row[3] for row in plan)
    assert "TEMP B-TREE" not in detail
    assert not re.search(r"SCAN (o|outbox|waiting|receipt|quarantine)\b", detail)
