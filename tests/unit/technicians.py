"""Technicians of an invented operator: an authority, cards that prove themselves, orders central has signed."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from devices.card_reader import CardReader, ChipCard
from devices.chip import piv
from devices.device import DeviceInfo
from devices.errors import DeviceCode, MediumError
from devices.health import READY, Health
from kiosk.maintenance.access import PivDialogues
from kiosk.maintenance.orders import LABEL
from offline_queue.wire import canonical, sign

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from devices.values import Pii

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)  # where a ManualClock begins
KIOSK, NUMBER, PIN = "K0001", "260001", "123456"


def _name(common: str, unit: str = "") -> x509.Name:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if unit:
        names.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name(names)


class Operator:
    """Issues cards."""

    def __init__(self, name: str = "Example operator") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        self.root = self._build(self.name, self.key.public_key(), ca=True)

    def _build(self, subject: x509.Name, public: Any, *, ca: bool, days: int = 365, begins: datetime = NOW) -> Any:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins - timedelta(hours=1))
            .not_valid_after(begins + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
            .add_extension(
                x509.KeyUsage(
                    digital_signature=not ca,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=ca,
                    crl_sign=ca,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
            .sign(self.key, SHA256())
        )

    def card(self, who: str = "T-0042", role: str = "technician", **more: Any) -> Card:
        key = ec.generate_private_key(ec.SECP256R1())
        return Card(key, self._build(_name(who, role), key.public_key(), ca=False, **more))

    def write_root(self, folder: Path) -> Path:
        path = folder / "technician_ca.pem"
        path.write_bytes(self.root.public_bytes(Encoding.PEM))
        return path

    def revoking(self, *cards: Card, at: datetime = NOW) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(at)
            .next_update(at + timedelta(7))
        )
        for card in cards:
            entry = x509.RevokedCertificateBuilder().serial_number(card.certificate.serial_number).revocation_date(at)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.DER)


@dataclass
class Card:
    """A PIV card. ``tries`` is its own counter."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    pin: str = PIN
    tries: int = 3
    asked: list[bytes] = field(default_factory=list)


@dataclass
class _Proof:
    certificate_der: bytes
    signature: bytes


class TechnicianReader(CardReader):
    """A reader whose cards answer as PIV does, without a wire: the dialogues carry the card itself."""

    def __init__(self) -> None:
        self.card: Card | None = None
        self.trouble: BaseException | None = None
        self._turned = asyncio.Event()
        self._seen = False

    def lay(self, card: Card | None) -> None:
        self.card, self._seen = card, False
        self._turned.set()

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def probe(self) -> Health:
        return READY

    def info(self) -> DeviceInfo:
        return DeviceInfo("fake", "here")

    async def wait_card(self) -> ChipCard:
        while self.card is None or self._seen:
            self._turned.clear()
            await self._turned.wait()
        self._seen = True
        return ChipCard(b"\x3b", contactless=True)

    async def card_present(self) -> bool:
        return self.card is not None

    async def wait_removed(self) -> None:
        while self.card is not None:
            self._turned.clear()
            await self._turned.wait()

    async def converse(self, dialogue: Any) -> Any:
        try:
            if self.trouble is not None:
                raise self.trouble
            next(dialogue)
            dialogue.send(self.card)
        except StopIteration as end:
            return end.value
        finally:
            dialogue.close()
        raise AssertionError("the dialogue asked twice")


def _certificate() -> Generator[bytes, Any, bytes]:
    card = yield b""
    if card is None:
        raise MediumError("no application", code=DeviceCode.CARD_UNKNOWN_KIND)
    return card.certificate.public_bytes(Encoding.DER)


def _prove(challenge: bytes, pin: Pii[str]) -> Generator[bytes, Any, _Proof]:
    card = yield b""
    if card is None:
        raise MediumError("no application", code=DeviceCode.CARD_UNKNOWN_KIND)
    if card.tries == 0:
        raise piv.PinBlocked
    if pin.reveal() != card.pin:
        card.tries -= 1
        raise piv.WrongPin(card.tries)
    card.tries = 3
    card.asked.append(challenge)
    signature = card.key.sign(challenge, ec.ECDSA(SHA256()))
    return _Proof(card.certificate.public_bytes(Encoding.DER), signature)


PIV = PivDialogues(certificate=_certificate, prove=_prove)  # type: ignore[arg-type]


class Centre:
    """Signs orders as central does."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.keys = {"receipt-1": self.key.public_key()}

    def order(self, number: str = NUMBER, **changes: Any) -> dict[str, str]:
        said = {
            "number": number,
            "kiosk": KIOSK,
            "technician": "T-0042",
            "role": "technician",
            "from": (NOW - timedelta(hours=1)).isoformat(),
            "to": (NOW + timedelta(hours=8)).isoformat(),
            "fault": "device.paper_jam",
            "subject": "document_printer",
            "parts": ["roller"],
        } | changes
        text = json.dumps(said)
        signature = sign(self.key, canonical(LABEL, [text]))
        return {"order": text, "key_id": "receipt-1", "signature": base64.b64encode(signature).decode()}
