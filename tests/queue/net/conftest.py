"""Fixtures of the line's tests: real senders that are closed again, and an authority that makes certificates."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from offline_queue.http import HttpSender
from offline_queue.values import Phase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from offline_queue.outbox import Outbox
    from offline_queue.wire import ItemId
    from tests.queue.conftest import Rig

DAY = timedelta(days=1)


class Authority:
    """A certificate authority; ``file`` is what terminals pin."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.pem"
        certificate = self._builder(self._name, self._key.public_key(), DAY, issuer=self._name)
        certificate = certificate.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.file.write_bytes(certificate.sign(self._key, SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(
        self, name: str, *, address: str | None = "127.0.0.1", lasts: timedelta = DAY, by_itself: bool = False
    ) -> tuple[Path, Path]:
        """Return certificate and key for ``name`` and, unless ``None``, an address; ``lasts`` from now, or before.

        ``by_itself``: signed by its own key, not by ours.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        if address is not None:
            names.append(x509.IPAddress(ip_address(address)))
        builder = self._builder(subject, key.public_key(), lasts, issuer=subject if by_itself else self._name)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(key if by_itself else self._key, SHA256())
        files = self._folder / f"{name}.{id(key)}.pem", self._folder / f"{name}.{id(key)}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return files

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, lasts: timedelta, *, issuer: x509.Name
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 3 * DAY)
            .not_valid_after(now + lasts)
        )


class Senders:
    """Makes senders as the terminal does, and closes them."""

    def __init__(self) -> None:
        self.made: list[HttpSender] = []

    def to(self, url: str, ca_file: Path | None = None, **more: Any) -> HttpSender:
        arguments: dict[str, Any] = {"kiosk": "hall-03", "ca_file": ca_file, "token": lambda: "secret"}
        self.made.append(HttpSender(url, **(arguments | more)))
        return self.made[-1]


@pytest.fixture
async def senders() -> AsyncIterator[Senders]:
    senders = Senders()
    yield senders
    for sender in senders.made:
        await sender.close()
    for thread in threading.enumerate():
        if thread.name.startswith("courier-http"):
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def delivered(rig: Rig) -> Callable[..., Awaitable[None]]:
    """Let time pass until every item named is delivered."""

    async def wait(outbox: Outbox, *ids: ItemId, step_s: float = 1.0) -> None:
        async def all_are() -> bool:
            rig.time.advance(step_s)
            return all([(await outbox.state(one)).phase is Phase.DELIVERED for one in ids])

        await rig.until(all_are, seconds=30)

    return wait
