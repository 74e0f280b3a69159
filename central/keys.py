"""Everything secret central owns, and what of it a terminal must know."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from central.authority import Identity, load_or_make, new_document_signer, new_root, new_server, write_private

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

SEAL_AUTHORITY: Final = "示例市社会保险基金管理中心（演示）"
TOKEN_BYTES: Final = 32
PRIVATE_FOLDER: Final = 0o700


@dataclass(frozen=True, slots=True)
class Keys:
    """Loaded key material. Nothing here prints itself."""

    tls_ca: Identity
    tls_file: Path  # key and certificate of the listening socket
    document_ca: Identity
    document_signer: Identity
    sealing_key: X25519PrivateKey = field(repr=False)
    receipt_key: Ed25519PrivateKey = field(repr=False)

    @property
    def seal_key_id(self) -> str:
        """Name of the key terminals seal to: a digest of the public half, so that it never names another key."""
        return key_id("seal", self.sealing_key.public_key().public_bytes_raw())

    @property
    def receipt_key_id(self) -> str:
        """Name of the key that signs receipts."""
        return key_id("receipt", self.receipt_key.public_key().public_bytes_raw())


def key_id(purpose: str, public: bytes) -> str:
    """Return the name of a public key."""
    return f"{purpose}-{hashlib.sha256(public).hexdigest()[:16]}"


def load_keys(data: Path, now: datetime) -> Keys:
    """Load the keys below ``data``; make what is missing. Raises ``OSError``, ``ValueError`` for a damaged file."""
    folder = private_folder(data / "keys")
    tls_ca = load_or_make(folder / "tls_ca.pem", now, lambda: new_root("Tongban DEMO connection root", now))
    load_or_make(folder / "tls.pem", now, lambda: new_server(tls_ca, now), tls_ca)
    document_ca = load_or_make(folder / "document_ca.pem", now, lambda: new_root("Tongban DEMO document root", now))
    signer = load_or_make(
        folder / "document.pem", now, lambda: new_document_signer(document_ca, SEAL_AUTHORITY, now), document_ca
    )
    return Keys(
        tls_ca=tls_ca,
        tls_file=folder / "tls.pem",
        document_ca=document_ca,
        document_signer=signer,
        sealing_key=X25519PrivateKey.from_private_bytes(_secret(folder / "sealing.key")),
        receipt_key=Ed25519PrivateKey.from_private_bytes(_secret(folder / "receipt.key")),
    )


def terminal_folder(data: Path, kiosks: list[str], kiosk: str) -> Path:
    """Return where the things a terminal needs are: the first terminal's folder has no name of its own."""
    return data / ("terminal" if kiosk == kiosks[0] else f"terminal-{kiosk}")


def enrol(folder: Path, keys: Keys, kiosk: str, url: str) -> str:
    """Write exactly what one terminal needs into ``folder``; return its token, a new one only when there is none."""
    private_folder(folder)
    token_file = folder / "token"
    token = token_file.read_text("ascii").strip() if token_file.exists() else secrets.token_urlsafe(TOKEN_BYTES)
    anchors = {
        "url": url,
        "kiosk": kiosk,
        "seal_key_id": keys.seal_key_id,
        "seal_public_key": _base64(keys.sealing_key.public_key().public_bytes_raw()),
        "receipt_key_id": keys.receipt_key_id,
        "receipt_public_key": _base64(keys.receipt_key.public_key().public_bytes_raw()),
    }
    write_private(folder / "tls_ca.pem", keys.tls_ca.certificate_pem())
    write_private(folder / "document_ca.pem", keys.document_ca.certificate_pem())
    write_private(folder / "central.json", json.dumps(anchors, indent=2).encode("ascii"))
    write_private(token_file, token.encode("ascii"))
    return token


def token_digest(token: str) -> str:
    """Return what central keeps of a token. A token has 256 random bits: a plain digest cannot be guessed back."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


def private_folder(path: Path) -> Path:
    """Make a folder only its owner can enter."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(PRIVATE_FOLDER)
    return path


def _secret(path: Path) -> bytes:
    """Return 32 random bytes kept in ``path``."""
    if not path.exists():
        write_private(path, secrets.token_bytes(32))
    return path.read_bytes()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
