"""The port to the key that makes a kiosk this kiosk: it signs batches and slips, whatever it is kept in."""

from __future__ import annotations

import enum
import hashlib
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

KEY_ID_DIGITS: Final = 16
"""Hex digits of the hash in a key's name: 64 bits tell the keys of a fleet apart; trust is in the key itself."""


class KeyCode(enum.StrEnum):
    """What is wrong with a key or with what keeps it. Closed set; for technicians and for health."""

    MISSING = "key.missing"
    UNREADABLE = "key.unreadable"
    EXPOSED = "key.exposed"
    WRONG_KIND = "key.wrong_kind"
    CHANGED = "key.changed"
    IN_USE = "key.in_use"
    MODULE = "key.module"
    TOKEN = "key.token"  # noqa: S105 - the name of a fault, not a password
    PIN = "key.pin"
    NO_ANSWER = "key.no_answer"
    CLOSED = "key.closed"


class KeyStoreError(Exception):
    """The key cannot be had or does not sign. ``remedy`` tells a technician what to do; neither text holds secrets."""

    def __init__(self, code: KeyCode, detail: str, remedy: str) -> None:
        super().__init__(code, detail, remedy)
        self.code = code
        self.detail = detail
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}; {self.remedy}"


class KioskKey(Protocol):
    """An ECDSA key on the curve P-256 (FIPS 186-5). Methods may be called from any thread, also at the same time."""

    @property
    def kind(self) -> str:
        """``file`` or ``token``."""
        ...

    @property
    def key_id(self) -> str:
        """``kiosk-`` and 16 hexadecimal digits, see :func:`name_of`."""
        ...

    def public_key(self) -> EllipticCurvePublicKey:
        """Return the public half; at hand without asking the store."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return a DER signature, ECDSA with SHA-256 over ``message``. Blocks: call it beside the event loop.

        Raises ``KeyStoreError``, at the latest when the store's deadline has passed.
        """
        ...

    def describe(self) -> str:
        """Return one honest sentence for health: where the key is and what that protects from."""
        ...

    def close(self) -> None:
        """Let go of the store; signing is refused from here on. May be called twice."""
        ...


def name_of(public_key: EllipticCurvePublicKey) -> str:
    """Return the key's name: ``kiosk-`` and the first 16 hex digits of SHA-256 over its SubjectPublicKeyInfo (DER)."""
    der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"kiosk-{hashlib.sha256(der).hexdigest()[:KEY_ID_DIGITS]}"


def public_pem(public_key: EllipticCurvePublicKey) -> str:
    """Return the public half as PEM (SubjectPublicKeyInfo): what central is given when the kiosk is enrolled."""
    return public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
