"""Keys with which a simulated chip proves that it is no copy: chip authentication, active authentication."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from devices.sim.emrtd_crypto import SimCipher, SimCurve, tlv, untlv
from devices.sim.emrtd_curves import P_256

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

CHIP_KEY: Final = bytes.fromhex("04007F000702020102")
CHIP_AUTHENTICATION: Final = bytes.fromhex("04007F000702020302")
ACTIVE_AUTHENTICATION: Final = bytes.fromhex("678108010105")
PLAIN_SHA256: Final = bytes.fromhex("04007F00070101040103")
TRAILERS: Final = {"sha1": b"\xbc", "sha256": b"\x34\xcc"}


@dataclass(frozen=True, slots=True)
class AgreementKey:
    """A key pair on P-256 for chip authentication; ``told`` is false where only the key, not the cipher, is listed."""

    cipher: SimCipher
    secret: int = field(default=0x1234_5678_9ABC_DEF0_0FED_CBA9, repr=False)
    reference: bytes = b""
    told: bool = True
    curve: SimCurve = P_256

    def infos(self) -> bytes:
        """Return what data group 14 says of it."""
        number = tlv(0x02, self.reference) if self.reference else b""
        protocol = tlv(0x06, CHIP_AUTHENTICATION + bytes([self.cipher.arc]))
        told = tlv(0x30, protocol, b"\x02\x01\x01", number) if self.told else b""
        point = self.curve.encode(self.curve.multiply(self.secret, self.curve.base))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        return told + tlv(0x30, tlv(0x06, CHIP_KEY), _der(public), number)

    def shared(self, data: bytes) -> bytes:
        """Agree with the public key in a command: an object 91, or an object 80 within 7C."""
        tag, value = untlv(data)[0]
        theirs = value if tag == 0x91 else untlv(value)[0][1]  # noqa: PLR2004 - the old way
        return self.curve.multiply(self.secret, self.curve.decode(theirs))[0].to_bytes(self.curve.size, "big")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair for active authentication; with RSA it signs by ISO/IEC 9796-2 scheme 1."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)
    digest: str = "sha256"

    def group(self) -> bytes:
        """Return data group 15."""
        return tlv(0x6F, _der(self.key.public_key()))

    def sign(self, challenge: bytes) -> bytes:
        """Answer INTERNAL AUTHENTICATE."""
        size = (self.key.key_size + 7) // 8
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.key.sign(challenge, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        trailer = TRAILERS[self.digest]
        room = size - 1 - hashlib.new(self.digest).digest_size - len(trailer)
        ours = bytes(range(room % 251)).ljust(room, b"\x5a")
        block = b"\x6a" + ours + hashlib.new(self.digest, ours + challenge).digest() + trailer
        private = self.key.private_numbers()
        modulus = private.public_numbers.n
        signed = pow(int.from_bytes(block, "big"), private.d, modulus)
        return min(signed, modulus - signed).to_bytes(size, "big")


def group14(*keys: AgreementKey, plain_signature: bool = False) -> bytes:
    """Return data group 14: the keys, and that active authentication signs with ECDSA and SHA-256."""
    active = tlv(0x30, tlv(0x06, ACTIVE_AUTHENTICATION), b"\x02\x01\x01", tlv(0x06, PLAIN_SHA256))
    return tlv(0x6E, tlv(0x31, *(key.infos() for key in keys), active if plain_signature else b""))


def _der(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
