"""A driver's process, seen from the terminal: started, listened to, ended. Nothing of the vendor's is loaded here."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from devices.hosted.allowance import Allowance
from devices.hosted.confine import Limits
from devices.hosted.frames import HEAD, LIMITS, PROBLEMS, SNAPSHOT, Kind, framed
from devices.hosted.schema import decoded
from devices.hosted.shapes import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MADE_LIMIT_S: Final = 20.0  # a vendor's library loads from a slow disk beside others that start as well
GONE_LIMIT_S: Final = 2.0  # after SIGKILL: the kernel frees a camera's buffers
PIECE: Final = 65536  # a pipe's own size
FLOOD_BURST: Final = 8 << 20  # bytes at once; more is a library run wild, and every byte costs the core time
FLOOD_RATE: Final = 65536.0  # bytes a second that are taken for ever
SAID_EVERY_S: Final = 60.0  # one line in the log, however much is said

ENVIRONMENT: Final = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",  # where the sound server listens
    "ALSA_CONFIG_PATH",
    "PCSCLITE_CSOCK_NAME",
)
"""All that a driver's process learns of ours; the rest may hold secrets."""

_log = logging.getLogger(__name__)


class NotMade(ValueError):
    """The driver cannot be made: what stands in the settings is wrong, or its package is."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which driver for which device. ``options`` as in the settings file."""

    driver: str
    name: str
    options: Mapping[str, object] = field(default_factory=dict, repr=False)
    limits: Limits = field(default_factory=Limits)

    def message(self) -> bytearray:
        """Return the first message. Raises ``NotMade`` for an option that no settings file can say."""
        try:
            body = json.dumps(asdict(self) | {"options": dict(self.options)})
        except (TypeError, ValueError) as error:
            raise NotMade(f"{self.name}: driver {self.driver!r}: {error}") from None
        return framed(Kind.ORDER, 0, body.encode())


class DriverProcess:
    """One process. Created running; :meth:`end` in any case. Belongs to the loop it was created on."""

    def __init__(self, name: str, on_end: Callable[[str], None], on_flood: Callable[[], None]) -> None:
        """Start it. ``on_end`` is told once how it ended, in words. Raises ``OSError``."""
        self._name = name
        self._on_end, self._on_flood = on_end, on_flood
        self.wire, self._popen = _start(subprocess.PIPE)
        self._loop = asyncio.get_running_loop()
        self._gone = asyncio.Event()
        self._handle = os.pidfd_open(self._popen.pid)
        self._loop.add_reader(self._handle, self._ended)
        self._noise = [_Noise(self, stream.fileno()) for stream in (self._popen.stdout, self._popen.stderr) if stream]
        self._allowance = Allowance(FLOOD_BURST, FLOOD_RATE)
        self._said, self._said_at = 0, time.monotonic() - SAID_EVERY_S

    @property
    def pid(self) -> int:
        """Process id."""
        return self._popen.pid

    async def end(self) -> None:
        """Kill it, and what it started, and wait for its end. Idempotent; never raises."""
        self.kill()
        try:
            async with asyncio.timeout(GONE_LIMIT_S):
                await self._gone.wait()
        except TimeoutError:
            _log.error("device %s: driver process %d does not die", self._name, self.pid)
            self._release()

    def kill(self) -> None:
        """Kill it, and what it started in its session."""
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)

    def heard(self, noise: _Noise, count: int) -> None:
        """Count what the driver's library printed; its text may hold anything and is not kept."""
        self._said += count
        if time.monotonic() - self._said_at >= SAID_EVERY_S:
            self._tell_said()
        if not self._allowance.take(count):
            noise.stop()
            self._on_flood()

    def _tell_said(self) -> None:
        if self._said:
            _log.info("device %s: the driver's process printed %d bytes", self._name, self._said)
        self._said, self._said_at = 0, time.monotonic()

    def _ended(self) -> None:
        """Reap it."""
        with contextlib.suppress(ProcessLookupError):  # what it started goes with it, while the number is still its own
            os.killpg(self._popen.pid, signal.SIGKILL)
        status = self._popen.wait()
        self._release()
        self._gone.set()
        self._on_end(in_words(status))

    def _release(self) -> None:
        if self._handle < 0:
            return
        self._loop.remove_reader(self._handle)
        os.close(self._handle)
        self._handle = -1
        for noise in self._noise:
            noise.stop()
        for stream in (self._popen.stdout, self._popen.stderr):
            if stream:
                stream.close()
        self._tell_said()


class _Noise:
    """One of the two streams a library prints on: read, counted, forgotten."""

    def __init__(self, process: DriverProcess, handle: int) -> None:
        self._process, self._handle = process, handle
        self._piece = bytearray(PIECE)  # the only place its text ever stands, overwritten by what follows
        self._loop = asyncio.get_running_loop()
        os.set_blocking(handle, False)
        self._loop.add_reader(handle, self._read)
        self._open = True

    def stop(self) -> None:
        """Listen no more. Idempotent."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._handle)
            self._piece[:] = bytes(PIECE)

    def _read(self) -> None:
        try:
            count = os.readv(self._handle, [self._piece])
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if count:
            self._process.heard(self, count)
        else:
            self.stop()


def made(order: Order) -> dict[str, bytes]:
    """Let a process make the device, without opening it, and return what its methods say from memory, by name.

    Blocks for as long as the driver's package takes to load, ``MADE_LIMIT_S`` at most: for the start of a terminal.
    Raises ``NotMade``.
    """
    where = f"{order.name}: driver {order.driver!r}"
    message = order.message()
    wire, popen = _start(subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + MADE_LIMIT_S
        wire.settimeout(MADE_LIMIT_S)
        wire.sendall(message)
        return _snapshot(wire, deadline)
    except TimeoutError:
        raise NotMade(f"{where}: not loaded within {MADE_LIMIT_S:g} s") from None
    except (OSError, EOFError, WireError) as error:
        popen.kill()
        raise NotMade(f"{where}: its process ended while it was loaded: {in_words(popen.wait())}") from error
    finally:
        wire.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()


def in_words(status: int) -> str:
    """Return how a process ended."""
    if status >= 0:
        return f"exit status {status}"
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-status).name}"
    return f"signal {-status}"


def _start(output: int) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start a process; never by a bare fork: this one has threads and a screen. Raises ``OSError``."""
    near, far = socket.socketpair()
    with far:
        try:
            popen = subprocess.Popen(
                [sys.executable, "-P", "-m", "devices.host", str(far.fileno()), str(os.getpid())],
                pass_fds=[far.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                bufsize=0,
            )
        except OSError:
            near.close()
            raise
    return near, popen


def _snapshot(wire: socket.socket, deadline: float) -> dict[str, bytes]:
    """Read the first message by ``deadline``. Raises ``NotMade``, ``OSError``, ``EOFError``, ``WireError``."""
    length, kind, _ = HEAD.unpack(_exactly(wire, HEAD.size, deadline))
    if kind not in {Kind.READY, Kind.REFUSED} or length > LIMITS[Kind(kind)]:
        raise WireError("an answer of another kind")
    body = _exactly(wire, length, deadline)
    if kind == Kind.REFUSED:
        raise NotMade("; ".join(decoded(PROBLEMS, body)))
    return dict(decoded(SNAPSHOT, body))


def _exactly(wire: socket.socket, length: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < length:
        left_s = deadline - time.monotonic()
        if left_s <= 0:  # each byte for itself may come in time
            raise TimeoutError
        wire.settimeout(left_s)
        piece = wire.recv(length - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def _environment() -> dict[str, str]:
    """Return what the process may know; it looks for its packages where this one does."""
    paths = [str(Path(entry or ".").absolute()) for entry in sys.path]
    passed = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return passed | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}
