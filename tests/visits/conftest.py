"""Plays visits in a child process, in surroundings of its own: temporary folder, working folder, no display."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
FACES = ROOT / "build" / "faces"
LIMIT_S = 280


@dataclass(frozen=True)
class Played:
    """What one visit left: its report and the folders it could write to."""

    status: int
    said: str
    out: Path
    temporary: Path
    working: Path

    @property
    def report(self) -> dict[str, Any]:
        return dict(json.loads((self.out / "report.json").read_text(encoding="utf-8")))


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Path], Played]:
    """Play a visit file; the process and all its children are gone afterwards."""

    def run(visit: Path) -> Played:
        temporary, working, out = (tmp_path / name for name in ("tmp", "work", "out"))
        temporary.mkdir()
        working.mkdir()
        # Of our own: what other tests of this run set for themselves, a display, a reader service, stays with them.
        theirs = ("QT_", "QML", "DISPLAY", "WAYLAND", "PCSCLITE_")
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
        surroundings |= {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, str(ROOT / "main.py"), "--profile", "demo", "--faces", str(FACES)]
        command += ["--play", str(visit), "--out", str(out)]
        done = subprocess.run(
            command, cwd=working, env=surroundings, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        return Played(done.returncode, done.stderr, out, temporary, working)

    return run
