"""A broken file is kept aside; what can still be read and proven moves into a fresh one, with a fresh epoch.

A power cut at any moment leaves the broken file or the fresh one: the fresh one is made under another name and takes
the place when it is whole and flushed. The fresh one gets an epoch of its own: central hears of it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from offline_queue import epochs
from offline_queue.errors import QueueCorrupt, QueueError
from offline_queue.sql import plain, translated
from offline_queue.store import flush_folder, own
from offline_queue.wreck import Wreck

if TYPE_CHECKING:
    from pathlib import Path

    from offline_queue import wire


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
    damaged = broken or (suspected.exists() and _is_damaged(path))
    if damaged is False:
        suspected.unlink(missing_ok=True)
    if not damaged:
        return ""
    try:
        copy = _keep(path)
        with closing(Wreck(copy, kiosk, _noted_end(path))) as wreck:
            lost = wreck.salvage(draft)
        _flush(draft)
        kept = _number(copy, path)
        draft.rename(fresh)
    finally:  # what failed leaves the broken file as it was, and takes no room
        for name in ("draft", "copy-wal", "copy-shm", "copy"):
            _beside(path, name).unlink(missing_ok=True)
    _take_place(fresh, path)
    suspected.unlink(missing_ok=True)
    return f"{lost or 'no item'} lost; the broken file is kept as {kept.name}"


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{path.name}.{name}")


def _noted_end(path: Path) -> wire.ChainEnd | None:
    """Return the end of the chain by the mark beside the file; ``None`` when there is none that can be read."""
    with suppress(OSError):
        return epochs.read_mark(_beside(path, "mark").read_bytes())
    return None


def _is_damaged(path: Path) -> bool | None:
    """Tell what a look at all of the file says; ``None`` when the disk did not let us look: the suspicion stays."""
    try:
        with translated(), closing(plain(path)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok")
    except QueueCorrupt:
        return True
    except QueueError:  # whoever opens the file next meets it again, or it has passed
        return None


def _keep(path: Path) -> Path:
    """Copy the broken file and its log aside, over what an earlier try that was cut has left there."""
    copy = _beside(path, "copy")
    for end in ("-wal", ""):
        copy.with_name(copy.name + end).unlink(missing_ok=True)
        if path.with_name(path.name + end).exists():
            shutil.copy(
                path.with_name(path.name + end), copy.with_name(copy.name + end)
            )  # with its mode: the owner's alone
            _flush(copy.with_name(copy.name + end))
    return copy


def _number(copy: Path, path: Path) -> Path:
    """Give the copy a number of its own, now that all of it was read."""
    taken = [int(one.suffix[8:]) for one in path.parent.glob(f"{path.name}.broken-*") if one.suffix[8:].isdigit()]
    kept = _beside(path, f"broken-{max(taken, default=0) + 1}")
    for end in ("-wal", ""):  # the log first: a copy without it would look whole
        if copy.with_name(copy.name + end).exists():
            copy.with_name(copy.name + end).rename(kept.with_name(kept.name + end))
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
