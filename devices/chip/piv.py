"""Technicians' cards: PIV (NIST SP 800-73-4), key 9A, P-256. They prove that they are there and their PIN is known.

The certificate and the signature are for the caller to judge: whose card, of which issuer, still in force.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devices.chip import apdu, tlv
from devices.chip.apdu import Status
from devices.chip.tlv import unreadable
from devices.errors import DeviceCode, MediumError

if TYPE_CHECKING:
    from devices.chip import Dialogue
    from devices.values import Pii

APPLICATION: Final = bytes.fromhex("A000000308000010000100")  # part 1, clause 2.2
CERTIFICATE_OBJECT: Final = bytes.fromhex("5FC105")  # X.509 certificate for PIV authentication
MAX_CERTIFICATE: Final = 3000  # bytes; the object's container has 1,905 at least, cards of today 3,052 at most
PIN_SIZE: Final = 8  # part 2, clause 2.4.3: filled up with FF
P256_SIGNATURE_MAX: Final = 72  # DER of two numbers of 32 bytes

_PIN = re.compile(r"[0-9]{6,8}")
_TRIES_LEFT: Final = 0x63C0
_P256, _KEY_9A = 0x11, 0x9A
_BLOCKED: Final = frozenset({Status.BLOCKED, _TRIES_LEFT})
_DER_SEQUENCE: Final = 0x30


class WrongPin(MediumError):
    """The PIN is not the card's; ``tries_left`` more before the card shuts itself."""

    default_code = DeviceCode.CARD_REFUSED

    def __init__(self, tries_left: int) -> None:
        super().__init__(f"wrong PIN, {tries_left} tries left")
        self.tries_left = tries_left


class PinBlocked(MediumError):
    """Too many wrong PINs: only the card's issuer can open it again."""

    default_code = DeviceCode.CARD_BLOCKED

    def __init__(self) -> None:
        super().__init__("PIN is blocked")


@dataclass(frozen=True, slots=True)
class PivProof:
    """The card's certificate (X.509, DER) and its signature over the challenge (ECDSA with SHA-256, DER)."""

    certificate_der: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def certificate() -> Dialogue[bytes]:
    """Read the certificate (DER); the card gives it without a PIN.

    Raises ``MediumError``: ``CARD_UNKNOWN_KIND`` (no PIV card), ``CARD_INVALID`` (nothing usable on it),
    ``CARD_UNREADABLE``.
    """
    answer = apdu.parse((yield apdu.select(APPLICATION)))
    if not answer.ok:
        raise MediumError("no technician's card", code=DeviceCode.CARD_UNKNOWN_KIND)
    wanted = bytes([0x5C, len(CERTIFICATE_OBJECT)]) + CERTIFICATE_OBJECT
    answer = apdu.parse((yield apdu.command(0x00, 0xCB, 0x3F, 0xFF, wanted, apdu.SHORT_EXPECTED)))
    if answer.status == Status.NOT_FOUND:
        raise MediumError("card has no certificate", code=DeviceCode.CARD_INVALID)
    if not answer.ok:
        raise unreadable("certificate")
    return _certificate(tlv.parse_one(answer.data, 0x53).value)


def prove(challenge: bytes, pin: Pii[str]) -> Dialogue[PivProof]:
    """Let the card sign SHA-256 of ``challenge``. ``pin``: 6 to 8 digits; ``ValueError`` for anything else.

    Raises ``WrongPin``, ``PinBlocked`` and what :func:`certificate` raises; ``MediumError`` (``CARD_REFUSED``) when
    the card does not sign.
    """
    if not _PIN.fullmatch(pin.reveal()):
        raise ValueError("a PIN has 6 to 8 digits")
    return _prove(challenge, pin)


def _prove(challenge: bytes, pin: Pii[str]) -> Dialogue[PivProof]:
    shown = yield from certificate()
    _demand_pin(apdu.parse((yield _verify(pin))).status)
    digest = hashlib.sha256(challenge).digest()
    asked = bytes([0x82, 0x00, 0x81, len(digest)]) + digest
    template = bytes([0x7C, len(asked)]) + asked
    answer = apdu.parse((yield apdu.command(0x00, 0x87, _P256, _KEY_9A, template, apdu.SHORT_EXPECTED)))
    if not answer.ok:
        raise MediumError(f"card does not sign: {answer.status:04X}", code=DeviceCode.CARD_REFUSED)
    signature = tlv.parse_one(answer.data, 0x7C).find(0x82)
    if signature is None or not 0 < len(signature) <= P256_SIGNATURE_MAX:
        raise unreadable("signature")
    return PivProof(shown, signature)


def _verify(pin: Pii[str]) -> bytes:
    return apdu.command(0x00, 0x20, 0x00, 0x80, pin.reveal().encode("ascii").ljust(PIN_SIZE, b"\xff"))


def _demand_pin(status: int) -> None:
    if status == apdu.OK:
        return
    if status in _BLOCKED:
        raise PinBlocked
    if status & 0xFFF0 == _TRIES_LEFT:
        raise WrongPin(status & 0x0F)
    raise MediumError(f"card does not take a PIN: {status:04X}", code=DeviceCode.CARD_REFUSED)


def _certificate(container: bytes) -> bytes:
    """Return the container's certificate (part 1, table 10 and appendix A): 70; 71 tells whether it is compressed."""
    objects = {each.tag: each.value for each in tlv.parse(container, deep=False)}
    found, how = objects.get(0x70, b""), objects.get(0x71, b"\0")
    if not found:
        raise MediumError("card has no certificate", code=DeviceCode.CARD_INVALID)
    if how != b"\0":
        raise MediumError("certificate is compressed: write it to the card as it is", code=DeviceCode.CARD_INVALID)
    if found[0] != _DER_SEQUENCE or len(found) > MAX_CERTIFICATE:
        raise unreadable("certificate")
    return found
