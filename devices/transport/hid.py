"""A HID wire: reports through the kernel's hidraw device file, by plain system calls.

An address is a path (``/dev/hidraw0``), or ``VVVV:PPPP``, optionally ``:SERIAL`` and ``/INTERFACE``: vendor and product
in hexadecimal, and which of a device's HID interfaces, counted from 0 (without it, the first). A path may also lead to
a Unix socket of type SEQPACKET on which each message is a report: a forwarded or simulated device.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import select
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devices.errors import DeviceCode, DeviceTimeout, DeviceUnavailable
from devices.transport import READ_SLICE_S

SYSFS: Final = Path("/sys/class/hidraw")
DEVICE_FILES: Final = Path("/dev")
DISCARD_READS = 256  # four times what the kernel keeps for us (HIDRAW_BUFFER_SIZE, 64 reports)

_ADDRESS = re.compile(r"([0-9A-Fa-f]{4}):([0-9A-Fa-f]{4})(?::([^/]+))?(?:/(\d+))?")


@dataclass(frozen=True, slots=True)
class HidKind:
    """What an interface says it is: items of its report descriptor (HID 1.11, 6.2.2)."""

    name: str
    items: bytes


KEYBOARD: Final = HidKind("keyboard", b"\x05\x01\x09\x06")  # Usage Page (Generic Desktop), Usage (Keyboard)
BAR_CODE_SCANNER: Final = HidKind("HID POS scanner", b"\x05\x8c")  # Usage Page (Bar Code Scanner)


class HidWire:
    """One HID interface. ``read`` returns one report at a time, without its number.

    ``report_size`` is the size of a report's data in bytes; ``report_id`` 0 means that the device numbers none;
    ``kind`` is what the interface has to be. ``sysfs`` and ``device_files`` are where the kernel has its files.
    """

    def __init__(
        self,
        address: str,
        *,
        report_size: int = 64,
        report_id: int = 0,
        kind: HidKind | None = None,
        sysfs: Path = SYSFS,
        device_files: Path = DEVICE_FILES,
    ) -> None:
        self._address = address
        self._numbers = _ADDRESS.fullmatch(address)
        if self._numbers is None and not address.startswith("/"):
            raise ValueError(f"HID address {address!r}: expected a path, or VVVV:PPPP[:SERIAL][/INTERFACE]")
        self._report_size = report_size
        self._report_id = report_id
        self._kind = kind
        self._sysfs = sysfs
        self._device_files = device_files
        self._file: int | None = None
        self._poll = select.poll()

    def open(self) -> None:
        """Open the device file for us alone. Raises ``DeviceUnavailable``."""
        if self._file is not None:
            return
        path = self.path()
        self._check_kind(path)
        try:
            self._file = _connect(path) if stat.S_ISSOCK(path.stat().st_mode) else _open_file(path)
        except BlockingIOError as error:
            raise DeviceUnavailable(f"{path} is in use", code=DeviceCode.BUSY) from error
        except OSError as error:
            hint = ": a udev rule has to allow it" if error.errno == errno.EACCES else ""
            raise DeviceUnavailable(f"cannot open {path}: {error}{hint}") from error
        self._poll.register(self._file, select.POLLIN)

    def path(self) -> Path:
        """Return the device file. Raises ``DeviceUnavailable`` when no device has the address."""
        if self._numbers is None:
            return Path(self._address)
        vendor, product, serial, interface = self._numbers.groups()
        found = []
        for node in self._sysfs.glob("hidraw*"):
            facts = _facts(node)
            if facts.get("HID_ID", "").upper().split(":")[1:] != [f"0000{vendor}".upper(), f"0000{product}".upper()]:
                continue
            which = facts.get("HID_PHYS", "").rpartition("/input")[2]
            if serial in {None, facts.get("HID_UNIQ")} and interface in {None, which}:
                found.append((which, node.name))
        if not found:
            raise DeviceUnavailable(f"no HID device {self._address}")
        return self._device_files / min(found)[1]

    def write(self, data: bytes) -> None:
        """Send ``data`` in as many reports as it takes, the last filled up with zeros.

        Raises ``DeviceUnavailable``, or ``DeviceTimeout`` when nobody takes them.
        """
        for start in range(0, len(data), self._report_size):
            self.send_report(self._report_id, data[start : start + self._report_size].ljust(self._report_size, b"\0"))

    def send_report(self, number: int, data: bytes) -> None:
        """Send one report as it is; ``number`` 0 for a device that numbers none. Raises as :meth:`write`."""
        try:
            os.write(self.fileno(), bytes([number]) + data)  # the kernel wants the number even where there is none
        except BlockingIOError as error:
            raise DeviceTimeout(f"{self._address} takes no reports") from error
        except OSError as error:
            raise self._gone(error) from error

    def read(self) -> bytes:
        """Return the next report that has arrived within ``READ_SLICE_S``, possibly nothing.

        Reports of other numbers than ours are skipped. Raises ``DeviceUnavailable``.
        """
        if not self._readable(READ_SLICE_S):
            return b""
        report = self._take()
        if not self._report_id:
            return report
        return report[1:] if report[:1] == bytes([self._report_id]) else b""

    def discard_input(self) -> None:
        """Forget what has arrived and was not read. Raises ``DeviceUnavailable``."""
        for _ in range(DISCARD_READS):
            if not self._readable(0):
                return
            self._take()

    def fileno(self) -> int:
        """Return the open device file's descriptor. Raises ``DeviceUnavailable``."""
        if self._file is None:
            raise DeviceUnavailable(f"{self._address} is closed", code=DeviceCode.CLOSED)
        return self._file

    def close(self) -> None:
        """Let go of the device file. Idempotent; never raises."""
        file, self._file = self._file, None
        if file is None:
            return
        self._poll.unregister(file)
        with contextlib.suppress(OSError):  # gone already: that is all closing is for
            os.close(file)

    def _check_kind(self, path: Path) -> None:
        """Refuse an interface that says it is something else; one that says nothing is believed."""
        if self._kind is None:
            return
        with contextlib.suppress(OSError):
            descriptor = (self._sysfs / path.resolve().name / "device" / "report_descriptor").read_bytes()
            if self._kind.items not in descriptor:
                raise DeviceUnavailable(f"{path} is no {self._kind.name}: another mode, or another interface")

    def _readable(self, within_s: float) -> bool:
        self.fileno()
        return bool(self._poll.poll(within_s * 1000))

    def _take(self) -> bytes:
        """Take one report. One that broke off, or none where one was announced, means that the device is gone."""
        try:
            report = os.read(self.fileno(), self._report_size + 1)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._gone(error) from error
        if not report:
            raise self._gone("hung up")
        return report

    def _gone(self, why: object) -> DeviceUnavailable:
        return DeviceUnavailable(f"{self._address} is gone: {why}")


def _open_file(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # hidraw copies each report to everybody who listens
    except OSError:
        os.close(file)
        raise
    return file


def _connect(path: Path) -> int:
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        link.connect(str(path))
    except OSError:
        link.close()
        raise
    return link.detach()


def _facts(node: Path) -> dict[str, str]:
    """Read what the kernel says of the device behind a hidraw node; nothing when it goes away meanwhile."""
    with contextlib.suppress(OSError):
        lines = (node / "device" / "uevent").read_text(encoding="ascii", errors="replace").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)
    return {}
