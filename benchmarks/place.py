"""Where the queues of a benchmark lie, and how they are made and removed."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.peers.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.peers.peer import Kind, Peer


@dataclass(frozen=True, slots=True)
class Medium:
    """A kind of disk, by the name it has in the tables."""

    name: str
    folder: Path

    @contextmanager
    def room(self) -> Iterator[Path]:
        """Yield an empty folder that is removed afterwards."""
        self.folder.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix="tongban-bench-", dir=self.folder))
        try:
            yield room
        finally:
            shutil.rmtree(room)


@contextmanager
def opened(rows: Iterable[str], room: Path) -> Iterator[dict[str, tuple[Kind, Peer]]]:
    """Yield empty queues, open, by row."""
    with contextlib.ExitStack() as stack:
        peers = {}
        for number, row in enumerate(rows):
            folder = room / str(number)
            folder.mkdir()
            peers[row] = (KINDS[row], KINDS[row].open(folder))
            stack.callback(peers[row][1].close)
        yield peers
