"""Central for the benchmark of draining, a process of its own: reads, checks and signs, stores nothing.

``python -m benchmarks.desk PORT DELAY_S KEYS`` (port 0: any; keys: hex of both private keys). It serves until its
standard input closes. It writes one JSON line when it listens, one when the first batch arrives, one at the end; times
are the system's monotonic clock, which all processes share.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from benchmarks.peers.tongban import Central
from offline_queue import wire


class Desk(ThreadingHTTPServer):
    """The server, and what it counts."""

    daemon_threads = True

    def __init__(self, port: int, delay_s: float, central: Central) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.delay_s = delay_s
        self.central = central
        self.items = 0
        self.batches = 0
        self.busy_s = 0.0

    def answer(self, body: bytes) -> bytes:
        """Read a batch strictly, check its chain, sign a reply; the time counts as central's."""
        arrived = time.monotonic()
        if not self.batches:
            tell(first=arrived)
        batch = wire.decode_batch(body)
        wire.check_chain(batch)
        reply = self.central.reply(batch)
        self.batches += 1
        self.items += batch.count
        self.busy_s += time.monotonic() - arrived
        return reply


class Handler(BaseHTTPRequestHandler):
    """Keeps connections open and does not wait to fill packets."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Desk

    def do_POST(self) -> None:
        """Answer one batch, a round trip later."""
        reply = self.server.answer(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.delay_s:
            time.sleep(self.server.delay_s)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep quiet."""


def tell(**values: float) -> None:
    """Write one JSON line."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until standard input closes."""
    port, delay_s, keys = sys.argv[1:]
    raw = bytes.fromhex(keys)
    central = Central(X25519PrivateKey.from_private_bytes(raw[:32]), Ed25519PrivateKey.from_private_bytes(raw[32:]))
    with Desk(int(port), float(delay_s), central) as desk:
        tell(port=desk.server_port, listening=time.monotonic())
        thread = threading.Thread(target=desk.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        sys.stdin.read()
        desk.shutdown()
        thread.join()
    tell(items=desk.items, batches=desk.batches, busy_s=desk.busy_s)


if __name__ == "__main__":
    main()
