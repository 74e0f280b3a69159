"""A reply that breaks off, drips, lies or never comes costs one exchange its deadline, never the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kiosk.errors import GatewayRejected, GatewayUnreachable, GatewayUntrusted
from kiosk.gateway_exchange import MAX_REPLY
from kiosk.gateway_http import AT_ONCE, CLOSE_S, HttpGateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

DRIP_S = 0.05
READ_S = 0.4  # of the tests: with CONNECT_S patched to the same


def reply(body: bytes = b"{}", status: str = "200 OK", extra: str = "", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{extra}Content-Length: {size}\r\n\r\n".encode() + body
    )


class Central:
    """A server on a real socket that answers every request with the same bytes, and holds the line when told to."""

    def __init__(
        self, answer: bytes, *, drip: bool = False, hold: bool = False, identity: Path | None = None, mute: bool = False
    ) -> None:
        self._answer, self._drip, self._hold, self._mute = answer, drip, hold, mute
        self._secure = None
        if identity is not None:
            self._secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._secure.load_cert_chain(identity)
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http{'s' if identity else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.reached = threading.Event()
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._speak, args=(line,)))
            self._threads[-1].start()

    def _speak(self, line: socket.socket) -> None:
        with line, contextlib.suppress(OSError):
            if self._mute:
                self._over.wait()
            elif self._secure is None:
                self._reply(line)
            else:
                with self._secure.wrap_socket(line, server_side=True) as secured:
                    self._reply(secured)

    def _reply(self, line: socket.socket) -> None:
        self.requests.append(line.recv(65536))
        self.reached.set()
        for piece in [self._answer[i : i + 1] for i in range(len(self._answer))] if self._drip else [self._answer]:
            line.sendall(piece)
            if self._drip and self._over.wait(DRIP_S):
                return
        if self._hold:
            self._over.wait()

    def close(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()


@pytest.fixture
def central() -> Iterator[Callable[..., Central]]:
    made: list[Central] = []

    def make(answer: bytes, **how: Any) -> Central:
        made.append(Central(answer, **how))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
async def gateway(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[[Central], HttpGateway]]:
    monkeypatch.setattr("kiosk.gateway_http.CONNECT_S", READ_S)
    monkeypatch.setattr(HttpGateway._json, "__defaults__", (None, READ_S))
    monkeypatch.setattr(HttpGateway._call, "__defaults__", (None, READ_S))
    made: list[HttpGateway] = []

    def make(server: Central, tls_ca: str = "") -> HttpGateway:
        made.append(HttpGateway(server.url, kiosk="K0001", token=lambda: "t", tls_ca=tls_ca))
        return made[-1]

    yield make
    for one in made:
        await one.close()
    deadline = time.monotonic() + 2
    while any(thread.name == "gateway" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "a thread of the gateway was left behind"
        await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a PEM file with a key and its own certificate for 127.0.0.1."""
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    made = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = tmp_path_factory.mktemp("identity") / "server.pem"
    file.write_bytes(secret + made.public_bytes(Encoding.PEM))
    return file


def services(**changes: object) -> bytes:
    return json.dumps({"services": [{"code": "a", "state": "open", "version": 1} | changes]}).encode()


BROKEN = {
    "cut body": reply(b'{"services":[', length=5000),
    "body said to be gzip": reply(b"no gzip at all", extra="Content-Encoding: gzip\r\n"),
    "html with status 200": reply(b"<html>please log in</html>"),
    "redirect": reply(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"),
    "broken chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nabc",
    "cut chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
    "too deep": reply(b"[" * 200_000),
    "Infinity": reply(b'{"services":[{"code":"a","state":"open","version":Infinity}]}'),
    "version too large for a float": reply(b'{"services":[{"code":"a","state":"open","version":1e999}]}'),
    "number of 5000 digits": reply(b'{"services":[{"code":"a","state":"open","version":' + b"9" * 5000 + b"}]}"),
    "truncated JSON": reply(b'{"services":[{'),
    "code that is a list": reply(services(code=["a"])),
    "reason that is a list": reply(services(reason=["closed"])),
    "half of a character": reply(rb'{"services":[{"code":"\ud800","state":"open","version":1}]}'),
    "JSON that is a list": reply(b"[]"),
    "error 500": reply(b"oops", "500 Ill"),
    "error 429": reply(b"{}", "429 Too Many"),
    "no HTTP": b"\x00\x01\x02\r\n\r\n",
    "nothing": b"",
    "300 headers": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: 1\r\n" % i for i in range(300)) + b"\r\n{}",
    "header without an end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
    "reply without an end": b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (MAX_REPLY + 1),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_broken_reply_is_a_bad_line_and_no_crash(what, central, gateway):
    with pytest.raises(GatewayUnreachable):
        await gateway(central(BROKEN[what])).catalogue()


@pytest.mark.parametrize(
    ("answer", "how"),
    [
        (b"", {"hold": True}),
        (reply(b'{"ser', length=5000), {"hold": True}),
        (reply(b" " * 400), {"drip": True}),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Drip: 1\r\n" * 90, {"drip": True}),
    ],
    ids=["silence", "stalled body", "dripping body", "dripping headers"],
)
async def test_slow_reply_ends_at_the_deadline_of_the_whole_exchange(answer, how, central, gateway):
    begun = time.monotonic()
    with pytest.raises(GatewayUnreachable):
        await gateway(central(answer, **how)).catalogue()
    assert time.monotonic() - begun < 2 * READ_S + 0.5


async def test_secured_line_carries_an_answer(identity, central, gateway):
    found = await gateway(central(reply(services()), identity=identity), str(identity)).catalogue()
    assert [state.code for state in found] == ["a"]


@pytest.mark.parametrize(
    ("answer", "how"),
    [(reply(b" " * 400), {"drip": True}), (reply(b'{"ser', length=5000), {"hold": True}), (b"", {"mute": True})],
    ids=["dripping body", "stalled body", "stalled handshake"],
)
async def test_slow_reply_on_a_secured_line_ends_at_the_deadline_too(answer, how, identity, central, gateway):
    begun = time.monotonic()
    with pytest.raises(GatewayUnreachable):
        await gateway(central(answer, identity=identity, **how), str(identity)).catalogue()
    assert time.monotonic() - begun < 2 * READ_S + 0.5


async def test_cut_on_a_secured_line_is_a_bad_line_and_not_a_stranger(identity, central, gateway):
    with pytest.raises(GatewayUnreachable):
        await gateway(central(reply(b"{", length=50), identity=identity), str(identity)).catalogue()


async def test_stranger_is_told_from_a_bad_line(identity, central, gateway):
    plain = central(reply(services()))
    plain.url = plain.url.replace("http://", "https://")
    with pytest.raises(GatewayUntrusted):
        await gateway(plain, str(identity)).catalogue()


async def test_thread_that_hangs_does_not_hold_the_step_that_waits(gateway, central, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr("kiosk.gateway_exchange.Exchange._connect", lambda _: over.wait(10))
    try:
        line = gateway(central(b""))
        for _ in range(2):
            begun = time.monotonic()
            with pytest.raises(GatewayUnreachable, match="TimeoutError"):
                await line.catalogue()
            assert time.monotonic() - begun < 2 * READ_S + 0.5
        begun = time.monotonic()
        await line.close()
        assert time.monotonic() - begun < CLOSE_S + 0.3
    finally:
        over.set()


async def test_threads_that_hang_are_not_joined_by_more_and_more(gateway, central, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr("kiosk.gateway_exchange.Exchange._connect", lambda _: over.wait(10))
    try:
        line = gateway(central(b""))
        ends = await asyncio.gather(*(line.catalogue() for _ in range(AT_ONCE + 1)), return_exceptions=True)
        assert sum("exchanges hang" in str(end) for end in ends) == 1
    finally:
        over.set()


async def test_close_breaks_off_a_reply_that_drips(central, gateway):
    server = central(reply(b" " * 400), drip=True)
    line = gateway(server)
    async with asyncio.TaskGroup() as group:

        async def asked() -> None:
            with pytest.raises(GatewayUnreachable):
                await line.catalogue()

        group.create_task(asked())
        await asyncio.to_thread(server.reached.wait, 5)
        begun = time.monotonic()
        await line.close()
        assert time.monotonic() - begun < CLOSE_S
    with pytest.raises(GatewayUnreachable, match="closed"):
        await line.catalogue()


async def test_visit_that_is_left_leaves_no_thread_reading(central, gateway):
    server = central(reply(b" " * 400), drip=True)
    line = gateway(server)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(line.catalogue())
        await asyncio.to_thread(server.reached.wait, 5)
        task.cancel()
    # the fixture waits for the thread's end


@pytest.mark.parametrize(
    ("status", "body"), [("401 No", b'{"detail":{"code":"token_unknown"}}'), ("403 No", b"<html>")]
)
async def test_rejected_token_is_the_machines_fault_and_not_the_residents(status, body, central, gateway):
    with pytest.raises(GatewayUnreachable, match=f"status {status[:3]}.*token"):
        await gateway(central(reply(body, status))).catalogue()


async def test_central_that_says_no_is_heard_with_its_code_and_words(central, gateway):
    body = json.dumps({"detail": {"code": "service_paused", "words": {"en": "Paused"}}}).encode()
    with pytest.raises(GatewayRejected) as caught:
        await gateway(central(reply(body, "409 Conflict"))).catalogue()
    assert caught.value.reason == "service_paused"
    assert caught.value.words is not None
    assert caught.value.words.words == (("en", "Paused"),)


@pytest.mark.parametrize("body", [b'{"detail":{"code":"x","words":{"en":["no"]}}}', b"[" * 100_000, b"", b"<html>"])
async def test_refusal_that_makes_no_sense_is_still_a_refusal(body, central, gateway):
    with pytest.raises(GatewayRejected):
        await gateway(central(reply(body, "409 Conflict"))).catalogue()


async def test_decision_of_a_kind_unknown_here_is_no_decision(central, gateway):
    with pytest.raises(GatewayUnreachable, match="makes no sense"):
        await gateway(central(reply(b'{"state":"perhaps"}'))).decision("e", 1, 0)


async def test_number_typed_by_a_resident_stays_one_part_of_the_path(central, gateway):
    server = central(reply(b'{"detail":{}}', "404 Not Found"))
    assert await gateway(server).progress("../x y?张\r\nHost: other") is None
    line = server.requests[0].partition(b"\r\n")[0]
    assert line == b"GET /v1/progress/..%2Fx%20y%3F%E5%BC%A0%0D%0AHost%3A%20other HTTP/1.1"


async def test_errors_name_neither_the_address_nor_what_was_asked(central, gateway):
    with pytest.raises(GatewayUnreachable) as caught:
        await gateway(central(b"")).progress("0001-261121-007")
    assert "0001" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
