"""Questions and answers on a serial line of Modbus boards. Blocking: lives in the line's worker thread.

A reply carries no number: one that comes late would pass for the answer to the next question. So the line is heard out
before the next question as long as a reply is owed. Silence, which the standard makes the end of a frame, cannot be
measured behind a USB adapter that hands over bytes every 16 ms: a reply ends where its length and its checksum say.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from devices.drivers.modbus_frames import RTU_OVERHEAD, rtu_frame, rtu_reply
from devices.errors import DeviceCode, DeviceError, DeviceProtocolError, DeviceTimeout, DeviceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.drivers.modbus_frames import Request
    from devices.transport import Wire

RESPONSE_S: Final = 0.3  # boards answer within 50 ms; twice this is still noticed within a second
TRIES: Final = 2  # a spark on the cable spoils a frame now and then; reads and writes of states may be sent again
BITS_A_CHARACTER: Final = 11  # serial line clause 2.5.1: start, eight, parity or a second stop, stop
SILENT_CHARACTERS: Final = 3.5  # serial line clause 2.5.1.1: between two frames
SHORTEST_SILENCE_S: Final = 0.00175  # ... and no less than this above 19200 baud
OPENING_S: Final = 0.05  # a reply to whoever had the line before comes within it
GAP_S: Final = 0.05  # silence after bytes nobody waits for: that was all of them


class RtuLine:
    """One line, one question at a time."""

    def __init__(self, wire: Wire, baud: int, stopping: Callable[[], bool]) -> None:
        self._wire = wire
        self._stopping = stopping
        self._character_s = BITS_A_CHARACTER / baud
        self._silence_s = max(SILENT_CHARACTERS * self._character_s, SHORTEST_SILENCE_S)
        self._heard = 0.0  # when the last byte went over the line
        self._owed_until = 0.0  # until when a reply to a question nobody waits for any more may come
        self._lost = ""  # why nobody is asked any more

    def open(self) -> None:
        """Open the port. Raises ``DeviceUnavailable``."""
        self._wire.open()
        self._owed_until = time.monotonic() + OPENING_S

    def close(self) -> None:
        """Let go of the port; never raises."""
        self._wire.close()

    def ask(self, unit: int, request: Request) -> bytes:
        """Return the protocol data unit that answers ``request``.

        Raises ``DeviceTimeout``, ``DeviceProtocolError``, and ``DeviceUnavailable`` when the line is gone: it is then
        closed, so that whoever opens it again does not find it taken.
        """
        if self._lost:  # while this question waited for its turn
            raise DeviceUnavailable(self._lost)
        for last in (False, True):
            try:
                return self._ask_once(unit, request)
            except (DeviceTimeout, DeviceProtocolError):
                if last:
                    raise
            except DeviceError as error:
                if not self._stopping():
                    self._lost = error.detail
                    self._wire.close()
                raise
        raise AssertionError("the last try returns or raises")

    def _ask_once(self, unit: int, request: Request) -> bytes:
        self._hear_out()
        frame = rtu_frame(unit, request)
        travelling_s = (len(frame) + request.reply_size + RTU_OVERHEAD) * self._character_s
        self._owed_until = time.monotonic() + travelling_s + RESPONSE_S
        self._wire.write(frame)
        arrived, late = bytearray(), False
        while not late:
            late = time.monotonic() >= self._owed_until  # and listen all the same: it may be this thread that is late
            arrived += self._listen()
            reply = self._whole(arrived, unit, request)
            if reply is not None:
                return reply
        if arrived:
            raise DeviceProtocolError(f"reply of unit {unit} broke off after {len(arrived)} bytes")
        raise DeviceTimeout(f"unit {unit} does not answer")

    def _whole(self, arrived: bytearray, unit: int, request: Request) -> bytes | None:
        try:
            reply = rtu_reply(bytes(arrived), unit, request)
        except DeviceProtocolError:
            self._owed_until = time.monotonic() + GAP_S  # that was it, or most of it
            raise
        if reply is not None:
            self._owed_until = 0.0
        return reply

    def _hear_out(self) -> None:
        """Let a reply that is owed pass, and the silence between two frames."""
        while time.monotonic() < self._owed_until:
            if self._listen():
                self._owed_until = min(self._owed_until, self._heard + GAP_S)
        time.sleep(max(0.0, self._heard + self._silence_s - time.monotonic()))  # milliseconds
        self._wire.discard_input()

    def _listen(self) -> bytes:
        data = self._wire.read()
        if data:
            self._heard = time.monotonic()
        if self._stopping():
            raise DeviceUnavailable("left in the middle of a question", code=DeviceCode.CLOSED)
        return data
