"""The steps that bring an older database to the tables of :mod:`central.store.schema`, in order, all or none of them.

A step is written once and never changed: it names its own columns, for the tables of the program go on changing.
Number 1 is the database from before steps were counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    false,
    inspect,
    text,
)
from sqlalchemy import Table as Shape
from sqlalchemy.schema import CreateColumn

from central.store.upkeep import METADATA

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

_RECORD: Final = Shape("schema_step", MetaData(), Column("number", Integer, primary_key=True, autoincrement=False))
_MOMENT: Final = DateTime(timezone=True)
_FIRST_TABLE: Final = "kiosk"  # there since the first database
_LOCK: Final = 7_203_118  # PostgreSQL's advisory lock of this purpose; any number, the same for ever


class StoreTooNewError(ValueError):
    """The database was written by a newer central."""


def bring_up_to_date(connection: Connection) -> None:
    """Make or change the tables within the caller's transaction. Raises ``StoreTooNewError``."""
    if connection.dialect.name == "postgresql":  # two centrals that start at once
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    found = _found(connection)
    if found > LATEST:
        raise StoreTooNewError(f"the database is of step {found}, this central knows {LATEST}: start a newer one")
    if found == 0:
        METADATA.create_all(connection)
    else:
        for number in range(found + 1, LATEST + 1):
            STEPS[number](connection)
    if found < LATEST:
        _RECORD.create(connection, checkfirst=True)
        connection.execute(_RECORD.delete())
        connection.execute(_RECORD.insert(), {"number": LATEST})


def _found(connection: Connection) -> int:
    """Return the step of the database; 0: it is empty."""
    seen = inspect(connection)
    if seen.has_table(_RECORD.name):
        return int(connection.execute(_RECORD.select()).scalar_one())
    return 1 if seen.has_table(_FIRST_TABLE) else 0


def _add(connection: Connection, table: str, *columns: Column[object]) -> None:
    shape = Shape(table, MetaData(), *columns)
    quoted = connection.dialect.identifier_preparer.quote(table)
    for column in shape.columns:
        wanted = CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {quoted} ADD COLUMN {wanted}")


def _make_keys_audits_restores(connection: Connection) -> None:
    Shape(
        "kiosk_key",
        MetaData(),
        Column("key_id", String(64), primary_key=True),
        Column("kiosk", String(64), nullable=False),
        Column("public_key_pem", Text, nullable=False),
        Column("registered", _MOMENT, nullable=False),
        Column("retired", _MOMENT),
    ).create(connection)
    Shape(
        "audit_line",
        MetaData(),
        Column("kiosk", String(64), primary_key=True),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
        Column("line", Text, nullable=False),
        Column("chain", String(64), nullable=False),
        Column("received", _MOMENT, nullable=False),
    ).create(connection)
    Shape(
        "restore_mark",
        MetaData(),
        Column("noted", _MOMENT, primary_key=True),
        Column("moment", _MOMENT, nullable=False),
    ).create(connection)


def _keys_and_streams(connection: Connection) -> None:
    """Step 2: keys and states of terminals, epochs that begin at any seq, audit lines, restores."""
    _make_keys_audits_restores(connection)
    _add(
        connection,
        "kiosk",
        Column("token_expires", _MOMENT),
        Column("state", String(32), nullable=False, server_default="enrolled"),
        Column("enrolled", _MOMENT),
        Column("key_id", String(64)),
        Column("heard", _MOMENT),
        Column("last_epoch", String(32)),
        Column("last_seq", BigInteger),
    )
    _add(
        connection,
        "stream",
        Column("first", BigInteger),
        Column("duplicates", BigInteger, nullable=False, server_default="0"),
        Column("turned", BigInteger),
        Column("forked", Boolean, nullable=False, server_default=false()),
    )
    _add(connection, "item", Column("chain_before", String(64)))
    # Until now every epoch began with 1, and only the newest of a terminal was not over.
    connection.execute(text("UPDATE stream SET first = 1"))
    connection.execute(
        text(
            "UPDATE stream SET turned = highest WHERE EXISTS "
            '(SELECT 1 FROM stream AS newer WHERE newer.kiosk = stream.kiosk AND newer."order" > stream."order")'
        )
    )
    connection.execute(text("DELETE FROM counter WHERE name = 'duplicates'"))  # counted by stream from here on


def _told_streams(connection: Connection) -> None:
    """Step 3: when a left epoch's machine was told so."""
    _add(connection, "stream", Column("told_order", BigInteger), Column("told_seq", BigInteger))


def _item_key() -> list[Column[Any]]:
    return [
        Column("kiosk", String(64), primary_key=True),
        Column("epoch", String(32), primary_key=True),
        Column("seq", BigInteger, primary_key=True, autoincrement=False),
    ]


def _maintenance(connection: Connection) -> None:
    """Step 4: work orders, technicians' cards, what terminals report of their maintenance."""
    shapes = [
        Shape(
            "work_order",
            MetaData(),
            Column("number", String(16), primary_key=True),
            Column("kiosk", String(64), nullable=False, index=True),
            Column("technician", String(16), nullable=False),
            Column("role", String(16), nullable=False),
            Column("begins", _MOMENT, nullable=False),
            Column("ends", _MOMENT, nullable=False),
            Column("back", _MOMENT),
            Column("fault", String(64), nullable=False),
            Column("subject", String(128), nullable=False),
            Column("parts", Text, nullable=False),
            Column("state", String(16), nullable=False),
            Column("revision", BigInteger, nullable=False),
            Column("opened", _MOMENT, nullable=False),
            Column("closed", _MOMENT),
            Column("closed_by", String(64), nullable=False),
        ),
        Shape(
            "technician",
            MetaData(),
            Column("serial", String(40), primary_key=True),
            Column("id", String(16), nullable=False, index=True),
            Column("role", String(16), nullable=False),
            Column("issued", _MOMENT, nullable=False),
            Column("expires", _MOMENT, nullable=False),
            Column("revoked", _MOMENT),
        ),
        Shape(
            "maintenance_entry",
            MetaData(),
            *_item_key(),
            Column("n", BigInteger, nullable=False),
            Column("at", _MOMENT, nullable=False),
            Column("kind", String(32), nullable=False),
            Column("who", String(64), nullable=False),
            Column("order", String(16), nullable=False),
            Column("subject", String(128), nullable=False),
            Column("outcome", String(128), nullable=False),
            Column("facts", Text, nullable=False),
            Index("maintenance_number", "kiosk", "n"),
        ),
        Shape(
            "readiness",
            MetaData(),
            Column("kiosk", String(64), primary_key=True),
            Column("at", _MOMENT, nullable=False),
            Column("sections", Text, nullable=False),
        ),
        Shape(
            "dry_run",
            MetaData(),
            *_item_key(),
            Column("service", String(64), nullable=False),
            Column("version", BigInteger, nullable=False),
            Column("at", _MOMENT, nullable=False),
        ),
    ]
    for shape in shapes:
        shape.create(connection)


def _heartbeats(connection: Connection) -> None:
    """Step 5: machines' latest heartbeats, and alarms that end."""
    Shape(
        "heartbeat",
        MetaData(),
        Column("kiosk", String(64), primary_key=True),
        Column("at", _MOMENT, nullable=False),
        Column("received", _MOMENT, nullable=False),
        Column("every_s", BigInteger, nullable=False),
        Column("body", Text, nullable=False),
        Column("silent", _MOMENT),
    ).create(connection)
    _add(connection, "alarm", Column("ended", _MOMENT))


STEPS: Final[dict[int, Callable[[Connection], None]]] = {
    2: _keys_and_streams,
    3: _told_streams,
    4: _maintenance,
    5: _heartbeats,
}
LATEST: Final = max(STEPS)
