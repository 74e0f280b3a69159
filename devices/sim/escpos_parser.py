"""The command parser of the simulated receipt printer: its own reading of ESC/POS, shared with no driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ESC, GS, FS, DLE, LF = 0x1B, 0x1D, 0x1C, 0x10, 0x0A
LINE_SPACING = 30  # dots, the default


@dataclass(frozen=True, slots=True)
class Run:
    """Characters to put into the line."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LineFeed:
    """Print the line and move on by ``lines``."""

    lines: int = 1


@dataclass(frozen=True, slots=True)
class DotFeed:
    """Print the line and feed ``dots``."""

    dots: int


@dataclass(frozen=True, slots=True)
class Raster:
    """A picture: ``row_bytes`` a row, most significant bit left, 1 is black."""

    row_bytes: int
    rows: int
    bits: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class QrSymbol:
    """A QR code to draw."""

    payload: bytes = field(repr=False)
    module: int
    level: str


@dataclass(frozen=True, slots=True)
class Cut:
    """Feed ``dots``, then cut."""

    dots: int


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """GS r: answer when this is reached in the stream."""

    n: int


@dataclass(frozen=True, slots=True)
class Identity:
    """GS I: say a name."""

    n: int


@dataclass(frozen=True, slots=True)
class Counter:
    """GS g 2: tell a maintenance counter."""

    n: int


@dataclass(frozen=True, slots=True)
class Automatic:
    """GS a: which changes to push."""

    mask: int


@dataclass(frozen=True, slots=True)
class Style:
    """A change of one attribute of the following text."""

    name: str
    value: int | tuple[int, int]


Command = (
    Run | LineFeed | DotFeed | Raster | QrSymbol | Cut | StatusRequest | Identity | Counter | Automatic | Style | None
)


class Incomplete(Exception):
    """More bytes are needed."""


class Parser:
    """Takes commands off the front of a buffer; remembers what only matters to reading: Kanji mode, the QR store."""

    def __init__(self) -> None:
        self.kanji = False
        self._qr_data = b""
        self._qr_module = 3
        self._qr_level = "L"

    def next(self, buffer: bytearray) -> tuple[Command, int]:
        """Return the first command and its length in bytes; ``None`` is a command without effect here.

        Raises ``Incomplete`` when the buffer ends inside a command.
        """
        if not buffer:
            raise Incomplete
        first = buffer[0]
        if first >= 0x20:  # noqa: PLR2004 - everything printable
            return self._run(buffer)
        if first == LF:
            return LineFeed(), 1
        reader = {ESC: self._esc, GS: self._gs, FS: self._fs, DLE: self._dle}.get(first)
        return reader(buffer) if reader else (None, 1)

    def _run(self, buffer: bytearray) -> tuple[Command, int]:
        """Read characters up to a control byte. Four-byte GB18030 is not in this printer's ROM: it prints nonsense."""
        text: list[str] = []
        at = 0
        while at < len(buffer) and buffer[at] >= 0x20:  # noqa: PLR2004 - printable
            if not self.kanji or buffer[at] < 0x81:  # noqa: PLR2004 - first lead byte of GB18030
                text.append(bytes(buffer[at : at + 1]).decode("cp437"))
                at += 1
            elif at + 1 < len(buffer):
                pair = bytes(buffer[at : at + 2])
                text.append(_glyph_of(pair))
                at += 2
            elif text:
                break
            else:
                raise Incomplete
        return Run("".join(text)), at

    def _dle(self, buffer: bytearray) -> tuple[Command, int]:
        """Skip real-time commands: they were obeyed on arrival."""
        second = _at(buffer, 1)
        if second == 0x14:  # noqa: PLR2004 - DC4; function 8 carries seven more bytes
            return None, _whole(buffer, 10 if _at(buffer, 2) == 8 else 5)  # noqa: PLR2004 - function 8
        return None, _whole(buffer, 3)

    def _esc(self, buffer: bytearray) -> tuple[Command, int]:
        letter = chr(_at(buffer, 1))
        if letter == "@":
            self.kanji = False
            return Style("reset", 0), 2
        value = _at(buffer, 2)
        one_byte: dict[str, Callable[[int], Command]] = {
            "a": lambda n: Style("align", n % 48),
            "E": lambda n: Style("bold", n & 1),
            "d": LineFeed,
            "J": DotFeed,
            "3": lambda n: Style("spacing", n),
        }
        if letter in one_byte:
            return one_byte[letter](value), 3
        if letter == "2":
            return Style("spacing", LINE_SPACING), 2
        lengths = {"p": 5, "B": 4}
        return None, _whole(buffer, lengths.get(letter, 3))

    def _fs(self, buffer: bytearray) -> tuple[Command, int]:
        letter = chr(_at(buffer, 1))
        if letter in "&.":
            self.kanji = letter == "&"
            return None, 2
        value = _at(buffer, 2)
        if letter == "!":
            return Style("magnify", (2 if value & 0x04 else 1, 2 if value & 0x08 else 1)), 3
        return None, 3

    def _gs(self, buffer: bytearray) -> tuple[Command, int]:
        letter = chr(_at(buffer, 1))
        if letter == "v":
            return self._raster(buffer)
        if letter == "(":
            length = 5 + _at(buffer, 3) + (_at(buffer, 4) << 8)
            _whole(buffer, length)
            return (self._qr(bytes(buffer[5:length])) if _at(buffer, 2) == ord("k") else None), length
        value = _at(buffer, 2)
        if letter == "g":
            _whole(buffer, 6)
            return (Counter(_at(buffer, 4) + (_at(buffer, 5) << 8)) if value == ord("2") else None), 6
        if letter == "V":
            return (Cut(0), 3) if value in {0, 1, 48, 49} else (Cut(_at(buffer, 3)), 4)
        one_byte: dict[str, Callable[[int], Command]] = {
            "!": lambda n: Style("magnify", ((n >> 4 & 7) + 1, (n & 7) + 1)),
            "r": StatusRequest,
            "I": Identity,
            "a": Automatic,
        }
        return (one_byte[letter](value) if letter in one_byte else None), 3

    def _raster(self, buffer: bytearray) -> tuple[Command, int]:
        row_bytes = _at(buffer, 4) + (_at(buffer, 5) << 8)
        rows = _at(buffer, 6) + (_at(buffer, 7) << 8)
        length = _whole(buffer, 8 + row_bytes * rows)
        return Raster(row_bytes, rows, bytes(buffer[8:length])), length

    def _qr(self, body: bytes) -> Command:
        """Read one function of GS ( k, code type 49; its two-byte prefix is cn and fn."""
        match body[:2]:
            case b"1C":
                self._qr_module = body[2]
            case b"1E":
                self._qr_level = "LMQH"[body[2] - 48]
            case b"1P":
                self._qr_data = body[3:]
            case b"1Q":
                return QrSymbol(self._qr_data, self._qr_module, self._qr_level)
        return None


def _glyph_of(pair: bytes) -> str:
    if pair[1] < 0x40:  # noqa: PLR2004 - the first half of a four-byte form
        return "□"
    try:
        return pair.decode("gbk")
    except UnicodeDecodeError:
        return "□"


def _at(buffer: bytearray, index: int) -> int:
    if index >= len(buffer):
        raise Incomplete
    return buffer[index]


def _whole(buffer: bytearray, length: int) -> int:
    if len(buffer) < length:
        raise Incomplete
    return length
