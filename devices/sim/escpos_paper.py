"""The paper of the simulated receipt printer: a roll 576 dots wide that becomes PNG files where it is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import segno
from PIL import Image, ImageDraw, ImageFont

from devices.sim.escpos_parser import LINE_SPACING, Cut, DotFeed, LineFeed, QrSymbol, Raster, Run, Style

if TYPE_CHECKING:
    from pathlib import Path

    from devices.sim.escpos_parser import Command

WIDTH = 576
ROM_FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
ROM_FACE = 7  # Noto Sans Mono CJK SC: ASCII 12 dots wide, hanzi 24, as in a printer's ROM
CELL_HEIGHT = 24
BASELINE = 21
INK = 110
WHITE, BLACK = 255, 0
MARGIN = 24  # dots of white around a finished picture: the strip before the knife


class PaperRoll:
    """What is on the paper since the last cut, and the line being filled. Blocking: drawing takes milliseconds."""

    def __init__(self) -> None:
        self._font = ImageFont.truetype(ROM_FONT, CELL_HEIGHT, index=ROM_FACE)
        self._strips: list[Image.Image] = []
        self._words: list[str] = []
        self.reset()

    @property
    def touched(self) -> bool:
        """Tell whether anything was printed since the last cut."""
        return bool(self._strips)

    def reset(self) -> None:
        """Forget the line and every style, as ESC @ and a power cut do; the paper keeps what is on it."""
        self._line: list[Image.Image] = []
        self._line_text = ""
        self._style: dict[str, int | tuple[int, int]] = {
            "align": 0,
            "bold": 0,
            "spacing": LINE_SPACING,
            "magnify": (1, 1),
        }

    def put(self, command: Command) -> None:
        """Obey one printing or styling command."""
        match command:
            case Style("reset", _):
                self.reset()
            case Style(name, value):
                self._style[name] = value
            case Run(text):
                for char in text:
                    self._put_char(char)
            case LineFeed(lines):
                self._end_line(self._spacing())
                self._blank(self._spacing() * (lines - 1))
            case DotFeed(dots):
                self._end_line(0)
                self._blank(dots)
            case Raster():
                self._picture(command)
            case QrSymbol():
                self._code(command)
            case Cut(dots):
                self._end_line(0)
                self._blank(dots)

    def cut_to(self, path: Path) -> None:
        """Write the slip as ``path`` (PNG) and what it says beside it (``.txt``), and begin a new one."""
        height = sum(strip.height for strip in self._strips)
        slip = Image.new("L", (WIDTH + 2 * MARGIN, height + 2 * MARGIN), WHITE)
        top = MARGIN
        for strip in self._strips:
            slip.paste(strip, (MARGIN, top))
            top += strip.height
        path.with_suffix(".txt").write_text("\n".join(self._words) + "\n", "utf-8")
        unfinished = path.with_suffix(".part")
        slip.crop((MARGIN, 0, MARGIN + WIDTH, slip.height)).save(unfinished, "PNG")
        unfinished.rename(path)
        self._strips.clear()
        self._words.clear()

    def _spacing(self) -> int:
        spacing = self._style["spacing"]
        return spacing if isinstance(spacing, int) else LINE_SPACING

    def _put_char(self, char: str) -> None:
        width = CELL_HEIGHT // 2 if char.isascii() else CELL_HEIGHT
        across, down = self._style["magnify"] if isinstance(self._style["magnify"], tuple) else (1, 1)
        cell = Image.new("L", (width, CELL_HEIGHT), WHITE)
        pen = ImageDraw.Draw(cell)
        for shift in (0, 1) if self._style["bold"] else (0,):
            pen.text((shift, BASELINE), char, font=self._font, fill=BLACK, anchor="ls")
        dots = cell.point([BLACK] * (256 - INK) + [WHITE] * INK)
        glyph = dots.resize((width * across, CELL_HEIGHT * down), Image.Resampling.NEAREST)
        if sum(each.width for each in self._line) + glyph.width > WIDTH:
            self._end_line(self._spacing())
        self._line.append(glyph)
        self._line_text += char

    def _end_line(self, spacing: int) -> None:
        if not self._line:
            if spacing:
                self._words.append("")
            self._blank(spacing)
            return
        height = max(glyph.height for glyph in self._line)
        strip = Image.new("L", (WIDTH, max(height, spacing)), WHITE)
        left = self._indent(sum(glyph.width for glyph in self._line))
        for glyph in self._line:
            strip.paste(glyph, (left, height - glyph.height))
            left += glyph.width
        self._strips.append(strip)
        self._words.append(self._line_text)
        self._line, self._line_text = [], ""

    def _indent(self, width: int) -> int:
        return {1: (WIDTH - width) // 2, 2: WIDTH - width}.get(int(str(self._style["align"])), 0)

    def _blank(self, dots: int) -> None:
        if dots:
            self._strips.append(Image.new("L", (WIDTH, dots), WHITE))

    def _picture(self, raster: Raster) -> None:
        bits = Image.frombytes("1", (raster.row_bytes * 8, raster.rows), raster.bits)
        ink = bits.convert("L").point(list(range(255, -1, -1)))
        strip = Image.new("L", (WIDTH, raster.rows), WHITE)
        strip.paste(ink, (self._indent(ink.width), 0))
        self._strips.append(strip)
        self._words.append(f"[picture {ink.width}x{raster.rows}]")

    def _code(self, symbol: QrSymbol) -> None:
        text = symbol.payload.decode("utf-8")
        code = segno.make_qr(text, error=symbol.level, boost_error=False)
        rows = [bytes(WHITE if not dark else BLACK for dark in row) for row in code.matrix]
        picture = Image.frombytes("L", (len(rows), len(rows)), b"".join(rows))
        side = len(rows) * symbol.module
        strip = Image.new("L", (WIDTH, side + 16), WHITE)
        strip.paste(picture.resize((side, side), Image.Resampling.NEAREST), (self._indent(side), 8))
        self._strips.append(strip)
        self._words.append(f"[qr {text}]")
