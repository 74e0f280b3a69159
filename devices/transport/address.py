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

    ``usb:VVVV:PPPP[:SERIAL]`` is a vendor's USB class, ``hid:`` followed by an address of ``devices.transport.hid`` a
    HID interface; for everything else see :func:`serial_wire_to`. Raises ``ValueError`` for what can be no address.
    """
    scheme, _, rest = port.partition(":")
    match scheme:
        case "usb":
            return UsbWire(UsbAddress.parse(rest), split=split)
        case "hid":
            return HidWire(rest, report_size=report_size, report_id=report_id)
        case _:
            return serial_wire_to(port, baud=baud)


def serial_wire_to(port: str, *, baud: int) -> DescriptorWire:
    """Make the wire for the serial line ``port``; nothing is opened.

    ``socket://HOST:PORT`` is a serial-device server; everything else a path, or a URL pyserial knows. Raises
    ``ValueError`` for what can be no address of a serial line.
    """
    scheme = port.partition(":")[0]
    if scheme in {"usb", "hid"}:
        raise ValueError(f"address {port!r}: a serial line is needed")
    if scheme != "socket":
        return SerialWire(port, baud)
    at = urlsplit(port)
    if not at.hostname or at.port is None:
        raise ValueError(f"address {port!r}: expected socket://HOST:PORT")
    return TcpWire(at.hostname, at.port)
