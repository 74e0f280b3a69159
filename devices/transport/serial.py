"""A serial wire: RS-232, its USB adapters, pseudo-terminals."""

from __future__ import annotations

import contextlib
import termios
from typing import TYPE_CHECKING, TypeVar

import serial

from devices.errors import DeviceCode, DeviceTimeout, DeviceUnavailable
from devices.transport import READ_SLICE_S

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

WRITE_TIMEOUT_S = 2.0  # a request is a dozen bytes: a port that does not take them in two seconds is stuck
READ_CHUNK = 4096  # the size of the kernel's input queue of one terminal line

# What pyserial lets through when the cable is pulled: its own error (an OSError), EIO and ENODEV of the descriptor,
# the terminal layer's error, and the TypeError of a port object that lost its descriptor.
_BROKEN = (OSError, termios.error, TypeError)


class SerialWire:
    """One port, 8 data bits, 1 stop bit, no flow control, held by one process at a time. ``parity``: N, E or O."""

    def __init__(self, port: str, baud: int, parity: str = serial.PARITY_NONE) -> None:
        self._port = port
        self._baud = baud
        self._parity = parity
        self._serial: serial.Serial | None = None

    def open(self) -> None:
        """Open the port and drop what lay in its buffers. Raises ``DeviceUnavailable``."""
        if self._serial is not None:
            return
        try:
            self._serial = serial.serial_for_url(
                self._port,
                baudrate=self._baud,
                bytesize=serial.EIGHTBITS,
                parity=self._parity,
                stopbits=serial.STOPBITS_ONE,
                timeout=READ_SLICE_S,
                write_timeout=WRITE_TIMEOUT_S,
                xonxoff=False,
                rtscts=False,
                dsrdtr=False,
                exclusive=True,  # a second program on the same line would steal half of each reply
            )
        except (*_BROKEN, ValueError) as error:
            raise DeviceUnavailable(f"cannot open {self._port}: {error}") from error

    def write(self, data: bytes) -> None:
        """Send all of ``data``. Raises ``DeviceUnavailable`` or ``DeviceTimeout``."""
        try:
            self._io(lambda port: port.write(data))
        except serial.SerialTimeoutException as error:
            raise DeviceTimeout(f"{self._port} takes no bytes") from error

    def read(self) -> bytes:
        """Return what has arrived within ``READ_SLICE_S``, possibly nothing. Raises ``DeviceUnavailable``."""
        return self._io(_read_available)

    def discard_input(self) -> None:
        """Forget what has arrived and was not read. Raises ``DeviceUnavailable``."""
        self._io(lambda port: port.reset_input_buffer())

    def fileno(self) -> int:
        """Return the open port's descriptor. Raises ``DeviceUnavailable``."""
        return self._io(lambda port: int(port.fileno()))

    def close(self) -> None:
        """Let go of the port. Idempotent; never raises."""
        port, self._serial = self._serial, None
        if port is None:
            return
        with contextlib.suppress(*_BROKEN):  # gone already: that is all closing is for
            port.close()

    def _io(self, action: Callable[[serial.Serial], T]) -> T:
        """Do ``action`` on the open port: the one place where a pulled cable gets its name."""
        if self._serial is None:
            raise DeviceUnavailable(f"{self._port} is closed", code=DeviceCode.CLOSED)
        try:
            return action(self._serial)
        except serial.SerialTimeoutException:
            raise
        except _BROKEN as error:
            raise DeviceUnavailable(f"{self._port} is gone: {error}") from error


def _read_available(port: serial.Serial) -> bytes:
    """Wait for one byte, then take its followers: partial frames are the normal case on a serial line."""
    first: bytes = port.read(1)
    if not first:
        return b""
    waiting = min(port.in_waiting, READ_CHUNK)
    return first + port.read(waiting) if waiting else first
