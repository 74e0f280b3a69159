"""The file's shape: every query fits it, and a cut during a migration leaves the old or the new one."""

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
        values = dict.fromkeys(re.findall(r":(\w+)", query))
        assert database.conn.execute(f"EXPLAIN {query}", values).fetchall(), name


def test_every_query_is_used() -> None:
    source = resources.files("offline_queue").joinpath("ledger.py").read_text(encoding="utf-8")
    assert [name for name in queries() if f'"{name}"' not in source] == []


def test_what_is_ready_is_found_without_sorting_or_scanning(database: Database) -> None:
    plan = database.conn.execute(f"EXPLAIN QUERY PLAN {queries()['ready_items']}", {"mono": 0, "limit": 50}).fetchall()
    detail = " | ".join(row[3] for row in plan)
    assert "outbox_ready" in detail
    assert "TEMP B-TREE" not in detail


@pytest.mark.parametrize("cut", range(1, 13))
def test_cut_during_a_migration_leaves_the_old_schema(cut: int) -> None:
    """The twelve statements of the first step, cut after each one."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    database = Database(connection, execute_plugins=False)
    done = 0

    def gate(action: int, *_: object) -> int:
        nonlocal done
        if action not in {sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_CREATE_TRIGGER}:
            return sqlite3.SQLITE_OK
        done += 1
        return sqlite3.SQLITE_DENY if done > cut else sqlite3.SQLITE_OK

    steps.ensure_migrations_table(database)
    connection.set_authorizer(gate)
    try:
        steps.apply(database)
    except sqlite3.DatabaseError:
        connection.set_authorizer(None)
        assert [table for table in database.table_names() if not table.startswith(("_", "sqlite_"))] == []
        assert [step.name for step in steps.pending(database)] == ["0001_outbox"]
        steps.apply(database)
    connection.set_authorizer(None)
    assert "outbox" in database.table_names()
    assert steps.pending(database) == []
