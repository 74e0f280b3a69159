"""A line that can be told to fail: a TCP proxy on the loopback, scripted, its threads joined at the end."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK: Final = 16 * 1024
BEAT_S: Final = 0.02  # how soon a thread hears of a new plan, and of the end
PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to one connection; by default nothing. Bytes count from the moment the plan is in force."""

    refuse: bool = False  # reset as soon as it is there
    silent: bool = False  # accepted, and nothing goes either way, for ever
    half_open: bool = False  # the request arrives; nothing comes back, and nobody hangs up
    request_bytes: int | None = None  # cut when so many bytes went up
    answer_bytes: int | None = None  # cut when so many came down; 0: central has answered, nothing of it arrives
    delay_s: float = 0.0  # before each piece of the answer
    rate: int | None = None  # bytes a second on the way up


class Line:
    """A line from :attr:`url` to ``target``, which can be exchanged. ``script``: plans for connections to come."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.script: deque[Plan] = deque()
        self.always = Plan()  # when the script is at its end
        self.connections = 0
        self.up = self.down = 0  # bytes carried
        self.cuts = 0
        self._armed: deque[Plan] = deque()
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def url(self) -> str:
        """The terminal's end."""
        return f"{urlsplit(self.target).scheme}://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        """The port of the terminal's end."""
        return int(self._listener.getsockname()[1])

    def arm(self, plan: Plan) -> None:
        """Put a plan into force on the connection that is open."""
        self._armed.append(plan)

    def start(self) -> None:
        """Begin to serve."""
        self._spawn(self._accept)

    def stop(self) -> None:
        """End every connection, and wait for every thread."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    def _spawn(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name="line")  # type: ignore[arg-type]  # a bound method
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                terminal, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._spawn(self._serve, terminal, self.script.popleft() if self.script else self.always)

    def _serve(self, terminal: socket.socket, plan: Plan) -> None:
        with terminal:
            if plan.refuse:
                self._cut(terminal)
            elif plan.silent:
                self._over.wait()
            else:
                host = urlsplit(self.target)
                with contextlib.suppress(OSError), socket.create_connection((host.hostname, host.port or 0)) as central:
                    self._carry(terminal, central, plan)

    def _carry(self, terminal: socket.socket, central: socket.socket, plan: Plan) -> None:
        up = down = 0
        with selectors.DefaultSelector() as ready:
            ready.register(terminal, selectors.EVENT_READ)
            ready.register(central, selectors.EVENT_READ)
            while not self._over.is_set():
                for key, _ in ready.select(BEAT_S):
                    if self._armed:
                        plan, up, down = self._armed.popleft(), 0, 0
                    if key.fileobj is terminal:
                        moved = self._go_up(terminal, central, plan, up)
                        up, self.up = up + moved, self.up + moved
                        if moved == 0 or (plan.request_bytes is not None and up >= plan.request_bytes):
                            return self._cut(terminal)
                    else:
                        moved = self._go_down(terminal, central, plan, down)
                        down, self.down = down + moved, self.down + moved
                        if moved <= 0 or (plan.answer_bytes is not None and down >= plan.answer_bytes):
                            return self._cut(terminal)
        return None

    def _go_up(self, terminal: socket.socket, central: socket.socket, plan: Plan, before: int) -> int:
        room = CHUNK if plan.request_bytes is None else min(CHUNK, plan.request_bytes - before)
        piece = terminal.recv(room)
        if plan.rate is not None:
            self._over.wait(len(piece) / plan.rate)
        central.sendall(piece)
        return len(piece)

    def _go_down(self, terminal: socket.socket, central: socket.socket, plan: Plan, before: int) -> int:
        room = CHUNK if plan.answer_bytes is None else min(CHUNK, plan.answer_bytes - before)
        piece = central.recv(max(room, 1))
        self._over.wait(plan.delay_s)
        if not plan.half_open and room:
            terminal.sendall(piece)
        return len(piece) if room else 0

    def _cut(self, terminal: socket.socket) -> None:
        """Hang up with a reset, as a line does that is torn."""
        self.cuts += 1
        with contextlib.suppress(OSError):
            terminal.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def line_to(target: str, *plans: Plan) -> Iterator[Line]:
    """Serve a line to the URL ``target``; the first connections go by ``plans``."""
    line = Line(target)
    line.script.extend(plans)
    line.start()
    try:
        yield line
    finally:
        line.stop()
