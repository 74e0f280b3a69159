"""What a terminal trusts of central and shows it, read from the files central wrote at its enrolment."""

from __future__ import annotations

import base64
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from kiosk.documents.seal import Verifier
from offline_queue.wire import load_sealing_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    from kiosk.settings import CentralSettings


@dataclass(frozen=True, slots=True)
class Anchors:
    """Central's public keys: the one to seal to, and all that may sign replies, so that central can change them."""

    seal_key_id: str
    seal_key: X25519PublicKey
    receipt_keys: Mapping[str, Ed25519PublicKey]


def read_anchors(settings: CentralSettings, problems: list[str]) -> Anchors | None:
    """Read central's keys; what is wrong is added to ``problems``."""
    at = settings.anchors
    raw = _read(at, "central.anchors", problems)
    if not raw:
        return None
    try:
        data = json.loads(raw)
        return Anchors(
            seal_key_id=_name(data["seal_key_id"]),
            seal_key=load_sealing_key(_base64(data["seal_public_key"])),
            receipt_keys={
                _name(name): Ed25519PublicKey.from_public_bytes(_base64(key))
                for name, key in data["receipt_keys"].items()
            },
        )
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        problems.append(f"central.anchors: {at}: not what central wrote at enrolment: {said(error)}")
        return None


def read_verifier(settings: CentralSettings, problems: list[str]) -> Verifier | None:
    """Read the authority for documents, if there is one."""
    at = settings.document_ca
    if not at:
        return None
    try:
        verifier = Verifier([Path(at)])
        for root in verifier.roots:
            _ = root.public_key.native, root.subject.native, root.not_valid_after  # parsed only when looked at
    except (OSError, ValueError, TypeError, KeyError) as error:
        problems.append(f"central.document_ca: {at}: no certificate can be read: {said(error)}")
        return None
    return verifier


def check_connection(settings: CentralSettings, problems: list[str]) -> None:
    """Check the authority of the connection and the terminal's own certificate."""
    if not settings.tls_ca:
        problems.append("central.tls_ca: missing; central writes it when the terminal is enrolled")
        return
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        problems.append(f"central.tls_ca: {settings.tls_ca}: no certificate can be read: {said(error)}")
        return
    if not settings.tls_client:
        if settings.url.startswith("https"):
            problems.append("central.tls_client: missing; central writes it when the terminal is enrolled")
        return
    try:
        context.load_cert_chain(settings.tls_client)
    except (OSError, ValueError) as error:
        problems.append(f"central.tls_client: {settings.tls_client}: no certificate with its key: {said(error)}")


def read_token(settings: CentralSettings, problems: list[str]) -> str:
    """Read the terminal's token."""
    at, known = settings.token_file, len(problems)
    token = _read(at, "central.token_file", problems).strip()
    if len(problems) == known and not (token.isascii() and token.isprintable() and token and " " not in token):
        problems.append(f"central.token_file: {at}: expected one word of ASCII; central writes it at enrolment")
    return token


def said(error: Exception) -> str:
    """Return what is wrong, without repeating the path; a key's or token's bytes are in none of these messages."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    reason = error.strerror if isinstance(error, OSError) else None
    return reason or f"{type(error).__name__}: {error}"


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _name(key_id: object) -> str:
    if not isinstance(key_id, str) or not key_id:
        raise TypeError("a key's id is missing")
    return key_id


def _read(path: str, key: str, problems: list[str]) -> str:
    if not path:
        problems.append(f"{key}: missing; central writes it when the terminal is enrolled")
        return ""
    try:
        content = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        problems.append(f"{key}: {path}: {said(error)}")
        return ""
    if not content:
        problems.append(f"{key}: {path}: empty")
    return content
