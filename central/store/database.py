"""Sessions on the database: one writer at a time, readers beside it, nothing reported before it is durable."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import Session

from central.store.schema import Alarm, Counter, Kiosk
from central.store.steps import bring_up_to_date

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.engine import Connection

BUSY_MS: Final = 10_000  # another process (a backup) may hold the file for a moment
_WRITES: Final = "tongban_writes"


class Store:
    """Owner of the engine. ``url`` is SQLAlchemy's: ``sqlite:////path/central.db`` or ``postgresql+psycopg://…``.

    An older database is brought up to date. Raises ``StoreTooNewError`` for one of a newer central.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url)
        self._embedded = self._engine.dialect.name == "sqlite"
        self._writer = threading.Lock()
        if self._embedded:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        try:
            with self._engine.execution_options(**{_WRITES: True}).begin() as connection:
                bring_up_to_date(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that sees one state of the data and changes nothing."""
        with Session(self._engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session whose changes are durable when the block ends, or never were when it raises.

        Embedded, writers wait for each other here instead of failing as busy inside the library.
        """
        if self._embedded:
            with self._writer, self._transaction() as session:
                yield session
        else:
            with self._transaction() as session:
                yield session

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        bind = self._engine.execution_options(**{_WRITES: True})
        with Session(bind, expire_on_commit=False) as session, session.begin():
            yield session


def hold(session: Session, kiosk: str) -> Kiosk | None:
    """Return a terminal and keep other writers of the same terminal waiting until the transaction ends."""
    return session.scalars(select(Kiosk).where(Kiosk.id == kiosk).with_for_update()).one_or_none()


def next_number(session: Session, name: str) -> int:
    """Return 1, 2, 3 … ; the number is taken back when the transaction is."""
    counter = session.get(Counter, name, with_for_update=True)
    if counter is None:
        counter = Counter(name=name, value=0)
        session.add(counter)
    counter.value += 1
    session.flush()
    return counter.value


def raise_alarm(
    session: Session, kiosk: str, code: str, subject: str, *, at: datetime, source: str = "central"
) -> None:
    """Record an alarm once; ``subject`` names an item or a thing, never a person."""
    if session.get(Alarm, (kiosk, code, subject)) is None:
        session.add(Alarm(kiosk=kiosk, code=code, subject=subject, source=source, at=at))
        session.flush()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver begins no transactions of its own: _begin_sqlite does
    cursor = connection.cursor()
    try:
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # NORMAL loses acknowledged items in a power cut
            f"busy_timeout={BUSY_MS}",
            "foreign_keys=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
    finally:
        cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer that began as a reader could find itself outrun: it takes the lock before it reads.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
