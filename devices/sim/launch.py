"""Starts a world and a central as child processes for a demo, and makes sure that neither outlives it.

Each child says in one JSON line that it stands, ends when its standard input closes, and is told by the kernel when its
parent dies, so that not even a killed terminal leaves an orphan behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

READY_LIMIT_S = 30.0  # a central that makes its keys and a world with a printer, on a slow machine
STOP_LIMIT_S = 5.0
ROOT = Path(__file__).parents[2]
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_LIBC = ctypes.CDLL(None)  # loaded before any fork: the child of a fork may not load libraries


class LaunchError(Exception):
    """A child did not come to stand. The text names its log."""


def _die_with_parent() -> None:
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One child process. What it says after its first line goes to its log."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self._command = list(command)
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self._first: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, name=f"log-{name}")

    def start(self, limit_s: float = READY_LIMIT_S) -> dict[str, Any]:
        """Start the process and return what its first line says. Raises ``LaunchError``; nothing runs then."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,  # where ``-m`` finds both
                text=True,
                encoding="utf-8",
                # A terminal's Ctrl-C is for the terminal: it then stops its children in order.
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, no lock can be held by another thread
            )
        self._reader.start()
        try:
            said = json.loads(self._first.get(timeout=limit_s))
        except queue.Empty:
            self.stop()
            raise LaunchError(f"{self.name} did not come to stand within {limit_s:.0f} s: see {self._log}") from None
        except ValueError:
            self.stop()
            raise LaunchError(f"{self.name} ended before it stood: see {self._log}") from None
        if not isinstance(said, dict) or said.get("ready") is not True:
            self.stop()
            raise LaunchError(f"{self.name} says it is not ready: see {self._log}")
        return said

    @property
    def pid(self) -> int:
        """Process id; 0 before the start."""
        return self._process.pid if self._process else 0

    def stop(self) -> None:
        """Ask the process to end, by closing its input and by signal; kill it when it does not. Idempotent."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(OSError):  # it may have closed its end already
            if process.stdin:
                process.stdin.close()
        process.terminate()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader.ident is not None:
            self._reader.join()

    def _read(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            raise RuntimeError("the reader starts after the process")
        with process.stdout as said, self._log.open("a", encoding="utf-8") as log:
            self._first.put(said.readline())
            for line in said:
                log.write(line)
                log.flush()


class Laboratory:
    """The far ends of a demo terminal's wires.

    Once started, ``overlays`` holds the settings that lead a terminal here, ``dock`` the address of the world's
    control page, ``left_out`` the machines this computer cannot run, each with the reason. ``roles``: those that have a
    device; the world runs no machine for others.
    """

    def __init__(
        self,
        folder: Path,
        faces: Path,
        *,
        kiosk: str,
        world: bool,
        central: bool,
        roles: Sequence[str] | None = None,
    ) -> None:
        self._folder = folder
        self._faces = faces
        self._kiosk = kiosk
        self._wants = (world, central)
        self._children = contextlib.ExitStack()
        self.overlays: list[tuple[str, dict[str, Any]]] = []
        self.dock = ""
        self.left_out: dict[str, str] = {}
        self._roles = roles

    def start(self) -> None:
        """Start what is wanted, central first. Raises ``LaunchError``; nothing runs then."""
        world, central = self._wants
        with contextlib.ExitStack() as started:
            far_end: dict[str, Any] = {}
            if central:
                far_end = self._start(started, "central", self._central_command())
                self.overlays.append(("simulated central", _central_settings(far_end)))
            if world:
                near_end = self._start(started, "world", self._world_command(far_end))
                self.overlays.append(("simulated world", near_end["settings"]))
                self.dock, self.left_out = near_end["dock"], near_end["left_out"]
            self._children = started.pop_all()

    def stop(self) -> None:
        """End the children, last one first. Idempotent."""
        self._children.close()

    def _start(self, started: contextlib.ExitStack, name: str, command: list[str]) -> dict[str, Any]:
        child = Child(name, command, self._folder / "logs" / f"{name}.log")
        started.callback(child.stop)
        return child.start()

    def _central_command(self) -> list[str]:
        data = str(self._folder.resolve() / "central")
        return [sys.executable, "-m", "central", "--data", data, "--port", "0", "--kiosk", self._kiosk, "--demo"]

    def _world_command(self, far_end: dict[str, Any]) -> list[str]:
        command = [sys.executable, "-m", "devices.sim", "--folder", str(self._folder.resolve() / "world")]
        command += ["--faces", os.fspath(self._faces.resolve())]
        if far_end:
            command += ["--central", far_end["url"], "--kiosk", self._kiosk]
            command += ["--central-ca", _central_settings(far_end)["central"]["tls_ca"]]
        for role in self._roles or ():
            command += ["--role", role]
        return command


def _central_settings(far_end: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return what central's enrolment of the terminal left in its folder, as settings."""
    folder = Path(far_end["terminal"])
    return {
        "central": {
            "url": far_end["url"],
            "tls_ca": str(folder / "tls_ca.pem"),
            "document_ca": str(folder / "document_ca.pem"),
            "anchors": str(folder / "central.json"),
            "token_file": str(folder / "token"),
            "tls_client": str(folder / "tls_client.pem"),
        },
        "maintenance": {"technician_ca": str(folder / "technician_ca.pem")},
    }
