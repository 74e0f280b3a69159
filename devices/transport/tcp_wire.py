"""A serial-device server's line over TCP, as a blocking wire: the bytes of the line, and nothing but them."""

from __future__ import annotations

import contextlib
import select
import socket

from devices.errors import DeviceCode, DeviceTimeout, DeviceUnavailable
from devices.transport import READ_SLICE_S
from devices.transport.tcp import CONNECT_S, KEEPALIVE, UNACKNOWLEDGED_MS

WRITE_TIMEOUT_S = 2.0  # a request is a dozen bytes: a server that does not take them in two seconds is stuck
READ_CHUNK = 4096


class TcpWire:
    """One connection; a lost one stays lost until it is closed and opened again."""

    def __init__(self, host: str, port: int) -> None:
        self._at = (host, port)
        self._link: socket.socket | None = None

    def open(self) -> None:
        """Connect. Raises ``DeviceUnavailable``."""
        if self._link is not None:
            return
        try:
            link = socket.create_connection(self._at, CONNECT_S)
        except OSError as error:
            raise DeviceUnavailable(f"no connection to {self}: {error}") from error
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # Best effort: a kernel without one of these still ends the connection, only later.
        with contextlib.suppress(OSError):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
            for option, value in KEEPALIVE:
                link.setsockopt(socket.IPPROTO_TCP, option, value)
        link.settimeout(WRITE_TIMEOUT_S)
        self._link = link

    def write(self, data: bytes) -> None:
        """Send all of ``data``. Raises ``DeviceUnavailable`` or ``DeviceTimeout``."""
        link = self._require_open()
        try:
            link.sendall(data)
        except TimeoutError as error:
            raise DeviceTimeout(f"{self} takes no bytes") from error
        except OSError as error:
            raise self._gone(error) from error

    def read(self) -> bytes:
        """Return what has arrived within ``READ_SLICE_S``, possibly nothing. Raises ``DeviceUnavailable``."""
        return self._receive(READ_SLICE_S)

    def discard_input(self) -> None:
        """Forget what has arrived and was not read. Raises ``DeviceUnavailable``."""
        while len(self._receive(0)) == READ_CHUNK:
            pass

    def fileno(self) -> int:
        """Return the connection's descriptor. Raises ``DeviceUnavailable``."""
        return self._require_open().fileno()

    def close(self) -> None:
        """Disconnect. Idempotent; never raises."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def __str__(self) -> str:
        return f"socket://{self._at[0]}:{self._at[1]}"

    def _receive(self, within_s: float) -> bytes:
        link = self._require_open()
        poll = select.poll()
        poll.register(link, select.POLLIN)
        if not poll.poll(within_s * 1000):
            return b""
        try:
            data = link.recv(READ_CHUNK)
        except OSError as error:
            raise self._gone(error) from error
        if not data:
            raise self._gone("hung up")
        return data

    def _require_open(self) -> socket.socket:
        if self._link is None:
            raise DeviceUnavailable(f"{self} is closed", code=DeviceCode.CLOSED)
        return self._link

    def _gone(self, why: object) -> DeviceUnavailable:
        return DeviceUnavailable(f"{self} is gone: {why}")
