"""Technicians' cards: the operator's authority for them, what it issued, and its revocation list.

A card makes its key itself; the authority only certifies it: subject ``CN`` the technician's id, ``OU`` the role.
Revocation lists are X.509 (RFC 5280 section 5), made anew for each request: they are small and never stale.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from central.authority import CLOCK_SKEW, load_or_make, new_root, write_private
from central.keys import FOLDER
from central.store.upkeep import Technician
from central.work_orders import ROLES, TECHNICIAN_ID

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

    from central.authority import Identity

FILE: Final = "technician_ca.pem"
CARD_DAYS: Final = 397
LIST_DAYS: Final = 7


def authority(data: Path, now: datetime) -> Identity:
    """Return the authority below ``data``; made when missing. Raises ``OSError``, ``ValueError``."""
    return load_or_make(data / FOLDER / FILE, now, lambda: new_root("Tongban DEMO technician root", now))


def give_root(data: Path, folder: Path, now: datetime) -> None:
    """Write the authority's certificate into a terminal's folder."""
    write_private(folder / FILE, authority(data, now).certificate_pem())


def issue(session: Session, root: Identity, technician: str, role: str, *, public_pem: bytes, now: datetime) -> bytes:
    """Certify a card's key; return the certificate (PEM) to be written to the card. Raises ``ValueError``."""
    if not TECHNICIAN_ID.fullmatch(technician) or role not in ROLES:
        raise ValueError(f"needs a technician's id and a role: {', '.join(ROLES)}")
    public = load_pem_public_key(public_pem)
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise ValueError("a card's key is on the curve P-256")  # noqa: TRY004 - the file's content is wrong
    serial, expires = x509.random_serial_number(), now + timedelta(days=CARD_DAYS)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, technician),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role),
        ]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(root.certificate.subject)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(expires)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_signing_only(), critical=True)
        .sign(root.key, SHA256())
    )
    session.add(Technician(serial=f"{serial:x}", id=technician, role=role, issued=now, expires=expires, revoked=None))
    return made.public_bytes(Encoding.PEM)


def revoke(session: Session, technician: str, now: datetime) -> int:
    """Revoke every card of a technician; return how many. Raises ``LookupError`` when there is none."""
    cards = session.scalars(select(Technician).where(Technician.id == technician)).all()
    if not cards:
        raise LookupError(f"no card was issued to {technician}")
    standing = [card for card in cards if card.revoked is None]
    for card in standing:
        card.revoked = now
    return len(standing)


def revocation_list(session: Session, root: Identity, now: datetime) -> bytes:
    """Return the list (DER) of cards that are revoked and would still be in their term."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.certificate.subject)
        .last_update(now)
        .next_update(now + timedelta(days=LIST_DAYS))
    )
    query = select(Technician).where(Technician.revoked.is_not(None), Technician.expires > now)
    for card in session.scalars(query):
        entry = (
            x509.RevokedCertificateBuilder().serial_number(int(card.serial, 16)).revocation_date(card.revoked or now)
        )
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(root.key, SHA256()).public_bytes(Encoding.DER)


def _signing_only() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
