"""Who stands at the machine: a technician's PIV card (NIST SP 800-73-4), proved with its PIN over a fresh challenge.

The card's key 9A is on P-256; its certificate was issued by the operator's technician authority. Subject ``CN`` is the
technician's id, ``OU`` the role. The PIN goes to the card and nowhere else. Revocation is the authority's X.509 list
(RFC 5280 section 5), fetched while online and kept: an old one still refuses whom it names.
"""

from __future__ import annotations

import enum
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from devices.errors import DeviceCode, DeviceError, MediumError
from kiosk.maintenance.orders import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from devices.card_reader import ChipAccess
    from devices.chip import Dialogue
    from devices.values import Pii
    from kiosk.maintenance.lockout import Lockout

CHALLENGE_BYTES: Final = 32
TECHNICIAN_ID: Final = re.compile(r"[A-Z][A-Z0-9-]{1,15}")  # a staff number; eighteen digits of a person do not fit
LISTS: Final = "technicians*.crl"  # one for each issuer's name
UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension)
"""What the library raises at bytes that are no certificate it knows: anybody may lay such a chip on the reader."""
CARD_TRIES_GONE: Final = frozenset({DeviceCode.CARD_BLOCKED})


class AccessProblem(enum.StrEnum):
    """Why the mode does not open. Closed; each has words."""

    NO_TECHNICIAN_CARD = "access.no_technician_card"
    UNTRUSTED = "access.untrusted"
    NOT_VALID_NOW = "access.not_valid_now"
    REVOKED = "access.revoked"
    WRONG_PIN = "access.wrong_pin"
    CARD_BLOCKED = "access.card_blocked"
    LOCKED_OUT = "access.locked_out"
    FORGED = "access.forged"
    SAME_PERSON = "access.same_person"
    NEEDS_SUPERVISOR = "access.needs_supervisor"


class AccessRefused(Exception):
    """Nobody was let in. ``wait_s``: how long the terminal takes no PIN."""

    def __init__(self, problem: AccessProblem, *, wait_s: float = 0.0) -> None:
        super().__init__(problem.value)
        self.problem = problem
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Technician:
    """Who it is: a staff number, never a name. ``serial`` is the certificate's, in hexadecimal digits."""

    id: str
    role: Role
    serial: str


class Proof(Protocol):
    """What the card answers to a challenge: its certificate (DER) and an ECDSA signature (DER) with SHA-256."""

    @property
    def certificate_der(self) -> bytes:
        """Certificate of key 9A."""
        ...

    @property
    def signature(self) -> bytes:
        """Over the challenge."""
        ...


@dataclass(frozen=True, slots=True)
class PivDialogues:
    """The card's two dialogues (``devices.chip.piv``)."""

    certificate: Callable[[], Dialogue[bytes]]
    prove: Callable[[bytes, Pii[str]], Dialogue[Proof]]


class Authority:
    """The technician authority: judges certificates. Raises ``ValueError``, ``OSError`` for a file that is none."""

    def __init__(self, roots: Path, folder: Path) -> None:
        self._roots = x509.load_pem_x509_certificates(roots.read_bytes())
        self._lists: dict[bytes, x509.CertificateRevocationList] = {}  # by the issuer's name
        for path in sorted(folder.glob(LISTS)):
            self.take_list(path.read_bytes())

    @property
    def list_of(self) -> datetime | None:
        """Return when the oldest of the revocation lists in force was made; ``None``: there is none."""
        return min((each.last_update_utc for each in self._lists.values()), default=None)

    def take_list(self, der: bytes) -> str:
        """Take a revocation list (DER) if an authority signed it and it is not older than that authority's present one.

        Returns the name of the file it is kept in, empty for a list that was not taken. Another authority's list stays:
        with two of them, as while one follows the other, each speaks of its own cards alone.
        """
        try:
            fresh = x509.load_der_x509_crl(der)
            signed = any(_signed_by(fresh, root) for root in self._roots)
            issuer = fresh.issuer.public_bytes()
        except UNREADABLE:
            return ""
        present = self._lists.get(issuer)
        if not signed or (present is not None and fresh.last_update_utc < present.last_update_utc):
            return ""
        self._lists[issuer] = fresh
        return LISTS.replace("*", f"-{hashlib.sha256(issuer).hexdigest()[:16]}")

    def judge(self, der: bytes, now: datetime) -> Technician:
        """Return whose certificate it is. Raises ``AccessRefused``, and nothing else whatever the card says."""
        try:
            return self._judged(x509.load_der_x509_certificate(der), now)
        except UNREADABLE:
            raise AccessRefused(AccessProblem.NO_TECHNICIAN_CARD) from None

    def _judged(self, shown: x509.Certificate, now: datetime) -> Technician:
        key, technician = shown.public_key(), _named(shown)
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise AccessRefused(AccessProblem.UNTRUSTED)
        if not any(_issued_by(shown, root) and _within(root, now) for root in self._roots) or not _may_sign(shown):
            raise AccessRefused(AccessProblem.UNTRUSTED)
        if technician is None:
            raise AccessRefused(AccessProblem.NO_TECHNICIAN_CARD)
        if not _within(shown, now):
            raise AccessRefused(AccessProblem.NOT_VALID_NOW)
        revoked = self._lists.get(shown.issuer.public_bytes())
        if revoked is not None and revoked.get_revoked_certificate_by_serial_number(shown.serial_number):
            raise AccessRefused(AccessProblem.REVOKED)
        return technician


class Access:
    """Lets technicians in: :meth:`announced` by the card alone, :meth:`prove` with its PIN."""

    def __init__(self, authority: Authority, lockout: Lockout, piv: PivDialogues, now: Callable[[], datetime]) -> None:
        """``now`` is the wall clock, held up by what the terminal knows to have been: see ``Proofs.now``."""
        self._authority = authority
        self._lockout = lockout
        self._piv = piv
        self._now = now

    async def announced(self, reader: ChipAccess) -> Technician:
        """Return whose card is there, unproved: enough to let the present visit end. Raises as :meth:`prove`."""
        try:
            shown = await reader.converse(self._piv.certificate())
        except MediumError:
            raise AccessRefused(AccessProblem.NO_TECHNICIAN_CARD) from None
        return self._authority.judge(shown, self._now())

    async def prove(self, reader: ChipAccess, pin: Pii[str]) -> Technician:
        """Return who it is, proved. The PIN is wiped in any case.

        Raises ``AccessRefused``, ``DeviceError`` of the reader (the try does not count), ``OSError`` (no try is made
        that cannot be counted).
        """
        try:
            wait_s = self._lockout.wait_s()
            if wait_s > 0:
                raise AccessRefused(AccessProblem.LOCKED_OUT, wait_s=wait_s)
            challenge = secrets.token_bytes(CHALLENGE_BYTES)
            await self._lockout.begin_try()
            proof = await self._asked(reader, challenge, pin)
        finally:
            pin.wipe()
        technician = self._authority.judge(proof.certificate_der, self._now())
        if not _signed(proof, challenge):
            raise AccessRefused(AccessProblem.FORGED, wait_s=self._lockout.wait_s())
        await self._lockout.succeeded()
        return technician

    async def _asked(self, reader: ChipAccess, challenge: bytes, pin: Pii[str]) -> Proof:
        try:
            return await reader.converse(self._piv.prove(challenge, pin))
        except MediumError as error:
            if error.code in CARD_TRIES_GONE:
                raise AccessRefused(AccessProblem.CARD_BLOCKED, wait_s=self._lockout.wait_s()) from None
            if error.code is DeviceCode.CARD_REFUSED:
                raise AccessRefused(AccessProblem.WRONG_PIN, wait_s=self._lockout.wait_s()) from None
            if error.code is DeviceCode.CARD_UNKNOWN_KIND:
                await self._lockout.take_back()
                raise AccessRefused(AccessProblem.NO_TECHNICIAN_CARD) from None
            await self._lockout.take_back()
            raise
        except DeviceError:
            await self._lockout.take_back()
            raise


def _named(shown: x509.Certificate) -> Technician | None:
    names = shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    units = [str(unit.value) for unit in shown.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)]
    roles = [role for role in Role if role.value in units]
    if len(names) != 1 or len(roles) != 1 or not TECHNICIAN_ID.fullmatch(str(names[0].value)):
        return None
    return Technician(str(names[0].value), roles[0], f"{shown.serial_number:x}")


def _signed_by(found: x509.CertificateRevocationList, root: x509.Certificate) -> bool:
    key = root.public_key()
    return found.issuer == root.subject and isinstance(key, ec.EllipticCurvePublicKey) and found.is_signature_valid(key)


def _issued_by(shown: x509.Certificate, root: x509.Certificate) -> bool:
    try:
        shown.verify_directly_issued_by(root)
        limits = root.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (InvalidSignature, x509.ExtensionNotFound, *UNREADABLE):
        return False
    return limits.ca


def _may_sign(shown: x509.Certificate) -> bool:
    """Tell whether the key may sign: a certificate of an authority, or one for encryption only, proves nobody."""
    try:
        usage = shown.extensions.get_extension_for_class(x509.KeyUsage).value
        limits = shown.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return False
    return usage.digital_signature and not limits.ca


def _within(shown: x509.Certificate, now: datetime) -> bool:
    return shown.not_valid_before_utc <= now < shown.not_valid_after_utc


def _signed(proof: Proof, challenge: bytes) -> bool:
    key = x509.load_der_x509_certificate(proof.certificate_der).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101 - judged before
    try:
        key.verify(proof.signature, challenge, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
