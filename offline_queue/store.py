"""The file: one writer connection on one thread named ``db``, one owner process, flushes that are checked, spare room.

Everything above it speaks in named queries (queries.sql).
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self, TypeVar

from sqlite_utils import Database

from offline_queue.errors import QueueCode, QueueError, QueueFull
from offline_queue.migrations import steps
from offline_queue.reserve import SPARE_BYTES, Reserve
from offline_queue.sql import PAGE_BYTES, Connection, Error, Statements, connect, translated
from offline_queue.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

DEFAULT_CAP_BYTES: Final = 4 * 1024**3
LOG_LIMIT_BYTES: Final = 64 * 1024 * 1024  # a log that only grows fills the disk and slows every read
MARK_BYTES: Final = 128  # within one sector: written whole or not at all
_OWN_FILE: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class Store:
    """The open file. Made by :meth:`open`; every method raises ``QueueError`` or one of its kinds."""

    def __init__(self, path: Path, cap_bytes: int) -> None:
        self._path = path
        self._cap_pages = max(cap_bytes // PAGE_BYTES, 64)
        self._reserve = Reserve(path.with_name(path.name + ".reserve"))
        self._mark_file = -1
        self.worker = Worker("db")
        self._lock_file = -1
        self._connection: Connection | None = None

    @classmethod
    async def open(cls, path: Path, *, cap_bytes: int = DEFAULT_CAP_BYTES) -> Self:
        """Lock, open, verify the settings and migrate. A second process is refused with ``QueueCode.LOCKED``."""
        store = cls(path, cap_bytes)
        try:
            await store.worker.do(store._open)
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        """Close the connection and give up the lock; idempotent."""
        await self.worker.close(self._close)

    async def write(
        self,
        work: Callable[[Statements], T],
        done: Callable[[T | None], None],
        *,
        spare: bool = False,
        flushed: bool = True,
    ) -> T:
        """Run ``work`` in one transaction and return its result once it is on the disk.

        ``done`` is called on the ``db`` thread after the commit, even when the caller was cancelled meanwhile; with
        ``None`` after a failure. With ``spare`` a full disk is met by giving up the reserve and trying once more:
        settling must always go on. Not ``flushed``: for what can be made again from the rest of the file.
        """
        job = lambda: self.write_here(work, done, spare=spare, flushed=flushed)  # noqa: E731 - it goes to another thread
        return await self.worker.do(job, first=not spare)  # what may use the reserve can wait: no resident stands there

    def write_here(
        self,
        work: Callable[[Statements], T],
        done: Callable[[T | None], None],
        *,
        spare: bool = False,
        flushed: bool = True,
    ) -> T:
        """Do what :meth:`write` does; to be called on the ``db`` thread."""
        try:
            result = self._write(work, spare, flushed)
        except BaseException:
            done(None)
            raise
        done(result)
        return result

    async def read(self, work: Callable[[Statements], T]) -> T:
        """Run ``work``, which must not write."""
        return await self.worker.do(lambda: self.read_here(work))

    def read_here(self, work: Callable[[Statements], T]) -> T:
        """Do what :meth:`read` does; to be called on the ``db`` thread."""
        with translated():
            return work(Statements(self._open_connection()))

    async def idle(self) -> bool:
        """Housekeeping while nothing goes on: fold the log in, put the reserve back.

        Returns ``False`` when a reader keeps the log from being folded in and it has grown past its limit.
        """
        return await self.worker.do(self._idle)

    def read_mark(self) -> bytes:
        """Return what :meth:`write_mark` wrote last, as far as it reached the disk."""
        with translated():
            return os.pread(self._mark_file, MARK_BYTES, 0)

    def write_mark(self, mark: bytes) -> None:
        """Note the end of the queue beside the file, for the next start; not flushed.

        It is written after the commit was flushed, so it can be behind the file and never rightly ahead of it.
        """
        with suppress(OSError):  # a mark that is behind says nothing wrong; the commit before it is what counts
            os.pwrite(self._mark_file, mark, 0)

    def disk_free_bytes(self) -> int:
        """Return what the file system has left for us."""
        return shutil.disk_usage(self._path.parent).free

    def is_read_only(self) -> bool:
        """Tell whether the file system is mounted read-only, as kernels do when a disk goes bad."""
        return bool(os.statvfs(self._path.parent).f_flag & os.ST_RDONLY)

    @property
    def reserve_spent(self) -> bool:
        """Whether the reserve was given up and could not be put back yet."""
        return self._reserve.spent

    def free_bytes(self, statements: Statements) -> int:
        """Return the room under the cap of the file."""
        used = int(statements.pragma("page_count")) - int(statements.pragma("freelist_count"))
        return max(0, self._cap_pages - used) * PAGE_BYTES

    def _open(self) -> None:
        with translated():
            self._lock_file = own(self._path)
            self._mark_file = os.open(self._path.with_name(self._path.name + ".mark"), _OWN_FILE, 0o600)
        try:
            self._connect()
        except QueueError as error:  # a full disk: even opening needs room, for the index of the log
            if error.code not in {QueueCode.FULL, QueueCode.IO}:
                raise
            self._reserve.give_up()
            self._connect()
        self._reserve.fill()

    def _connect(self) -> None:
        with translated():
            if self._connection is not None:
                self._connection.close()
            self._connection = connect(self._path)
            self._cap(0)
            steps.apply(Database(self._connection, execute_plugins=False))
            flush_folder(self._path.parent)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for handle in (self._mark_file, self._lock_file):
            if handle >= 0:
                os.close(handle)
        self._mark_file = self._lock_file = -1

    def _open_connection(self) -> Connection:
        if self._connection is None:
            raise QueueError("the queue is closed", code=QueueCode.CLOSED)
        return self._connection

    def _write(self, work: Callable[[Statements], T], spare: bool, flushed: bool) -> T:
        try:
            return self._commit(work) if flushed else self._commit_unflushed(work)
        except QueueFull:
            if not spare:
                raise
        self._reserve.give_up()
        self._cap(SPARE_BYTES // PAGE_BYTES)
        try:
            return self._commit(work)
        finally:
            self._cap(0)

    def _commit_unflushed(self, work: Callable[[Statements], T]) -> T:
        self._open_connection().execute("PRAGMA synchronous = normal")
        try:
            return self._commit(work)
        finally:
            self._open_connection().execute("PRAGMA synchronous = full")

    def _commit(self, work: Callable[[Statements], T]) -> T:
        connection = self._open_connection()
        with translated():
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(Statements(connection))
                connection.execute("COMMIT")
            except BaseException:
                with suppress(Error):  # SQLite may have rolled back itself; the first error tells more
                    connection.rollback()
                raise
            return result

    def _idle(self) -> bool:
        try:
            folded = self._fold()
        except QueueFull:  # folding the log in is what makes room
            self._reserve.give_up()
            folded = self._fold()
        self._reserve.fill()
        return folded

    def _fold(self) -> bool:
        with translated():
            busy, pages, _ = self._open_connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy or pages * PAGE_BYTES < LOG_LIMIT_BYTES

    def _cap(self, extra_pages: int) -> None:
        self._open_connection().execute(f"PRAGMA max_page_count = {self._cap_pages + extra_pages}").fetchall()


def own(path: Path) -> int:
    """Take the owner's lock, held until the process ends, and make the file readable by the owner alone."""
    lock_file = os.open(path.with_name(path.name + ".lock"), _OWN_FILE, 0o600)
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock_file)
        raise QueueError(f"another process owns {path.name}", code=QueueCode.LOCKED) from error
    os.close(os.open(path, _OWN_FILE, 0o600))
    return lock_file


def flush_folder(folder: Path) -> None:
    """Make the names of new files durable: SQLite flushes the folder for its journals, not for the database."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
