"""Terminals as central knows them: what each gets at enrolment, the key it registers, its token, and its exclusion."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from sqlalchemy import select, update

from central.authority import load_or_make, new_client, write_private
from central.keys import private_folder
from central.rotation import key_id
from central.store.database import hold, raise_alarm
from central.store.schema import Kiosk, KioskKey, Stream

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from central.clock import Clock
    from central.keys import Keys
    from central.store.database import Store

log = logging.getLogger(__name__)
ENROLLED, REVOKED, DOUBLED = "enrolled", "kiosk_revoked", "identity_doubled"  # the last two are codes of refusals
TOKEN_BYTES: Final = 32
TOKEN_DAYS: Final = 30
CLIENT_FILE: Final = "tls_client.pem"
FOLDER_FILES: Final = (CLIENT_FILE, "token")


class KeyUnusableError(ValueError):
    """Not the PEM of a public key on P-256."""


class KeyConflictError(Exception):
    """The terminal has another key already, or another terminal has this one."""


def public_keys(session: Session) -> dict[str, dict[str, str]]:
    """Return every key a slip may be signed with, the retired ones too: ``{key_id: {kiosk, public_key_pem}}``."""
    keys = session.scalars(select(KioskKey).order_by(KioskKey.key_id)).all()
    return {key.key_id: {"kiosk": key.kiosk, "public_key_pem": key.public_key_pem} for key in keys}


class Enrolment:
    """Writes what terminals need and answers for who they are. Thread-safe: the store orders the writers."""

    def __init__(self, store: Store, keys: Keys, clock: Clock, *, data: Path, url: str, kiosks: list[str]) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._data = data
        self._url = url
        self._kiosks = kiosks

    def folder(self, kiosk: str) -> Path:
        """Return where the things a terminal needs are: the first terminal's folder has no name of its own."""
        return self._data / ("terminal" if kiosk == self._kiosks[0] else f"terminal-{kiosk}")

    def enrol_all(self) -> None:
        """Write every terminal's folder; tokens and certificates that are there and good are kept."""
        with self._store.write() as session:
            for kiosk in self._kiosks:
                self._enrol(session, kiosk)

    def clear(self, kiosk: str) -> None:
        """Let a terminal in again as it is: it was excluded by mistake. Raises ``LookupError``."""
        with self._store.write() as session:
            _let_in(session, _held(session, kiosk))

    def enrol_again(self, kiosk: str) -> None:
        """Let a terminal in anew: new token and certificate, no key; what it had is void. Raises ``LookupError``."""
        for name in FOLDER_FILES:
            (self.folder(kiosk) / name).unlink(missing_ok=True)
        with self._store.write() as session:
            found = _held(session, kiosk)
            found.enrolled = self._clock.now().replace(microsecond=0)  # certificates know whole seconds
            retire = update(KioskKey).where(KioskKey.key_id == found.key_id).values(retired=self._clock.now())
            session.execute(retire)
            found.key_id = None
            _let_in(session, found)
            self._enrol(session, kiosk)

    def exclude(self, kiosk: str) -> None:
        """Revoke a terminal: nothing it sends is taken any more. Raises ``LookupError``."""
        with self._store.write() as session:
            _held(session, kiosk).state = REVOKED
        log.warning("terminal revoked kiosk=%s", kiosk)

    def register_key(self, kiosk: str, pem: str) -> tuple[str, bool]:
        """Keep a terminal's public key; return its name and whether it is new.

        Raises ``KeyUnusableError``, ``KeyConflictError``.
        """
        public = _read_key(pem)
        name = key_id("kiosk", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        now = self._clock.now()
        with self._store.write() as session:
            found = hold(session, kiosk)
            owner = session.get(KioskKey, name)
            if found is not None and found.key_id == name:
                return name, False
            conflict = found is None or found.key_id is not None or (owner is not None and owner.kiosk != kiosk)
            if found is None or conflict:
                raise_alarm(session, kiosk, "intake.key_conflict", name, at=now)
            elif owner is not None:  # its own, from before it was enrolled again: a key in a chip cannot be another
                owner.retired, found.key_id = None, name
            else:
                text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
                session.add(KioskKey(key_id=name, kiosk=kiosk, public_key_pem=text, registered=now))
                found.key_id = name
        if conflict:
            log.error("alarm kiosk=%s code=intake.key_conflict", kiosk)
            raise KeyConflictError
        return name, True

    def public_keys(self) -> dict[str, dict[str, str]]:
        """Return what the function of this name does."""
        with self._store.read() as session:
            return public_keys(session)

    def renew_token(self, kiosk: str) -> tuple[str, datetime]:
        """Give a terminal a new token and the moment it ends; the one before is void at once."""
        token, expires = _new_token(), self._clock.now() + timedelta(days=TOKEN_DAYS)
        with self._store.write() as session:
            found = _held(session, kiosk)
            found.token_digest, found.token_expires = token_digest(token), expires
        return token, expires

    def _enrol(self, session: Session, kiosk: str) -> None:
        folder = private_folder(self.folder(kiosk))
        token_file, now = folder / "token", self._clock.now()
        is_new = not token_file.exists()
        token = _new_token() if is_new else token_file.read_text("ascii").strip()
        found = session.get(Kiosk, kiosk)
        if found is None:
            found = Kiosk(id=kiosk, token_digest="", state=ENROLLED)
            session.add(found)
            is_new = True
        if is_new:  # else the terminal may have got a newer one meanwhile, and the file is the old one's
            found.token_digest, found.token_expires = token_digest(token), now + timedelta(days=TOKEN_DAYS)
        root = self._keys.tls_ca
        load_or_make(folder / CLIENT_FILE, now, lambda: new_client(root, kiosk, now), root)
        write_private(folder / "tls_ca.pem", root.certificate_pem())
        write_private(folder / "document_ca.pem", self._keys.document_ca.certificate_pem())
        write_private(folder / "central.json", json.dumps(self._anchors(kiosk), indent=2).encode("ascii"))
        write_private(token_file, token.encode("ascii"))

    def _anchors(self, kiosk: str) -> dict[str, object]:
        keys = self._keys
        return {
            "url": self._url,
            "kiosk": kiosk,
            "seal_key_id": keys.seal_key_id,
            "seal_public_key": _base64(keys.sealing_key.public_key().public_bytes_raw()),
            "receipt_key_id": keys.receipt_key_id,
            "receipt_public_key": _base64(keys.receipt_key.public_key().public_bytes_raw()),
            "receipt_keys": {name: _base64(key.public_bytes_raw()) for name, key in keys.receipt_keys.items()},
        }


def _held(session: Session, kiosk: str) -> Kiosk:
    found = hold(session, kiosk)
    if found is None:
        raise LookupError(f"no terminal {kiosk} is enrolled")
    return found


def _let_in(session: Session, kiosk: Kiosk) -> None:
    """Forget reproaches; the epoch the terminal names next is its present one, whichever it is."""
    kiosk.state, kiosk.last_epoch = ENROLLED, None
    forgotten = {"turned": None, "forked": False, "told_order": None, "told_seq": None}
    session.execute(update(Stream).where(Stream.kiosk == kiosk.id).values(forgotten))


def token_digest(token: str) -> str:
    """Return what central keeps of a token. A token has 256 random bits: a plain digest cannot be guessed back."""
    return hashlib.sha256(token.encode("utf-8")).hexdigest()


def _new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def _read_key(pem: str) -> EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(pem.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnusableError from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise KeyUnusableError
    return key


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
