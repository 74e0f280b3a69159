"""Whether the chip is the one the issuer made (Doc 9303-11 clause 6): it knows a key that cannot be copied.

Passive authentication proves what is written, and a copy has it too. Chip authentication (data group 14) agrees on new
session keys with the chip's own key pair; active authentication (data group 15) has it sign a number. Both keys are
among the data groups that the issuer signed: they count once passive authentication has passed.
"""

from __future__ import annotations

import enum
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asn1crypto.keys import PublicKeyInfo
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from devices.chip.emrtd import ber
from devices.chip.emrtd.conversation import BY_IDENTIFIER, DONE, NO_ANSWER, SELECT, File
from devices.chip.emrtd.secure_messaging import Channel, Command, SessionLost
from devices.chip.emrtd.signatures import CURVES, HASHES, MALFORMED, Unverifiable, digest_of, public_key
from devices.chip.emrtd.suites import Algorithm, suite_of
from devices.errors import DeviceCode, MediumError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from devices.chip import Dialogue
    from devices.chip.emrtd.conversation import Conversation

SET, SEQUENCE, OBJECT_IDENTIFIER, INTEGER = 0x31, 0x30, 0x06, 0x02
DG14, DG15 = 14, 15
CHIP_KEY = bytes.fromhex("04007F0007020201")  # id-PK, then 1 DH, 2 ECDH
CHIP_AUTHENTICATION = bytes.fromhex("04007F000702020302")  # id-CA-ECDH, then the cipher
ECDH = 2
ACTIVE_AUTHENTICATION = bytes.fromhex("678108010105")
PLAIN_ECDSA = bytes.fromhex("04007F000701010401")  # ecdsa-plain-signatures, then the hash
PLAIN_HASHES = dict(enumerate(HASHES, start=1))
MANAGE_ENVIRONMENT, GENERAL_AUTHENTICATE, INTERNAL_AUTHENTICATE = 0x22, 0x86, 0x88
KEY_AGREEMENT, AUTHENTICATION = (0x41, 0xA6), (0x41, 0xA4)
PROTOCOL, KEY_REFERENCE, OUR_KEY_OLD, OUR_KEY, DYNAMIC_DATA = 0x80, 0x84, 0x91, 0x80, 0x7C
CHALLENGE = 8
RECOVERABLE = 0x6A  # ISO/IEC 9796-2 clause 8: part of the message is in the signature
LAST_DIGIT, TRAILER_DIGIT = 0x0F, 0x0C
TRAILER_SHA1 = b"\xbc"
TRAILERS = {
    b"\x33\xcc": "sha1",
    b"\x34\xcc": "sha256",
    b"\x35\xcc": "sha512",
    b"\x36\xcc": "sha384",
    b"\x38\xcc": "sha224",
}


class ChipProof(enum.StrEnum):
    """How the chip proved that it is no copy."""

    CHIP_AUTHENTICATION = "chip_authentication"
    ACTIVE_AUTHENTICATION = "active_authentication"
    NONE = "none"  # it offers no proof, or none that is spoken here
    WITHHELD = "withheld"  # it offers one, and says that it carries no answer so long: a copy would say so too


@dataclass(frozen=True, slots=True)
class _Agreement:
    """One key of the chip's and how it agrees."""

    key: ec.EllipticCurvePublicKey
    algorithm: Algorithm
    reference: bytes  # as the chip numbers its keys, empty when it has only one


def prove_chip(
    conversation: Conversation, files: Mapping[int, bytes], random: Callable[[int], bytes]
) -> Dialogue[ChipProof]:
    """Have the chip prove itself by what its data groups 14 and 15 offer.

    Raises ``MediumError`` (``CARD_REFUSED``) for a chip that offers and does not know its key: a copy.
    """
    try:
        agreement = _agreement(files[DG14]) if DG14 in files else None
        signing = public_key(_key_info(ber.find(files[DG15], File.DG15.tag))) if DG15 in files else None
    except (*MALFORMED, Unverifiable, MediumError):  # of signed data: an issuer's way that is not spoken here
        return ChipProof.NONE
    try:
        if agreement is not None:
            yield from _agree(conversation, agreement, random)
            return ChipProof.CHIP_AUTHENTICATION
        if signing is not None:
            if _size(signing) > conversation.room():
                return ChipProof.WITHHELD
            yield from _challenge(conversation, signing, _hash_name(files.get(DG14, b""), signing), random)
            return ChipProof.ACTIVE_AUTHENTICATION
    except SessionLost:
        raise _copy("ends the session") from None
    return ChipProof.NONE


def _agree(conversation: Conversation, agreement: _Agreement, random: Callable[[int], bytes]) -> Dialogue[None]:
    """Agree on new keys and use them once (Doc 9303-11 clause 6.2): only their owner can answer."""
    group = CURVES[agreement.key.curve.name.lower()]
    secret = group.draw(random)
    ours = group.public(secret)
    reference = ber.encode(KEY_REFERENCE, agreement.reference) if agreement.reference else b""
    if agreement.algorithm is Algorithm.TRIPLE_DES:
        steps = [Command(MANAGE_ENVIRONMENT, *KEY_AGREEMENT, ber.encode(OUR_KEY_OLD, ours) + reference)]
    else:
        protocol = ber.encode(PROTOCOL, CHIP_AUTHENTICATION + bytes((agreement.algorithm.value,)))
        dynamic = ber.encode(DYNAMIC_DATA, ber.encode(OUR_KEY, ours))
        steps = [
            Command(MANAGE_ENVIRONMENT, *AUTHENTICATION, protocol + reference),
            Command(GENERAL_AUTHENTICATE, 0, 0, dynamic, le=256),
        ]
    for step in steps:
        if (yield from conversation.ask(step)).status != DONE:
            raise _copy("does not do the authentication it offers")
    shared = ec.derive_private_key(secret, agreement.key.curve).exchange(ec.ECDH(), agreement.key)
    suite = suite_of(agreement.algorithm, shared)
    conversation.channel = Channel(suite, bytes(suite.block))
    yield from conversation.ask(Command(SELECT, BY_IDENTIFIER, NO_ANSWER, File.DG14.identifier))


def _challenge(
    conversation: Conversation,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    hash_name: str,
    random: Callable[[int], bytes],
) -> Dialogue[None]:
    """Have a number signed (Doc 9303-11 clause 6.1)."""
    challenge = random(CHALLENGE)
    command = Command(INTERNAL_AUTHENTICATE, 0, 0, challenge, le=conversation.room())
    answer = yield from conversation.ask(command)
    if answer.status != DONE or not _signed(key, answer.data, challenge, hash_name):
        raise _copy("did not sign the challenge")


def _signed(
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, signature: bytes, challenge: bytes, hash_name: str
) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        return _recovered(key, signature, challenge)
    half = len(signature) // 2
    encoded = encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
    try:
        key.verify(encoded, challenge, ec.ECDSA(HASHES[hash_name]))
    except InvalidSignature:
        return False
    return True


def _recovered(key: rsa.RSAPublicKey, signature: bytes, challenge: bytes) -> bool:
    """Open a signature with message recovery (ISO/IEC 9796-2 scheme 1): the chip's part and the hash of both parts.

    No library has the scheme. It uses the public key alone, so its timing tells nothing.
    """
    numbers, size = key.public_numbers(), (key.key_size + 7) // 8
    value = int.from_bytes(signature)
    if len(signature) != size or value >= numbers.n:
        return False
    opened = pow(value, numbers.e, numbers.n)
    if opened & LAST_DIGIT != TRAILER_DIGIT:  # the smaller of the value and its complement was sent
        opened = numbers.n - opened
    block = opened.to_bytes(size)
    one = block.endswith(TRAILER_SHA1)
    name, end = ("sha1", size - 1) if one else (TRAILERS.get(block[-2:], ""), size - 2)
    if not name or block[0] != RECOVERABLE:
        return False
    begin = end - HASHES[name].digest_size
    return begin > 1 and hmac.compare_digest(block[begin:end], digest_of(name, block[1:begin] + challenge))


def _agreement(dg14: bytes) -> _Agreement | None:
    """Return the first of the chip's keys that can be used here, with the longest cipher it has for it."""
    infos = [list(ber.items(info)) for info in _infos(dg14)]
    ciphers: dict[bytes, int] = {}
    for (_, protocol), *rest in infos:
        if protocol[:-1] == CHIP_AUTHENTICATION and 1 <= protocol[-1] <= len(Algorithm):
            reference = rest[1][1] if len(rest) > 1 else b""
            ciphers[reference] = max(ciphers.get(reference, 0), protocol[-1])
    for (_, protocol), *rest in infos:
        if protocol == CHIP_KEY + bytes((ECDH,)) and rest:
            reference = rest[1][1] if len(rest) > 1 else b""
            key = public_key(_key_info(ber.encode(*rest[0])))
            if isinstance(key, ec.EllipticCurvePublicKey):  # without a word on ciphers it is the oldest one
                return _Agreement(key, Algorithm(ciphers.get(reference, Algorithm.TRIPLE_DES.value)), reference)
    return None


def _infos(dg14: bytes) -> Iterator[bytes]:
    for tag, info in ber.items(ber.find(dg14, File.DG14.tag, SET)):
        if tag == SEQUENCE and next(ber.items(info), (0, b""))[0] == OBJECT_IDENTIFIER:
            yield info


def _hash_name(dg14: bytes, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> str:
    """Return the hash of an ECDSA answer: as data group 14 names it, otherwise as long as the key."""
    for info in _infos(dg14) if dg14 else ():
        (_, protocol), *rest = ber.items(info)
        if protocol == ACTIVE_AUTHENTICATION and len(rest) > 1 and rest[1][1][:-1] == PLAIN_ECDSA:
            return PLAIN_HASHES.get(rest[1][1][-1], "sha256")
    fitting = [name for name, digest in HASHES.items() if digest.digest_size * 8 <= key.key_size]
    return fitting[-1] if fitting else "sha1"


def _key_info(der: bytes) -> PublicKeyInfo:
    return PublicKeyInfo.load(der, strict=True)


def _size(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> int:
    """Return how many bytes a signature has: one number as long as the key, or two."""
    return (key.key_size + 7) // 8 * (1 if isinstance(key, rsa.RSAPublicKey) else 2)


def _copy(what: str) -> MediumError:
    return MediumError(f"chip {what}: it may be a copy", code=DeviceCode.CARD_REFUSED)
