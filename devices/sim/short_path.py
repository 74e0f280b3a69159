"""A place for Unix sockets: their paths have 107 bytes at most, and a demo's folder may lie deep."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

PATH_MAX: Final = 107  # sockaddr_un, without the closing zero
ROOM: Final = 48  # of it for the folder's own name and what lies in it


def short_path() -> Path:
    """Return the path of a folder that is not there yet, in a place where this user may make it.

    Raises ``OSError`` when there is none.
    """
    places = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"]  # noqa: S108 - the name is not to be guessed
    for place in places:
        if place and len(os.fsencode(place)) <= PATH_MAX - ROOM and os.access(place, os.W_OK | os.X_OK):
            return Path(place) / f"tongban-{secrets.token_hex(6)}"
    raise OSError(f"no place for sockets: none of {', '.join(filter(None, places))} is short enough and writable")
