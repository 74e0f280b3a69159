"""A database of an older central is brought up to date, whole or not at all; one of a newer central is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy
from sqlalchemy import inspect, select, text

from central.store import steps
from central.store.database import Store
from central.store.schema import Kiosk, StoredItem, Stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Engine

CORPUS = Path(__file__).with_name("corpora")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'central.db'}"
    return str(request.getfixturevalue("cluster").new_database())


@pytest.fixture
def old(url: str) -> Iterator[Engine]:
    """Return a database as the central of step 1 left it, with a terminal's two epochs in it."""
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        for statement in (CORPUS / f"step1.{engine.dialect.name}.sql").read_text("utf-8").split(";"):
            if statement.strip():
                connection.exec_driver_sql(statement)
    yield engine
    engine.dispose()


def shape(url: str) -> dict[str, Any]:
    """Return tables, columns and indexes, comparable."""
    engine = sqlalchemy.create_engine(url)
    found = inspect(engine)
    tables = {
        table: (
            sorted(
                (column["name"], str(column["type"]), column["nullable"], str(column["default"]))
                for column in found.get_columns(table)
            ),
            found.get_pk_constraint(table)["constrained_columns"],
            sorted(str(index["name"]) for index in found.get_indexes(table)),
        )
        for table in found.get_table_names()
    }
    engine.dispose()
    return tables


def test_an_old_database_becomes_what_a_new_one_is(url: str, old: Engine, tmp_path: Path, request: Any) -> None:
    Store(url).close()
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    if old.dialect.name == "postgresql":
        fresh = request.getfixturevalue("cluster").new_database()
    Store(fresh).close()
    assert shape(url) == shape(fresh)


def test_what_was_in_custody_is_followed_on(url: str, old: Engine) -> None:
    store = Store(url)
    with store.read() as session:
        streams = {stream.epoch[:1]: stream for stream in session.scalars(select(Stream))}
        assert [(one, streams[one].first, streams[one].turned) for one in "ab"] == [("a", 1, 2), ("b", 1, None)]
        assert not streams["b"].forked
        assert session.scalars(select(StoredItem.chain_before)).all() == [None]
        assert session.scalars(select(Kiosk.state)).all() == ["enrolled"]
    store.close()
    Store(url).close()  # nothing is done twice


def test_a_step_that_fails_leaves_the_old_database(url: str, old: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shape(url)

    def fails(connection: sqlalchemy.Connection) -> None:
        steps._keys_and_streams(connection)
        raise RuntimeError("the power went")

    with monkeypatch.context() as patched:
        patched.setitem(steps.STEPS, 2, fails)
        with pytest.raises(RuntimeError):
            Store(url)
    assert shape(url) == before
    Store(url).close()
    assert shape(url) != before


def test_a_database_of_a_newer_central_is_left_alone(url: str) -> None:
    Store(url).close()
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE schema_step SET number = 99"))
    engine.dispose()
    with pytest.raises(steps.StoreTooNewError, match="step 99"):
        Store(url)
