"""Wires: how bytes reach a device. What the bytes mean is the driver's business.

Wires are blocking and live in one device's worker thread (``devices.blocking``); none of them is safe to share. Those
with a descriptor can also be listened to on the event loop (``devices.transport.listening``).
"""

from __future__ import annotations

from typing import Protocol

READ_SLICE_S = 0.05  # the longest a wire keeps its thread waiting, so that a stop is noticed well within 0.5 s


class Wire(Protocol):
    """One two-way byte stream."""

    def open(self) -> None:
        """Connect. Raises ``DeviceUnavailable``."""
        ...

    def write(self, data: bytes) -> None:
        """Send all of ``data``. Raises ``DeviceUnavailable``, or ``DeviceTimeout`` when nobody takes the bytes."""
        ...

    def read(self) -> bytes:
        """Return what has arrived within ``READ_SLICE_S``, possibly nothing. Raises ``DeviceUnavailable``."""
        ...

    def discard_input(self) -> None:
        """Forget what has arrived and was not read. Raises ``DeviceUnavailable``."""
        ...

    def close(self) -> None:
        """Disconnect. Idempotent; never raises."""
        ...


class DescriptorWire(Wire, Protocol):
    """A wire whose arrival of bytes the kernel can tell: ``read`` returns at once when its descriptor is readable."""

    def fileno(self) -> int:
        """Return the descriptor of the open wire. Raises ``DeviceUnavailable``."""
        ...
