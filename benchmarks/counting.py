"""Q1 and Q4: flushes and bytes of each operation, counted between it and the kernel by ``counter.c``.

``python -m benchmarks.counting ROW OPERATION COUNT FOLDER`` is the process that is counted: the queue is open before
the count begins and closed before it ends, so that the checkpoints are in it, the last one too.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.measure import ACK, ACKS, PUT
from benchmarks.peers.peer import BATCH, random_bodies
from benchmarks.peers.registry import KINDS

_SOURCE: Final = Path(__file__).with_name("counter.c")
_DEADLINE_S: Final = 600.0
_NO_BUDGET: Final = math.inf


@dataclass(frozen=True, slots=True)
class Count:
    """What one item cost."""

    flushes: float
    kib: float


def build_counter(folder: Path) -> Path:
    """Compile the counter. Raises ``RuntimeError`` without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("a C compiler is needed to count flushes: install gcc")
    library = folder / "counter.so"
    subprocess.run([compiler, "-O2", "-Wall", "-shared", "-fPIC", "-o", library, _SOURCE, "-ldl"], check=True)
    return library


def count(counter: Path, row: str, operation: str, items: int, folder: Path) -> Count:
    """Count one operation of one row in a process of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        command = [sys.executable, "-m", "benchmarks.counting", row, operation, str(items), place]
        environment = {**os.environ, "LD_PRELOAD": str(counter)}
        done = subprocess.run(
            command, env=environment, check=True, timeout=_DEADLINE_S, stdout=subprocess.PIPE, text=True
        )
    return Count(**json.loads(done.stdout))


def _counted(row: str, operation: str, items: int, folder: Path) -> Count:
    process = ctypes.CDLL(None)
    for name in ("bench_flushes", "bench_bytes"):
        getattr(process, name).restype = ctypes.c_ulong
    peer = KINDS[row].open(folder)
    if operation != PUT:
        peer.fill(2 * items)  # twice: the last of a lane are out of reach of a batch
    bodies = random_bodies(items if operation == PUT else 0)
    flushes, written = process.bench_flushes(), process.bench_bytes()
    if operation == PUT:
        peer.time_puts(bodies, _NO_BUDGET)
    elif operation == ACK:
        peer.time_take_acks(items, 1, _NO_BUDGET)
    else:
        peer.time_take_acks(items // BATCH, BATCH, _NO_BUDGET)
        items -= items % BATCH
    peer.close()
    return Count((process.bench_flushes() - flushes) / items, (process.bench_bytes() - written) / items / 1024)


if __name__ == "__main__":
    _row, _operation, _items, _folder = sys.argv[1:]
    if _operation not in {PUT, ACK, ACKS}:
        sys.exit(f"unknown operation: {_operation}")
    _found = _counted(_row, _operation, int(_items), Path(_folder))
    sys.stdout.write(json.dumps({"flushes": _found.flushes, "kib": _found.kib}))
