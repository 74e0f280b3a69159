"""The machine's end of a vendor's USB class, on a bus that exists only in this process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devices.transport.scripted_usb import ScriptedUsb, UsbGadget

if TYPE_CHECKING:
    from collections.abc import Callable

# Endpoints of the security module's own USB class: of one pipe each way, and of the layout with split pipes.
PIPES = (0x02, 0x81)
SPLIT_PIPES = (0x02, 0x81, 0x06, 0x85)


class UsbLine:
    """``bus`` is what the driver's wire takes for libusb, ``gadget`` what is known of the device on it.

    ``head`` > 0: the first so many bytes of each sending go on the first pipe, the rest on the second.
    """

    def __init__(self, on_bytes: Callable[[bytes], None], *, vendor: int, product: int, head: int = 0) -> None:
        self._loop = asyncio.get_running_loop()
        self._hear = on_bytes
        self._head = head
        self.gadget = UsbGadget(vendor, product, pipes=SPLIT_PIPES if head else PIPES, plugged=False)
        self.bus = ScriptedUsb(self.gadget, self._on_bytes)

    @property
    def port(self) -> str:
        """Return the address a driver opens."""
        return f"usb:{self.gadget.vendor:04X}:{self.gadget.product:04X}"

    @property
    def plugged(self) -> bool:
        """Tell whether the device is on the bus."""
        return self.gadget.plugged

    def plug(self) -> None:
        """Put the device on the bus. Idempotent."""
        if not self.plugged:
            self.bus.plug()

    def unplug(self) -> None:
        """Take the device off the bus. Idempotent."""
        self.bus.unplug()

    def send(self, data: bytes) -> None:
        """Send ``data`` after all earlier bytes. Lost when unplugged."""
        head = self._head or len(data)
        self.bus.give(data[:head])
        if data[head:]:
            self.bus.give(data[head:], pipe=1)

    def _on_bytes(self, data: bytes) -> None:
        self._loop.call_soon_threadsafe(self._hear, data)
