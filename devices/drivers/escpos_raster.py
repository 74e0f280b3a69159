"""Slip lines as pictures, for characters that printers' own fonts do not have (names above all)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from devices.drivers.escpos_text import CELL, GETA, GLYPH, LEADING, columns
from devices.errors import DeviceFault
from devices.values import Align

if TYPE_CHECKING:
    from devices.values import SlipText

DEFAULT_FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
FACE = "Noto Sans Mono CJK SC"  # of the collection: the glyphs of Sans SC, with ASCII exactly half as wide as hanzi
INK = 110  # of 255: strokes of one dot survive, corners do not clog
ABSENT = "\U0010ffff"  # in no font: draws what is drawn for a missing character


class SlipFont:
    """One face of a font file at the sizes a slip needs. Blocking: use it in the device's thread."""

    def __init__(self, path: str = "") -> None:
        self._path = path or DEFAULT_FONT
        try:
            self._index = self._find_face()
        except OSError as error:
            raise DeviceFault(f"font {self._path} not readable: apt-get install fonts-noto-cjk") from error
        self._faces: dict[int, ImageFont.FreeTypeFont] = {}
        self._missing = self._outline(ABSENT)

    def draw(self, line: SlipText, text: str, width: int) -> Image.Image:
        """Return one line ``width`` dots wide, ink white on black as the printer wants its bits."""
        face = self._face(line.size)
        picture = Image.new("L", (width, line.size * GLYPH + LEADING))
        pen = ImageDraw.Draw(picture)
        cells = sum(columns(char) for char in text) * line.size
        left = {Align.LEFT: 0, Align.CENTRE: (width - cells * CELL) // 2, Align.RIGHT: width - cells * CELL}[line.align]
        ascent = GLYPH * line.size * 88 // 100  # baseline of the em square: 880 of 1000 units in this family
        for char in text:
            shown = char if self.has(char) else GETA
            for shift in (0, 1) if line.bold else (0,):
                pen.text((left + shift, ascent + LEADING // 2), shown, font=face, fill=255, anchor="ls")
            left += columns(char) * CELL * line.size
        return picture.point([0] * INK + [255] * (256 - INK), "1")

    def has(self, char: str) -> bool:
        """Tell whether the face has a drawing of the character."""
        return char.isspace() or self._outline(char) != self._missing

    def _outline(self, char: str) -> bytes:
        return bytes(self._face(1).getmask(char))

    def _face(self, size: int) -> ImageFont.FreeTypeFont:
        if size not in self._faces:
            self._faces[size] = ImageFont.truetype(self._path, size * GLYPH, index=self._index)
        return self._faces[size]

    def _find_face(self) -> int:
        """Return the index of ``FACE``; 0 for a font file of another make."""
        index = 0
        while True:
            try:
                family, _ = ImageFont.truetype(self._path, GLYPH, index=index).getname()
            except OSError:
                if index == 0:
                    raise
                return 0
            if family == FACE:
                return index
            index += 1
