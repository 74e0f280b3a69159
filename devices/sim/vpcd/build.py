"""Compile the breakable reader once per content."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
from pathlib import Path

from devices.sim.ippeve.build import require

SOURCE = Path(__file__).with_name("reader_faults.c")
SONAME = "libifdvpcd.so.0"  # by which the loader looks for the library; a package's installation would make the link


def build_driver(vpcd: Path, folder: Path) -> Path:
    """Return the reader's driver in ``folder``, compiled around the library ``vpcd`` when it is not there yet.

    Raises ``ToolMissingError``, or ``RuntimeError`` with the compiler's words when it fails.
    """
    digest = hashlib.sha256(SOURCE.read_bytes() + str(vpcd.resolve()).encode()).hexdigest()[:16]
    target = folder / f"reader_faults-{digest}.so"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    flags = subprocess.run(
        [require("pkg-config", "pkg-config"), "--cflags", "libpcsclite"], check=True, capture_output=True, text=True
    ).stdout
    unfinished = target.with_suffix(f".{os.getpid():x}.part")  # two builders: each its own, the last rename wins
    compiler = subprocess.run(
        [
            require("gcc", "gcc libc6-dev"),
            *("-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"),
            *shlex.split(flags),
            *("-o", str(unfinished), str(SOURCE)),
            *("-Wl,--no-as-needed", str(vpcd.resolve()), "-Wl,-rpath,$ORIGIN"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    if compiler.returncode:
        raise RuntimeError(f"compiling the breakable reader failed: {compiler.stderr.strip()}")
    link = folder / f"{unfinished.name}.link"
    link.symlink_to(vpcd.resolve())
    link.rename(folder / SONAME)
    unfinished.rename(target)
    return target
