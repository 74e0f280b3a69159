"""SQLite as the queue uses it: named queries, settings that are checked, errors of ours. Alone in importing sqlite3."""

from __future__ import annotations

import errno
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from offline_queue.errors import QueueCode, QueueCorrupt, QueueError, QueueFull
from offline_queue.queries import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Row: TypeAlias = sqlite3.Row
Connection: TypeAlias = sqlite3.Connection
Error: TypeAlias = sqlite3.Error

PAGE_BYTES: Final = 4096  # 8 KiB would save space and cost flash wear: 24 instead of 17 KiB written for 2 KiB
LOG_KEPT_BYTES: Final = 16 * 1024 * 1024
FOLD_PAGES: Final = 4000  # folded in when idle; in a burst every thousand puts, not every 250: two flushes each time
_BUSY_MS: Final = 2000  # a read-only reader may hold the log for a moment
_PRAGMAS: Final = (
    ("journal_mode", "wal", "wal"),
    ("synchronous", "full", 2),  # the library's default may be NORMAL, which loses commits in a power cut
    ("fullfsync", "on", 1),  # macOS: plain fsync does not reach the medium
    ("checkpoint_fullfsync", "on", 1),
    ("foreign_keys", "on", 1),
    ("trusted_schema", "off", 0),
    ("cell_size_check", "on", 1),
    ("temp_store", "memory", 2),
    ("cache_size", "-16384", -16384),  # KiB: the upper levels of a million items
    ("journal_size_limit", str(LOG_KEPT_BYTES), LOG_KEPT_BYTES),
    ("wal_autocheckpoint", str(FOLD_PAGES), FOLD_PAGES),
)


class Statements:
    """Runs named queries inside the transaction at hand; handed to work on the ``db`` thread and useless elsewhere."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queries = queries()

    def run(self, name: str, /, **values: str | bytes | float | None) -> int:
        """Execute; return the number of rows changed."""
        return self._connection.execute(self._queries[name], values).rowcount

    def add_item(self, *columns: str | bytes | float) -> None:
        """Insert a row of ``outbox``: all its columns, in their order."""
        self._connection.execute(self._queries["add_item"], columns)

    def run_many(self, name: str, rows: Iterable[Mapping[str, str | bytes | float | None]], /) -> int:
        """Execute once for each row; return the number of rows changed."""
        return self._connection.executemany(self._queries[name], rows).rowcount

    def one(self, name: str, /, **values: str | bytes | float | None) -> Row | None:
        """Return the first row, or ``None``."""
        row: Row | None = self._connection.execute(self._queries[name], values).fetchone()
        return row

    def careful(self, name: str, /, **values: str | bytes | float | None) -> Row | None:
        """Return the first row, or ``None``; raise ``QueueError`` where others wait for the end of the transaction."""
        with translated():
            return self.one(name, **values)

    def rows(self, name: str, /, **values: str | bytes | float | None) -> Iterator[Row]:
        """Yield rows as they are read."""
        yield from self._connection.execute(self._queries[name], values)

    def pragma(self, name: str) -> Any:
        """Return the value of a pragma."""
        return self._connection.execute(f"PRAGMA {name}").fetchone()[0]


def connect(path: Path) -> Connection:
    """Open the one connection that writes; what SQLite does not do as told is a ``QueueError``."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=256, check_same_thread=True)
    connection.row_factory = sqlite3.Row
    connection.text_factory = _text
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    for name, value, expected in _PRAGMAS:
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != expected:
            raise QueueError(f"SQLite answers {found!r} to {name} = {value}")
    return connection


def plain(path: Path) -> Connection:
    """Open a file as it is, without a setting of ours: to salvage it, or to make the one that takes its place."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.text_factory = _text
    return connection


@contextmanager
def reading(path: Path, *, still: bool = False) -> Iterator[Statements]:
    """Open a file that another process may be writing, to look only; each statement is a short read of its own.

    ``still``: all statements see the file as it was at the first. Not for long: the log cannot be folded in meanwhile.
    """
    address = f"{path.absolute().as_uri()}?mode=ro"
    with translated():
        if os.statvfs(path).f_flag & os.ST_RDONLY:  # a copy on a write-protected stick: no index of the log can be made
            if os.path.exists(f"{path}-wal") and os.path.getsize(f"{path}-wal"):  # noqa: PTH110, PTH202 - text appended
                raise QueueError(
                    "read-only, and its log (-wal) is not folded in: copy both to a disk that can be written"
                )
            address += "&immutable=1"
        connection = sqlite3.connect(address, uri=True, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            if still:
                connection.execute("BEGIN")
            yield Statements(connection)
        finally:
            connection.close()


def _text(raw: bytes) -> str:
    """Read text; rotten bytes become a wrong text, which the chain notices, and no error for all rows beside it."""
    return str(raw, "utf-8", "replace")


def sqlite_version() -> tuple[str, bool]:
    """Return the library's version, and whether it has the WAL-reset race (fixed in 3.51.3)."""
    return sqlite3.sqlite_version, (3, 7, 0) <= sqlite3.sqlite_version_info < (3, 51, 3)


@contextmanager
def translated() -> Iterator[None]:
    """Turn SQLite's and the system's errors into ours; texts of SQLite hold no values of rows."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or type(error).__name__
        raise _kind(name, f"{name}: {error}") from error
    except UnicodeDecodeError as error:  # SQLite quotes a rotten schema as it is
        raise QueueCorrupt("the schema cannot be read") from error
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, type(error).__name__)
        raise _kind(name, f"{name}: {error.strerror}") from error


def _kind(name: str, detail: str) -> QueueError:
    if name in {"SQLITE_FULL", "ENOSPC", "EDQUOT"}:
        return QueueFull(detail)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return QueueCorrupt(detail)
    if name.startswith(("SQLITE_READONLY", "EROFS", "EACCES", "EPERM")):
        return QueueError(detail, code=QueueCode.READ_ONLY)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return QueueError(detail, code=QueueCode.LOCKED)
    return QueueError(detail)
