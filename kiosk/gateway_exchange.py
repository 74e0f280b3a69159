"""One HTTP exchange with one deadline for all of it, kept by shutting the connection down under the thread.

A limit for each single read, as the usual clients have it, lets a reply of one byte a second live for hours.
"""

from __future__ import annotations

import concurrent.futures
import http.client
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_S = 3.0
CHUNK = 64 * 1024
MAX_REPLY = 16 * 1024 * 1024  # bytes: the largest document central may send


class NotCentralError(Exception):
    """The other end could not prove that it is central."""


class Exchange:
    """One request and its reply, in a daemon thread; :meth:`abort` ends it from any thread."""

    def __init__(self, host: str, port: int, secure: ssl.SSLContext | None, seconds: float) -> None:
        self._address = host, port
        self._secure = secure
        self._end = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._aborted = False
        self.done: concurrent.futures.Future[tuple[int, bytes]] = concurrent.futures.Future()
        self.done.set_running_or_notify_cancel()  # from now on only the thread ends it

    def start(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]) -> None:
        """Begin."""
        given = (method, target, body, dict(headers))
        threading.Thread(target=self._run, args=given, name="gateway", daemon=True).start()

    def abort(self) -> None:
        """Shut the connection down under whoever reads it; idempotent."""
        with self._lock:
            self._aborted = True
            _shut(self._socket)

    def _run(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> None:
        try:
            result = self._exchange(method, target, body, headers)
        except BaseException as error:  # noqa: BLE001 - raised where the result is awaited
            self.done.set_exception(error)
        else:
            self.done.set_result(result)

    def _exchange(self, method: str, target: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(*self._address)
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.sock = self._connect()
        try:
            connection.request(method, target, body, headers)  # "Accept-Encoding: identity" is http.client's own
            with connection.getresponse() as reply:
                if reply.headers.get("Content-Encoding", "identity") != "identity":
                    raise http.client.UnknownTransferEncoding
                return reply.status, self._read(reply)
        finally:
            with self._lock:
                held, self._socket = self._socket, None
            if held is not None:
                held.close()
            connection.close()

    def _connect(self) -> socket.socket:
        plain = socket.create_connection(self._address, timeout=min(CONNECT_S, self._left()))
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure is None:
                self._hold(plain)
            else:
                plain = self._secure.wrap_socket(plain, server_hostname=self._address[0], do_handshake_on_connect=False)
                self._hold(plain)
                _shake_hands(plain)
            plain.settimeout(self._left())
        except BaseException:
            with self._lock:
                self._socket = None
            plain.close()
            raise
        return plain

    def _hold(self, connected: socket.socket) -> None:
        with self._lock:
            self._socket = connected
            if self._aborted:
                raise ConnectionAbortedError

    def _read(self, reply: http.client.HTTPResponse) -> bytes:
        content = bytearray()
        while piece := reply.read1(CHUNK):
            content += piece
            if len(content) > MAX_REPLY:
                raise http.client.HTTPException
            self._left()
        if reply.length:
            raise http.client.IncompleteRead(b"", reply.length)  # read1() takes a connection cut for the end
        return bytes(content)

    def _left(self) -> float:
        """Return the seconds left. Raises ``TimeoutError``."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _shake_hands(secured: ssl.SSLSocket) -> None:
    try:
        secured.do_handshake()  # its time-out, unlike a read's, is one for all its messages
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        raise  # cut off: a bad line
    except ssl.SSLError:
        raise NotCentralError from None


def _shut(connected: socket.socket | None) -> None:
    if connected is not None:
        try:
            # Not SSLSocket.shutdown(): it drops the cipher, and the reading thread would go on in plain text.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)
        except OSError:
            return  # already gone
