"""The process: one TLS socket, ready only when it listens, gone within seconds when told."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import ssl
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from central.app import create_app
from central.clock import SystemClock
from central.office import build
from central.peer import PeerProtocol

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

    from central.office import Office, Terms

log = logging.getLogger(__name__)
LOOPBACK: Final = "127.0.0.1"
STOP_S: Final = 1  # running requests have this long to end; whatever is cut off was either committed or not
BACKLOG: Final = 512
MAX_OPEN: Final = 1024  # connections at a time; one terminal needs two


class Server(uvicorn.Server):
    """uvicorn's server that says when it listens and wakes long polls before it waits for them."""

    def __init__(self, config: uvicorn.Config, office: Office, ready: dict[str, object]) -> None:
        super().__init__(config)
        self._office = office
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so in one line."""
        await super().startup(sockets)
        if self.started:
            print(json.dumps(self._ready), flush=True)  # noqa: T201 - the line the parent process waits for

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop on a signal."""
        self._office.bell.close()
        super().handle_exit(sig, frame)

    def stop(self) -> None:
        """Stop from another thread."""
        self._office.bell.close()
        self.should_exit = True


def serve(data: Path, *, host: str, port: int, kiosks: list[str], terms: Terms, stay: bool) -> int:
    """Run until SIGTERM, SIGINT or, unless ``stay``, the end of standard input. Returns the exit status."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        url = f"https://{host}:{listener.getsockname()[1]}"
        office = build(data, url=url, kiosks=kiosks, clock=SystemClock(), terms=terms)
        terminal = office.enrolment.folder(kiosks[0])
        return _run(office, listener, {"ready": True, "url": url, "terminal": str(terminal)}, stay=stay)


def _run(office: Office, listener: socket.socket, ready: dict[str, object], *, stay: bool) -> int:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn raises it once more at the end: an ordered end is no death
    server = Server(_config(office), office, ready)
    with _Stopper(server, stay=stay):
        server.run(sockets=[listener])
    return 0 if server.started else 1


def _config(office: Office) -> uvicorn.Config:
    def tls(_config: uvicorn.Config, _default: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(office.keys.tls_file)
        if office.client_certificates:
            context.load_verify_locations(cadata=office.keys.tls_ca.certificate_pem().decode("ascii"))
            context.verify_mode = ssl.CERT_OPTIONAL  # browsers have none, and reach the public pages
        return context

    return uvicorn.Config(
        create_app(office),
        lifespan="on",
        http=PeerProtocol,
        ws="none",
        access_log=False,  # paths hold slip numbers and certificate codes
        log_config=None,
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=MAX_OPEN,
        timeout_graceful_shutdown=STOP_S,
        ssl_certfile=office.keys.tls_file,
        ssl_context_factory=tls,
    )


class _Stopper:
    """Watches standard input: a parent that is gone closes it, and nothing may outlive the parent."""

    def __init__(self, server: Server, *, stay: bool) -> None:
        self._server = server
        self._thread = None if stay else threading.Thread(target=self._watch, name="stdin")
        self._wake_read, self._wake_write = os.pipe()

    def __enter__(self) -> None:
        if self._thread is not None:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        os.write(self._wake_write, b".")
        if self._thread is not None:
            self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _watch(self) -> None:
        stdin = sys.stdin.fileno()
        while True:
            readable, _, _ = select.select([stdin, self._wake_read], [], [])
            if self._wake_read in readable:
                return
            if not os.read(stdin, 4096):
                self._server.stop()
                return
