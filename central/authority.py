"""Private certificate authorities: one for the connection, one for documents. Made at the first start, kept after.

ECDSA P-256 (FIPS 186-5) and X.509 v3 (RFC 5280) by the library ``cryptography``. A key and its certificate lie in one
file that appears whole or not at all: a power cut cannot leave a key without its certificate.
"""

from __future__ import annotations

import ipaddress
import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROOT_DAYS: Final = 3650
LEAF_DAYS: Final = 397  # CA/Browser Forum baseline requirement 6.3.2, taken over for the private case
RENEW_BEFORE_DAYS: Final = 30
CLOCK_SKEW: Final = timedelta(hours=1)  # a terminal's clock may be behind ours
TLS_HOSTS: Final = ("localhost",)
TLS_ADDRESSES: Final = ("127.0.0.1",)
ORGANISATION: Final = "Tongban DEMO 演示"


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key and its certificate."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate

    def certificate_pem(self) -> bytes:
        """Return the certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)

    def to_pem(self) -> bytes:
        """Return key (PKCS #8) and certificate in one text."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.certificate_pem()

    @classmethod
    def from_pem(cls, pem: bytes) -> Identity:
        """Read what :meth:`to_pem` wrote. Raises ``ValueError``."""
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("not an elliptic curve key")  # noqa: TRY004 - the file's content is wrong, not a type here
        return cls(key, x509.load_pem_x509_certificate(pem))


def new_root(name: str, now: datetime) -> Identity:
    """Make a self-signed authority that may sign certificates of its own services only (path length 0)."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(name, name, key.public_key(), now, ROOT_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return Identity(key, builder.sign(key, SHA256()))


def new_server(root: Identity, now: datetime) -> Identity:
    """Make the identity of the listening socket: loopback names only."""
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in TLS_HOSTS]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in TLS_ADDRESSES]
    extra = [
        (x509.SubjectAlternativeName(names), False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
    ]
    return _issue(root, "localhost", now, extra, days=LEAF_DAYS)


def new_client(root: Identity, kiosk: str, now: datetime) -> Identity:
    """Make the identity a terminal shows when it connects; its common name is the terminal's id."""
    return _issue(root, kiosk, now, [(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)], days=LEAF_DAYS)


def new_document_signer(root: Identity, name: str, now: datetime, *, days: int = LEAF_DAYS) -> Identity:
    """Make the identity that seals documents; its key usage includes non-repudiation, as PAdES validators expect."""
    return _issue(root, name, now, [], days=days)


def load_or_make(path: Path, now: datetime, make: Callable[[], Identity], issuer: Identity | None = None) -> Identity:
    """Return the identity stored at ``path``; make and store it when missing, about to expire or by another issuer."""
    with suppress(FileNotFoundError):
        found = Identity.from_pem(path.read_bytes())
        lasts = found.certificate.not_valid_after_utc - now > timedelta(days=RENEW_BEFORE_DAYS)
        if lasts and _issued_by(issuer or found, found):
            return found
    made = make()
    write_private(path, made.to_pem())
    return made


def write_private(path: Path, content: bytes) -> None:
    """Write a file readable by its owner alone; after a power cut it is the old one or the new one, never a part."""
    fresh = path.with_name(path.name + ".new")
    with suppress(FileNotFoundError):
        fresh.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _issued_by(issuer: Identity, subject: Identity) -> bool:
    try:
        subject.certificate.verify_directly_issued_by(issuer.certificate)
    except (InvalidSignature, ValueError):
        return False
    return True


def _issue(
    root: Identity, name: str, now: datetime, extra: list[tuple[x509.ExtensionType, bool]], *, days: int
) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = root.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    builder = _builder(name, str(issuer), key.public_key(), now, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key())
    builder = builder.add_extension(authority, critical=False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical=critical)
    return Identity(key, builder.sign(root.key, SHA256()))


def _builder(
    name: str, issuer: str, public_key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
