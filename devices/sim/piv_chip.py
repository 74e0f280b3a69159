"""A simulated technician's card (PIV): a certificate anybody may read, and a key that signs once the PIN is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.x509.oid import NameOID

from devices.sim.emv_chip import obj

APPLICATION: Final = bytes.fromhex("A000000308000010000100")
CERTIFICATE: Final = bytes.fromhex("5C035FC105")
TRIES: Final = 3
OK, NOT_FOUND, NO_INSTRUCTION = b"\x90\x00", b"\x6a\x82", b"\x6d\x00"
CLOSED, BLOCKED, WRONG_DATA, CONDITIONS = b"\x69\x82", b"\x69\x83", b"\x6a\x80", b"\x69\x85"


@dataclass
class PivChip:
    """One card; wrong PINs are counted for good, also when it is pulled."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: bytes = field(repr=False)
    pin: str = field(default="123456", repr=False)
    tries: int = TRIES
    selected: bool = field(default=False, init=False)
    proved: bool = field(default=False, init=False)

    @classmethod
    def personalised(cls, name: str = "Technician T-01", pin: str = "123456") -> PivChip:
        """Make a card with a key of its own, whose certificate it has signed itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .sign(key, hashes.SHA256())
        )
        return cls(key, made.public_bytes(serialization.Encoding.DER), pin)

    def reset(self) -> None:
        """Forget what was selected and proved."""
        self.selected = self.proved = False

    def answer(self, apdu: bytes) -> bytes:
        """Answer as the card would, whole."""
        data = apdu[5 : 5 + apdu[4]] if len(apdu) > 5 else b""  # noqa: PLR2004 - header and Lc
        if apdu[1] == 0xA4:  # noqa: PLR2004 - SELECT
            return self._select(data)
        if not self.selected:
            return CONDITIONS
        match apdu[1]:
            case 0xCB:
                return self._read(data)
            case 0x20:
                return self._verify(data)
            case 0x87:
                return self._sign(apdu[2], apdu[3], data)
            case _:
                return NO_INSTRUCTION

    def _select(self, name: bytes) -> bytes:
        """Change nothing when it is selected again, or something it does not have (SP 800-73-4 part 2, 3.1.1)."""
        if len(name) < 5 or not APPLICATION.startswith(name):  # noqa: PLR2004 - a RID at least
            return NOT_FOUND
        self.selected = True
        return obj("61", obj("4F", APPLICATION[5:]), obj("79", obj("4F", APPLICATION[:5]))) + OK

    def _read(self, data: bytes) -> bytes:
        if data != CERTIFICATE or not self.certificate:
            return NOT_FOUND
        return obj("53", obj("70", self.certificate), obj("71", b"\0"), obj("FE")) + OK

    def _verify(self, data: bytes) -> bytes:
        if not self.tries:
            return BLOCKED
        if len(data) != 8:  # noqa: PLR2004 - a PIN block
            return WRONG_DATA
        self.proved = data == self.pin.encode().ljust(8, b"\xff")
        self.tries = TRIES if self.proved else self.tries - 1
        return OK if self.proved else bytes([0x63, 0xC0 | self.tries])

    def _sign(self, algorithm: int, slot: int, data: bytes) -> bytes:
        if not self.proved:
            return CLOSED
        if (algorithm, slot) != (0x11, 0x9A) or data[:6] != bytes.fromhex("7C2482008120") or len(data) != 38:  # noqa: PLR2004 - one hash
            return WRONG_DATA
        signature = self.key.sign(data[6:], ec.ECDSA(Prehashed(hashes.SHA256())))
        return obj("7C", obj("82", signature)) + OK
