"""Secure messaging (Doc 9303-11 clause 9.8): every command and answer enciphered, counted and proven."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from devices.chip.apdu import SHORT_DATA, Answer, command, parse
from devices.chip.emrtd import ber
from devices.chip.emrtd.suites import unpad
from devices.chip.tlv import unreadable
from devices.errors import DeviceCode, MediumError

if TYPE_CHECKING:
    from devices.chip.emrtd.suites import Suite

PROTECTED_CLASS = 0x0C
LE_MANY = 0x100  # more expected bytes than one octet can name: an extended command
STATUS_SIZE = 2
STATUS_OBJECT = 4  # 99 02 SW1 SW2
PROOF_OBJECT = 10  # 8E 08 and the proof
ENCIPHERED, ENCIPHERED_ODD, EXPECTED, STATUS, PROOF = 0x87, 0x85, 0x97, 0x99, 0x8E
PADDED = b"\x01"  # before enciphered data of an even instruction: padded by method 2
SESSION_ENDED = frozenset({0x6987, 0x6988, 0x6700})  # bare: objects missing or wrong; a length the chip cannot do


class SessionLost(Exception):
    """The chip answered without protection: no fault yet, the dialogue starts over once."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command before protection. ``le`` is what is expected at most, ``None``: nothing; ``cla`` has chaining only."""

    ins: int
    p1: int
    p2: int
    data: bytes = field(default=b"", repr=False)
    le: int | None = None
    cla: int = 0

    def apdu(self) -> bytes:
        """Return the bytes of the unprotected command."""
        return command(self.cla, self.ins, self.p1, self.p2, self.data, expected=self.le or 0)


class Channel:
    """One session: the two keys and the send counter, which goes on with each command and each answer."""

    def __init__(self, suite: Suite, counter: bytes) -> None:
        self._suite = suite
        self._count = int.from_bytes(counter)

    def room(self, largest_answer: int) -> int:
        """Return how many bytes of data fit an answer of ``largest_answer`` bytes, status word not counted."""
        object_header = 3 if largest_answer <= LE_MANY else 5
        enciphered = largest_answer - object_header - len(PADDED) - STATUS_OBJECT - PROOF_OBJECT
        return enciphered // self._suite.block * self._suite.block - 1  # the mark of the padding takes one

    def protect(self, plain: Command) -> bytes:
        """Return the protected plain."""
        counter = self._next()
        header = bytes((plain.cla | PROTECTED_CLASS, plain.ins, plain.p1, plain.p2))
        objects = b""
        if plain.data:
            enciphered = self._suite.encrypt(counter, self._suite.pad(plain.data))
            odd = plain.ins & 1
            objects = ber.encode(ENCIPHERED_ODD, enciphered) if odd else ber.encode(ENCIPHERED, PADDED + enciphered)
        many = plain.le is not None and plain.le > LE_MANY
        if plain.le is not None:
            objects += ber.encode(EXPECTED, (plain.le & 0xFFFF).to_bytes(2) if many else bytes((plain.le & 255,)))
        proof = self._suite.mac(self._suite.pad(counter + self._suite.pad(header) + objects))
        body = objects + ber.encode(PROOF, proof)
        if many or len(body) > SHORT_DATA:
            return b"".join((header, b"\0", len(body).to_bytes(2), body, b"\0\0"))
        return b"".join((header, bytes((len(body),)), body, b"\0"))

    def open(self, response: bytes) -> Answer:
        """Return what a protected answer says; nothing is deciphered before the proof was right.

        Raises ``SessionLost``; ``MediumError``: ``CARD_UNREADABLE`` when objects make no sense, ``CARD_REFUSED`` when
        the proof is wrong: what is said is not the chip's, or was said before.
        """
        bare = parse(response)
        if not bare.data:
            if bare.status in SESSION_ENDED:
                raise SessionLost
            raise unreadable(f"status {bare.status:04X} without protection")
        counter = self._next()
        objects = dict(ber.items(bare.data))
        proof, status = objects.get(PROOF, b""), objects.get(STATUS, b"")
        if len(status) != STATUS_SIZE or not bare.data.endswith(ber.encode(PROOF, proof)):
            raise unreadable("protected answer without status or proof")
        proven = bare.data[:-PROOF_OBJECT]
        expected = self._suite.mac(self._suite.pad(counter + proven))
        if not hmac.compare_digest(proof, expected):
            raise MediumError("chip: the proof of an answer is wrong", code=DeviceCode.CARD_REFUSED)
        return Answer(self._decipher(counter, objects), int.from_bytes(status))

    def _decipher(self, counter: bytes, objects: dict[int, bytes]) -> bytes:
        if ENCIPHERED in objects:
            mark, enciphered = objects[ENCIPHERED][:1], objects[ENCIPHERED][1:]
        elif ENCIPHERED_ODD in objects:
            mark, enciphered = PADDED, objects[ENCIPHERED_ODD]
        else:
            return b""
        if mark != PADDED or not enciphered or len(enciphered) % self._suite.block:
            raise unreadable("enciphered data are no whole blocks")
        try:
            return unpad(self._suite.decrypt(counter, enciphered))
        except ValueError as error:
            raise unreadable(f"enciphered data: {error}") from None

    def _next(self) -> bytes:
        self._count = (self._count + 1) % (1 << 8 * self._suite.block)
        return self._count.to_bytes(self._suite.block)
