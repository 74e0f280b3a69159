"""What a byte stream runs over: a serial line, or the file of a printer on USB (``devices.transport.stream``)."""

from __future__ import annotations

import contextlib
import fcntl
import os
import termios
from typing import Protocol

import serial

READ_CHUNK = 4096  # the kernel's input queue of one terminal line
PACED_PIECE = 32  # bytes handed over at a time where this program itself has to heed the printer's ready signal
PACED_QUEUE = 64  # bytes the kernel may hold back then: with them a printer's last free bytes are not overrun
FLOWS = ("none", "xonxoff", "rtscts", "dsrdtr")
# What a pulled cable looks like: the terminal layer has an error of its own, pyserial forgets to check for None.
BROKEN = (OSError, termios.error, TypeError)


class Endpoint(Protocol):
    """Something with a descriptor. ``open`` and ``close`` may block; the rest does not."""

    path: str
    empty_is_end: bool  # an empty read means that the device is gone
    piece: int  # bytes to hand over at a time

    def open(self) -> None:
        """Open it. Raises ``OSError`` or ``ValueError``."""
        ...

    def fileno(self) -> int:
        """Return the open descriptor."""
        ...

    def ready(self) -> bool:
        """Tell whether the far end takes bytes, where the kernel does not see to it. Raises ``OSError``."""
        ...

    def close(self) -> None:
        """Let go of it. Idempotent; never raises."""
        ...


class TtyPort:
    """A serial line, 8 data bits, no parity, 1 stop bit. Raises ``ValueError`` for a ``flow`` that is none of FLOWS.

    ``xonxoff`` and ``rtscts`` are the kernel's business. It knows no DSR/DTR: there the signal is looked at before each
    few bytes.
    """

    empty_is_end = True

    def __init__(self, path: str, baud: int, flow: str = "none") -> None:
        if flow not in FLOWS:
            raise ValueError(f"flow {flow!r}: known are {', '.join(FLOWS)}")
        self.path = path
        self._baud = baud
        self._flow = flow
        self.piece = PACED_PIECE if flow == "dsrdtr" else READ_CHUNK
        self._port: serial.Serial | None = None

    def open(self) -> None:
        """Open the line and drop what lay in its buffers; held by one process at a time."""
        self._port = serial.Serial(
            self.path, self._baud, exclusive=True, xonxoff=self._flow == "xonxoff", rtscts=self._flow == "rtscts"
        )
        self.ready()  # a line without the signal shall say so now

    def fileno(self) -> int:
        """Return the open descriptor."""
        return self._opened().fileno()

    def ready(self) -> bool:
        """Look at DSR, which carries the printer's DTR."""
        port = self._opened()
        return self._flow != "dsrdtr" or (bool(port.dsr) and port.out_waiting < PACED_QUEUE)

    def close(self) -> None:
        """Drop what was not sent (else the kernel waits for a stopped printer, half a minute) and let go."""
        port, self._port = self._port, None
        if port is not None:
            with contextlib.suppress(*BROKEN):  # gone already: that is all closing is for
                port.reset_output_buffer()
            with contextlib.suppress(*BROKEN):
                port.close()

    def _opened(self) -> serial.Serial:
        if self._port is None:
            raise OSError(f"{self.path} is closed")
        return self._port


class DeviceFile:
    """The file of a printer-class device, as /dev/usb/lp0: bytes as they are, read and written."""

    empty_is_end = False  # the kernel passes on a USB printer's empty packets; a pulled one is an error
    piece = READ_CHUNK

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor: int | None = None

    def open(self) -> None:
        """Open it for this process alone."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def fileno(self) -> int:
        """Return the open descriptor."""
        if self._descriptor is None:
            raise OSError(f"{self.path} is closed")
        return self._descriptor

    def ready(self) -> bool:
        """Leave it to the kernel."""
        return True

    def close(self) -> None:
        """Let go of it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):  # gone already
                os.close(descriptor)
