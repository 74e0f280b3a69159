"""The line itself, over real sockets: portals, strangers, drips, lost answers and wrong certificates."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from offline_queue import http, wire
from offline_queue.errors import QueueError
from offline_queue.http import HttpSender
from offline_queue.link import Answer, LinkDown, LinkUntrusted
from offline_queue.wire import Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from tests.queue.conftest import Rig


@pytest.fixture
async def senders() -> AsyncIterator[list[HttpSender]]:
    made: list[HttpSender] = []
    yield made
    for sender in made:
        await sender.close()
    for thread in threading.enumerate():
        if thread.name.startswith("courier-http"):
            await asyncio.to_thread(thread.join, 5)
            assert not thread.is_alive()


def sender_to(url: str, senders: list[HttpSender], ca_file: Path | None = None) -> HttpSender:
    sender = HttpSender(url, kiosk="hall-03", ca_file=ca_file, token=lambda: "secret")
    senders.append(sender)
    return sender


@contextmanager
def raw_server(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve bytes that no HTTP library would send."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65536)
                    speak(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, name="raw-server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    certificate_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


async def test_delivery_over_a_real_line_survives_lost_replies(rig: Rig, senders: list[HttpSender]) -> None:
    outbox = await rig.open()
    rig.central.lose_replies = 2
    with rig.central.served() as url:
        courier = rig.courier(outbox, send=sender_to(url, senders))
        async with rig.running(courier):
            for n in range(30):
                with outbox.begin_visit(f"v-{n % 10}") as key:
                    await outbox.put(key, "case", b"x" * 1000)

            async def drained() -> bool:
                rig.time.advance(1)
                return (await outbox.stats()).pending == 0

            await rig.until(drained)
    assert sorted(seq for _, seq, _, _ in rig.central.effects) == list(range(1, 31))


async def test_retry_after_reaches_the_courier(rig: Rig, senders: list[HttpSender]) -> None:
    rig.central.script.append(lambda _: Answer(503, "application/json", b"{}", retry_after_s=17))
    with rig.central.served() as url:
        assert (await sender_to(url, senders)(b"{}")).retry_after_s == 17


async def test_nobody_listens(senders: list[HttpSender]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(LinkDown):
        await sender_to(f"http://127.0.0.1:{port}", senders)(b"{}")


async def test_silent_server_is_left_after_the_read_timeout(
    senders: list[HttpSender], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.1)
    over = threading.Event()
    with raw_server(lambda _: bool(over.wait(5)) or None) as url:
        with pytest.raises(LinkDown):
            await sender_to(url, senders)(b"{}")
        over.set()


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"],
    ids=["headers", "body"],
)
async def test_drip_of_bytes_does_not_hold_the_courier(
    head: bytes, senders: list[HttpSender], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "CONNECT_TIMEOUT_S", 0.1)
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.2)
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        while not over.wait(0.05):
            connection.sendall(b"H")

    with raw_server(drip) as url:
        begun = time.monotonic()
        with pytest.raises(LinkDown):
            await sender_to(url, senders)(b"{}")
        assert time.monotonic() - begun < 2
        over.set()


async def test_endless_answer_is_cut_off(senders: list[HttpSender]) -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b" " * 65536)

    with raw_server(flood) as url, pytest.raises(LinkUntrusted):
        await sender_to(url, senders)(b"{}")


async def test_dead_central_behind_a_line_that_still_answers_is_no_impostor(
    senders: list[HttpSender], tmp_path: Path
) -> None:
    own, _ = make_certificate(tmp_path, "central")

    def hang_up(connection: socket.socket) -> None:
        connection.recv(64)

    with raw_server(hang_up) as url, pytest.raises(LinkDown):
        await sender_to(url.replace("http://", "https://"), senders, own)(b"{}")


async def test_only_the_pinned_authority_is_central(
    rig: Rig, senders: list[HttpSender], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, own_key = make_certificate(tmp_path, "central")
    stranger, _ = make_certificate(tmp_path, "stranger")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(own))  # the environment has no say
    with rig.central.served(tls=(own, own_key)) as url:
        with pytest.raises(LinkUntrusted):
            await sender_to(url, senders, stranger)(b"{}")
        rig.central.script.append(lambda _: Answer(200, "application/json", b"{}"))
        assert (await sender_to(url, senders, own)(b"{}")).status == 200


@pytest.mark.parametrize("url", ["http://central.example", "ftp://127.0.0.1", "central.example", "https://127.0.0.1"])
def test_line_without_protection_is_refused(url: str) -> None:
    with pytest.raises(QueueError):
        HttpSender(url, kiosk="hall-03", ca_file=None, token=lambda: "secret")


async def test_largest_body_travels(rig: Rig, senders: list[HttpSender]) -> None:
    outbox = await rig.open()
    with rig.central.served() as url:
        async with rig.running(rig.courier(outbox, send=sender_to(url, senders))):
            with outbox.begin_visit("v-1") as key:
                item_id = await outbox.put(key, "scan", bytes(wire.MAX_BODY_BYTES - wire.SEAL_BYTES))
            assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
