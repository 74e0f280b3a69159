"""The groups of PACE and what its generic mapping needs of them (Doc 9303-11 clauses 4.4.3.3 and 9.5.1).

The mapping asks for a whole point where a library's ECDH gives the first coordinate only, and for keys on a generator
that no library knows. Each multiplication by a secret is done by the library all the same, so its timing tells
nothing: the first coordinates of k·P and (k+1)·P decide which of the two points of that coordinate k·P is. What is
left to our own arithmetic is one addition of points a run. The DH groups use Python's ``pow``, whose timing depends
on the exponent; every exponent is used once, and never again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from devices.chip.tlv import unreadable
from devices.errors import DeviceCode, MediumError

if TYPE_CHECKING:
    from collections.abc import Callable

EXTRA_BITS = 64  # drawn beyond the order: the remainder is then even enough (FIPS 186-5 appendix A.2.1)
UNCOMPRESSED = b"\x04"
COMPRESSED_EVEN = b"\x02"


class Group(ABC):
    """Public keys are bytes as PACE sends them: an uncompressed point, or a number as long as the modulus."""

    key_tag: int  # of a public key within the token's data object (Doc 9303-11 clause 9.4)

    @abstractmethod
    def draw(self, random: Callable[[int], bytes]) -> int:
        """Return a fresh secret."""

    @abstractmethod
    def public(self, secret: int) -> bytes:
        """Return the public key on the group's own generator."""

    @abstractmethod
    def map(self, nonce: bytes, secret: int, theirs: bytes) -> bytes:
        """Return the mapped generator. Raises ``MediumError`` for what is no public key."""

    @abstractmethod
    def public_on(self, generator: bytes, secret: int) -> bytes:
        """Return the public key on a mapped generator."""

    @abstractmethod
    def agree(self, secret: int, theirs: bytes) -> bytes:
        """Return the shared secret. Raises ``MediumError`` for what is no public key."""


def _below(order: int, random: Callable[[int], bytes]) -> int:
    """Return a number from 2 to ``order`` - 2: neither it nor its neighbours lead to nowhere."""
    return int.from_bytes(random((order.bit_length() + EXTRA_BITS + 7) // 8)) % (order - 3) + 2


@dataclass(frozen=True, slots=True)
class CurveGroup(Group):
    """A curve over a prime field with cofactor 1: ``y² = x³ + ax + b (mod p)``."""

    curve: ec.EllipticCurve
    p: int
    a: int
    key_tag = 0x86

    def draw(self, random: Callable[[int], bytes]) -> int:
        """Return a fresh secret."""
        return _below(self.curve.group_order, random)

    def public(self, secret: int) -> bytes:
        """Multiply the curve's generator."""
        return _encoded(ec.derive_private_key(secret, self.curve).public_key())

    def map(self, nonce: bytes, secret: int, theirs: bytes) -> bytes:
        """Return nonce·G + secret·theirs."""
        number = int.from_bytes(nonce) % self.curve.group_order
        if not number:
            raise MediumError("chip: its nonce is zero", code=DeviceCode.CARD_REFUSED)
        return self._add(self.public(number), self._multiply(secret, self._point(theirs)))

    def public_on(self, generator: bytes, secret: int) -> bytes:
        """Multiply a mapped generator."""
        return self._multiply(secret, self._point(generator))

    def agree(self, secret: int, theirs: bytes) -> bytes:
        """Return the first coordinate of secret·theirs."""
        return ec.derive_private_key(secret, self.curve).exchange(ec.ECDH(), self._point(theirs))

    def _point(self, encoded: bytes) -> ec.EllipticCurvePublicKey:
        """Return a point that the library has found to be on the curve and not at infinity."""
        if encoded[:1] != UNCOMPRESSED:
            raise unreadable("public key is no uncompressed point")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(self.curve, encoded)
        except ValueError:
            raise MediumError("chip: public key is not on the curve", code=DeviceCode.CARD_REFUSED) from None

    def _multiply(self, secret: int, point: ec.EllipticCurvePublicKey) -> bytes:
        """Return secret·point with both coordinates; ``secret`` + 1 is below the order too."""
        first = ec.derive_private_key(secret, self.curve).exchange(ec.ECDH(), point)
        after = ec.derive_private_key(secret + 1, self.curve).exchange(ec.ECDH(), point)
        even = ec.EllipticCurvePublicKey.from_encoded_point(self.curve, COMPRESSED_EVEN + first)
        candidate, added = _encoded(even), _encoded(point)
        if self._add(candidate, added)[1 : 1 + len(after)] == after:
            return candidate
        x, y = self._coordinates(candidate)
        return self._encode(x, self.p - y)

    def _add(self, one: bytes, other: bytes) -> bytes:
        """Return the sum of two points, which is the only arithmetic on curves that is ours."""
        (x1, y1), (x2, y2), p = self._coordinates(one), self._coordinates(other), self.p
        if x1 == x2 and (y1 + y2) % p == 0:
            raise MediumError("chip: its keys lead to the point at infinity", code=DeviceCode.CARD_REFUSED)
        slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, p) if x1 == x2 else (y2 - y1) * pow(x2 - x1, -1, p)
        x3 = (slope * slope - x1 - x2) % p
        return self._encode(x3, (slope * (x1 - x3) - y1) % p)

    def _coordinates(self, encoded: bytes) -> tuple[int, int]:
        size = len(encoded) // 2
        return int.from_bytes(encoded[1 : 1 + size]), int.from_bytes(encoded[1 + size :])

    def _encode(self, x: int, y: int) -> bytes:
        size = (self.p.bit_length() + 7) // 8
        return UNCOMPRESSED + x.to_bytes(size) + y.to_bytes(size)


@dataclass(frozen=True, slots=True)
class PrimeGroup(Group):
    """A subgroup of prime order ``q`` of the numbers modulo ``p`` (RFC 5114)."""

    p: int
    g: int
    q: int
    key_tag = 0x84

    def draw(self, random: Callable[[int], bytes]) -> int:
        """Return a fresh secret."""
        return _below(self.q, random)

    def public(self, secret: int) -> bytes:
        """Raise the group's generator."""
        return self._encode(pow(self.g, secret, self.p))

    def map(self, nonce: bytes, secret: int, theirs: bytes) -> bytes:
        """Return g to the nonce, times theirs to the secret."""
        mapped = pow(self.g, int.from_bytes(nonce), self.p) * pow(self._number(theirs), secret, self.p) % self.p
        if mapped == 1:
            raise MediumError("chip: its keys lead to no generator", code=DeviceCode.CARD_REFUSED)
        return self._encode(mapped)

    def public_on(self, generator: bytes, secret: int) -> bytes:
        """Raise a mapped generator."""
        return self._encode(pow(int.from_bytes(generator), secret, self.p))

    def agree(self, secret: int, theirs: bytes) -> bytes:
        """Return theirs to the secret."""
        return self._encode(pow(self._number(theirs), secret, self.p))

    def _number(self, encoded: bytes) -> int:
        number = int.from_bytes(encoded)
        if not 1 < number < self.p - 1 or pow(number, self.q, self.p) != 1:
            raise MediumError("chip: public key is not in the group", code=DeviceCode.CARD_REFUSED)
        return number

    def _encode(self, number: int) -> bytes:
        return number.to_bytes((self.p.bit_length() + 7) // 8)


def _encoded(key: ec.EllipticCurvePublicKey) -> bytes:
    numbers = key.public_numbers()
    size = (key.curve.key_size + 7) // 8
    return UNCOMPRESSED + numbers.x.to_bytes(size) + numbers.y.to_bytes(size)
