"""Slips to ESC/POS bytes, cut into blocks that fit the smallest printer's buffer.

python-escpos is not used at run time: importing it configures the root logger and leaves a temporary folder behind, and
its text method loses characters. The tests hold its bytes against these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import segno
from PIL import Image

from devices.drivers.escpos_text import CELL, GLYPH, LEADING, in_printer_font, wrap
from devices.values import Align, Slip, SlipCode, SlipRule, SlipText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.drivers.escpos_raster import SlipFont

INIT = bytes.fromhex("1b40")
ENGLISH_MARKS = bytes.fromhex("1b5200")  # ESC R 0: with China (0F) some printers turn $ into another sign
PUSH_STATUS = bytes.fromhex("1d610e")  # GS a: say it when on-line state, errors or paper change; ESC @ ends it
MARKER = bytes.fromhex("1d7201")  # GS r 1: answered when everything before it has been processed
FEED_AND_CUT = bytes.fromhex("1d564160")  # feed 96 dots, so that the last line is outside, then a full cut
CONTINUE = bytes.fromhex("100501")  # DLE ENQ 1: go on with the line that failed
ABANDON = bytes.fromhex("100502")  # DLE ENQ 2: recover and drop the buffers
TELL_MODEL, TELL_SERIAL = bytes.fromhex("1d4943"), bytes.fromhex("1d4944")  # GS I 67, 68
CLEAR = bytes.fromhex("10140801031401060208")  # DLE DC4 8: clear the buffers; printers without it take no notice
BLOCK = 2304  # bytes in flight: leaves room for real-time questions in a 4 kB buffer that waits for paper
MOST_ROWS = 256  # of one raster block, for cheap printers
RULE_DOTS = 2
RULE_GAP = bytes.fromhex("1b4a0a")  # 10 dots above and below
QR_MODULE = 6  # dots, 0.75 mm: read by phones at arm's length
QR_SMALLEST = 3
QR_QUIET = 8  # modules, four on each side
ALIGNED = {Align.LEFT: 0, Align.CENTRE: 1, Align.RIGHT: 2}
# Bytes after 10 that would make a real-time command of two picture bytes (ENQ, EOT, DC4); one more dot prevents it.
REAL_TIME_SECOND = frozenset({0x04, 0x05, 0x14})
DLE, DLE_WITH_A_DOT = 0x10, 0x30


def question(n: int) -> bytes:
    """DLE EOT n: answered at once, even offline, with one byte."""
    return bytes([0x10, 0x04, n])


def maintenance(n: int) -> bytes:
    """GS g 2: tell maintenance counter n."""
    return bytes([0x1D, 0x67, 0x32, 0x00, n & 0xFF, n >> 8])


def compose(slip: Slip, width: int, font: SlipFont, block: int = BLOCK) -> list[bytes]:
    """Return the blocks of a slip ``width`` dots wide; the last one cuts. Each block ends with the marker.

    None is much longer than ``block`` bytes; a QR code is never divided. Raises ``ValueError`` for one that cannot fit.
    """
    blocks = [bytearray(INIT + PUSH_STATUS + ENGLISH_MARKS)]
    for piece in _pieces(slip, width, font, block):
        if len(blocks[-1]) + len(piece) > block:
            blocks.append(bytearray())
        blocks[-1] += piece
    return [*(bytes(each) + MARKER for each in blocks), FEED_AND_CUT + MARKER]


def voiding(width: int) -> bytes:
    """Return the block that marks what hangs in the printer as void and cuts it off: nobody shall find half a slip."""
    text = SlipText("以上作废", align=Align.CENTRE)
    return INIT + PUSH_STATUS + b"\n" + b"".join(_printed(text, text.text)) + _rule(width) + FEED_AND_CUT + MARKER


def _pieces(slip: Slip, width: int, font: SlipFont, block: int) -> Iterator[bytes]:
    for line in slip.lines:
        match line:
            case SlipText():
                for text in wrap(line.text, width // CELL // line.size):
                    if in_printer_font(text):
                        yield from _printed(line, text)
                    else:
                        yield _align(Align.LEFT)  # the picture is as wide as the paper and aligned inside
                        yield from raster(font.draw(line, text, width), block)
            case SlipCode():
                yield _code(line.payload, width)
            case SlipRule():
                yield _rule(width)


def _printed(line: SlipText, text: str) -> Iterator[bytes]:
    """Text in the printer's own font: GB18030 bytes in Kanji mode, where ASCII stays ASCII."""
    size = (line.size - 1) << 4 | (line.size - 1)
    # FS ! repeats the magnification for printers whose GS ! leaves hanzi alone; both set, neither doubles the other.
    kanji_size = 0x0C if line.size > 1 else 0
    yield b"".join(
        (
            _align(line.align),
            bytes([0x1B, 0x33, line.size * GLYPH + LEADING, 0x1B, 0x45, line.bold]),
            bytes([0x1D, 0x21, size, 0x1C, 0x26, 0x1C, 0x21, kanji_size]),
            text.encode("gb18030"),
            b"\n",
        )
    )


def _align(align: Align) -> bytes:
    return bytes([0x1B, 0x61, ALIGNED[align]])


def raster(picture: Image.Image, block: int = BLOCK) -> Iterator[bytes]:
    """GS v 0 pieces of a one-bit picture, each small enough for ``block`` bytes and ``MOST_ROWS``."""
    row = (picture.width + 7) // 8
    rows = min(MOST_ROWS, max((block - 16) // row, 1))
    data = without_commands(picture.tobytes())
    for start in range(0, picture.height, rows):
        part = data[start * row : (start + rows) * row]
        yield bytes.fromhex("1d763000") + row.to_bytes(2, "little") + (len(part) // row).to_bytes(2, "little") + part


def without_commands(bits: bytes) -> bytes:
    """Add a dot wherever picture bytes would read as a real-time command: printers obey those even inside data."""
    safe = bytearray(bits)
    for index in range(len(safe) - 1):
        if safe[index] == DLE and safe[index + 1] in REAL_TIME_SECOND:
            safe[index] = DLE_WITH_A_DOT
    return bytes(safe)


def _rule(width: int) -> bytes:
    line = Image.new("1", (width, RULE_DOTS), 1)
    return RULE_GAP + b"".join(raster(line)) + RULE_GAP


def _code(payload: str, width: int) -> bytes:
    """QR model 2, correction M, drawn by the printer (GS ( k). Raises ``ValueError`` when it cannot fit."""
    modules = len(segno.make_qr(payload, error="m", encoding="utf-8").matrix)
    module = min(QR_MODULE, width // (modules + QR_QUIET))
    if module < QR_SMALLEST:
        raise ValueError("too much in one QR code for this paper: keep the payload short")
    data = payload.encode("utf-8")
    return b"".join(
        (
            _align(Align.CENTRE),
            bytes.fromhex("1d286b040031413200"),
            bytes.fromhex("1d286b03003143") + bytes([module]),
            bytes.fromhex("1d286b0300314531"),
            bytes.fromhex("1d286b") + (len(data) + 3).to_bytes(2, "little") + bytes.fromhex("315030") + data,
            bytes.fromhex("1d286b0300315130"),
            _align(Align.LEFT),
        )
    )
