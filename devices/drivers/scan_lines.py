"""Codes as scanners send them over a serial line: text and a line end, or text between STX and ETX. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devices.drivers.scan_codes import MAX_CODE, Arrival

if TYPE_CHECKING:
    from devices.drivers.scan_codes import CodeText

STX = b"\x02"
# Where a code ends. A line's end is CR, LF or both: makers differ, and the second of two ends an empty line.
FRAMINGS = {"line": re.compile(rb"[\r\n]"), "stx-etx": re.compile(rb"\x03")}

# "]", the symbology's letter, its modifier (ISO/IEC 15424)
_AIM = re.compile(rb"\][A-Za-z][0-9A-Za-z]")


class LineFrames:
    """A byte stream, cut anywhere, into codes.

    ``aim``: each code begins with its AIM identifier; one without has lost its beginning. ``answers`` are what the
    scanner says to commands: they are no codes. Raises ``ValueError`` for an unknown ``framing``.
    """

    def __init__(self, text: CodeText, *, framing: str, aim: bool, answers: tuple[bytes, ...]) -> None:
        if framing not in FRAMINGS:
            raise ValueError(f"framing {framing!r}: known are {', '.join(FRAMINGS)}")
        self._text = text
        self._end = FRAMINGS[framing]
        self._begin = STX if framing == "stx-etx" else b""
        self._aim = aim
        self._answers = answers
        self._buffer = bytearray()
        self._overflown = False

    @property
    def unfinished(self) -> int:
        """How many bytes of a code that is not complete have arrived."""
        return len(self._buffer) + self._overflown

    def drop(self) -> None:
        """Forget what is unfinished."""
        self._cut(len(self._buffer))
        self._overflown = False

    def feed(self, data: bytes) -> list[Arrival]:
        """Take what arrived; return the codes that are complete."""
        self._buffer += data
        arrivals = []
        self._skip_answers()
        while (end := self._end.search(self._buffer)) is not None:
            content = bytes(self._buffer[: end.start()])
            self._cut(end.end())
            if self._overflown:  # told when it happened
                self._overflown = False
            elif content:
                arrivals.append(self._arrival(content))
            self._skip_answers()
        if len(self._buffer) > MAX_CODE:
            self._cut(len(self._buffer))
            if not self._overflown:
                arrivals.append(Arrival(None, f"code of more than {MAX_CODE} bytes"))
            self._overflown = True
        return arrivals

    def _arrival(self, content: bytes) -> Arrival:
        if len(content) > MAX_CODE:
            return Arrival(None, f"code of more than {MAX_CODE} bytes")
        if self._begin:
            _, begin, content = content.rpartition(self._begin)
            if not begin:
                return Arrival(None, "code without its beginning")
        if not self._aim:
            return self._text.arrival(content)
        found = _AIM.match(content)
        if found is None:
            return Arrival(None, "code without its AIM identifier")
        return self._text.arrival(content[found.end() :], found[0].decode("ascii"))

    def _skip_answers(self) -> None:
        while (answer := next((one for one in self._answers if self._buffer.startswith(one)), None)) is not None:
            self._cut(len(answer))

    def _cut(self, count: int) -> None:
        self._buffer[:count] = bytes(count)  # it may be a person's: overwritten before it is let go
        del self._buffer[:count]
