"""Port: a pad of numeric keys, for what residents may show to anybody: a choice, a date, a phone number, a ticket.

A bank PIN never enters this process: it is typed on the bank's encrypting pad, in the bank's application. So the port
has no call that could ask for one, and a driver for an encrypting pad uses only its mode for clear numeric entry.
"""

from __future__ import annotations

import enum
from abc import abstractmethod

from devices.device import Device


class PadKey(enum.StrEnum):
    """What a pad has."""

    ZERO = "0"
    ONE = "1"
    TWO = "2"
    THREE = "3"
    FOUR = "4"
    FIVE = "5"
    SIX = "6"
    SEVEN = "7"
    EIGHT = "8"
    NINE = "9"
    POINT = "."
    ENTER = "enter"
    CLEAR = "clear"  # one digit or all, as the field wants it
    CANCEL = "cancel"
    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"


class PinPad(Device):
    """The pad is heard only between :meth:`start` and :meth:`stop`."""

    @abstractmethod
    async def start(self) -> None:
        """Listen from now on; keys pressed before are dropped. Idempotent. Raises ``DeviceUnavailable``."""

    @abstractmethod
    async def stop(self) -> None:
        """Stop listening and drop what was not fetched. Idempotent; never raises."""

    @abstractmethod
    async def key(self) -> PadKey:
        """Return the next key, none lost and none twice. Cancellable within 0.5 s. Raises ``DeviceError``."""
