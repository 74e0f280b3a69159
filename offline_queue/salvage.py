"""A broken file is kept aside; what can still be read and proven moves into a fresh one, with a fresh epoch.

A power cut at any moment leaves the broken file or the fresh one: the fresh one is made under another name and takes
the place when it is whole and flushed. The fresh one gets an epoch of its own: central hears of it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from offline_queue.sql import Error, plain, translated
from offline_queue.store import flush_folder, own
from offline_queue.wreck import Wreck

if TYPE_CHECKING:
    from pathlib import Path


def suspect(path: Path) -> None:
    """Note that the file was found damaged while in use: the next start is to look at all of it."""
    with suppress(OSError):
        _beside(path, "suspect").touch()


def mend(path: Path, kiosk: str, *, broken: bool = False) -> str:
    """Salvage a file that is ``broken``, or suspect and indeed damaged; return what was lost, empty for nothing.

    Blocks. Raises ``QueueError``: another process owns the file, or the disk has no room for a copy.
    """
    with translated():
        lock = own(path)
        try:
            return _mend(path, kiosk, broken=broken)
        finally:
            os.close(lock)


def _mend(path: Path, kiosk: str, *, broken: bool) -> str:
    draft, fresh, suspected = (_beside(path, name) for name in ("draft", "salvaged", "suspect"))
    if fresh.exists():  # cut just before it took the place of the broken one
        _take_place(fresh, path)
    if not broken and not (suspected.exists() and _is_damaged(path)):
        suspected.unlink(missing_ok=True)
        return ""
    kept = _keep(path)
    with closing(Wreck(kept, kiosk, _noted_epoch(path))) as wreck:
        lost = wreck.salvage(draft)
    _flush(draft)
    draft.rename(fresh)
    _take_place(fresh, path)
    suspected.unlink(missing_ok=True)
    return f"{lost or 'no item'} lost; the broken file is kept as {kept.name}"


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{path.name}.{name}")


def _noted_epoch(path: Path) -> str:
    """Return the name of the epoch by the mark beside the file; empty when it cannot be read."""
    with suppress(OSError, ValueError):
        return _beside(path, "mark").read_bytes().decode("ascii").split(" ")[0]
    return ""


def _is_damaged(path: Path) -> bool:
    with suppress(Error), closing(plain(path)) as connection:
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
    return True


def _keep(path: Path) -> Path:
    """Copy the broken file and its log aside, under a number of their own."""
    taken = [int(one.suffix[8:]) for one in path.parent.glob(f"{path.name}.broken-*") if one.suffix[8:].isdigit()]
    kept = _beside(path, f"broken-{max(taken, default=0) + 1}")
    for end in ("-wal", ""):  # the log first: a copy without it would look whole
        if path.with_name(path.name + end).exists():
            shutil.copyfile(path.with_name(path.name + end), kept.with_name(kept.name + end))
            _flush(kept.with_name(kept.name + end))
    return kept


def _take_place(fresh: Path, path: Path) -> None:
    for end in ("-wal", "-shm"):  # a log of the broken file would be played into the fresh one
        path.with_name(path.name + end).unlink(missing_ok=True)
    flush_folder(path.parent)
    fresh.replace(path)
    flush_folder(path.parent)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
