"""The machine's end of a line that is a socket: a serial-device server (TCP), or a HID interface (Unix, SEQPACKET)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READ_CHUNK = 4096


class SocketLine(ABC):
    """One program at a time has it open; who comes later takes its place. Lives on the running event loop."""

    def __init__(self, on_bytes: Callable[[bytes], None]) -> None:
        self._on_bytes = on_bytes
        self._door: socket.socket | None = None
        self._host: socket.socket | None = None

    @abstractmethod
    def _make_door(self) -> socket.socket:
        """Return a listening socket at the line's address."""

    def _hear(self, data: bytes) -> None:
        """Take one message of the host."""
        self._on_bytes(data)

    @property
    def plugged(self) -> bool:
        """Tell whether the device is there."""
        return self._door is not None

    def plug(self) -> None:
        """Make the device appear at its address. Idempotent."""
        if self._door is None:
            self._door = self._make_door()
            self._door.setblocking(False)
            asyncio.get_running_loop().add_reader(self._door, self._let_in)

    def unplug(self) -> None:
        """Make the device vanish: whoever has it open sees it hang up. Idempotent."""
        if self._door is None:
            return
        self._hang_up()
        door, self._door = self._door, None
        asyncio.get_running_loop().remove_reader(door)
        door.close()

    def put(self, message: bytes) -> None:
        """Send ``message`` as it is. Lost when nobody listens, or too slowly: the kernel drops reports too."""
        if self._host is None and self._door is not None:
            self._let_in()  # who connected just now has the device open, whether the loop knows it or not
        if self._host is not None:
            with contextlib.suppress(OSError):
                self._host.send(message)

    def _let_in(self) -> None:
        if self._door is None:
            return
        try:
            fresh, _ = self._door.accept()
        except BlockingIOError:
            return
        self._hang_up()
        fresh.setblocking(False)
        self._host = fresh
        asyncio.get_running_loop().add_reader(fresh, self._receive)

    def _receive(self) -> None:
        if self._host is None:
            return
        try:
            data = self._host.recv(READ_CHUNK)
        except OSError:
            data = b""
        if data:
            self._hear(data)
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        host, self._host = self._host, None
        if host is not None:
            asyncio.get_running_loop().remove_reader(host)
            host.close()


class TcpLine(SocketLine):
    """A serial-device server on this machine; its port stays the same through unplugging."""

    def __init__(self, on_bytes: Callable[[bytes], None]) -> None:
        super().__init__(on_bytes)
        with socket.create_server(("127.0.0.1", 0)) as first:
            self._address = first.getsockname()

    @property
    def port(self) -> str:
        """Return the address a driver opens."""
        return f"socket://{self._address[0]}:{self._address[1]}"

    def send(self, data: bytes) -> None:
        """Send ``data``. Lost when nobody listens."""
        self.put(data)

    def _make_door(self) -> socket.socket:
        return socket.create_server(self._address)


class HidLine(SocketLine):
    """Each message is a report. Reports are of one size both ways, or of any size by :meth:`send_report`.

    ``report_id`` 0: reports have no number; those from the host begin with a zero all the same, as the kernel has it.
    ``keep_number``: the machine hears a report's number before its data.
    """

    def __init__(
        self,
        path: Path,
        on_bytes: Callable[[bytes], None],
        *,
        report_size: int = 64,
        report_id: int = 0,
        keep_number: bool = False,
    ) -> None:
        super().__init__(on_bytes)
        self._keep_number = keep_number
        self._path = path
        self._report_size = report_size
        self._report_id = report_id

    @property
    def port(self) -> str:
        """Return the address a driver opens."""
        return f"hid:{self._path}"

    def send(self, data: bytes) -> None:
        """Send ``data`` in as many reports as it takes, the last filled up with zeros. Lost when nobody listens."""
        for start in range(0, len(data), self._report_size):
            report = data[start : start + self._report_size].ljust(self._report_size, b"\0")
            self.send_report(report, self._report_id)

    def send_report(self, data: bytes, number: int = 0) -> None:
        """Send one report as it is. Lost when nobody listens."""
        self.put((bytes([number]) if number else b"") + data)

    def _make_door(self) -> socket.socket:
        door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        door.bind(str(self._path))
        door.listen()
        return door

    def unplug(self) -> None:
        """Make the device file vanish: whoever has it open sees it hang up. Idempotent."""
        if self.plugged:
            self._path.unlink(missing_ok=True)
        super().unplug()

    def _hear(self, data: bytes) -> None:
        self._on_bytes(data if self._keep_number else data[1:])
