"""Compile the DNS-SD stub once per content."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

SOURCE = Path(__file__).with_name("dnssd_stub.c")


class ToolMissingError(RuntimeError):
    """A program of the development machine is not installed; the text names its Debian package."""


def require(program: str, package: str) -> str:
    """Return the program's path. Raises ``ToolMissingError``."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/bin")
    if path is None:
        raise ToolMissingError(f"{program} is not installed: apt-get install {package}")
    return path


async def build_stub(folder: Path) -> Path:
    """Return the shared object in ``folder``, compiling it when it is not there yet.

    Raises ``ToolMissingError`` without a compiler, ``RuntimeError`` with the compiler's words when it fails.
    """
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    target = folder / f"dnssd_stub-{digest}.so"
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - one call on a local folder, in a simulator
    unfinished = target.with_suffix(f".{os.getpid():x}.part")  # two builders: each its own, the last rename wins
    compiler = await asyncio.create_subprocess_exec(
        require("gcc", "gcc libc6-dev"),
        *("-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(unfinished), str(SOURCE)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await compiler.communicate()
    if compiler.returncode:
        raise RuntimeError(f"compiling the DNS-SD stub failed: {said.decode(errors='replace').strip()}")
    unfinished.rename(target)
    return target
