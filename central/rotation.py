"""Raw key files of central and their rotation: a crash at any instant leaves every key that was ever handed out.

``sealing.key`` is what terminals seal to, ``sealing-old/`` what they sealed to before: removed by hand, when no
terminal can report anything older. ``receipt.key`` signs replies, ``receipt-next.key`` will: terminals know it in
advance. ``receipt-old/`` keeps public halves, for receipts are kept longer than keys.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from central.authority import write_private

if TYPE_CHECKING:
    from pathlib import Path

SEALING: Final = "sealing.key"
OLD_SEALING: Final = "sealing-old"
RECEIPT: Final = "receipt.key"
NEXT_RECEIPT: Final = "receipt-next.key"
OLD_RECEIPT: Final = "receipt-old"
RAW_BYTES: Final = 32  # X25519 (RFC 7748) and Ed25519 (RFC 8032), private and public


def key_id(purpose: str, public: bytes) -> str:
    """Return the name of a public key: a digest, so that it never names another key."""
    return f"{purpose}-{hashlib.sha256(public).hexdigest()[:16]}"


def load_sealing_keys(folder: Path) -> tuple[dict[str, X25519PrivateKey], str]:
    """Return all keys by name, oldest first, and the name of the present one. Raises ``OSError``, ``ValueError``."""
    present = X25519PrivateKey.from_private_bytes(_secret(folder / SEALING))
    old = [X25519PrivateKey.from_private_bytes(path.read_bytes()) for path in _files(folder / OLD_SEALING)]
    return {seal_key_id(key): key for key in [*old, present]}, seal_key_id(present)


def load_receipt_keys(folder: Path) -> tuple[Ed25519PrivateKey, dict[str, Ed25519PublicKey]]:
    """Return the key that signs, and every public key by name. Raises ``OSError``, ``ValueError``."""
    present, following = _secret(folder / RECEIPT), _secret(folder / NEXT_RECEIPT)
    if present == following:  # a rotation was cut short
        following = _renew(folder / NEXT_RECEIPT)
    keys = [Ed25519PublicKey.from_public_bytes(path.read_bytes()) for path in _files(folder / OLD_RECEIPT)]
    signing = Ed25519PrivateKey.from_private_bytes(present)
    keys += [signing.public_key(), Ed25519PrivateKey.from_private_bytes(following).public_key()]
    return signing, {key_id("receipt", key.public_bytes_raw()): key for key in keys}


def rotate_sealing_key(folder: Path) -> str:
    """Keep the present key among the old ones and make a new one; return its name. In force at the next start."""
    present = _secret(folder / SEALING)
    name = seal_key_id(X25519PrivateKey.from_private_bytes(present))
    age = 1 + max((int(path.name.partition("-")[0]) for path in _files(folder / OLD_SEALING)), default=0)
    _keep(folder / OLD_SEALING / f"{age:04d}-{name}.key", present)
    return seal_key_id(X25519PrivateKey.from_private_bytes(_renew(folder / SEALING)))


def rotate_receipt_key(folder: Path) -> str:
    """Let the next key sign and make another next one; return the name of the one that signs from the next start."""
    load_receipt_keys(folder)  # finishes a rotation that was cut short
    public = Ed25519PrivateKey.from_private_bytes(_secret(folder / RECEIPT)).public_key().public_bytes_raw()
    _keep(folder / OLD_RECEIPT / f"{key_id('receipt', public)}.pub", public)
    following = _secret(folder / NEXT_RECEIPT)
    write_private(folder / RECEIPT, following)
    _renew(folder / NEXT_RECEIPT)
    return key_id("receipt", Ed25519PrivateKey.from_private_bytes(following).public_key().public_bytes_raw())


def seal_key_id(key: X25519PrivateKey) -> str:
    """Return the name of a sealing key."""
    return key_id("seal", key.public_key().public_bytes_raw())


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_private(path, content)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix in {".key", ".pub"})


def _secret(path: Path) -> bytes:
    """Return the random bytes kept in ``path``."""
    return path.read_bytes() if path.exists() else _renew(path)


def _renew(path: Path) -> bytes:
    fresh = secrets.token_bytes(RAW_BYTES)
    write_private(path, fresh)
    return fresh
