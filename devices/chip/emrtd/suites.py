"""The two ways in which a travel document's chip enciphers and proves what is said (Doc 9303-11 clause 9.8).

Both pad by ISO/IEC 9797-1 method 2; both prove before they decipher: that order is the caller's (secure_messaging).
"""

from __future__ import annotations

import enum
import hashlib
from abc import ABC, abstractmethod
from typing import ClassVar

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

MAC_SIZE = 8
DES_KEY = 8
KEY_BYTES_OF_SHA1 = 16
NO_IV = bytes(16)
EVEN_TO_ODD = bytes(value if value.bit_count() % 2 else value ^ 1 for value in range(256))


class Algorithm(enum.Enum):
    """A cipher with its key length in bytes; the order is that of the last arc of the protocols' object identifiers."""

    TRIPLE_DES = 1
    AES_128 = 2
    AES_192 = 3
    AES_256 = 4


KEY_SIZES = {Algorithm.TRIPLE_DES: 16, Algorithm.AES_128: 16, Algorithm.AES_192: 24, Algorithm.AES_256: 32}


class Purpose(enum.IntEnum):
    """What a derived key is for (Doc 9303-11 clause 9.7.1)."""

    ENCRYPT = 1
    MAC = 2
    PASSWORD = 3


def derive_key(secret: bytes, purpose: Purpose, algorithm: Algorithm) -> bytes:
    """Return a key of ``algorithm`` from a shared secret (Doc 9303-11 clause 9.7.1)."""
    size = KEY_SIZES[algorithm]
    seed = secret + purpose.to_bytes(4)
    key = hashlib.sha1(seed).digest() if size <= KEY_BYTES_OF_SHA1 else hashlib.sha256(seed).digest()  # noqa: S324 - the standard's
    return key[:size].translate(EVEN_TO_ODD) if algorithm is Algorithm.TRIPLE_DES else key[:size]


class Suite(ABC):
    """Enciphering and proving with the two keys of one session; ``block`` is also the size of the send counter."""

    block: ClassVar[int]

    @abstractmethod
    def encrypt(self, counter: bytes, padded: bytes) -> bytes:
        """Encipher whole blocks of the message with this send counter."""

    @abstractmethod
    def decrypt(self, counter: bytes, enciphered: bytes) -> bytes:
        """Decipher whole blocks of the message with this send counter."""

    @abstractmethod
    def mac(self, padded: bytes) -> bytes:
        """Return the eight bytes that prove whole blocks."""

    @abstractmethod
    def token(self, data: bytes) -> bytes:
        """Return the eight bytes that prove data of any length (Doc 9303-11 clause 4.4.3.4)."""

    def pad(self, data: bytes) -> bytes:
        """Return ``data`` with a mark and zeros up to whole blocks."""
        return data + b"\x80" + bytes(-(len(data) + 1) % self.block)


def unpad(padded: bytes) -> bytes:
    """Take mark and zeros off. Raises ``ValueError``: there is no mark."""
    data = padded.rstrip(b"\0")
    if not data.endswith(b"\x80"):
        raise ValueError("padding has no mark")
    return data[:-1]


class TripleDesSuite(Suite):
    """Two-key 3DES with the retail MAC (ISO/IEC 9797-1 algorithm 3); the initial vector is zero."""

    block = 8

    def __init__(self, encryption_key: bytes, mac_key: bytes) -> None:
        first = mac_key[:DES_KEY]
        self._encryption = Cipher(_triple_des(encryption_key), modes.CBC(NO_IV[:8]))
        # Three times the same key is single DES, which the library no longer has by itself.
        self._chain = Cipher(TripleDES(first * 3), modes.CBC(NO_IV[:8]))
        self._last = _triple_des(mac_key)

    def encrypt(self, counter: bytes, padded: bytes) -> bytes:  # noqa: ARG002 - 3DES takes no vector from the counter
        """Encipher in CBC mode."""
        return self._encryption.encryptor().update(padded)

    def decrypt(self, counter: bytes, enciphered: bytes) -> bytes:  # noqa: ARG002 - as above
        """Decipher in CBC mode."""
        return self._encryption.decryptor().update(enciphered)

    def mac(self, padded: bytes) -> bytes:
        """Chain all blocks but the last through the first key, the last through both."""
        before = self._chain.encryptor().update(padded[: -self.block])
        vector = before[-self.block :] or NO_IV[:8]
        return Cipher(self._last, modes.CBC(vector)).encryptor().update(padded[-self.block :])

    def token(self, data: bytes) -> bytes:
        """Pad, then prove: the retail MAC takes whole blocks only."""
        return self.mac(self.pad(data))


class AesSuite(Suite):
    """AES in CBC mode, its vector the enciphered send counter, with a CMAC cut to eight bytes."""

    block = 16

    def __init__(self, encryption_key: bytes, mac_key: bytes) -> None:
        self._key = algorithms.AES(encryption_key)
        self._vectors = Cipher(self._key, modes.ECB()).encryptor()  # noqa: S305 - one block each: the standard's
        self._mac = CMAC(algorithms.AES(mac_key))

    def encrypt(self, counter: bytes, padded: bytes) -> bytes:
        """Encipher in CBC mode."""
        return Cipher(self._key, modes.CBC(self._vectors.update(counter))).encryptor().update(padded)

    def decrypt(self, counter: bytes, enciphered: bytes) -> bytes:
        """Decipher in CBC mode."""
        return Cipher(self._key, modes.CBC(self._vectors.update(counter))).decryptor().update(enciphered)

    def mac(self, padded: bytes) -> bytes:
        """Return the first eight bytes of the CMAC."""
        mac = self._mac.copy()
        mac.update(padded)
        return mac.finalize()[:MAC_SIZE]

    def token(self, data: bytes) -> bytes:
        """Prove as it is: a CMAC pads by itself."""
        return self.mac(data)


def suite_of(algorithm: Algorithm, secret: bytes) -> Suite:
    """Return the suite whose two keys come from a shared secret."""
    keys = (derive_key(secret, Purpose.ENCRYPT, algorithm), derive_key(secret, Purpose.MAC, algorithm))
    return TripleDesSuite(*keys) if algorithm is Algorithm.TRIPLE_DES else AesSuite(*keys)


def decrypt_once(algorithm: Algorithm, key: bytes, enciphered: bytes) -> bytes:
    """Decipher whole blocks with a key used once, from a zero vector (the nonce of PACE)."""
    if algorithm is Algorithm.TRIPLE_DES:
        return Cipher(_triple_des(key), modes.CBC(NO_IV[:8])).decryptor().update(enciphered)
    return Cipher(algorithms.AES(key), modes.CBC(NO_IV)).decryptor().update(enciphered)


def _triple_des(key: bytes) -> TripleDES:
    return TripleDES(key + key[:DES_KEY])  # cryptography takes K1‖K2‖K1 for two-key 3DES
