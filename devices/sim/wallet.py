"""The chip cards of the simulated world: a technician's, a passport, a bank card, a social security card.

Each is made when it is first taken out and stays the same card: wrong PINs stay counted. People on them are invented.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from PIL import Image

from devices.sim.emv_chip import EmvChip
from devices.sim.piv_chip import PivChip
from devices.sim.social_security_chip import SocialSecurityChip

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from devices.sim.emrtd_chip import EmrtdChip
    from devices.sim.faces import Faces
    from devices.sim.vpcd_card import Chip

    Certify = Callable[[str, str, str], Awaitable[str]]

ANCHOR_FILE: Final = "travel_document_ca.der"
FACE: Final = "face_b"
PASSPORT: Final = "T22000129"
CAN: Final = "123456"


@dataclass(frozen=True, slots=True)
class Carried:
    """A card as a person would name it; ``hint``: what is typed beside it."""

    key: str
    name: str
    english: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Staff:
    """Whose card a technician's is. ``role`` as the certificate says it."""

    id: str
    role: str
    pin: str


STAFF: Final = {
    "technician": Staff("T-0042", "technician", "123456"),
    "supervisor": Staff("S-0007", "supervisor", "654321"),
}
CARDS: Final = {
    card.key: card
    for card in (
        Carried("technician", "维护员卡", "Technician's card", "T-0042 · PIN 123456"),
        Carried("supervisor", "主管卡", "Supervisor's card", "S-0007 · PIN 654321"),
        Carried("passport", "护照", "Passport", f"{PASSPORT} · CAN {CAN}"),
        Carried("bank", "银行卡", "Bank card", "尾号 6780"),
        Carried("bank_blocked", "已锁定的银行卡", "Blocked bank card"),
        Carried("social", "社保卡", "Social security card"),
        Carried("social_3", "第三代社保卡", "Third-generation card"),
        Carried("blank", "空白芯片卡", "A chip nobody knows"),
    )
}


class BlankChip:
    """A chip with nothing on it."""

    def reset(self) -> None:
        """Have nothing to forget."""

    def answer(self, apdu: bytes) -> bytes:  # noqa: ARG002 - whatever is asked
        """Find no application."""
        return b"\x6a\x82"


class Wallet:
    """All cards of one world. ``folder`` receives the certificate of the authority that signed the passport."""

    def __init__(self, folder: Path, pictures: Faces) -> None:
        self._folder = folder
        self._pictures = pictures
        self._chips: dict[str, Chip] = {}

    async def certify(self, certify: Certify) -> None:
        """Make the technicians' cards, with keys that ``certify`` puts its name to."""
        for name, staff in STAFF.items():
            key = ec.generate_private_key(ec.SECP256R1())
            public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            pem = await certify(staff.id, staff.role, public.decode("ascii"))
            certificate = x509.load_pem_x509_certificate(pem.encode("ascii"))
            self._chips[name] = PivChip(key, certificate.public_bytes(Encoding.DER), staff.pin)

    def chip(self, name: str) -> Chip:
        """Return a card by its key in ``CARDS``; half a second of work the first time. Raises ``KeyError``."""
        if name not in self._chips:
            self._chips[name] = self._made(name)
        return self._chips[name]

    def _made(self, name: str) -> Chip:
        match name:
            case "technician" | "supervisor":  # no central of ours: of an authority nobody trusts
                return PivChip.personalised(STAFF[name].id, STAFF[name].pin)
            case "passport":
                return self._passport()
            case "bank":
                return EmvChip()
            case "bank_blocked":
                return EmvChip(pan="6234567890123451111", blocked=True)
            case "social":
                return SocialSecurityChip()
            case "social_3":
                return SocialSecurityChip(version="3.00")
            case "blank":
                return BlankChip()
        raise KeyError(name)

    def _passport(self) -> EmrtdChip:
        # A third of a second to load: only a demo in which somebody takes a passport out pays for it.
        from devices.sim.emrtd_chip import EmrtdChip  # noqa: PLC0415 - see above
        from devices.sim.emrtd_issuer import Issuer  # noqa: PLC0415 - likewise
        from devices.sim.emrtd_pace import PaceProfile  # noqa: PLC0415 - likewise
        from devices.sim.emrtd_traveller import Traveller, files_of  # noqa: PLC0415 - likewise

        traveller = Traveller(number=PASSPORT)
        issuer = Issuer(datetime.now(UTC).date())
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / ANCHOR_FILE).write_bytes(issuer.anchor)
        picture = io.BytesIO()
        with Image.open(io.BytesIO(self._pictures.card_photo(FACE))) as photo:
            photo.convert("RGB").save(picture, "JPEG")
        return EmrtdChip(files_of(traveller, picture.getvalue(), issuer), traveller.key(), can=CAN, pace=PaceProfile())
