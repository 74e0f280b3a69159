"""A USB wire: the bulk pipes of a vendor's own class, through libusb. Packets are not frames: it is a byte stream.

An address is ``VVVV:PPPP`` or ``VVVV:PPPP:SERIAL``: vendor and product in hexadecimal, as ``lsusb`` prints them.
"""

from __future__ import annotations

import contextlib
import errno
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import usb.core
import usb.util

from devices.errors import DeviceCode, DeviceTimeout, DeviceUnavailable
from devices.transport import READ_SLICE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from usb.backend import IBackend

WRITE_TIMEOUT_S = 5.0  # what drivers of the ministry's class allow a request
DISCARD_S = 0.001  # the shortest libusb can wait; zero would be for ever
DISCARD_READS = 64  # a device that never stops talking does not keep its host in discard_input()
READ_SIZE = 4096  # a multiple of every packet size: less, and a longer packet would be an overflow

_ADDRESS = re.compile(r"([0-9A-Fa-f]{4}):([0-9A-Fa-f]{4})(?::(.+))?")


@dataclass(frozen=True, slots=True)
class UsbAddress:
    """Which device: the first one with these numbers, or the one with this serial number."""

    vendor: int
    product: int
    serial: str = ""

    @classmethod
    def parse(cls, text: str) -> UsbAddress:
        """Read ``VVVV:PPPP`` or ``VVVV:PPPP:SERIAL``. Raises ``ValueError``."""
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise ValueError(f"USB address {text!r}: expected VVVV:PPPP or VVVV:PPPP:SERIAL, hexadecimal")
        return cls(int(found[1], 16), int(found[2], 16), found[3] or "")

    def __str__(self) -> str:
        return f"usb:{self.vendor:04X}:{self.product:04X}" + (f":{self.serial}" if self.serial else "")


@dataclass(frozen=True, slots=True)
class SplitPipes:
    """A device that has frames in two parts: their first ``head`` bytes on its first pipes, the rest on its second.

    ``body`` tells how many bytes follow a head; without it nobody could tell which pipe speaks next.
    """

    head: int
    body: Callable[[bytes], int]


class UsbWire:
    """The first interface of one device: claimed for us alone, given back to the kernel's driver on closing."""

    def __init__(
        self, address: UsbAddress, *, split: SplitPipes | None = None, backend: IBackend | None = None
    ) -> None:
        self._address = address
        self._split = split
        self._backend = backend  # None: libusb; another one plays the hardware
        self._device: Any = None  # usb.core.Device: the library has no types
        self._interface: Any = None
        self._taken_from_kernel = False
        self._out: list[Any] = []
        self._in: list[Any] = []
        self._head = bytearray()
        self._body_due = 0

    def open(self) -> None:
        """Find the device and claim its first interface. Raises ``DeviceUnavailable``."""
        if self._device is not None:
            return
        with self._named("cannot be opened"):
            device = self._find()
        if device is None:
            raise DeviceUnavailable(f"{self._address} is not there")
        self._device = device
        try:
            with self._named("cannot be opened"):
                self._claim()
        except BaseException:
            self.close()
            raise

    def write(self, data: bytes) -> None:
        """Send all of ``data``. Raises ``DeviceUnavailable`` or ``DeviceTimeout``."""
        self._require_open()
        head = self._split.head if self._split is not None else len(data)
        with self._named("is gone"):
            self._send(self._out[0], data[:head])
            if data[head:]:
                self._send(self._out[1], data[head:])

    def read(self) -> bytes:
        """Return what has arrived within ``READ_SLICE_S``, possibly nothing. Raises ``DeviceUnavailable``."""
        self._require_open()
        with self._named("is gone"):
            if self._split is None:
                return self._receive(self._in[0], READ_SLICE_S)
            return self._read_in_order(self._split)

    def discard_input(self) -> None:
        """Forget what has arrived and was not read. Raises ``DeviceUnavailable``."""
        self._require_open()
        self._head.clear()
        self._body_due = 0
        with self._named("is gone"):
            for endpoint in self._in:
                for _ in range(DISCARD_READS):
                    if not self._receive(endpoint, DISCARD_S):
                        break

    def close(self) -> None:
        """Let go of the device and give the kernel back what was its. Idempotent; never raises."""
        device, self._device = self._device, None
        if device is None:
            return
        interface, self._interface = self._interface, None
        if interface is not None:
            with contextlib.suppress(usb.core.USBError):  # gone already: that is all closing is for
                usb.util.release_interface(device, interface)
            if self._taken_from_kernel:
                with contextlib.suppress(usb.core.USBError):
                    device.attach_kernel_driver(interface.bInterfaceNumber)
        self._taken_from_kernel = False
        self._out, self._in = [], []
        self._head.clear()
        self._body_due = 0
        with contextlib.suppress(usb.core.USBError):
            usb.util.dispose_resources(device)

    def _find(self) -> Any:
        wanted: dict[str, Any] = {"idVendor": self._address.vendor, "idProduct": self._address.product}
        if self._address.serial:
            wanted["custom_match"] = self._has_serial
        return usb.core.find(backend=self._backend, **wanted)

    def _has_serial(self, device: Any) -> bool:
        if (device.idVendor, device.idProduct) != (self._address.vendor, self._address.product):
            return False  # somebody else's device is not even opened to be asked
        try:
            return bool(device.serial_number == self._address.serial)
        except (usb.core.USBError, ValueError):  # cannot be asked, or has no texts at all
            return False
        finally:
            usb.util.dispose_resources(device)

    def _claim(self) -> None:
        device = self._device
        try:
            configuration = device.get_active_configuration()
        except usb.core.USBError:  # fresh on the bus: nobody has chosen one. A second time would reset the device.
            device.set_configuration()
            configuration = device.get_active_configuration()
        interface = next(iter(configuration), None)
        if interface is None:
            raise DeviceUnavailable(f"{self._address} has no interface")
        number = interface.bInterfaceNumber
        if device.is_kernel_driver_active(number):
            device.detach_kernel_driver(number)
            self._taken_from_kernel = True
        self._interface = interface
        usb.util.claim_interface(device, interface)
        bulk = [
            endpoint
            for endpoint in interface
            if usb.util.endpoint_type(endpoint.bmAttributes) == usb.util.ENDPOINT_TYPE_BULK
        ]
        self._in = [one for one in bulk if usb.util.endpoint_direction(one.bEndpointAddress) == usb.util.ENDPOINT_IN]
        self._out = [one for one in bulk if one not in self._in]
        pipes = 1 if self._split is None else 2
        if min(len(self._in), len(self._out)) < pipes:
            raise DeviceUnavailable(f"{self._address} has {len(self._in)} bulk pipes in and {len(self._out)} out")
        self._in, self._out = self._in[:pipes], self._out[:pipes]

    def _read_in_order(self, split: SplitPipes) -> bytes:
        """Read the pipe that speaks next: a body overtakes its head when both pipes are asked in turn."""
        if self._body_due > 0:
            data = self._receive(self._in[1], READ_SLICE_S)
            self._body_due -= len(data)
            return data
        data = self._receive(self._in[0], READ_SLICE_S)
        self._head += data
        if len(self._head) >= split.head:
            self._body_due = split.body(bytes(self._head[: split.head])) - (len(self._head) - split.head)
            self._head.clear()
        return data

    def _send(self, endpoint: Any, data: bytes) -> None:
        try:
            sent = endpoint.write(data, timeout=round(WRITE_TIMEOUT_S * 1000))
        except usb.core.USBTimeoutError as error:
            raise DeviceTimeout(f"{self._address} takes no bytes") from error
        if sent != len(data):
            raise DeviceTimeout(f"{self._address} took {sent} of {len(data)} bytes")

    def _receive(self, endpoint: Any, within_s: float) -> bytes:
        try:
            return bytes(endpoint.read(READ_SIZE, timeout=round(within_s * 1000)))
        except usb.core.USBTimeoutError:
            return b""

    def _require_open(self) -> None:
        if self._device is None:
            raise DeviceUnavailable(f"{self._address} is closed", code=DeviceCode.CLOSED)

    @contextlib.contextmanager
    def _named(self, what: str) -> Iterator[None]:
        """Give the library's errors their names: the one place where a pulled cable gets its."""
        try:
            yield
        except usb.core.NoBackendError as error:
            raise DeviceUnavailable(f"{self._address} {what}: libusb is not installed") from error
        except usb.core.USBError as error:
            code = DeviceCode.BUSY if error.errno == errno.EBUSY else None
            hint = ": a udev rule has to allow it" if error.errno == errno.EACCES else ""
            raise DeviceUnavailable(f"{self._address} {what}: {error}{hint}", code=code) from error
