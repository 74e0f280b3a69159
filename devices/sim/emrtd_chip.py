"""A travel document's chip in software (ICAO Doc 9303): BAC, PACE, secure messaging, files, and what can go wrong.

It keeps the state of a real one: files of the application open only to who has proved to know the zone or the
printed number, a wrong word ends the session, wrong keys make it slower and slower. Put it into a slot of the virtual
reader (``devices.sim.vpcd_card``) or ask it directly.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devices.sim.emrtd_crypto import TDES, decrypt, encrypt, kdf, mac, pad, tlv
from devices.sim.emrtd_pace import PaceDialogue, PaceProfile, PaceRefused
from devices.sim.emrtd_session import Request, Session, Unprotected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.sim.emrtd_proof import AgreementKey, SigningKey

CARD_ACCESS, ATR_INFO = 0x011C, 0x2F01
APPLICATION: Final = bytes.fromhex("A0000002471001")
MASTER, TRAVEL = "master file", "travel document"
DONE: Final = 0x9000
FIRST_DELAY_S: Final = 0.5  # after a wrong key, doubled by each further one


class Refused(Exception):
    """A command that is answered with a status word alone."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status:04X}")
        self.status = status


@dataclass(slots=True)
class Faults:
    """What goes wrong, at the n-th protected answer from now on (1 is the next); 0: never."""

    wrong_proof: int = 0
    said_before: int = 0  # the last answer, byte by byte, instead of a new one
    ends_session: int = 0  # a bare 6988 instead of an answer
    gone: int = 0  # lifted in the middle


class EmrtdChip:
    """One document. ``files`` maps identifiers to contents; ``zone`` is what the keys are made of.

    ``largest_answer`` above 256: the chip says in EF.ATR/INFO that it speaks extended lengths. ``agreeing`` and
    ``signing`` are the keys it proves itself with (data groups 14 and 15). ``random`` and ``sleep`` are given where a
    test wants the same run twice, or not to wait.
    """

    def __init__(
        self,
        files: Mapping[int, bytes],
        zone: str,
        *,
        can: str = "",
        pace: PaceProfile | None = None,
        largest_answer: int = 256,
        random: Callable[[int], bytes] = os.urandom,
        sleep: Callable[[float], None] = time.sleep,
        agreeing: AgreementKey | None = None,
        signing: SigningKey | None = None,
    ) -> None:
        self.files = dict(files)
        self.faults = Faults()
        self.wrong_keys = 0  # proofs that were wrong since the last right one; survives a lift, as in real chips
        self.delayed_s = 0.0  # all that it has slept
        self.random = random
        self._zone, self._can = zone, can
        self._pace = pace
        self._largest = largest_answer
        self._sleep = sleep
        self._agreeing, self._signing = agreeing, signing
        self._master: dict[int, bytes] = {}
        if pace is not None:
            self._master[CARD_ACCESS] = tlv(0x31, pace.info())
        if largest_answer > 256:  # noqa: PLR2004 - what a short answer holds
            most = tlv(0x02, largest_answer.to_bytes(3, "big"))
            self._master[ATR_INFO] = tlv(0x47, b"\x00\x00\x40") + tlv(0x7F66, most, most)
        self.reset()

    def reset(self) -> None:
        """Forget what was selected and proved."""
        self._session: Session | None = None
        self._open = False
        self._place = MASTER
        self._file = b""
        self._challenge = b""
        self._run: PaceDialogue | None = None
        self._last = b""
        self._next: Session | None = None  # agreed upon in the command being answered, for those after it

    def answer(self, apdu: bytes) -> bytes:
        """Answer one command APDU."""
        try:
            request = Request.parse(apdu)
        except ValueError:
            return b"\x67\x00"
        if request.cla & 0x0C == 0x0C:  # noqa: PLR2004 - the bits of secure messaging
            return self._protected(request)
        self._session = None  # a bare word ends the session, and with it what it had opened
        self._open = False
        return self._bare(request)

    def _bare(self, request: Request) -> bytes:
        try:
            data = self._do(request)
        except (Refused, PaceRefused) as refused:
            return refused.status.to_bytes(2, "big")
        except (ValueError, IndexError):
            return b"\x6a\x80"
        return data + b"\x90\x00"

    def _protected(self, request: Request) -> bytes:
        session = self._session
        if session is None:
            return b"\x69\x88"
        try:
            inside = session.take(request)
        except Unprotected as error:
            return self._end(error.status)
        try:
            data, status = self._do(inside), DONE
        except Refused as refused:
            data, status = b"", refused.status
        if len(data) > self._largest:
            return self._end(0x6700)
        answer = self._spoiled(session.give(data, status, odd=bool(request.ins & 1)))
        self._session, self._next = self._next or self._session, None
        return answer

    def _end(self, status: int) -> bytes:
        self._session, self._open = None, False
        return status.to_bytes(2, "big")

    def _spoiled(self, answer: bytes) -> bytes:
        due = {name for name in Faults.__slots__ if getattr(self.faults, name) == 1}
        for name in Faults.__slots__:
            setattr(self.faults, name, max(0, getattr(self.faults, name) - 1))
        if "gone" in due:
            raise ConnectionAbortedError("the card was lifted")
        if "ends_session" in due:
            return self._end(0x6988)
        if "said_before" in due:
            return self._last
        if "wrong_proof" in due:
            return answer[:-3] + bytes([answer[-3] ^ 1]) + answer[-2:]
        self._last = answer
        return answer

    def _do(self, request: Request) -> bytes:
        match request.ins:
            case 0xA4:
                return self._select(request)
            case 0xB0 | 0xB1:
                return self._read(request)
            case 0x84:
                self._challenge = self.random(8)
                return self._challenge
            case 0x82:
                return self._authenticate(request.data)
            case 0x22:
                return self._set_environment(request)
            case 0x86:
                return self._agree(request.data) if self._open else self._go_on_with_pace(request)
            case 0x88 if self._signing is not None and self._open:
                return self._signing.sign(request.data)
        raise Refused(0x6D00)

    def _select(self, request: Request) -> bytes:
        self._file = b""
        if request.p1 == 0x04:  # noqa: PLR2004 - by name
            if request.data != APPLICATION:
                raise Refused(0x6A82)
            self._place = TRAVEL
        elif request.data == b"\x3f\x00":
            self._place = MASTER
        else:
            self._file = self._find(int.from_bytes(request.data, "big"))
        return b""

    def _find(self, identifier: int) -> bytes:
        if self._place == TRAVEL and not self._open:
            raise Refused(0x6982)
        here = self.files if self._place == TRAVEL else self._master
        if identifier not in here:
            raise Refused(0x6A82)
        return here[identifier]

    def _read(self, request: Request) -> bytes:
        if not self._file:
            raise Refused(0x6986)
        if request.ins == 0xB0:  # noqa: PLR2004 - the even READ BINARY
            offset = request.p1 << 8 | request.p2
            if offset >= 0x8000 or offset >= len(self._file):  # noqa: PLR2004 - above it is a short identifier
                raise Refused(0x6B00)
            return self._file[offset : offset + request.le]
        if request.data[:1] != b"\x54":
            raise Refused(0x6A80)
        offset = int.from_bytes(request.data[2:], "big")
        if offset >= len(self._file):
            raise Refused(0x6B00)
        part = self._file[offset : offset + request.le]
        while len(tlv(0x53, part)) > request.le:
            part = part[:-1]
        return tlv(0x53, part)

    def _authenticate(self, data: bytes) -> bytes:
        secret = hashlib.sha1(self._zone.encode("ascii")).digest()[:16]  # noqa: S324 - the standard's
        challenge, self._challenge = self._challenge, b""
        plain = decrypt(TDES, kdf(secret, 1, TDES), data[:32])
        proven = mac(TDES, kdf(secret, 2, TDES), pad(data[:32], 8)) == data[32:]
        if not challenge or not proven or plain[8:16] != challenge:
            self._wrong_key()
            raise Refused(0x6300)
        self.wrong_keys = 0
        ours = self.random(16)
        cryptogram = encrypt(TDES, kdf(secret, 1, TDES), challenge + plain[:8] + ours)
        proof = mac(TDES, kdf(secret, 2, TDES), pad(cryptogram, 8))
        seed = bytes(one ^ other for one, other in zip(plain[16:], ours, strict=True))
        self._session, self._open = Session(TDES, seed, challenge[4:] + plain[4:8]), True
        return cryptogram + proof

    def _wrong_key(self) -> None:
        delay = FIRST_DELAY_S * 2**self.wrong_keys
        self.wrong_keys += 1
        self.delayed_s += delay
        self._sleep(delay)

    def _set_environment(self, request: Request) -> bytes:
        if request.p1 == 0xC1:  # noqa: PLR2004 - both sides prove themselves: PACE
            return self._begin_pace(request.data)
        if self._agreeing is None or not self._open:
            raise Refused(0x6A88)
        return self._agree(request.data) if request.p2 == 0xA6 else b""  # noqa: PLR2004 - the old way, in one command

    def _agree(self, data: bytes) -> bytes:
        if self._agreeing is None:
            raise Refused(0x6985)
        cipher = self._agreeing.cipher
        self._next = Session(cipher, self._agreeing.shared(data), bytes(cipher.block))
        return b"" if data[:1] == b"\x91" else tlv(0x7C)

    def _begin_pace(self, data: bytes) -> bytes:
        if self._pace is None or self._pace.refused:
            raise Refused(0x6A80)
        by_can = tlv(0x83, b"\x02") in data
        if tlv(0x80, self._pace.protocol) not in data or (by_can and not self._can):
            raise Refused(0x6A88)
        zone = hashlib.sha1(self._zone.encode("ascii")).digest()  # noqa: S324 - the standard's
        self._run = PaceDialogue(self._pace, self._can.encode("ascii") if by_can else zone, self.random)
        return b""

    def _go_on_with_pace(self, request: Request) -> bytes:
        if self._run is None or self._pace is None:
            raise Refused(0x6985)
        try:
            answer = self._run.step(request.data)
        except PaceRefused as refused:
            if refused.status == 0x6300:  # noqa: PLR2004 - the token was wrong
                self._wrong_key()
            self._run = None
            raise
        if not request.cla & 0x10:  # the last of the chain
            cipher = self._pace.cipher
            self._session, self._open = Session(cipher, self._run.shared, bytes(cipher.block)), True
            self._run = None
            self.wrong_keys = 0
        return answer
