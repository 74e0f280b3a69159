"""The machine's service book: everything that was done to it, dated, in order, by whom. No resident is ever in it.

JSON lines in the state folder, each flushed before anybody acts on it. A last line torn by a power cut is cut off and
its loss is itself an entry. Full files are turned over and the oldest is dropped, so the book stays bounded; each entry
also goes into the audit trail and, through the outbox, to central, which keeps it for good.
"""

from __future__ import annotations

import asyncio
import enum
import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from kiosk.events import ServiceNoted
from kiosk.maintenance.keeping import FILE_MODE, FOLDER_MODE, flush_folder, keep, kept
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from devices.values import Clock
    from kiosk.event_log import EventLog

    Send = Callable[[Mapping[str, object]], Awaitable[None]]

FILE: Final = "book.jsonl"
SENT_FILE: Final = "book.sent"
MOST_BYTES: Final = 1024 * 1024  # of one file: some 5 000 entries
OLDER_FILES: Final = 4
MOST_IN_MEMORY: Final = 25_000  # what the files hold, about
RETRY_S: Final = 30.0
PLAIN: Final = (str, int, float, bool, type(None))


class EntryKind(enum.StrEnum):
    """What can be done to a machine. Closed; each has words."""

    OPENED = "opened"
    REFUSED = "refused"  # somebody was not let in
    SECOND = "second"  # a second person put the card beside the first
    DOOR = "door"
    TEST = "test"
    COUNTED = "counted"  # the counters at this moment
    REFILLED = "refilled"
    REPAIR_STEP = "repair_step"
    REPAIRED = "repaired"
    VOIDED = "voided"  # numbered sheets into a sealed bag
    FOUND = "found"
    HANDED_OVER = "handed_over"
    EXPORTED = "exported"
    BURNED_IN = "burned_in"
    REPORTED = "reported"  # a readiness report was made
    DRY_RUN = "dry_run"
    RETURNED = "returned"  # back in service
    LEFT = "left"  # the technician went, the machine stays out of service
    TORN = "torn"  # a power cut tore the last line off
    SEALS = "seals"  # safe or seals, with two persons


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line. ``who`` is a staff number, ``subject`` a device's role or a number of a thing, never a person's."""

    n: int
    at: datetime
    kind: EntryKind
    who: str = ""
    order: str = ""
    subject: str = ""
    outcome: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, object]:
        """Return the entry as plain values."""
        return {
            "n": self.n,
            "at": self.at.isoformat(timespec="milliseconds"),
            "kind": self.kind.value,
            "who": self.who,
            "order": self.order,
            "subject": self.subject,
            "outcome": self.outcome,
            "facts": dict(self.facts),
        }


def read_entry(line: str) -> Entry:
    """Read one line. Raises ``ValueError``, ``KeyError``, ``TypeError``."""
    said = json.loads(line)
    told = {name: said[name] for name in ("who", "order", "subject", "outcome")}
    at, kind = datetime.fromisoformat(said["at"]), EntryKind(said["kind"])
    return Entry(n=int(said["n"]), at=at, kind=kind, facts=dict(said["facts"]), **told)


def entries(folder: Path) -> list[Entry]:
    """Return every readable entry, oldest first; changes nothing. Blocks for as long as some megabytes take."""
    found = []
    for path in [*(_older(folder, age) for age in range(OLDER_FILES, 0, -1)), folder / FILE]:
        if not path.exists():
            continue
        for line in path.read_bytes().split(b"\n"):
            try:
                found.append(read_entry(line.decode()))
            except (ValueError, KeyError, TypeError):  # torn, or damaged by a bad disk: its neighbours still count
                continue
    return found


class Book:
    """Writes and sends. Made at the start of the terminal; ``send`` puts one entry into the outbox."""

    def __init__(self, folder: Path, clock: Clock, log: EventLog, send: Send) -> None:
        """Open the book in ``folder``. Raises ``OSError``."""
        self._folder = folder
        self._clock = clock
        self._log = log
        self._send = send
        self._writing = asyncio.Lock()
        self._news = asyncio.Event()
        folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        self._torn = _cut_torn_line(folder / FILE)
        self._entries = entries(folder)
        self._next = self._entries[-1].n + 1 if self._entries else 1
        sent = kept(folder / SENT_FILE)
        self._sent = int(sent["n"]) if isinstance(sent, dict) else 0

    def entries(self) -> tuple[Entry, ...]:
        """Return what the book holds, oldest first."""
        return tuple(self._entries)

    async def write(
        self, kind: EntryKind, *, who: str = "", order: str = "", subject: str = "", outcome: str = "", **facts: object
    ) -> Entry:
        """Write one entry; returns once it is on the disk. Raises ``OSError``, and ``TypeError`` for a personal value.

        ``facts`` are plain values, or lists of them.
        """
        for name, value in facts.items():
            parts = value if isinstance(value, list | tuple) else (value,)
            if not all(isinstance(part, PLAIN) for part in parts):
                raise TypeError(f"{kind}.{name} is not a plain value")
        async with self._writing:
            entry = Entry(
                n=self._next,
                at=self._clock.now(),
                kind=kind,
                who=who,
                order=order,
                subject=subject,
                outcome=outcome,
                facts=facts,
            )
            line = json.dumps(entry.told(), ensure_ascii=False, separators=(",", ":")) + "\n"
            await asyncio.to_thread(_append, self._folder, line.encode())
            self._next += 1
            self._entries.append(entry)
            del self._entries[:-MOST_IN_MEMORY]
        self._log.emit(
            ServiceNoted(entry=entry.n, kind=kind.value, who=who, order=order, subject=subject, outcome=outcome)
        )
        self._news.set()
        return entry

    async def run(self) -> None:
        """Hand entries in, in order, until cancelled; what was put before a restart is at worst put twice."""
        if self._torn:
            torn, self._torn = self._torn, 0
            await self.write(EntryKind.TORN, bytes=torn)
        while True:
            self._news.clear()
            for entry in [one for one in self._entries if one.n > self._sent]:
                while not await self._hand_in(entry):
                    await self._clock.sleep(RETRY_S)
            await self._news.wait()

    async def _hand_in(self, entry: Entry) -> bool:
        try:
            await self._send(entry.told())
            await asyncio.to_thread(keep, self._folder / SENT_FILE, {"n": entry.n})
        except (QueueError, OSError):
            return False
        self._sent = entry.n
        return True


def _older(folder: Path, age: int) -> Path:
    return folder / f"book.{age}.jsonl"


def _append(folder: Path, line: bytes) -> None:
    path = folder / FILE
    if path.exists() and path.stat().st_size + len(line) > MOST_BYTES:
        for age in range(OLDER_FILES, 0, -1):
            before = path if age == 1 else _older(folder, age - 1)
            if before.exists():
                before.replace(_older(folder, age))
    begun = not path.exists()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, FILE_MODE)
    try:
        end = os.fstat(handle).st_size
        try:
            with os.fdopen(os.dup(handle), "ab") as stream:
                stream.write(line)
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, end)  # half a line must not stand before the next one
            raise
    finally:
        os.close(handle)
    if begun:
        flush_folder(folder)


def _cut_torn_line(path: Path) -> int:
    """Cut off what a power cut left behind the last whole line; return how many bytes that were."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return 0
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as stream:
            stream.truncate(whole)
            os.fsync(stream.fileno())
    return len(content) - whole
