"""One card reader of the PC/SC service (``pcscd``), by its own few calls. Blocking; used by one thread only.

The library's monitors are left alone: each is a hidden thread that outlives its owner. What a call returns becomes a
``DeviceError`` here and nowhere else. What is sent and answered is never logged.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from smartcard.scard import scard

from devices.chip import apdu
from devices.errors import DeviceCode, DeviceProtocolError, DeviceTimeout, DeviceUnavailable, MediumError

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

SLICE_MS: Final = 200  # the longest a wait goes without asking whether anybody still wants it: well within 0.5 s
BUSY_WAIT_S: Final = 1.0  # other programs look at a new card for a moment; one that keeps it longer is at work
BUSY_POLL_S: Final = 0.05
NOTICE_S: Final = 1.5  # pcscd looks every 0.4 s whether a card is there: by then it knows
_COUNTER_SHIFT: Final = 16  # pcsc-lite: the upper half of a state counts insertions and removals
_COUNTER_MASK: Final = 0xFFFF
SERVICE_NAME: Final = "PCSCLITE_CSOCK_NAME"  # where the C library looks, once, when a process first speaks to a service

_SERVICE = frozenset(
    {
        scard.SCARD_E_NO_SERVICE,
        scard.SCARD_E_SERVICE_STOPPED,
        scard.SCARD_E_INVALID_HANDLE,  # of a service that ended and came back
        scard.SCARD_F_COMM_ERROR,
        scard.SCARD_F_INTERNAL_ERROR,
        scard.SCARD_E_SYSTEM_CANCELLED,
        scard.SCARD_E_NO_ACCESS,
    }
)
_READER = frozenset(
    {
        scard.SCARD_E_UNKNOWN_READER,
        scard.SCARD_E_READER_UNAVAILABLE,
        scard.SCARD_E_NO_READERS_AVAILABLE,
    }
)
_LIFTED = frozenset({scard.SCARD_W_REMOVED_CARD, scard.SCARD_E_NO_SMARTCARD})
_UNREADABLE = frozenset(
    {
        scard.SCARD_W_UNRESPONSIVE_CARD,
        scard.SCARD_W_UNPOWERED_CARD,
        scard.SCARD_W_UNSUPPORTED_CARD,
        scard.SCARD_E_PROTO_MISMATCH,
    }
)
# What a call on a card ends with whose contact was lost: whether it was lifted shows when the slot is looked at.
_BROKEN_OFF = frozenset({scard.SCARD_E_NOT_TRANSACTED, scard.SCARD_W_RESET_CARD, scard.SCARD_E_COMM_DATA_LOST})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SlotState:
    """What the service says of a slot. ``visit`` changes with every insertion and removal."""

    present: bool
    answers: bool
    atr: bytes
    visit: int
    raw: int

    def same_card(self, other: SlotState) -> bool:
        """Tell whether the card seen in ``other`` is in the slot and has not left it meanwhile."""
        return self.present and self.visit == other.visit


def use_service(socket: str) -> None:
    """Speak with the service at the Unix socket ``socket`` instead of the machine's own, as does everybody here.

    A process has one service for all its life: call it before anything is asked. Raises ``ValueError`` when another
    was named before.
    """
    named = os.environ.setdefault(SERVICE_NAME, socket)
    if named != socket:
        raise ValueError(f"service {socket!r}: this process speaks with {named!r} already, and can with one only")


class PcscReader:
    """The one reader whose name ``pattern`` is found in. ``stopping`` ends every wait within ``SLICE_MS``."""

    def __init__(self, pattern: re.Pattern[str], stopping: Callable[[], bool]) -> None:
        self._pattern = pattern
        self._stopping = stopping
        self._context: Any = None  # the library's own handles
        self._card: Any = None
        self._t0 = False
        self.name = ""

    def open(self) -> str:
        """Reach the service, find the reader and return its name. Raises ``DeviceUnavailable``; see :meth:`close`."""
        if self._context is None:
            code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
            _demand(code, "reach the PC/SC service")
            self._context = context
        code, names = scard.SCardListReaders(self._context, [])
        if _masked(code) != scard.SCARD_E_NO_READERS_AVAILABLE:
            _demand(code, "list the readers")
        fitting = [name for name in names if self._pattern.search(name)]
        there = ", ".join(names) or "none"
        if not fitting:
            raise DeviceUnavailable(f"no reader's name has {self._pattern.pattern!r} in it; there are: {there}")
        if len(fitting) > 1:
            raise DeviceUnavailable(
                f"{self._pattern.pattern!r} fits more than one reader, make it longer; there are: {there}"
            )
        self.name = fitting[0]
        self._ask(scard.SCARD_STATE_UNAWARE, 0)  # a reader that is listed and does not answer is none
        return self.name

    def close(self) -> None:
        """Let go of card and service. Idempotent; never raises."""
        self.disconnect()
        context, self._context = self._context, None
        if context is not None:
            code = scard.SCardReleaseContext(context)
            if _masked(code) != scard.SCARD_S_SUCCESS:
                _log.debug("context was gone: %s", _name(code))

    def state(self) -> SlotState:
        """Ask the service, without waiting. Raises ``DeviceUnavailable``."""
        if self._context is None:
            self.open()
        return self._ask(scard.SCARD_STATE_UNAWARE, 0)

    def wait(self, wanted: Callable[[SlotState], bool]) -> SlotState:
        """Return the first state that is ``wanted``. Raises ``DeviceUnavailable``, ``CLOSED`` when nobody waits."""
        state = self.state()
        while not wanted(state):
            if self._stopping():
                raise _left()
            state = self._ask(state.raw, SLICE_MS)
        return state

    def connect(self) -> None:
        """Take the card for us alone. Raises ``MediumError``, ``DeviceUnavailable`` (``BUSY`` among them)."""
        if self._context is None:
            self.open()
        deadline = time.monotonic() + BUSY_WAIT_S
        while True:
            code, card, protocol = scard.SCardConnect(
                self._context,
                self.name,
                scard.SCARD_SHARE_EXCLUSIVE,  # refused at once where shared access would wait without end
                scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
            )
            if _masked(code) != scard.SCARD_E_SHARING_VIOLATION:
                break
            if self._stopping():
                raise _left()
            if time.monotonic() > deadline:
                raise DeviceUnavailable("another program keeps the card to itself", code=DeviceCode.BUSY)
            time.sleep(BUSY_POLL_S)
        if _masked(code) in _BROKEN_OFF:
            self._demand_card()
            raise MediumError(f"chip does not answer: {_name(code)}", code=DeviceCode.CARD_UNREADABLE)
        _demand(code, "power the card")
        self._card, self._t0 = card, protocol == scard.SCARD_PROTOCOL_T0

    def exchange(self, command: bytes) -> bytes:
        """Send one command to the connected card; return the whole answer with its status word.

        Raises ``MediumError``, ``DeviceUnavailable``, ``DeviceProtocolError``.
        """
        return apdu.exchange(command, t0=self._t0, transmit=self._transmit)

    def disconnect(self) -> None:
        """Reset the card, so that nothing proved to it outlasts the conversation, and let go of it. Never raises."""
        card, self._card = self._card, None
        if card is not None:
            code = scard.SCardDisconnect(card, scard.SCARD_RESET_CARD)
            if _masked(code) != scard.SCARD_S_SUCCESS:
                _log.debug("card was gone: %s", _name(code))

    def _transmit(self, command: bytes) -> bytes:
        if self._stopping():
            raise _left()
        pci = scard.SCARD_PCI_T0 if self._t0 else scard.SCARD_PCI_T1
        code, answer = scard.SCardTransmit(self._card, pci, list(command))
        if _masked(code) in _BROKEN_OFF:
            self._demand_card()
            raise MediumError(f"chip broke off: {_name(code)}", code=DeviceCode.CARD_UNREADABLE)
        _demand(code, "talk to the card")
        if len(answer) < apdu.STATUS_SIZE:  # what some readers make of a card that is gone
            self._demand_card()
        return bytes(answer)

    def _demand_card(self) -> None:
        """Raise ``MediumError`` when the card we talked to is being lifted: the service notices a little later."""
        seen = state = self.state()
        deadline = time.monotonic() + NOTICE_S
        while state.same_card(seen) and time.monotonic() < deadline and not self._stopping():
            state = self._ask(state.raw, SLICE_MS)
        if not state.same_card(seen):
            raise MediumError("card was lifted", code=DeviceCode.CARD_LIFTED)

    def _ask(self, known: int, wait_ms: int) -> SlotState:
        code, states = scard.SCardGetStatusChange(self._context, wait_ms, [(self.name, known)])
        if _masked(code) != scard.SCARD_E_TIMEOUT:
            _demand(code, "ask for the reader's state")
        _, raw, atr = states[0]
        if raw & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
            raise DeviceUnavailable("reader does not answer the PC/SC service")
        return SlotState(
            present=bool(raw & scard.SCARD_STATE_PRESENT),
            answers=not raw & scard.SCARD_STATE_MUTE and bool(atr),
            atr=bytes(atr),
            visit=raw >> _COUNTER_SHIFT & _COUNTER_MASK,
            raw=raw & ~scard.SCARD_STATE_CHANGED,
        )


def _demand(code: int, what: str) -> None:
    """Accept success. The one place where the service's codes get their meaning."""
    code = _masked(code)
    if code == scard.SCARD_S_SUCCESS:
        return
    said = f"cannot {what}: {_name(code)}"
    if code in _SERVICE | _READER:
        raise DeviceUnavailable(said)
    if code in _LIFTED:
        raise MediumError("card was lifted", code=DeviceCode.CARD_LIFTED)
    if code in _UNREADABLE:
        raise MediumError(f"chip does not answer: {_name(code)}", code=DeviceCode.CARD_UNREADABLE)
    if code == scard.SCARD_E_SHARING_VIOLATION:
        raise DeviceUnavailable(said, code=DeviceCode.BUSY)
    if code == scard.SCARD_E_TIMEOUT:
        raise DeviceTimeout(said)
    raise DeviceProtocolError(said)


def _left() -> DeviceUnavailable:
    return DeviceUnavailable("closed during a call", code=DeviceCode.CLOSED)


def _masked(code: int) -> int:
    return code & 0xFFFFFFFF  # some builds of the library return the codes signed


def _name(code: int) -> str:
    return f"{scard.SCardGetErrorMessage(code).rstrip('. ')} ({_masked(code):08X})"
