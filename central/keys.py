"""Everything secret central owns, and what of it a terminal must know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from central.authority import Identity, load_or_make, new_document_signer, new_root, new_server
from central.rotation import key_id, load_receipt_keys, load_sealing_keys

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

SEAL_AUTHORITY: Final = "示例市社会保险基金管理中心（演示）"
FOLDER: Final = "keys"  # below central's own folder
PRIVATE_FOLDER: Final = 0o700


@dataclass(frozen=True, slots=True)
class Keys:
    """Loaded key material. Nothing here prints itself."""

    tls_ca: Identity
    tls_file: Path  # key and certificate of the listening socket
    document_ca: Identity
    document_signer: Identity
    sealing_keys: dict[str, X25519PrivateKey] = field(repr=False)  # by name: the present one and all older ones
    seal_key_id: str  # the one terminals seal to
    receipt_key: Ed25519PrivateKey = field(repr=False)
    receipt_keys: dict[str, Ed25519PublicKey] = field(repr=False)  # retired, present and next: what replies may bear

    @property
    def sealing_key(self) -> X25519PrivateKey:
        """The key terminals seal to."""
        return self.sealing_keys[self.seal_key_id]

    @property
    def receipt_key_id(self) -> str:
        """Name of the key that signs replies."""
        return key_id("receipt", self.receipt_key.public_key().public_bytes_raw())


def load_keys(data: Path, now: datetime) -> Keys:
    """Load the keys below ``data``; make what is missing. Raises ``OSError``, ``ValueError`` for a damaged file."""
    folder = private_folder(data / FOLDER)
    tls_ca = load_or_make(folder / "tls_ca.pem", now, lambda: new_root("Tongban DEMO connection root", now))
    load_or_make(folder / "tls.pem", now, lambda: new_server(tls_ca, now), tls_ca)
    document_ca = load_or_make(folder / "document_ca.pem", now, lambda: new_root("Tongban DEMO document root", now))
    signer = load_or_make(
        folder / "document.pem", now, lambda: new_document_signer(document_ca, SEAL_AUTHORITY, now), document_ca
    )
    sealing_keys, seal_key_id = load_sealing_keys(folder)
    receipt_key, receipt_keys = load_receipt_keys(folder)
    return Keys(
        tls_ca=tls_ca,
        tls_file=folder / "tls.pem",
        document_ca=document_ca,
        document_signer=signer,
        sealing_keys=sealing_keys,
        seal_key_id=seal_key_id,
        receipt_key=receipt_key,
        receipt_keys=receipt_keys,
    )


def private_folder(path: Path) -> Path:
    """Make a folder only its owner can enter."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(PRIVATE_FOLDER)
    return path
