"""Two signature algorithms behind two functions; the key decides which."""

from __future__ import annotations

from typing import TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

PrivateKey: TypeAlias = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
PublicKey: TypeAlias = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey


class SignatureError(ValueError):
    """The signature is not by this key over these bytes."""


def sign(private_key: PrivateKey, message: bytes) -> bytes:
    """Sign with Ed25519, or ECDSA P-256 with SHA-256 (DER)."""
    if isinstance(private_key, ed25519.Ed25519PrivateKey):
        return private_key.sign(message)
    return private_key.sign(message, ec.ECDSA(SHA256()))


def verify(public_key: PublicKey | None, message: bytes, signature: bytes) -> None:
    """Check a signature; ``None`` stands for a key nobody knows. Raises ``SignatureError``."""
    if public_key is None:
        raise SignatureError("the key is not known")
    try:
        if isinstance(public_key, ed25519.Ed25519PublicKey):
            public_key.verify(signature, message)
        elif isinstance(public_key.curve, ec.SECP256R1):
            public_key.verify(signature, message, ec.ECDSA(SHA256()))
        else:
            raise SignatureError("only the curve P-256 is agreed")
    except InvalidSignature as error:
        raise SignatureError("the signature does not fit") from error
