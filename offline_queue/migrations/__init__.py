"""Steps of the schema. Each step and its record are one transaction: a power cut leaves the old or the new schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils import Migrations

from offline_queue.queries import read_sql

if TYPE_CHECKING:
    from sqlite_utils import Database

steps = Migrations("tongban.queue")


@steps(name="0001_outbox")
def _outbox(database: Database) -> None:
    _run(database, "0001_outbox.sql")


@steps(name="0002_kept_bodies")
def _kept_bodies(database: Database) -> None:
    _run(database, "0002_kept_bodies.sql")


def _run(database: Database, name: str) -> None:
    # One by one, a blank line between: sqlite3's executescript commits first and would tear step and record apart.
    for statement in read_sql(f"migrations/{name}").split(";\n\n"):
        database.execute(statement)
