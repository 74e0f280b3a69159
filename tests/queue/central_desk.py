"""A central for tests: honest by default, obeys the wire, can be told to misbehave; also behind a real HTTP server."""

from __future__ import annotations

import ssl
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from offline_queue import wire
from offline_queue.link import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

JSON = "application/json"


def word(item: wire.Item, verdict: wire.Verdict = wire.Verdict.ACCEPTED, **more: Any) -> wire.Word:
    """Return central's word on one item."""
    return wire.Word(**({"seq": item.seq, "verdict": verdict, "fingerprint": item.fingerprint} | more))


@dataclass
class CentralDesk:
    """Decodes, checks, opens and signs. ``effects`` is what central did, in order; ``script`` overrides answers."""

    sealing: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    signing: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    effects: list[tuple[str, int, str, bytes]] = field(default_factory=list)
    taken: dict[wire.ItemId, bytes] = field(default_factory=dict)
    batches: list[list[int]] = field(default_factory=list)
    script: deque[Callable[[bytes], Answer]] = field(default_factory=deque)
    verdict_of: dict[int, tuple[wire.Verdict, str, int | None]] = field(default_factory=dict)
    poison: dict[int, int] = field(default_factory=dict)  # seq -> status for any batch that holds it
    credit: int = 50
    now: datetime = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
    clock: Callable[[], datetime] | None = None  # asked instead of ``now``
    greets_honestly: bool = False  # the script is for batches with items
    stream: wire.Stream | None = None  # what to say of the epoch instead of the truth
    greetings: int = 0
    lose_replies: int = 0
    retry_after: str = ""  # this instead of seconds, wherever an answer has them
    tokens: list[str] = field(default_factory=list)  # as they came with each request
    seen: list[str] = field(default_factory=list)  # whose client certificates came
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: bytes) -> Answer:
        """Answer one request."""
        with self.lock:
            if self.script and not (self.greets_honestly and not wire.decode_batch(body).items):
                return self.script.popleft()(body)
            return self.honest(body)

    def honest(self, body: bytes) -> Answer:
        """Do what central does."""
        batch = wire.decode_batch(body)
        wire.check_chain(batch)
        if batch.items:
            self.batches.append([item.seq for item in batch.items])
        else:
            self.greetings += 1
        for item in batch.items:
            if item.seq in self.poison:
                return Answer(self.poison[item.seq], JSON, b"{}")
            if self.taken.get(wire.ItemId(batch.kiosk, batch.epoch, item.seq), item.fingerprint) != item.fingerprint:
                return Answer(422, JSON, b"{}")  # same identity, other body: never overwritten
        return Answer(
            200, JSON, wire.encode_reply(self.reply(batch, [self.receive(batch, item) for item in batch.items]))
        )

    def receive(self, batch: wire.Batch, item: wire.Item) -> wire.Word:
        """Take one item in, or say why not."""
        item_id = wire.ItemId(batch.kiosk, batch.epoch, item.seq)
        verdict, reason, retry = self.verdict_of.get(item.seq, (wire.Verdict.ACCEPTED, "", None))
        first = None
        if item_id in self.taken:
            verdict, reason, retry, first = wire.Verdict.DUPLICATE, "", None, wire.Verdict.ACCEPTED
        elif verdict is wire.Verdict.ACCEPTED:
            body = wire.open_item(self.sealing, batch.kiosk, batch.epoch, item)
            self.taken[item_id] = item.fingerprint
            self.effects.append((item.lane, item.seq, item.kind, body))
        return word(item, verdict, reason=reason, retry_after_s=retry, first_verdict=first)

    def reply(
        self, batch: wire.Batch, words: Sequence[wire.Word], *, by: Ed25519PrivateKey | None = None, **changes: Any
    ) -> wire.Reply:
        """Return a signed reply about ``batch``; ``by`` another key is a forgery, ``changes`` its other fields."""
        values: dict[str, Any] = {
            "kiosk": batch.kiosk,
            "epoch": batch.epoch,
            "central_time": self.clock() if self.clock else self.now,
            "credit": self.credit,
            "stream": self.stream or self.known(batch),
            "words": tuple(words),
            "key_id": "receipts-1",
        }
        return wire.sign_reply(by or self.signing, wire.Reply(**(values | changes)))

    def known(self, batch: wire.Batch) -> wire.Stream:
        """Return what central has of the batch's epoch, and whether the kiosk's end falls short of it."""
        highest = max((one.seq for one in self.taken if one.epoch == batch.epoch), default=0)
        behind = batch.last_epoch == batch.epoch and batch.last_seq < highest
        return wire.Stream(highest=highest, state=wire.StreamState.REGRESS if behind else wire.StreamState.OK)

    async def send(self, body: bytes) -> Answer:
        """Stand in for the HTTP sender."""
        return self.answer(body)

    @contextmanager
    def served(self, tls: tuple[Path, Path] | None = None, clients: Path | None = None) -> Iterator[str]:
        """Serve on a free port of the loopback, with TLS if given certificate and key; yields the root URL.

        ``clients``: the authority that terminals must have a certificate of; whose came is in ``seen``.
        """
        desk = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                desk.tokens.append(self.headers["Authorization"])
                if clients is not None:
                    subject = self.connection.getpeercert()["subject"]
                    desk.seen.append(subject[0][0][1])
                answer = desk.answer(body)
                if desk.lose_replies:
                    desk.lose_replies -= 1
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                if answer.retry_after_s is not None:
                    self.send_header("Retry-After", desk.retry_after or f"{answer.retry_after_s:.0f}")
                if 300 <= answer.status < 400:
                    self.send_header("Location", "http://127.0.0.1:9/login")
                self.end_headers()
                self.wfile.write(answer.body)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Keep quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  # strangers hang up: that is the test
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            if clients is not None:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(clients)
            # The handshake belongs to the connection's own thread: one that never speaks must not hold the others.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="central-desk")
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
