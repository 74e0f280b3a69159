"""The chip's side of secure messaging (Doc 9303-11 clause 9.8), for the simulated travel document."""

from __future__ import annotations

from dataclasses import dataclass

from devices.sim.emrtd_crypto import TDES, SimCipher, decrypt, encrypt, kdf, mac, pad, tlv, untlv

MANY = 256  # expected bytes that one octet of Le can name


class Unprotected(Exception):
    """Objects are missing or wrong: the session is over. The value is the status word."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04X}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One command APDU, taken apart; ``le`` is 0 where nothing is expected."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes
    le: int

    @classmethod
    def parse(cls, apdu: bytes) -> Request:
        """Take a short or extended command apart. Raises ``ValueError``: its lengths do not fit."""
        if len(apdu) < 4:  # noqa: PLR2004 - CLA INS P1 P2
            raise ValueError("no header")
        head, body = apdu[:4], apdu[4:]
        extended = len(body) >= 3 and body[0] == 0  # noqa: PLR2004 - a zero, then two octets
        size = 2 if extended else 1
        body = body[1:] if extended else body
        data = b""
        if len(body) > size:
            length = int.from_bytes(body[:size], "big")
            data, body = body[size : size + length], body[size + length :]
            if len(data) != length:
                raise ValueError("cut short")
        if len(body) not in {0, size}:
            raise ValueError("too long")
        le = (int.from_bytes(body, "big") or 1 << 8 * size) if body else 0
        return cls(head[0], head[1], head[2], head[3], data, le)


class Session:
    """Two keys, and the counter that goes on with each command and each answer."""

    def __init__(self, cipher: SimCipher, secret: bytes, counter: bytes) -> None:
        self._cipher = cipher
        self._encrypt = kdf(secret, 1, cipher)
        self._mac = kdf(secret, 2, cipher)
        self._count = int.from_bytes(counter, "big")

    def take(self, request: Request) -> Request:
        """Return the command inside. Raises ``Unprotected``."""
        counter = self._next()
        try:
            objects = dict(untlv(request.data))
        except (ValueError, IndexError):
            raise Unprotected(0x6988) from None
        if 0x8E not in objects:  # noqa: PLR2004 - the proof
            raise Unprotected(0x6987)
        header = pad(bytes([request.cla, request.ins, request.p1, request.p2]), self._cipher.block)
        rest = request.data[: -len(tlv(0x8E, objects[0x8E]))]
        if mac(self._cipher, self._mac, pad(counter + header + rest, self._cipher.block)) != objects[0x8E]:
            raise Unprotected(0x6988)
        enciphered = objects.get(0x85, objects.get(0x87, b"\x01")[1:])
        data = self._strip(decrypt(self._cipher, self._encrypt, enciphered, self._vector(counter)))
        expected = objects.get(0x97)
        le = 0 if expected is None else int.from_bytes(expected, "big") or 1 << 8 * len(expected)
        return Request(request.cla & ~0x0C, request.ins, request.p1, request.p2, data, le)

    def give(self, data: bytes, status: int, *, odd: bool) -> bytes:
        """Return the protected answer."""
        counter = self._next()
        body = b""
        if data:
            enciphered = encrypt(self._cipher, self._encrypt, pad(data, self._cipher.block), self._vector(counter))
            body = tlv(0x85, enciphered) if odd else tlv(0x87, b"\x01", enciphered)
        body += tlv(0x99, status.to_bytes(2, "big"))
        proof = mac(self._cipher, self._mac, pad(counter + body, self._cipher.block))
        return body + tlv(0x8E, proof) + status.to_bytes(2, "big")

    def _strip(self, padded: bytes) -> bytes:
        return padded.rstrip(b"\0")[:-1]

    def _vector(self, counter: bytes) -> bytes:
        return b"" if self._cipher is TDES else encrypt(self._cipher, self._encrypt, counter)

    def _next(self) -> bytes:
        self._count += 1
        size = self._cipher.block
        return (self._count % (1 << 8 * size)).to_bytes(size, "big")
