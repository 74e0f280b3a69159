"""Run a process under the recorder and read back every change it made to one folder, in order.

The recorder (recorder.c, names.c, refused.c) is compiled once per content into ``build/cuts/`` by the system's C
compiler. A recording is to be believed only after :func:`tests.cuts.replay.check_complete`.
"""

from __future__ import annotations

import enum
import hashlib
import json
import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
MARKS: Final = ".marks"  # the file in the folder a recorded process writes its words to, one JSON object a line
_SOURCES: Final = ("recorder.c", "names.c", "refused.c")
_HEAD: Final = struct.Struct("<c3xIqQ")  # as written by put() in recorder.c
_MARKS_HANDLE: Final = 2**32 - 1
_DEADLINE_S: Final = 60.0


class Op(enum.Enum):
    """What was done; the letters of recorder.c."""

    OPEN = b"O"
    CREATE = b"C"
    WRITE = b"W"
    RESIZE = b"T"
    GROW = b"G"
    FLUSH = b"F"
    REMOVE = b"U"
    FOLDER = b"D"
    RENAME = b"R"
    MARK = b"M"


@dataclass(frozen=True, slots=True)
class Event:
    """One change. ``offset`` of ``RESIZE`` and ``GROW`` is the size; ``data`` of name events is the name."""

    op: Op
    handle: int
    offset: int
    data: bytes

    @property
    def name(self) -> str:
        """The name below the folder; of a rename, old and new name with a NUL between."""
        return os.fsdecode(self.data)

    def mark(self) -> dict[str, Any]:
        """Return the words of a mark."""
        words: dict[str, Any] = json.loads(self.data)
        return words

    def __str__(self) -> str:
        if self.op in {Op.WRITE, Op.RESIZE, Op.GROW, Op.FLUSH}:
            return f"{self.op.name} at {self.offset}, {len(self.data)} bytes, of handle {self.handle}"
        return f"{self.op.name} {self.data[:160].decode(errors='replace').strip()}"


class RecordingError(Exception):
    """The recorded process failed, or its recording has a hole."""


def build_recorder() -> Path:
    """Return the shared object, compiling it when it is not there yet. Raises ``RecordingError``."""
    sources = [Path(__file__).with_name(name) for name in _SOURCES]
    headers = [Path(__file__).with_name("recorder.h")]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources + headers)).hexdigest()[:16]
    target = ROOT / "build" / "cuts" / f"recorder-{digest}.so"
    if target.exists():
        return target
    compiler = shutil.which("gcc")
    if compiler is None:
        raise RecordingError("gcc is not installed: apt-get install gcc libc6-dev")
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(f".{os.getpid():x}.part")  # two builders: each its own, the last rename wins
    options = ("-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(unfinished))
    done = subprocess.run(
        [compiler, *options, *map(str, sources), "-ldl", "-lpthread"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RecordingError(f"compiling the recorder failed: {done.stderr.strip()}")
    unfinished.rename(target)
    return target


def record(command: Sequence[str], folder: Path, log: Path) -> list[Event]:
    """Run ``command`` and return its changes to ``folder``, which may hold files already.

    Raises ``RecordingError`` with the process's words when it fails, and when it used a call that is not recorded.
    """
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "LD_PRELOAD": str(build_recorder()),
        "CUTS_FOLDER": str(folder.resolve()),
        "CUTS_LOG": str(log),
    }
    done = subprocess.run(
        list(command), cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_DEADLINE_S, check=False
    )
    if done.returncode:
        raise RecordingError(f"the recorded process ended with {done.returncode}: {done.stderr.strip()}")
    return read_log(log)


def read_log(log: Path) -> list[Event]:
    """Read what recorder.c wrote. Raises ``RecordingError`` when the log breaks off."""
    raw = log.read_bytes()
    events, at = [], 0
    while at < len(raw):
        op, handle, offset, length = _HEAD.unpack_from(raw, at)
        at += _HEAD.size
        data = raw[at : at + length]
        if len(data) != length:
            raise RecordingError("the log breaks off")
        at += length
        if handle != _MARKS_HANDLE or op == Op.MARK.value:
            events.append(Event(Op(op), handle, offset, data))
    return events


def write_log(events: Sequence[Event], log: Path) -> None:
    """Write events as the recorder does."""
    heads = (_HEAD.pack(event.op.value, event.handle, event.offset, len(event.data)) for event in events)
    log.write_bytes(b"".join(part for head, event in zip(heads, events, strict=True) for part in (head, event.data)))


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return name -> content of the files of a folder, without marks and without what the recorder leaves out."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != MARKS and not file.name.endswith("-shm")
    }
