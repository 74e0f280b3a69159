"""The real PC/SC daemon over a reader in software with two card slots, in a network and mount namespace of its own.

The virtual reader (``libifdvpcd``) listens on all addresses for the software that plays the card. Inside the private
network nobody else can reach it; the daemon's Unix socket lies in a folder that both sides see. Blocking: call it from
a thread where an event loop must go on.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devices.sim.ippeve.build import ToolMissingError, require
from devices.sim.vpcd.build import build_driver

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parents[3]
LIBRARY: Final = ROOT / "build/vpcd/usr/lib/pcsc/drivers/serial/libifdvpcd.so.0.8"  # packaging/setup.sh brings it
SOCKET: Final = "pcscd.comm"  # the daemon's own name for it
READER: Final = "Virtual PCD"
SLOTS: Final = (0, 1)  # what Debian's library is built for
READER_NAMES: Final = tuple(f"{READER} 00 {slot:02}" for slot in SLOTS)
PORT: Final = 0x8C7B  # of slot 0; the library's own default, the next slot has the next one
DEADLINE_S: Final = 10.0  # measured 0.2 s; a busy machine may take longer
POLL_S: Final = 0.01
LISTENING: Final = "0A"  # state of a socket in /proc/net/tcp

# A tmpfs over /run: the daemon's folder has a fixed name, and the machine's own daemon may be using it. The shell ends
# the daemon when its own standard input ends, as it does with the process that started it.
_START: Final = """
ip link set lo up
mount -t tmpfs -o mode=755 none /run
mkdir /run/pcscd
mount --bind "$1" /run/pcscd
"$3" --foreground --error --config "$2" >"$1/log" 2>&1 &
echo $!
read -r _ || true
kill -KILL $! 2>/dev/null || true
wait
"""
# Runs inside the network and hands the connected socket out.
_DOOR: Final = """
import socket, sys
line = socket.socket(fileno=int(sys.argv[1]))
inside = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
socket.send_fds(line, [b"."], [inside.fileno()])
"""


class VpcdService:
    """One daemon with one reader of two slots. ``socket_path`` is what ``PCSCLITE_CSOCK_NAME`` has to name."""

    def __init__(self, folder: Path | None = None, *, library: Path = LIBRARY, build: Path | None = None) -> None:
        """Take an empty ``folder``, or make one, and make the reader's driver.

        Raises ``ToolMissingError`` naming what has to be installed. The folder's path has to be short: a socket's has
        107 bytes at most.
        """
        if not library.exists():
            raise ToolMissingError("the virtual card reader is not there: run packaging/setup.sh")
        self._tools = {name: require(name, package) for name, package in _TOOLS.items()}
        self._folder = folder or Path(tempfile.mkdtemp(prefix="tongban-pcscd-"))
        self._faults = self._folder / "faults"
        self._faults.mkdir()
        self._config = self._folder / "reader.conf"
        driver = build_driver(library, build or ROOT / "build/vpcd")
        self._config.write_text(
            f'FRIENDLYNAME "{READER}"\nDEVICENAME /dev/null:{PORT:#x}\nLIBPATH {driver}\nCHANNELID {PORT:#x}\n'
        )
        self._shell: subprocess.Popen[str] | None = None
        self._pid = 0
        self._frozen = False

    @property
    def socket_path(self) -> Path:
        """The daemon's Unix socket; the same after a restart."""
        return self._folder / SOCKET

    def start(self) -> None:
        """Start the daemon and wait until its reader is there, if it is plugged in. Raises ``RuntimeError``."""
        if self._shell is not None:
            return
        self.socket_path.unlink(missing_ok=True)
        own = ["--net", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        command = [self._tools["unshare"], *own, "sh", "-ec", _START, "sh"]
        command += [str(self._folder), str(self._config), self._tools["pcscd"]]
        environment = {**os.environ, "TONGBAN_READER_FAULTS": str(self._faults)}
        self._shell = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self._shell.stdout is not None  # noqa: S101 - asked for above
        said = self._shell.stdout.readline().strip()
        if not said:
            why = self._end_shell()
            raise RuntimeError(f"no private network for the card reader: {why}")
        self._pid = int(said)
        self._until(self._answers, "the daemon does not answer")
        if not self._absent.exists():
            self._until(self._listening, "the reader does not come up")

    def stop(self) -> None:
        """End the daemon at once, as a crash would; :meth:`start` brings it back. Idempotent."""
        if self._shell is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        self._end_shell()
        self._frozen = False

    def close(self) -> None:
        """Stop for good and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def freeze(self) -> None:
        """Let the daemon answer nothing and take nothing in."""
        os.kill(self._pid, signal.SIGSTOP)
        self._frozen = True

    def thaw(self) -> None:
        """Let it go on."""
        if self._frozen:
            os.kill(self._pid, signal.SIGCONT)
            self._frozen = False

    def pull_reader(self) -> None:
        """Pull the reader's cable: the daemon notices within half a second, and after a restart it is not there."""
        self._absent.touch()

    def plug_reader(self) -> None:
        """Put the cable back: noticed within a second and a half.

        A daemon that began without the reader never looks for it, as it is none on USB: it is restarted.
        """
        if not self._absent.exists():
            return
        self._absent.unlink()
        if self._shell is not None and not self._listening():
            self.stop()
            self.start()

    def mute_chip(self, slot: int, on: bool) -> None:
        """Let the chip that is put into ``slot`` from now on give no answer to power."""
        mark = self._faults / f"mute-{slot}"
        if on:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)

    def connect(self, slot: int) -> socket.socket:
        """Return a socket into ``slot``: from now on a card is in it, until the socket is closed.

        Raises ``ConnectionError`` when no reader is there.
        """
        near, far = socket.socketpair()
        own = ["--net"] if os.geteuid() == 0 else ["--net", "--user", "--preserve-credentials"]
        command = [self._tools["nsenter"], f"--target={self._pid}", *own, sys.executable, "-I", "-S", "-c", _DOOR]
        with near, far:
            door = subprocess.run(
                [*command, str(far.fileno()), str(PORT + slot)],
                pass_fds=[far.fileno()],
                check=False,
                capture_output=True,
                timeout=DEADLINE_S,
            )
            if door.returncode:
                raise ConnectionRefusedError(f"no card reader listens for slot {slot}")
            _, handles, _, _ = socket.recv_fds(near, 1, 1)
        inside = socket.socket(fileno=handles[0])
        inside.set_inheritable(False)
        return inside

    @property
    def _absent(self) -> Path:
        return self._faults / "absent"

    def _listening(self) -> bool:
        """Tell whether every slot of the reader has its port open, in the daemon's own network."""
        lines = Path(f"/proc/{self._pid}/net/tcp").read_text().splitlines()[1:]
        sockets = [line.split() for line in lines]
        ports = {int(fields[1].rpartition(":")[2], 16) for fields in sockets if fields[3] == LISTENING}
        return ports >= {PORT + slot for slot in SLOTS}

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket_path)) == 0

    def _until(self, happened: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not happened():
            if self._shell is None or self._shell.poll() is not None or time.monotonic() > deadline:
                log = self._folder / "log"
                said = log.read_text(errors="replace")[-500:] if log.exists() else ""
                raise RuntimeError(f"{otherwise}: {said}")
            time.sleep(POLL_S)

    def _end_shell(self) -> str:
        """End what keeps the daemon; return what it complained of."""
        shell, self._shell = self._shell, None
        if shell is None:
            return ""
        _, said = shell.communicate("\n", timeout=DEADLINE_S)
        return str(said).strip()


_TOOLS: Final = {
    "pcscd": "pcscd",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "ip": "iproute2",
}
