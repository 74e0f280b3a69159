"""A chip card in software, in a slot of the virtual reader (vsmartcard's ``vpcd``): insert it, pull it, break it.

The reader's protocol: messages of a 2-byte big-endian length and so many bytes. One byte is a control (power off, power
on, reset, tell the ATR), anything longer a command APDU. A closed socket is a lifted card.
"""

from __future__ import annotations

import enum
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

LENGTH_SIZE: Final = 2
POWER_OFF, POWER_ON, RESET, TELL_ATR = 0, 1, 2, 4
JOIN_S: Final = 5.0
SWAP_S: Final = 0.5  # pcscd looks at a slot every 0.4 s: cards swapped faster than that would be one to it
SHORT_MAX: Final = 256
GARBAGE: Final = b"\x5a"  # one byte is no answer at all: a status word alone has two

_log = logging.getLogger(__name__)


class Chip(Protocol):
    """What a card's program has to be: it sees whole commands and gives whole answers, status word included."""

    def reset(self) -> None:
        """Forget what was selected and proved."""
        ...

    def answer(self, apdu: bytes) -> bytes:
        """Answer one command APDU (ISO/IEC 7816-4) with data and status word."""
        ...


class Wire(enum.Enum):
    """How a chip talks; the value is an answer to reset that says so."""

    T0 = bytes.fromhex("3B6500002063CB6800")
    T1 = bytes.fromhex("3B8580018073C821100E")  # also what a contactless reader makes of a card


class VpcdSlot:
    """One slot: ``connect`` opens a socket into it. A chip is played by a thread of its own while it is in the slot.

    Faults are set before or while a card is in, and hold until they are taken back; counted ones go off once.
    """

    def __init__(self, connect: Callable[[], socket.socket], *, name: str = "vpcd-card") -> None:
        self.asked = 0  # command APDUs received since the slot was made
        self.pace_s = 0.0  # how long the chip takes for each command
        self._emptied = 0.0  # monotonic seconds
        self._connect = connect
        self._name = name
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._gone = threading.Event()
        self._speaks = threading.Event()  # cleared: commands are taken in and not answered
        self._speaks.set()
        self._pull_at: int | None = None
        self._garble_at: int | None = None

    @property
    def occupied(self) -> bool:
        """Tell whether a card is in the slot."""
        return self._socket is not None and not self._gone.is_set()

    def insert(self, chip: Chip, wire: Wire = Wire.T1) -> None:
        """Put a card in, after taking out another that is still there. Raises ``ConnectionError`` without a reader.

        Blocks for up to half a second after a removal: no hand swaps cards faster than a reader looks.
        """
        self.remove()
        time.sleep(max(0.0, self._emptied + SWAP_S - time.monotonic()))
        inside = self._connect()
        self._gone.clear()
        chip.reset()
        player = T0Manners(chip) if wire is Wire.T0 else T1Manners(chip)
        self._socket = inside
        self._thread = threading.Thread(target=self._play, args=(inside, player, wire), name=self._name, daemon=True)
        self._thread.start()

    def remove(self) -> None:
        """Take the card out, in the middle of whatever is going on. Idempotent."""
        inside, self._socket = self._socket, None
        if inside is not None:
            self._leave(inside)
        if self._thread is not None:
            self._thread.join(JOIN_S)
            self._thread = None
        if inside is not None:
            inside.close()

    def mend(self) -> None:
        """Take back every fault."""
        self._pull_at = self._garble_at = None
        self.pace_s = 0.0
        self.unmute()

    def mute(self) -> None:
        """Let the chip answer no command any more; it still answers to power."""
        self._speaks.clear()

    def unmute(self) -> None:
        """Let it answer again, also what it was asked meanwhile."""
        self._speaks.set()

    def pull_in_command(self, number: int = 1) -> None:
        """Pull the card in the middle of the ``number``-th command from now on, before its answer."""
        self._pull_at = self.asked + number

    def garble_answer(self, number: int = 1) -> None:
        """Answer the ``number``-th command from now on with a byte that means nothing."""
        self._garble_at = self.asked + number

    def _play(self, inside: socket.socket, chip: Chip, wire: Wire) -> None:
        try:
            while (message := _receive(inside)) is not None:
                answer = self._hear(message, chip, wire)
                if answer is not None:
                    inside.sendall(len(answer).to_bytes(LENGTH_SIZE, "big") + answer)
        except OSError:
            _log.debug("%s: the reader has gone", self._name)
        finally:
            self._leave(inside)

    def _leave(self, inside: socket.socket) -> None:
        if not self._gone.is_set():
            self._gone.set()
            self._emptied = time.monotonic()
            _hang_up(inside)

    def _hear(self, message: bytes, chip: Chip, wire: Wire) -> bytes | None:
        if len(message) > 1:
            return self._command(message, chip)
        if message[0] == TELL_ATR:
            return wire.value
        chip.reset()
        return None

    def _command(self, apdu: bytes, chip: Chip) -> bytes | None:
        self.asked += 1
        number = self.asked
        if number == self._pull_at:
            raise ConnectionAbortedError  # ends the thread as a lifted card would
        if self.pace_s and self._gone.wait(self.pace_s):
            return None
        while not self._speaks.wait(_MUTE_SLICE_S):
            if self._gone.is_set():
                return None
        return GARBAGE if number == self._garble_at else chip.answer(apdu)


class T0Manners:
    """What the T=0 protocol makes of a chip's answers: nothing comes with data both ways (ISO/IEC 7816-3 clause 12).

    Data after a command with data wait for GET RESPONSE (61xx); a wrong length is told (6Cxx), and the chip is not
    asked a second time for what it has already answered.
    """

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._waiting = b""  # data of the last answer, for GET RESPONSE
        self._status = b""  # ... and its status word
        self._offered: tuple[bytes, bytes] | None = None  # a header and the answer whose length it has to name

    def reset(self) -> None:
        """Forget everything."""
        self._waiting, self._offered = b"", None
        self._chip.reset()

    def answer(self, apdu: bytes) -> bytes:
        """Answer one command TPDU: header, P3 and data one way."""
        header, p3 = apdu[:4], apdu[4] if len(apdu) > 4 else 0  # noqa: PLR2004 - CLA INS P1 P2, then P3
        if header[1] == 0xC0:  # noqa: PLR2004 - GET RESPONSE
            return self._get_response(p3 or SHORT_MAX)
        self._waiting = b""
        if len(apdu) > 5:  # noqa: PLR2004 - data follow the header
            return self._with_data(apdu)
        return self._without_data(header, p3)

    def _with_data(self, apdu: bytes) -> bytes:
        if len(apdu) != 5 + apdu[4]:
            return b"\x67\x00"  # a Le has no place in a T=0 command with data
        answer = self._chip.answer(apdu)
        self._waiting, self._status = answer[:-2], answer[-2:]
        return self._more() if self._waiting else answer

    def _without_data(self, header: bytes, p3: int) -> bytes:
        if self._offered is not None and self._offered[0] == header:
            answer = self._offered[1]
        else:
            answer = self._chip.answer(header + bytes([p3]))
        self._offered = None
        data = len(answer) - 2
        if data and data != (p3 or SHORT_MAX):
            self._offered = (header, answer)
            return bytes([0x6C, data & 0xFF])
        return answer

    def _get_response(self, wanted: int) -> bytes:
        if not self._waiting:
            return b"\x69\x85"
        if wanted > len(self._waiting):
            return bytes([0x6C, len(self._waiting)])
        data, self._waiting = self._waiting[:wanted], self._waiting[wanted:]
        return data + (self._more() if self._waiting else self._status)

    def _more(self) -> bytes:
        return bytes([0x61, len(self._waiting) if len(self._waiting) < SHORT_MAX else 0])


class T1Manners:
    """T=1 carries answers whole, up to what a short command can expect: the rest waits for GET RESPONSE."""

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._waiting = b""  # rest of the last answer, its status word with it

    def reset(self) -> None:
        """Forget everything."""
        self._waiting = b""
        self._chip.reset()

    def answer(self, apdu: bytes) -> bytes:
        """Answer one command APDU; to an extended one, in one piece."""
        if apdu[1] == 0xC0 and self._waiting:  # noqa: PLR2004 - GET RESPONSE
            whole = self._waiting
        else:
            whole = self._chip.answer(apdu)
            if len(apdu) > 6 and not apdu[4]:  # noqa: PLR2004 - a length of three bytes
                return whole
        data = len(whole) - 2
        if data <= SHORT_MAX:
            self._waiting = b""
            return whole
        self._waiting = whole[SHORT_MAX:]
        return whole[:SHORT_MAX] + bytes([0x61, min(data - SHORT_MAX, SHORT_MAX) & 0xFF])


_MUTE_SLICE_S: Final = 0.02


def _receive(inside: socket.socket) -> bytes | None:
    """Return the reader's next message, ``None`` when there is no more."""
    length = _exactly(inside, LENGTH_SIZE)
    return None if length is None else _exactly(inside, int.from_bytes(length, "big"))


def _exactly(inside: socket.socket, size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        # The reader sends length and content apart: a delayed acknowledgement of the first would hold back the second
        # for 40 ms. The option does not last, so it is set before each read.
        inside.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        chunk = inside.recv(size - len(data))
        if not chunk:
            return None
        data += chunk
    return data


def _hang_up(inside: socket.socket) -> None:
    try:
        inside.shutdown(socket.SHUT_RDWR)
    except OSError:  # the reader hung up first
        _log.debug("card socket was closed from the other side")
