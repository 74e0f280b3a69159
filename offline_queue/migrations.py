"""Steps of the schema. Each step and the record of it are one transaction: a power cut leaves the old or the new schema."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from sqlite_utils import Database, Migrations

from offline_queue.queries import read_sql

if TYPE_CHECKING:
    from collections.abc import Iterator

steps = Migrations("tongban.queue")


@steps(name="0001_outbox")
def _outbox(database: Database) -> None:
    for statement in statements(read_sql("schema.sql")):
        database.execute(statement)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date. The connection must be in autocommit mode (``isolation_level=None``)."""
    steps.apply(Database(connection, execute_plugins=False))


def statements(script: str) -> Iterator[str]:
    """Split a script, since ``executescript`` commits first and would tear step and record apart."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
