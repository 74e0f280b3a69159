"""What can be read of a broken file, row by row, and only what its chain proves. Nothing is changed in it."""

from __future__ import annotations

from contextlib import closing, contextmanager, suppress
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
    *("receipts_swept", "audit_seq", "audit_chain", "audit_carried", "audit_dropped"),
)
_APART: Final = 1_000_000  # items between what the file and its mark tell: more is a rotten number
_UNREADABLE: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR", "SQLITE_TOOBIG", "SQLITE_NOMEM")
_UNFIT: Final = ("SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_ERROR")  # ERROR: a column with a rotten name
_SAID: Final = 20  # runs of missing items named in one alarm


class Wreck:
    """A broken file, opened for reading; ``mark`` is the end of its chain by what was noted beside it.

    Whatever is not damage (no room, a disk that refuses) is raised as it comes: nothing is lost by it.
    """

    def __init__(self, kept: Path, kiosk: str, mark: wire.ChainEnd | None) -> None:
        self._old = plain(kept)
        self._kiosk = kiosk
        self._mark = mark
        self._state: dict[str, Any] = next(iter(self._scan("state", "id")), {})

    def close(self) -> None:
        """Close the broken file."""
        self._old.close()

    def salvage(self, draft: Path) -> str:
        """Make ``draft`` of what is found; return the numbers of the items that are missing."""
        if self._state.get("kiosk", self._kiosk) != self._kiosk:
            raise QueueError("the file belongs to another terminal", code=QueueCode.WRONG_KIOSK)
        draft.unlink(missing_ok=True)
        draft.touch(0o600)
        found = {table: self._scan(table, key) for table, key in _COPIED.items()}
        if not found["epoch"] and self._mark:
            found["epoch"] = [{"id": self._known("epoch") or 1, "name": self._mark.epoch}]
        last, there = self._last(), set()
        with closing(plain(draft)) as new:
            new.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            new.execute("PRAGMA journal_mode = memory")  # a draft cut short is thrown away
            database = Database(new, execute_plugins=False)
            steps.apply(database, stop_before="0002_kept_bodies" if self._is_first_schema() else None)
            new.execute("BEGIN")
            self._begin_epoch(new, found["epoch"])
            for table in ("epoch", "reply", "receipt", "quarantine", "counter", "audit"):
                for row in found[table]:
                    if table != "audit" and (row.get("seq", 0) > last or row.get("seq") in there):
                        continue  # the number is rotten
                    proof = row.get("reply", row.get("receipt"))  # a held item has none, it is there when its body is
                    if self._is_proof(new, proof) and _insert(new, table, row) and proof is not None:
                        there.add(row["seq"])
            names = {row["id"]: row["name"] for row in found["epoch"]}
            there |= {item["seq"] for item in self._items(names, last) if _insert(new, "outbox", item)}
            new.execute("COMMIT")
            steps.apply(database)
            new.execute("BEGIN")
            new.execute("UPDATE state SET last_seq = :last, enlisted = :last", {"last": last})
            for statement in read_sql("salvage.sql").split(";\n\n"):
                new.execute(statement)
            new.execute("COMMIT")
        return _ranges(sorted(set(range(self._known("receipts_swept") + 1, last + 1)) - there))

    def _is_first_schema(self) -> bool:
        names: set[str] = set()
        with _despite(_UNREADABLE):
            names |= {row["name"] for row in self._old.execute("PRAGMA table_info(outbox)")}
        return "head" in names

    @staticmethod
    def _is_proof(new: Connection, proof: object) -> bool:
        """Tell whether the step that takes a file out of its first schema can read a receipt of that schema."""
        told = None
        with _despite(_UNREADABLE):
            time = "SELECT unixepoch(json_extract(CAST(? AS TEXT), '$.central_time'))"
            told = new.execute(time, (proof,)).fetchone()[0]
        return told is not None or not isinstance(proof, bytes)

    def _begin_epoch(self, new: Connection, epochs: list[dict[str, Any]]) -> None:
        """Write the state of the fresh file: what was known, and an epoch of its own."""
        number, name = max((row["id"] for row in epochs), default=0) + 1, wire.new_epoch()
        _insert(new, "epoch", {"id": number, "name": name})
        kept = {name: self._state[name] for name in _STATE_KEPT if self._state.get(name) is not None}
        chain = wire.chain_start(self._kiosk, name)
        state = {"id": 1, "kiosk": self._kiosk, "epoch": number, "last_chain": chain}
        if not _insert(new, "state", state | kept):
            _insert(new, "state", state)

    def _scan(self, table: str, key: str) -> list[dict[str, Any]]:
        """Return the rows before and behind what cannot be read."""
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for direction in ("ASC", "DESC"):
            with _despite(_UNREADABLE):
                for row in self._old.execute(f"SELECT * FROM {table} ORDER BY {key} {direction}"):  # noqa: S608 - ours
                    found.setdefault(tuple(row), dict(row))
                break  # that was all of it
        return list(found.values())

    def _last(self) -> int:
        """Return the highest number ever given, as far as anything in the file tells."""
        told = [self._known("last_seq"), self._mark.seq if self._mark else 0]
        for table in ("outbox", "receipt"):
            with _despite(_UNREADABLE):
                told.append(self._old.execute(f"SELECT max(seq) FROM {table}").fetchone()[0] or 0)  # noqa: S608 - ours
        least = min((seq for seq in told if seq > 0), default=0)
        return max((seq for seq in told if seq <= least + _APART), default=0)

    def _known(self, name: str) -> int:
        """Return a number of the state, 0 when it is none any more."""
        value = self._state.get(name)
        return value if isinstance(value, int) else 0

    def _items(self, epochs: dict[int, str], last: int) -> Iterator[dict[str, Any]]:
        """Yield the items that fit their chain: a page that was written over may hold anything.

        The chain does not bind where an item stands, that is counted anew, nor its times: one that is rotten is
        taken from the item before.
        """
        firsts: dict[str, int] = {}
        times: dict[str, Any] = {"put_at": 0.0, "put_mono": 0.0, "boot": 0}
        total = 0
        for seq in range(1, last + 1):
            with _despite(_UNREADABLE), suppress(TypeError, ValueError, AttributeError, LookupError):
                row = self._old.execute("SELECT * FROM outbox WHERE seq = ?", (seq,)).fetchone()
                item = wire.Item(**{name: row[name] for name in wire.Item.__dataclass_fields__})
                if not wire.fits_chain(self._kiosk, epochs[row["epoch"]], item):
                    continue
                total += len(item.body)
                times |= {name: row[name] for name, usual in times.items() if isinstance(row[name], type(usual))}
                stands = {
                    "first": firsts.setdefault(item.lane, seq),
                    "total": total,
                    "head": 0,
                    "attempts": 0,
                    "due": 0.0,
                }
                own = times | stands | {"fingerprint": item.fingerprint}
                yield {name: own.get(name, row[name]) for name in row.keys()}  # noqa: SIM118 - a Row iterates its values


@contextmanager
def _despite(damage: tuple[str, ...]) -> Iterator[None]:
    """Go on after errors of these names; a full or refusing disk is not damage, and nothing is given up for it."""
    try:
        yield
    except (Error, UnicodeDecodeError) as error:  # a rotten schema is quoted as it is
        if not getattr(error, "sqlite_errorname", "SQLITE_ERROR").startswith(damage):
            raise


def _insert(new: Connection, table: str, row: dict[str, Any]) -> bool:
    """Copy one row; return ``False`` for one whose values do not fit the schema: it is left behind."""
    names = ", ".join(row)
    done = None
    with _despite(_UNFIT):
        done = new.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))  # noqa: S608 - ours
    return done is not None


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
