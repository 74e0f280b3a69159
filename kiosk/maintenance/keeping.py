"""Small JSON files of the state folder that survive a power cut: after it the old one is there or the new one.

The functions block for a flush; callers on the event loop use ``asyncio.to_thread``.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "maintenance"  # below the terminal's state folder
FOLDER_MODE = 0o700
FILE_MODE = 0o600
DAMAGED = ".damaged"


def keep(path: Path, data: object) -> None:
    """Write ``data`` as JSON. Raises ``OSError``; then the file is as it was."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    draft = path.with_name(path.name + ".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(data, stream, ensure_ascii=False, separators=(",", ":"))
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
    flush_folder(path.parent)


def kept(path: Path, *, mend: bool = True) -> Any:
    """Return what :meth:`keep` wrote, ``None`` for a file that is missing or damaged. Raises ``OSError``.

    A damaged file is set aside under another name for a technician; with ``mend`` false nothing is touched.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        if mend:
            path.replace(path.with_name(path.name + DAMAGED))
        return None


def flush_folder(folder: Path) -> None:
    """Make names in ``folder`` durable: a file that was replaced or begun is found again after a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
