"""The code on a slip: what this kiosk took in and when, signed, to be checked with nothing but its public key.

Text for a QR code in alphanumeric mode (ISO/IEC 18004, 7.4.4): ``TB1:`` and base32 (RFC 4648, upper case, without
padding) of the bytes below, big-endian. About 265 characters: version 10 (57 modules) with correction M, 49 mm wide at
the slip printer's 6 dots a module, 203 dpi. No person and no content is in it::

    8   the key's name without ``kiosk-``
    16  epoch of the item's number
    8   seq, the item's number
    8   second of 1970-01-01 UTC when it was taken in
    32  fingerprint: SHA-256 of the sealed body
    1+n kiosk, its length first, ASCII
    1+n number of the slip, its length first, ASCII
    64  signature: r and s, ECDSA P-256 with SHA-256 over ``canonical("tongban/slip/1", [key_id, kiosk, epoch, seq,
        number, second, fingerprint as hex])``

Who checks needs the kiosks' public keys, a JSON file: ``{key_id: {"kiosk": "K0001", "public_key_pem": "-----BEGIN…"}}``
"""

from __future__ import annotations

import base64
import binascii
import enum
import json
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from kiosk.keys.port import name_of
from offline_queue.wire import SignatureError, canonical, verify

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kiosk.keys.port import KioskKey

PREFIX: Final = "TB1:"
KEY_ID: Final = re.compile(r"kiosk-([0-9a-f]{16})")
EPOCH: Final = re.compile(r"[0-9a-f]{32}")
NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,32}")  # kiosk and number: the settings' rule for a kiosk's name
MOST_CHARACTERS: Final = 512  # the longest code has 328; a scanned parcel label ends here
MOST_FILE_BYTES: Final = 16 * 1024 * 1024  # public keys of 50 000 kiosks
FINGERPRINT_BYTES: Final = 32
COORDINATE_BYTES: Final = 32
HIGHEST_SEQ: Final = 2**63 - 1  # the queue's
LAST_SECOND: Final = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())

_HEAD: Final = struct.Struct(">8s16sQQ32s")


class SlipCodeProblem(enum.StrEnum):
    """Why a code proves nothing. Closed set."""

    NO_CODE = "slip.no_code"
    DAMAGED = "slip.damaged"
    UNKNOWN_KEY = "slip.unknown_key"
    FORGED = "slip.forged"
    KEY_FILE = "slip.key_file"


class SlipCodeError(ValueError):
    """A code that proves nothing, or a file of keys that cannot be used."""

    def __init__(self, problem: SlipCodeProblem, detail: str) -> None:
        super().__init__(problem, detail)
        self.problem = problem
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.problem}: {self.detail}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKiosk:
    """A kiosk and its public key, as enrolled."""

    kiosk: str
    public_key: ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipProof:
    """What a kiosk signed on a slip. ``taken_at`` is the kiosk's clock in UTC, to the second."""

    kiosk: str
    epoch: str
    seq: int
    number: str
    taken_at: datetime
    fingerprint: bytes
    key_id: str

    def signed(self) -> bytes:
        """Return the bytes the signature is over."""
        second = int(self.taken_at.timestamp())
        return canonical(
            "tongban/slip/1",
            [self.key_id, self.kiosk, self.epoch, self.seq, self.number, second, self.fingerprint.hex()],
        )


def slip_code(
    key: KioskKey, *, kiosk: str, epoch: str, seq: int, number: str, taken_at: datetime, fingerprint: bytes
) -> str:
    """Return the text of the QR code. Blocks as ``key.sign`` does: call it beside the event loop.

    ``epoch``: 32 hex digits; ``fingerprint``: 32 bytes; ``taken_at``: with its zone, cut to the second. Raises
    ``ValueError`` for anything else, and the key's ``KeyStoreError``.
    """
    named = KEY_ID.fullmatch(key.key_id)
    if taken_at.tzinfo is None or len(fingerprint) != FINGERPRINT_BYTES or not named or not EPOCH.fullmatch(epoch):
        raise ValueError("a slip's code needs a time with its zone, a 32-byte fingerprint, an epoch and a key's name")
    if not NAME.fullmatch(kiosk) or not NAME.fullmatch(number) or not 0 < seq <= HIGHEST_SEQ:
        raise ValueError("kiosk and number of a slip's code: 1 to 32 of A-Z a-z 0-9 . _ -; seq: from 1, below 2**63")
    proof = SlipProof(
        kiosk=kiosk,
        epoch=epoch,
        seq=seq,
        number=number,
        taken_at=taken_at.astimezone(UTC).replace(microsecond=0),
        fingerprint=fingerprint,
        key_id=key.key_id,
    )
    second = int(proof.taken_at.timestamp())
    if second < 0:
        raise ValueError("a slip's code cannot be of before 1970")
    raw = _HEAD.pack(bytes.fromhex(named[1]), bytes.fromhex(epoch), seq, second, fingerprint)
    for word in (kiosk, number):
        raw += bytes([len(word)]) + word.encode("ascii")
    r, s = decode_dss_signature(key.sign(proof.signed()))
    raw += r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")
    return PREFIX + _base32(raw)


def read_slip_code(text: str, keys: Mapping[str, KnownKiosk]) -> SlipProof:
    """Return what is proved by a code as it was scanned; line ends around it are let pass.

    Raises ``SlipCodeError``: ``NO_CODE`` (something else was scanned), ``DAMAGED``, ``UNKNOWN_KEY`` (names it),
    ``FORGED`` (the signature is not by that key over this, or the key is another kiosk's).
    """
    text = text.strip("\r\n")
    if not text.startswith(PREFIX):
        raise SlipCodeError(SlipCodeProblem.NO_CODE, f"a slip's code begins with {PREFIX}")
    proof, signature = _parsed(_decoded(text.removeprefix(PREFIX)))
    known = keys.get(proof.key_id)
    if known is None:
        raise SlipCodeError(SlipCodeProblem.UNKNOWN_KEY, f"signed with {proof.key_id}, which is not among these keys")
    if known.kiosk != proof.kiosk:
        raise SlipCodeError(
            SlipCodeProblem.FORGED, f"it speaks for {proof.kiosk}, its key {proof.key_id} is of {known.kiosk}"
        )
    try:
        verify(known.public_key, proof.signed(), signature)
    except SignatureError:
        raise SlipCodeError(
            SlipCodeProblem.FORGED, f"{proof.key_id} did not sign this: changed, or never printed by {proof.kiosk}"
        ) from None
    return proof


def load_public_keys(path: Path) -> dict[str, KnownKiosk]:
    """Read the file of public keys. Raises ``SlipCodeError`` (``KEY_FILE``) with every problem found."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_FILE_BYTES + 1)
        told = json.loads(raw) if len(raw) <= MOST_FILE_BYTES else None
    except OSError as error:
        raise SlipCodeError(SlipCodeProblem.KEY_FILE, f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise SlipCodeError(SlipCodeProblem.KEY_FILE, f"{path}: not JSON") from None
    if not isinstance(told, dict):
        raise SlipCodeError(SlipCodeProblem.KEY_FILE, f"{path}: not an object of up to {MOST_FILE_BYTES} bytes")
    known: dict[str, KnownKiosk] = {}
    problems = []
    for key_id, entry in told.items():
        try:
            known[key_id] = _known(key_id, entry)
        except ValueError as error:
            problems.append(f"{key_id!r}: {error}")
    if problems:
        raise SlipCodeError(SlipCodeProblem.KEY_FILE, f"{path}: {'; '.join(problems)}")
    return known


def verify_slip(text: str, keys_file: Path) -> SlipProof:
    """Check a scanned code against the file of public keys. Raises ``SlipCodeError``."""
    return read_slip_code(text, load_public_keys(keys_file))


def _known(key_id: str, entry: object) -> KnownKiosk:
    if not isinstance(entry, dict) or entry.keys() != {"kiosk", "public_key_pem"}:
        raise ValueError("needs kiosk and public_key_pem, nothing else")
    kiosk, pem = entry["kiosk"], entry["public_key_pem"]
    if not isinstance(kiosk, str) or not NAME.fullmatch(kiosk):
        raise ValueError("kiosk is no name of a kiosk")
    public = _p256(str(pem))
    if public is None:
        raise ValueError("public_key_pem is no public key on the curve P-256")
    if name_of(public) != key_id:
        raise ValueError(f"this key's name is {name_of(public)}")
    return KnownKiosk(kiosk=kiosk, public_key=public)


def _p256(pem: str) -> ec.EllipticCurvePublicKey | None:
    try:
        public = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    fits = isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1)
    return cast("ec.EllipticCurvePublicKey", public) if fits else None


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    damaged = SlipCodeError(SlipCodeProblem.DAMAGED, "characters are wrong or missing: scan it again")
    if len(text) > MOST_CHARACTERS:
        raise damaged
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise damaged from None
    if _base32(raw) != text:  # bits behind the last byte: two texts must not say the same
        raise damaged
    return raw


def _parsed(raw: bytes) -> tuple[SlipProof, bytes]:
    """Return what the bytes say, and the signature in DER."""
    try:
        key, epoch, seq, second, fingerprint = _HEAD.unpack_from(raw)
        at, words = _HEAD.size, []
        for _ in range(2):
            end = at + 1 + raw[at]
            words.append(raw[at + 1 : end].decode("ascii"))
            at = end
    except (struct.error, IndexError, UnicodeDecodeError):
        words, at = [], len(raw)
    if len(raw) - at != 2 * COORDINATE_BYTES or not all(NAME.fullmatch(word) for word in words) or second > LAST_SECOND:
        raise SlipCodeError(SlipCodeProblem.DAMAGED, "this is not what a slip's code holds: scan it again")
    proof = SlipProof(
        kiosk=words[0],
        epoch=epoch.hex(),
        seq=seq,
        number=words[1],
        taken_at=datetime.fromtimestamp(second, UTC),
        fingerprint=fingerprint,
        key_id=f"kiosk-{key.hex()}",
    )
    r, s = (int.from_bytes(raw[i : i + COORDINATE_BYTES], "big") for i in (at, at + COORDINATE_BYTES))
    return proof, encode_dss_signature(r, s)
