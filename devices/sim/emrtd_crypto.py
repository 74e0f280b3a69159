"""What a travel document's chip computes (Doc 9303-11), written for the simulator alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SimCipher:
    """One of the four ciphers: the last arc of PACE's identifiers, its key's and its block's size in bytes."""

    arc: int
    key_size: int
    block: int


TDES: Final = SimCipher(1, 16, 8)
AES_128: Final = SimCipher(2, 16, 16)
AES_192: Final = SimCipher(3, 24, 16)
AES_256: Final = SimCipher(4, 32, 16)


def tlv(tag: int, *values: bytes) -> bytes:
    """Return one data object with these values in a row."""
    value = b"".join(values)
    size = len(value)
    length = bytes([size]) if size < 0x80 else b""  # noqa: PLR2004 - one octet is enough
    for octets in (1, 2, 3):
        length = length or (bytes([0x80 + octets]) + size.to_bytes(octets, "big") if size < 256**octets else b"")
    return bytes.fromhex(f"{tag:0{len(f'{tag:x}') + len(f'{tag:x}') % 2}x}") + length + value


def untlv(data: bytes) -> list[tuple[int, bytes]]:
    """Return the objects in a row; short tags only, as commands have them. Raises ``ValueError``, ``IndexError``."""
    found = []
    while data:
        begin, size = 2, data[1]
        if size >= 0x80:  # noqa: PLR2004 - so many octets of length follow
            begin = 2 + size - 0x80
            size = int.from_bytes(data[2:begin], "big")
        if len(data) < begin + size:
            raise ValueError("object is cut short")
        found.append((data[0], data[begin : begin + size]))
        data = data[begin + size :]
    return found


def kdf(secret: bytes, counter: int, cipher: SimCipher) -> bytes:
    """Derive a key."""
    hashed = hashlib.sha256 if cipher.key_size > 16 else hashlib.sha1  # noqa: PLR2004 - a longer key wants a longer hash
    key = hashed(secret + bytes([0, 0, 0, counter])).digest()[: cipher.key_size]
    return bytes(_odd(octet) for octet in key) if cipher is TDES else key


def _odd(octet: int) -> int:
    return octet if octet.bit_count() % 2 else octet ^ 1


def pad(data: bytes, block: int) -> bytes:
    """Pad by method 2."""
    data += b"\x80"
    return data + b"\0" * ((block - len(data) % block) % block)


def encrypt(cipher: SimCipher, key: bytes, data: bytes, vector: bytes = b"") -> bytes:
    """Encipher in CBC mode."""
    return _cbc(cipher, key, vector).encryptor().update(data)


def decrypt(cipher: SimCipher, key: bytes, data: bytes, vector: bytes = b"") -> bytes:
    """Decipher in CBC mode."""
    return _cbc(cipher, key, vector).decryptor().update(data)


def mac(cipher: SimCipher, key: bytes, data: bytes, *, padded: bool = True) -> bytes:
    """Return the eight proving bytes of data; only 3DES pads what is not padded yet."""
    if cipher is not TDES:
        tag = CMAC(algorithms.AES(key))
        tag.update(data)
        return tag.finalize()[:8]
    if not padded:
        data = pad(data, 8)
    left, right = TripleDES(key[:8] * 3), TripleDES(key[8:] * 3)
    chained = Cipher(left, modes.CBC(bytes(8))).encryptor().update(data)[-8:]
    crossed = Cipher(right, modes.ECB()).decryptor().update(chained)  # noqa: S305 - a single block
    return Cipher(left, modes.ECB()).encryptor().update(crossed)  # noqa: S305 - a single block


def _cbc(cipher: SimCipher, key: bytes, vector: bytes) -> Cipher[modes.CBC]:
    algorithm = TripleDES(key + key[:8]) if cipher is TDES else algorithms.AES(key)
    return Cipher(algorithm, modes.CBC(vector or bytes(cipher.block)))


@dataclass(frozen=True, slots=True)
class SimCurve:
    """A curve in affine coordinates, slow and plain. ``number`` is that of PACE's domain parameters."""

    number: int
    p: int
    a: int
    b: int
    base: Point
    order: int

    @property
    def size(self) -> int:
        """Bytes of a coordinate."""
        return (self.p.bit_length() + 7) // 8

    def add(self, one: Point | None, other: Point | None) -> Point | None:
        """Add two points; ``None`` is the one at infinity."""
        if one is None or other is None:
            return one or other
        (x1, y1), (x2, y2) = one, other
        if x1 == x2:
            if (y1 + y2) % self.p == 0:
                return None
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x = (slope * slope - x1 - x2) % self.p
        return x, (slope * (x1 - x) - y1) % self.p

    def multiply(self, factor: int, point: Point) -> Point:
        """Multiply by doubling and adding."""
        result: Point | None = None
        addend: Point | None = point
        while factor:
            if factor & 1:
                result = self.add(result, addend)
            addend = self.add(addend, addend)
            factor >>= 1
        if result is None:
            raise ValueError("infinity")
        return result

    def encode(self, point: Point) -> bytes:
        """Write a point uncompressed."""
        return b"\x04" + point[0].to_bytes(self.size, "big") + point[1].to_bytes(self.size, "big")

    def decode(self, data: bytes) -> Point:
        """Read a point. Raises ``ValueError``: not on the curve."""
        x, y = int.from_bytes(data[1 : 1 + self.size], "big"), int.from_bytes(data[1 + self.size :], "big")
        if data[:1] != b"\x04" or (y * y - x**3 - self.a * x - self.b) % self.p:
            raise ValueError("not on the curve")
        return x, y


@dataclass(frozen=True, slots=True)
class SimPrimeGroup:
    """Numbers modulo a prime, for DH."""

    number: int
    p: int
    g: int
    order: int
