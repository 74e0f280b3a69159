"""Goal: the whole terminal, all devices attached, nobody there, takes at most 2 % of one core.

The demo's terminal as it is, its screen drawn offscreen by software. The simulated machines and central are processes
of their own and not in the figure. Processor time as the kernel counts it, so that other load changes nothing.
"""

from __future__ import annotations

import os
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.report import ROOT, Verdict, at_most

if TYPE_CHECKING:
    from typing import IO

WANTED: Final = 2.0  # percent of one core
ROUNDS, QUICK_ROUNDS = 6, 2
ROUND_S: Final = 10.0
START_S: Final = 120.0
SETTLED_S: Final = 20.0  # after the screen stands: compiling of screens, first looks at all devices
READY: Final = '"event": "LinkChanged"'  # devices are open by then, and the screen attracts
_TICKS: Final = os.sysconf("SC_CLK_TCK")


def measure(*, quick: bool) -> list[Verdict]:
    """Start the demo in a folder of its own, let it settle, and count."""
    folder = Path(tempfile.mkdtemp(prefix="tongban-attract-"))
    command = [sys.executable, "main.py", "--profile", "demo", "--windowed", "--state", str(folder)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the terminal has no output")
        _wait_ready(process.stdout)
        time.sleep(SETTLED_S)
        shares = []
        for _ in range(QUICK_ROUNDS if quick else ROUNDS):
            before, began = _used_s(process.pid), time.monotonic()
            time.sleep(ROUND_S)
            shares.append(100 * (_used_s(process.pid) - before) / (time.monotonic() - began))
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
    return [at_most("D5", "processor of the terminal while nobody is there", WANTED, statistics.median(shares), " %")]


def _wait_ready(output: IO[str]) -> None:
    """Read the terminal's events for as long as it lives; return when it stands. Raises ``RuntimeError``."""
    stands: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def read() -> None:
        for line in output:
            if READY in line:
                stands.put(True)
        stands.put(False)

    threading.Thread(target=read, daemon=True).start()
    try:
        if stands.get(timeout=START_S):
            return
    except queue.Empty:
        raise RuntimeError(f"the terminal did not stand within {START_S:g} s") from None
    raise RuntimeError("the terminal ended before it stood")


def _used_s(pid: int) -> float:
    """Return the processor time of the process, all its threads, in user and system (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
