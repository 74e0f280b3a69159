"""What can be read of a broken file, row by row, and only what its chain proves. Nothing is changed in it."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final

from sqlite_utils import Database

from offline_queue import wire
from offline_queue.errors import QueueCode, QueueError
from offline_queue.migrations import steps
from offline_queue.queries import read_sql
from offline_queue.sql import PAGE_BYTES, Connection, Error, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COPIED: Final = {"epoch": "id", "quarantine": "seq", "reply": "id", "receipt": "seq", "counter": "day", "audit": "seq"}
_STATE_KEPT: Final = (
    *("boot", "boot_id", "last_receipt_at", "central_time", "clock_ahead", "restored", "bodies_swept"),
    *("receipts_swept", "audit_seq", "audit_chain", "audit_carried"),
)
_SAID: Final = 20  # runs of missing items named in one alarm


class Wreck:
    """A broken file, opened for reading; ``epoch`` is its present epoch by what was noted beside it."""

    def __init__(self, kept: Path, kiosk: str, epoch: str) -> None:
        self._old = plain(kept)
        self._kiosk = kiosk
        self._epoch = epoch
        self._state: dict[str, Any] = next(iter(self._scan("state", "id")), {})

    def close(self) -> None:
        """Close the broken file."""
        self._old.close()

    def salvage(self, draft: Path) -> str:
        """Make ``draft`` of what is found; return the numbers of the items that are missing."""
        if self._state.get("kiosk", self._kiosk) != self._kiosk:
            raise QueueError("the file belongs to another terminal", code=QueueCode.WRONG_KIOSK)
        draft.unlink(missing_ok=True)
        found = {table: self._scan(table, key) for table, key in _COPIED.items()}
        if not found["epoch"] and self._epoch:
            found["epoch"] = [{"id": self._state.get("epoch", 1), "name": self._epoch}]
        with closing(plain(draft)) as new:
            new.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            steps.apply(Database(new, execute_plugins=False))
            new.execute("BEGIN")
            self._begin_epoch(new, found["epoch"])
            for table in ("epoch", "reply", "receipt", "quarantine", "counter", "audit"):
                for row in found[table]:
                    _insert(new, table, row)
            there = {row["seq"] for table in ("receipt", "quarantine") for row in found[table]}
            last = max([self._last(), *there])
            names = {row["id"]: row["name"] for row in found["epoch"]}
            for item in self._items(names, last):
                _insert(new, "outbox", item)
                there.add(item["seq"])
            new.execute("UPDATE state SET last_seq = :last, enlisted = :last", {"last": last})
            for statement in read_sql("salvage.sql").split(";\n\n"):
                new.execute(statement)
            new.execute("COMMIT")
        return _ranges(sorted(set(range(self._state.get("receipts_swept", 0) + 1, last + 1)) - there))

    def _begin_epoch(self, new: Connection, epochs: list[dict[str, Any]]) -> None:
        """Write the state of the fresh file: what was known, and an epoch of its own."""
        number, name = max((row["id"] for row in epochs), default=0) + 1, wire.new_epoch()
        _insert(new, "epoch", {"id": number, "name": name})
        kept = {name: self._state[name] for name in _STATE_KEPT if self._state.get(name) is not None}
        chain = wire.chain_start(self._kiosk, name)
        _insert(new, "state", {"id": 1, "kiosk": self._kiosk, "epoch": number, "last_chain": chain} | kept)

    def _scan(self, table: str, key: str) -> list[dict[str, Any]]:
        """Return the rows before and behind what cannot be read."""
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for direction in ("ASC", "DESC"):
            with suppress(Error):
                for row in self._old.execute(f"SELECT * FROM {table} ORDER BY {key} {direction}"):  # noqa: S608 - ours
                    found.setdefault(tuple(row), dict(row))
                break  # that was all of it
        return list(found.values())

    def _last(self) -> int:
        """Return the highest number ever given, as far as anything in the file tells."""
        newest = 0
        with suppress(Error):
            newest = self._old.execute("SELECT max(seq) FROM outbox").fetchone()[0] or 0
        return max(newest, int(self._state.get("last_seq", 0)))

    def _items(self, epochs: dict[int, str], last: int) -> Iterator[dict[str, Any]]:
        """Yield the items that fit their chain: a page that was written over may hold anything."""
        for seq in range(1, last + 1):
            with suppress(Error, TypeError, ValueError, AttributeError, LookupError):
                row = self._old.execute("SELECT * FROM outbox WHERE seq = ?", (seq,)).fetchone()
                item = wire.Item(**{name: row[name] for name in wire.Item.__dataclass_fields__}) if row else None
                if (
                    item
                    and wire.fits_chain(self._kiosk, epochs[row["epoch"]], item)
                    and row["fingerprint"] == item.fingerprint
                ):
                    yield dict(row)


def _insert(new: Connection, table: str, row: dict[str, Any]) -> None:
    """Copy one row; one whose values do not fit the schema is left behind."""
    names = ", ".join(row)
    with suppress(Error):
        new.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))  # noqa: S608 - ours


def _ranges(seqs: list[int]) -> str:
    """Say ``items 4, 7 to 9``."""
    runs: list[list[int]] = []
    for seq in seqs:
        if runs and seq == runs[-1][1] + 1:
            runs[-1][1] = seq
        else:
            runs.append([seq, seq])
    said = [str(first) if first == last else f"{first} to {last}" for first, last in runs[:_SAID]]
    return f"items {', '.join(said)}{' and more' if len(runs) > _SAID else ''}" if runs else ""
