"""From the address in the settings to the wire that leads there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from devices.transport.hid import HidWire
from devices.transport.serial import SerialWire
from devices.transport.tcp_wire import TcpWire
from devices.transport.usb import SplitPipes, UsbAddress, UsbWire

if TYPE_CHECKING:
    from devices.transport import DescriptorWire, Wire


def wire_to(
    port: str, *, baud: int, report_size: int = 64, report_id: int = 0, split: SplitPipes | None = None
) -> Wire:
    """Make the wire for ``port``; nothing is opened.

    ``usb:VVVV:PPPP[:SERIAL]`` is a vendor's USB class; for the others see :func:`descriptor_wire_to`.
    Raises ``ValueError`` for an address that cannot be one.
    """
    scheme, _, rest = port.partition(":")
    if scheme == "usb":
        return UsbWire(UsbAddress.parse(rest), split=split)
    return descriptor_wire_to(port, baud=baud, report_size=report_size, report_id=report_id)


def descriptor_wire_to(port: str, *, baud: int, report_size: int = 64, report_id: int = 0) -> DescriptorWire:
    """Make the wire for ``port``, one that can be listened to; nothing is opened.

    ``hid:`` followed by an address of ``devices.transport.hid`` is a HID interface, ``socket://HOST:PORT`` a
    serial-device server; everything else is a serial line: a path, or a URL pyserial knows.
    Raises ``ValueError`` for an address that cannot be one.
    """
    scheme, _, rest = port.partition(":")
    match scheme:
        case "usb":
            raise ValueError(f"address {port!r}: a vendor's USB class cannot be listened to")
        case "hid":
            return HidWire(rest, report_size=report_size, report_id=report_id)
        case "socket":
            at = urlsplit(port)
            if not at.hostname or at.port is None:
                raise ValueError(f"address {port!r}: expected socket://HOST:PORT")
            return TcpWire(at.hostname, at.port)
        case _:
            return SerialWire(port, baud)
