"""Slips to ESC/POS bytes, cut into blocks that fit the smallest printer's buffer.

python-escpos is not used at run time: importing it configures the root logger and leaves a temporary folder behind, and
its text method loses characters. The tests hold its bytes against these.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from typing import TYPE_CHECKING

from PIL import Image

from devices.drivers.escpos_text import CELL, GLYPH, LEADING, printer_bytes, wrap
from devices.values import Align, Slip, SlipCode, SlipText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devices.drivers.escpos_raster import SlipFont

INIT = bytes.fromhex("1b40")
ENGLISH_MARKS = bytes.fromhex("1b5200")  # ESC R 0: with China (0F) some printers turn $ into another sign
PUSH_STATUS = bytes.fromhex("1d610e")  # GS a: say it when on-line state, errors or paper change; ESC @ ends it
HEAD = INIT + PUSH_STATUS + ENGLISH_MARKS
MARKER = bytes.fromhex("1d7201")  # GS r 1: answered when everything before it has been processed
FEED_AND_CUT = bytes.fromhex("1d564160")  # feed 96 dots, so that the last line is outside, then a full cut
CONTINUE = bytes.fromhex("100501")  # DLE ENQ 1: go on with the line that failed
ABANDON = bytes.fromhex("100502")  # DLE ENQ 2: recover and drop the buffers
TELL_MODEL, TELL_SERIAL = bytes.fromhex("1d4943"), bytes.fromhex("1d4944")  # GS I 67, 68
CLEAR = bytes.fromhex("10140801031401060208")  # DLE DC4 8: clear the buffers; printers without it take no notice
BLOCK = 2304  # bytes in flight: leaves room for real-time questions in a 4 kB buffer that waits for paper
MOST_ROWS = 256  # of one raster block, for cheap printers
VOID = "以上作废".encode("gb18030")  # what is above is void
RULE_DOTS = 2
RULE_GAP = bytes.fromhex("1b4a0a")  # 10 dots above and below
QR_MODULE = 6  # dots, 0.75 mm: read by phones at arm's length
QR_SMALLEST = 3
QR_QUIET = 8  # modules, four on each side
# Bytes a QR code of version 1 to 40 holds at correction M (ISO/IEC 18004 table 7).
QR_HOLDS = (
    *(14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666),
    *(711, 779, 857, 911, 997, 1059, 1125, 1190, 1264, 1370),
    *(1452, 1538, 1628, 1722, 1809, 1911, 1989, 2099, 2213, 2331),
)
QR_FIRST, QR_STEP = 21, 4  # modules of version 1, and what each version adds
ALIGNED = {Align.LEFT: 0, Align.CENTRE: 1, Align.RIGHT: 2}
# 10 before ENQ, EOT or DC4 would make a real-time command of two picture bytes; one more dot prevents it.
REAL_TIME = re.compile(rb"\x10(?=[\x04\x05\x14])")
DLE_WITH_A_DOT = b"\x30"


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
    blocks, pieces = [], [HEAD]
    size = len(HEAD)
    for piece in _pieces(slip, width, font, block):
        size += len(piece)
        if size > block:
            blocks.append(b"".join((*pieces, MARKER)))
            pieces, size = [], len(piece)
        pieces.append(piece)
    return [*blocks, b"".join((*pieces, MARKER)), FEED_AND_CUT + MARKER]


def voiding(width: int) -> bytes:
    """Return the block that marks what hangs in the printer as void and cuts it off: nobody shall find half a slip."""
    line = _style(SlipText("", align=Align.CENTRE)) + VOID + b"\n"
    return INIT + PUSH_STATUS + b"\n" + line + _rule(width) + FEED_AND_CUT + MARKER


def _pieces(slip: Slip, width: int, font: SlipFont, block: int) -> Iterator[bytes]:
    cells = width // CELL
    style: tuple[Align, int, bool] | None = None  # holds until something else than text in the printer's font comes
    for line in slip.lines:
        if isinstance(line, SlipText):
            encoded = _short_and_common(line.text, cells // line.size)
            if encoded is not None:
                if style == (wanted := (line.align, line.size, line.bold)):
                    yield encoded + b"\n"
                else:
                    style = wanted
                    yield _style(line) + encoded + b"\n"
                continue
            yield from _long_or_rare(line, cells, width, font, block)
        elif isinstance(line, SlipCode):
            yield _code(line.payload, width)
        else:
            yield _rule(width)
        style = None


def _short_and_common(text: str, cells: int) -> bytes | None:
    """Return the bytes of a line as most are, that need no breaking, no cleaning and no drawing; else ``None``."""
    try:
        encoded = text.encode("gb2312")  # this codec has other characters for the dash and the middle dot of names
    except UnicodeError:
        return None
    return encoded if len(encoded) <= cells and text.isprintable() else None


def _long_or_rare(line: SlipText, cells: int, width: int, font: SlipFont, block: int) -> Iterator[bytes]:
    for text in wrap(line.text, cells // line.size):
        encoded = printer_bytes(text)
        if encoded is not None:
            yield _style(line) + encoded + b"\n"
        else:
            yield _align(Align.LEFT)  # the picture is as wide as the paper and aligned inside
            yield from raster(font.draw(line, text, width), block)


def _style(line: SlipText) -> bytes:
    """Text in the printer's own font: GB18030 bytes in Kanji mode, where ASCII stays ASCII."""
    magnify = (line.size - 1) << 4 | (line.size - 1)
    # FS ! repeats the magnification for printers whose GS ! leaves hanzi alone; both set, neither doubles the other.
    kanji_size = 0x0C if line.size > 1 else 0
    spacing_and_weight = bytes([0x1B, 0x33, line.size * GLYPH + LEADING, 0x1B, 0x45, line.bold])
    return _align(line.align) + spacing_and_weight + bytes([0x1D, 0x21, magnify, 0x1C, 0x26, 0x1C, 0x21, kanji_size])


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
    return REAL_TIME.sub(DLE_WITH_A_DOT, bits)


@lru_cache
def _rule(width: int) -> bytes:
    line = Image.new("1", (width, RULE_DOTS), 1)
    return RULE_GAP + b"".join(raster(line)) + RULE_GAP


def _code(payload: str, width: int) -> bytes:
    """QR model 2, correction M, drawn by the printer (GS ( k). Raises ``ValueError`` when it cannot fit."""
    data = payload.encode("utf-8")
    version = bisect_left(QR_HOLDS, len(data))
    module = min(QR_MODULE, width // (QR_FIRST + QR_STEP * version + QR_QUIET))
    if version == len(QR_HOLDS) or module < QR_SMALLEST:
        raise ValueError("too much in one QR code for this paper: keep the payload short")
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
