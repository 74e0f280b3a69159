# ruff: noqa: D102 - most methods are pyusb's: usb.backend.IBackend says what they do
"""A USB bus without hardware: it plays one device below ``devices.transport.usb``, in the shape pyusb has of libusb."""

from __future__ import annotations

import array
import errno
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import usb.core
import usb.util
from usb.backend import IBackend

if TYPE_CHECKING:
    from collections.abc import Callable

FULL_SPEED_PACKET = 64  # bytes of a bulk packet at full speed (USB 2.0, 5.8.3)
_GET_DESCRIPTOR, _STRING = 6, 3  # USB 2.0, tables 9-4 and 9-5
_SERIAL_INDEX = 3
_LANGUAGE = b"\x09\x04"  # US English, as every device offers


@dataclass(slots=True)
class UsbGadget:
    """What is on the bus: numbers, pipes (endpoint addresses), and whether a driver of the kernel sits on it."""

    vendor: int
    product: int
    serial: str = ""
    pipes: tuple[int, ...] = (0x01, 0x81)
    packet: int = FULL_SPEED_PACKET
    kernel_driver: bool = True
    plugged: bool = True
    configured: int = 1  # 0: fresh on the bus
    claimed: bool = False
    busy: bool = False  # another program has claimed it
    forbidden: bool = False  # no udev rule for us
    stuck: bool = False  # takes no bytes
    opened: int = field(default=0, repr=False)  # handles that nobody closed


class ScriptedUsb(IBackend):  # type: ignore[misc]  # the library has no types
    """A bus with one device on it, in the shape pyusb wants of libusb. ``on_bytes`` hears what the host sends.

    It is called in the host's thread; :meth:`give` and :meth:`unplug` may be called from any.
    """

    def __init__(self, gadget: UsbGadget, on_bytes: Callable[[bytes], None]) -> None:
        self.gadget = gadget
        self._on_bytes = on_bytes
        self._changed = threading.Condition()
        self._arrived: dict[int, deque[bytes]] = {pipe: deque() for pipe in gadget.pipes if pipe & usb.util.ENDPOINT_IN}

    def give(self, data: bytes, pipe: int = 0) -> None:
        """Send ``data`` to the host on its ``pipe``-th pipe in, cut into packets; lost when unplugged."""
        size = self.gadget.packet
        with self._changed:
            if self.gadget.plugged:
                queue = list(self._arrived.values())[pipe]
                queue.extend(data[start : start + size] for start in range(0, len(data), size))
                self._changed.notify_all()

    def plug(self) -> None:
        """Put the device on the bus; it starts afresh."""
        with self._changed:
            self.gadget.plugged, self.gadget.kernel_driver, self.gadget.claimed = True, True, False

    def unplug(self) -> None:
        """Take the device off the bus: every transfer that is under way ends with ENODEV."""
        with self._changed:
            self.gadget.plugged = False
            for queue in self._arrived.values():
                queue.clear()
            self._changed.notify_all()

    # What follows is usb.backend.IBackend; the descriptors are those of USB 2.0, chapter 9.

    def enumerate_devices(self) -> list[UsbGadget]:
        return [self.gadget] if self.gadget.plugged else []

    def get_parent(self, dev: UsbGadget) -> None:
        """Return None: the device hangs on the root."""

    def get_device_descriptor(self, dev: UsbGadget) -> Any:
        return SimpleNamespace(
            bLength=18,
            bDescriptorType=1,
            bcdUSB=0x0200,
            bDeviceClass=0,
            bDeviceSubClass=0,
            bDeviceProtocol=0,
            bMaxPacketSize0=64,
            idVendor=dev.vendor,
            idProduct=dev.product,
            bcdDevice=0x0100,
            iManufacturer=0,
            iProduct=0,
            iSerialNumber=_SERIAL_INDEX if dev.serial else 0,
            bNumConfigurations=1,
            address=1,
            bus=1,
            port_number=1,
            port_numbers=(1,),
            speed=2,
        )

    def get_configuration_descriptor(self, dev: UsbGadget, config: int) -> Any:
        if config:
            raise IndexError(config)
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=2,
            wTotalLength=9 + 9 + 7 * len(dev.pipes),
            bNumInterfaces=1,
            bConfigurationValue=1,
            iConfiguration=0,
            bmAttributes=0x80,
            bMaxPower=250,
            extra_descriptors=[],
        )

    def get_interface_descriptor(self, dev: UsbGadget, intf: int, alt: int, config: int) -> Any:
        if intf or alt or config:
            raise IndexError(intf)
        return SimpleNamespace(
            bLength=9,
            bDescriptorType=4,
            bInterfaceNumber=0,
            bAlternateSetting=0,
            bNumEndpoints=len(dev.pipes),
            bInterfaceClass=0xFF,
            bInterfaceSubClass=0,
            bInterfaceProtocol=0,
            iInterface=0,
            extra_descriptors=[],
        )

    def get_endpoint_descriptor(self, dev: UsbGadget, ep: int, intf: int, alt: int, config: int) -> Any:
        del intf, alt, config
        return SimpleNamespace(
            bLength=7,
            bDescriptorType=5,
            bEndpointAddress=dev.pipes[ep],
            bmAttributes=2,
            wMaxPacketSize=dev.packet,
            bInterval=0,
            bRefresh=0,
            bSynchAddress=0,
            extra_descriptors=[],
        )

    def open_device(self, dev: UsbGadget) -> UsbGadget:
        self._check()
        if dev.forbidden:
            raise usb.core.USBError("Access denied (insufficient permissions)", errno=errno.EACCES)
        dev.opened += 1
        return dev

    def close_device(self, dev_handle: UsbGadget) -> None:
        dev_handle.opened -= 1

    def set_configuration(self, dev_handle: UsbGadget, config_value: int) -> None:
        self._check()
        dev_handle.configured = config_value

    def get_configuration(self, dev_handle: UsbGadget) -> int:
        self._check()
        return dev_handle.configured

    def claim_interface(self, dev_handle: UsbGadget, intf: int) -> None:
        del intf
        self._check()
        if dev_handle.busy or dev_handle.kernel_driver:
            raise usb.core.USBError("Resource busy", errno=errno.EBUSY)
        dev_handle.claimed = True

    def release_interface(self, dev_handle: UsbGadget, intf: int) -> None:
        del intf
        dev_handle.claimed = False

    def is_kernel_driver_active(self, dev_handle: UsbGadget, intf: int) -> bool:
        del intf
        self._check()
        return dev_handle.kernel_driver

    def detach_kernel_driver(self, dev_handle: UsbGadget, intf: int) -> None:
        del intf
        dev_handle.kernel_driver = False

    def attach_kernel_driver(self, dev_handle: UsbGadget, intf: int) -> None:
        del intf
        self._check()
        dev_handle.kernel_driver = True

    def bulk_write(self, dev_handle: UsbGadget, ep: int, intf: int, data: Any, timeout: int) -> int:
        del ep, intf
        with self._changed:
            if dev_handle.stuck and self._changed.wait_for(lambda: not dev_handle.plugged, timeout / 1000) is False:
                raise usb.core.USBTimeoutError("Operation timed out", errno=errno.ETIMEDOUT)
            self._check()
        self._on_bytes(bytes(data))
        return len(data)

    def bulk_read(self, dev_handle: UsbGadget, ep: int, intf: int, buff: Any, timeout: int) -> int:
        """Fill ``buff`` until it is full, a packet is short, or the time is over: what came by then counts."""
        del intf
        queue, arrived, deadline = self._arrived[ep], bytearray(), time.monotonic() + timeout / 1000
        with self._changed:
            while len(arrived) < len(buff) and len(arrived) % dev_handle.packet == 0:
                if not self._changed.wait_for(lambda: queue or not dev_handle.plugged, deadline - time.monotonic()):
                    break
                self._check()
                arrived += queue.popleft()
        if not arrived:
            raise usb.core.USBTimeoutError("Operation timed out", errno=errno.ETIMEDOUT)
        buff[: len(arrived)] = array.array("B", arrived)
        return len(arrived)

    def ctrl_transfer(  # noqa: PLR0917 - pyusb's signature
        self,
        dev_handle: UsbGadget,
        request_type: int,
        request: int,
        value: int,
        index: int,
        data: Any,
        timeout: int,
    ) -> int:
        """Answer GET_DESCRIPTOR for texts; nothing else is asked of a bulk device."""
        del request_type, index, timeout
        self._check()
        if (request, value >> 8) != (_GET_DESCRIPTOR, _STRING):
            raise usb.core.USBError("Pipe error", errno=errno.EPIPE)
        text = _LANGUAGE if value & 0xFF == 0 else dev_handle.serial.encode("utf-16-le")
        descriptor = bytes([len(text) + 2, _STRING]) + text
        answer = array.array("B", descriptor[: len(data)])
        data[: len(answer)] = answer
        return len(answer)

    def _check(self) -> None:
        if not self.gadget.plugged:
            raise usb.core.USBError("No such device (it may have been disconnected)", errno=errno.ENODEV)
