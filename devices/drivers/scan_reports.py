"""Codes as USB scanners of the point-of-sale class send them (HID usage page 8C, Bar Code Scanner). Pure.

The page names the fields and leaves their places to the report descriptor; all makers that publish theirs have the
same: report 2 with length, three characters of AIM identifier, 56 bytes of data, two bytes of their own, and a last
byte whose lowest bit says that the code goes on in the next report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.drivers.scan_codes import MAX_CODE, Arrival

if TYPE_CHECKING:
    from devices.drivers.scan_codes import CodeText

DATA_REPORT = 2
REPORT_SIZE = 63  # without its number
TRIGGER_REPORT = 4
TRIGGER_ON = b"\x04"  # Initiate Barcode Read
TRIGGER_OFF = b"\x02"  # Prevent Read of Barcodes

_LENGTH = 0
_AIM = slice(1, 4)
_DATA = 4
_LONGEST = 56
_CONTINUED = 62


class ReportFrames:
    """One report at a time into codes."""

    def __init__(self, text: CodeText) -> None:
        self._text = text
        self._buffer = bytearray()
        self._aim = b""
        self._open = False  # a code goes on in the next report
        self._spoilt = ""  # ... and what is wrong with it already

    @property
    def unfinished(self) -> int:
        """How many bytes of a code that is not complete have arrived."""
        return len(self._buffer) + self._open

    def drop(self) -> None:
        """Forget what is unfinished."""
        self._buffer[:] = bytes(len(self._buffer))  # it may be a person's: overwritten before it is let go
        self._buffer.clear()
        self._open, self._spoilt = False, ""

    def feed(self, data: bytes) -> list[Arrival]:
        """Take one report; return the code it completes."""
        if len(data) != REPORT_SIZE or data[_LENGTH] > _LONGEST:
            self.drop()
            return [Arrival(None, f"report of {len(data)} bytes with an impossible length")]
        if not self._open:
            self._aim = data[_AIM]
        self._buffer += data[_DATA : _DATA + data[_LENGTH]]
        self._open = bool(data[_CONTINUED] & 1)
        if len(self._buffer) > MAX_CODE:
            self._buffer.clear()
            self._spoilt = f"code of more than {MAX_CODE} bytes"
        if self._open:
            return []
        content, spoilt = bytes(self._buffer), self._spoilt
        self.drop()
        if spoilt:
            return [Arrival(None, spoilt)]
        if not content:
            return []
        aim = self._aim.rstrip(b"\0")
        return [self._text.arrival(content, aim.decode("ascii", errors="replace"))]
