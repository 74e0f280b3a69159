"""The chip's side of PACE with generic mapping (Doc 9303-11 clause 4.4), for the simulated travel document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.sim.emrtd_crypto import AES_128, SimCipher, SimCurve, SimPrimeGroup, encrypt, kdf, mac, tlv, untlv
from devices.sim.emrtd_curves import BRAINPOOL_256

if TYPE_CHECKING:
    from collections.abc import Callable


PACE = "04007F0007020204"


class PaceRefused(Exception):
    """The command does not fit; the value is the status word."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04X}")
        self.status = status


@dataclass(frozen=True, slots=True)
class PaceProfile:
    """How a chip does PACE, and what it says of it in EF.CardAccess."""

    group: SimCurve | SimPrimeGroup = BRAINPOOL_256
    cipher: SimCipher = AES_128
    mapping: int = 0  # 0: generic, as the group has it; others are offered in words only
    refused: bool = False  # offered, and then not done

    @property
    def protocol(self) -> bytes:
        """Return the octets of the object identifier."""
        generic = 2 if isinstance(self.group, SimCurve) else 1
        return bytes.fromhex(PACE) + bytes([self.mapping or generic, self.cipher.arc])

    def info(self) -> bytes:
        """Return the PACEInfo."""
        return tlv(0x30, tlv(0x06, self.protocol), tlv(0x02, b"\x02"), tlv(0x02, bytes([self.group.number])))


class PaceDialogue:
    """One run, step by step."""

    def __init__(self, profile: PaceProfile, secret: bytes, random: Callable[[int], bytes]) -> None:
        self._profile = profile
        self._secret = secret
        self._random = random
        self._nonce = b""
        self._generator: tuple[int, int] | int | None = None
        self._keys: tuple[bytes, bytes] = (b"", b"")  # theirs, ours
        self.shared = b""

    def step(self, data: bytes) -> bytes:
        """Answer one GENERAL AUTHENTICATE. Raises ``PaceRefused``; ``ValueError`` for bytes that make no sense."""
        inside = untlv(untlv(data)[0][1]) if data != b"\x7c\x00" else []
        tag, value = inside[0] if inside else (0x80, b"")
        steps = {0x80: self._give_nonce, 0x81: self._map, 0x83: self._agree, 0x85: self._prove}
        if tag not in steps:
            raise PaceRefused(0x6A80)
        return tlv(0x7C, tlv(tag if tag == 0x80 else tag + 1, steps[tag](value)))  # noqa: PLR2004 - the first has no twin

    def _give_nonce(self, value: bytes) -> bytes:
        del value
        self._nonce = self._random(16)
        cipher = self._profile.cipher
        return encrypt(cipher, kdf(self._secret, 3, cipher), self._nonce)

    def _map(self, theirs: bytes) -> bytes:
        group, nonce, secret = self._profile.group, int.from_bytes(self._nonce, "big"), self._draw()
        if isinstance(group, SimCurve):
            shared = group.multiply(secret, group.decode(theirs))
            self._generator = group.add(group.multiply(nonce % group.order, group.base), shared)
            return group.encode(group.multiply(secret, group.base))
        self._generator = pow(group.g, nonce, group.p) * pow(int.from_bytes(theirs, "big"), secret, group.p) % group.p
        return self._number(pow(group.g, secret, group.p))

    def _agree(self, theirs: bytes) -> bytes:
        group, secret, generator = self._profile.group, self._draw(), self._generator
        if isinstance(group, SimCurve) and isinstance(generator, tuple):
            ours = group.encode(group.multiply(secret, generator))
            self.shared = group.multiply(secret, group.decode(theirs))[0].to_bytes(group.size, "big")
        elif isinstance(group, SimPrimeGroup) and isinstance(generator, int):
            ours = self._number(pow(generator, secret, group.p))
            self.shared = self._number(pow(int.from_bytes(theirs, "big"), secret, group.p))
        else:
            raise PaceRefused(0x6985)
        self._keys = (theirs, ours)
        return ours

    def _prove(self, token: bytes) -> bytes:
        theirs, ours = self._keys
        if token != self._token(ours):
            raise PaceRefused(0x6300)
        return self._token(theirs)

    def _token(self, key: bytes) -> bytes:
        cipher = self._profile.cipher
        tag = 0x86 if isinstance(self._profile.group, SimCurve) else 0x84
        content = tlv(0x7F49, tlv(0x06, self._profile.protocol), tlv(tag, key))
        return mac(cipher, kdf(self.shared, 2, cipher), content, padded=False)

    def _draw(self) -> int:
        size = (self._profile.group.order.bit_length() + 7) // 8
        return int.from_bytes(self._random(size), "big") % (self._profile.group.order - 1) + 1

    def _number(self, number: int) -> bytes:
        return number.to_bytes((self._profile.group.p.bit_length() + 7) // 8, "big")
