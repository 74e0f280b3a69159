"""One conversation with an SDT module over a wire: a command, its own reply, and nobody else's. Blocking.

Frames carry neither a number nor the command they answer, so a reply that comes late looks like the next command's.
Three things keep them apart: the input is emptied before each command; a reply that is still owed (the caller was
cancelled, or gave up) is waited for or, failing that, a module number is asked for as a marker, whose reply has a
length no other has; and the size of each reply must fit its command.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from devices.drivers.sdt_frames import (
    MODULE_BROKEN,
    SAM_ID_SIZE,
    Command,
    Reply,
    ReplyParser,
    Status,
    build_request,
    decode_sam_id,
)
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceProtocolError, DeviceTimeout, DeviceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.transport import Wire

QUICK_TIMEOUT_S = 1.5  # commands the module answers from memory or after one look for a card
READ_TIMEOUT_S = 5.0  # radio exchange with the card, and 2.4 s of wire time at 9600 baud
GAP_S = 1.0  # silence inside a frame: the rest was lost
STOP_GRACE_S = 0.3  # how long a running exchange may go on after its caller has left: most end within it

_SLOW = frozenset({Command.READ, Command.READ_APPENDED, Command.RESET})
_RESEND = frozenset({Status.HOST_CHECKSUM, Status.HOST_LENGTH})
# Data sizes of successful replies; those of READ and READ_APPENDED vary.
_DATA_SIZES = {
    Command.RESET: 0,
    Command.STATUS: 0,
    Command.SAM_ID: SAM_ID_SIZE,
    Command.FIND: 4,
    Command.SELECT: 8,
    Command.SET_MAX_RF: 0,
}
_SUCCESS = frozenset({Status.DONE, Status.FOUND})

_log = logging.getLogger(__name__)


class SdtLink:
    """The module's end of the wire. Used by one thread only."""

    def __init__(self, wire: Wire, stopping: Callable[[], bool]) -> None:
        self._wire = wire
        self._stopping = stopping
        self._parser = ReplyParser()
        self._owed_until: float | None = None  # monotonic seconds; None: every reply has been received

    def open(self) -> str:
        """Connect and return the module's number. Raises ``DeviceError``; the wire may be left open.

        The number comes first: replies still owed to an earlier owner of the line end with it.
        """
        self._wire.open()
        return self._mark()

    def close(self) -> None:
        """Disconnect; never raises."""
        self._wire.close()

    def ask(self, command: Command, data: bytes = b"") -> Reply:
        """Send ``command`` and return its reply, whatever its status says; resend once when the module asks for it.

        Raises ``DeviceTimeout``, ``DeviceProtocolError``, ``DeviceUnavailable``.
        """
        self._settle()
        reply = self._exchange(command, data)
        if reply.status in _RESEND:
            reply = self._exchange(command, data)
        expected = _DATA_SIZES.get(command)
        if reply.status in _SUCCESS and expected not in {None, len(reply.data)}:
            self._owed_until = 0.0  # somebody else's reply: ours may still come
            raise DeviceProtocolError(f"{command.name}: {len(reply.data)} bytes of data do not answer it")
        return reply

    def _exchange(self, command: Command, data: bytes) -> Reply:
        timeout_s = READ_TIMEOUT_S if command in _SLOW else QUICK_TIMEOUT_S
        self._wire.discard_input()
        self._parser = ReplyParser()
        self._owed_until = time.monotonic() + timeout_s
        self._wire.write(build_request(command, data))
        try:
            reply = self._receive(self._owed_until)
        except DeviceError as error:
            _log.info("%s: %s", command.name, error.code)
            raise
        self._owed_until = None
        level = logging.DEBUG if reply.status in {Status.NO_CARD, *_SUCCESS} else logging.INFO
        _log.log(level, "%s: %02X", command.name, reply.status)
        return reply

    def _receive(self, deadline: float) -> Reply:
        """Collect one reply. What went wrong leaves it owed."""
        heard = time.monotonic()
        stopped_at: float | None = None
        while True:
            reply = self._parse()
            if reply is not None:
                return reply
            chunk = self._wire.read()
            now = time.monotonic()
            if chunk:
                heard = now
                self._parser.feed(chunk)
            elif self._parser.unfinished and now - heard > GAP_S:
                raise self._garbled(f"reply broke off after {self._parser.unfinished} bytes")
            elif now > deadline:
                if self._parser.skipped or self._parser.unfinished:
                    raise self._garbled(f"{self._parser.skipped} bytes of noise instead of a reply")
                raise DeviceTimeout("module does not answer")
            if self._stopping():
                stopped_at = stopped_at or now
                if now - stopped_at > STOP_GRACE_S:
                    raise DeviceUnavailable("closed during a command", code=DeviceCode.CLOSED)

    def _parse(self) -> Reply | None:
        try:
            return self._parser.next()
        except DeviceProtocolError as error:
            raise self._garbled(error.detail) from None

    def _garbled(self, detail: str) -> DeviceProtocolError:
        """Nobody can tell what is still to come after a broken frame: the next command starts with a marker."""
        self._owed_until = 0.0
        return DeviceProtocolError(detail)

    def _settle(self) -> None:
        """Get the line to where no reply is owed."""
        if self._owed_until is None:
            return
        if time.monotonic() < self._owed_until:
            try:
                self._receive(self._owed_until)
            except (DeviceTimeout, DeviceProtocolError):
                _log.info("owed reply did not come: asking for a marker")
            else:
                self._owed_until = None
                return
        self._mark()

    def _mark(self) -> str:
        """Ask for the module's number and let everything before it pass; return it."""
        self._wire.discard_input()
        self._parser = ReplyParser()
        deadline = time.monotonic() + QUICK_TIMEOUT_S
        self._owed_until = 0.0
        self._wire.write(build_request(Command.SAM_ID))
        while True:
            reply = self._receive(deadline)
            if reply.status in MODULE_BROKEN:
                raise module_fault(reply.status)
            if reply.status == Status.DONE and len(reply.data) == SAM_ID_SIZE:
                self._owed_until = None
                return decode_sam_id(reply.data)
            _log.info("late reply %02X dropped", reply.status)


def module_fault(status: int) -> DeviceFault:
    """Name the failure of the security module itself: nobody at the counter can mend it."""
    what = "self-test failed" if status == Status.SELF_TEST_FAILED else "not authorised"
    return DeviceFault(f"security module: {what} ({status:02X})", code=DeviceCode.SECURITY_MODULE)
