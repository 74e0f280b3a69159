"""The readiness report on paper: A4, Chinese and English, drawn from the sections. Also the test page of the printer.

Lengths are millimetres, type sizes points. Each colour has a mark of its own shape, so that a black-and-white print
says the same. Drawing takes about a second and blocks: callers use ``asyncio.to_thread``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos
from fpdf.fonts import TTFFont

from kiosk.maintenance.findings import worst
from kiosk.phrases import local
from kiosk.texts import resolve
from kiosk.views import Colour, Language, Text, text

if TYPE_CHECKING:
    from datetime import datetime

    from kiosk.maintenance.findings import Row, Section
    from kiosk.settings import TerminalSettings
    from typefaces import Typefaces

FACE: Final = "sans"
MARGIN: Final = 18.0
FOOT: Final = 20.0
INK: Final = (26, 28, 32)
GREY: Final = (104, 108, 116)
RULE: Final = (206, 209, 214)
BAND: Final = (18, 56, 99)
WHITE: Final = (255, 255, 255)
COLOURS: Final = {
    Colour.GREEN: (22, 128, 72),
    Colour.YELLOW: (181, 112, 0),
    Colour.RED: (190, 28, 36),
    Colour.GREY: (140, 144, 152),
}
LABEL_WIDTH: Final = 66.0
PAGES: Final = "¤"  # stands for the number of pages until it is known
SIGN_HEIGHT: Final = 26.0
PAIR_HEIGHT: Final = 10.0
SHORT: Final = frozenset({"identity", "queue", "link", "machine", "counters"})  # sections of a word or a figure a row


def draw_report(
    found: tuple[Section, ...], terminal: TerminalSettings, at: datetime, typefaces: Typefaces, *, technician: str = ""
) -> tuple[bytes, int]:
    """Return the PDF and its number of pages. Raises ``FontMissing``."""
    sheet = _Sheet(terminal, at, typefaces, text("maintenance.document.title"))
    try:
        sheet.add_page()
        sheet.verdict(worst([section.colour for section in found]), found)
        for section in found:
            sheet.section(section)
        sheet.signature(technician)
        return bytes(sheet.output()), sheet.pages_count
    finally:
        sheet.let_go()


def draw_test_page(terminal: TerminalSettings, at: datetime, typefaces: Typefaces) -> bytes:
    """Return one page that shows what a tired printer does wrong: faint corners, banding, lost small type."""
    sheet = _Sheet(terminal, at, typefaces, text("maintenance.document.test_page"))
    try:
        sheet.add_page()
        sheet.patterns()
        return bytes(sheet.output())
    finally:
        sheet.let_go()


class _Sheet(FPDF):
    def __init__(self, terminal: TerminalSettings, at: datetime, typefaces: Typefaces, title: Text) -> None:
        super().__init__(format="A4")
        self._terminal = terminal
        self._at = local(terminal, at)
        self._title = title
        self.add_font(FACE, "", typefaces.file(""))
        self.add_font(FACE, "B", typefaces.file("B"))
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(auto=True, margin=FOOT)
        self.set_title(_zh(title))
        self.set_lang("zh-CN")
        self.set_creation_date(at)
        self.alias_nb_pages(PAGES)

    def let_go(self) -> None:
        """Close the font files."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    def header(self) -> None:
        if self.page > 1:
            self._thin_header()
            return
        self.set_fill_color(*BAND)
        self.rect(0, 0, self.w, 32, style="F")
        self.set_xy(MARGIN, 8)
        self._type(19, WHITE, "B")
        self.cell(self.epw * 0.6, 9, _zh(self._title))
        self._type(11, WHITE)
        self.cell(self.epw * 0.4, 9, self._terminal.kiosk, align=Align.R, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._type(9, WHITE)
        self.cell(self.epw * 0.6, 5, f"{_en(self._title)}  ·  {self._terminal.name.zh_CN}")
        self.cell(self.epw * 0.4, 5, f"{self._at:%Y-%m-%d %H:%M}", align=Align.R)
        self.set_y(40)

    def _thin_header(self) -> None:
        self.set_fill_color(*BAND)
        self.rect(0, 0, self.w, 12, style="F")
        self.set_xy(MARGIN, 3)
        self._type(9.5, WHITE, "B")
        self.cell(self.epw * 0.5, 6, f"{_zh(self._title)}  {_en(self._title)}")
        self._type(9, WHITE)
        self.cell(self.epw * 0.5, 6, f"{self._terminal.kiosk}  ·  {self._at:%Y-%m-%d %H:%M}", align=Align.R)
        self.set_y(19)

    def footer(self) -> None:
        self.set_y(-14)
        self._type(7.5, GREY)
        note = text("maintenance.document.no_persons")
        self.cell(self.epw * 0.75, 4, f"{_zh(note)}  {_en(note)}")
        self.cell(self.epw * 0.25, 4, f"{self.page_no()} / {PAGES}", align=Align.R)

    def verdict(self, colour: Colour, found: tuple[Section, ...]) -> None:
        """Draw the one word that matters, and under it the sections in small marks."""
        top = self.get_y()
        words = text(f"maintenance.document.overall_{colour}")
        self.set_draw_color(*COLOURS[colour])
        self.set_line_width(0.7)
        self.rect(MARGIN, top, self.epw, 25, round_corners=True, corner_radius=2.5)
        self._mark(colour, MARGIN + 12, top + 12.5, 6.0)
        self.set_xy(MARGIN + 24, top + 5)
        self._type(20, COLOURS[colour], "B")
        self.cell(60, 9, _zh(words), new_x=XPos.LEFT, new_y=YPos.NEXT)
        self._type(9, GREY)
        self.cell(60, 5, _en(words))
        for number, section in enumerate(found):
            x, y = MARGIN + 92 + (number % 2) * 42, top + 4.4 + (number // 2) * 4.1
            self._mark(section.colour, x, y, 1.3)
            self.set_xy(x + 2.5, y - 2)
            self._type(7.5, INK)
            self.cell(38, 4, _zh(section.title))
        self.set_y(top + 32)

    def section(self, section: Section) -> None:
        """Draw one section; its heading never stands alone at the foot of a page."""
        height = 22.0 if section.rows else 16.0
        if self.get_y() + height > self.h - FOOT:
            self.add_page()
        self._mark(section.colour, MARGIN + 2, self.get_y() + 3.4, 1.9)
        self.set_x(MARGIN + 6.5)
        self._type(11.5, INK, "B")
        self.cell(self.get_string_width(_zh(section.title)) + 3, 7, _zh(section.title))
        self._type(8, GREY)
        self.cell(0, 7.6, _en(section.title), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._rule(0.35)
        if not section.rows:
            nothing = text("maintenance.document.nothing")
            self._type(8.5, GREY)
            self.set_x(MARGIN + 6.5)
            self.cell(0, 5.5, f"{_zh(nothing)}  {_en(nothing)}", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if section.id in SHORT:
            for at in range(0, len(section.rows), 2):
                self._pair(section.rows[at : at + 2])
        else:
            for row in section.rows:
                self._row(row)
        self.ln(3.5)

    def signature(self, technician: str) -> None:
        """Draw the lines to sign on, together on one page."""
        if self.get_y() + SIGN_HEIGHT > self.h - FOOT:
            self.add_page()
        self.ln(8)
        half = self.epw / 2 - 6
        for number, words in enumerate((text("maintenance.document.signed"), text("maintenance.document.checked"))):
            x = MARGIN + number * (half + 12)
            y = self.get_y()
            self.set_draw_color(*GREY)
            self.set_line_width(0.25)
            self.line(x, y + 7, x + half, y + 7)
            self.set_xy(x, y)
            self._type(10.5, INK)
            self.cell(half, 6, technician if number == 0 else "")
            self.set_xy(x, y + 8)
            self._type(7.5, GREY)
            self.cell(half, 4, f"{_zh(words)}  {_en(words)}")
            self.set_xy(MARGIN, y)

    def patterns(self) -> None:
        """Draw corners, grey steps, lines and small type."""
        self.set_fill_color(*INK)
        for x, y in ((8, 38), (self.w - 14, 38), (8, self.h - 26), (self.w - 14, self.h - 26)):
            self.rect(x, y, 6, 6, style="F")
        width = self.epw / 10
        for step in range(10):
            shade = 255 - round(step * 255 / 9)
            self.set_fill_color(shade, shade, shade)
            self.rect(MARGIN + step * width, 52, width, 20, style="F")
        self.set_draw_color(*INK)
        for number in range(10):
            self.set_line_width(0.05 + 0.05 * number)
            self.line(MARGIN, 82 + number * 4, self.w - MARGIN, 82 + number * 4)
        self.set_y(128)
        for size in (6, 7, 8, 10, 12, 16, 20):
            self._type(size, INK)
            self.cell(
                0,
                size * 0.62,
                f"{size} pt  通办 自助服务 0123456789 ABCDEFG abcdefg",
                new_x=XPos.LMARGIN,
                new_y=YPos.NEXT,
            )
        self.set_fill_color(*INK)
        for y in range(12):
            for x in range(24):
                if (x + y) % 2:
                    self.rect(MARGIN + x * 2, 206 + y * 2, 2, 2, style="F")

    def _row(self, row: Row) -> None:
        chinese, english = _zh(row.value), _en(row.value)
        detail = f"{_zh(row.detail)}  {_en(row.detail)}" if row.detail else ""
        apart = english if english != chinese else ""
        self._type(9, INK)
        width = self.epw - LABEL_WIDTH - 6.5
        broken = self.multi_cell(width, 4.6, chinese, dry_run=True, output="LINES")
        lines = len(broken) if isinstance(broken, list) else 1
        height = 4.6 * lines + (3.6 if apart else 0) + (4.2 if detail else 0) + 1.8
        if self.get_y() + height > self.h - FOOT:
            self.add_page()
        top = self.get_y() + 0.9
        self._mark(row.colour, MARGIN + 2, top + 2.3, 1.2)
        self.set_xy(MARGIN + 6.5, top)
        self.cell(LABEL_WIDTH - 2, 4.6, _zh(row.label), new_x=XPos.LEFT, new_y=YPos.NEXT)
        if _en(row.label) != _zh(row.label):
            self._type(7, GREY)
            self.cell(LABEL_WIDTH - 2, 3.4, _en(row.label))
        self.set_xy(MARGIN + 6.5 + LABEL_WIDTH, top)
        self._type(9, INK)
        self.multi_cell(width, 4.6, chinese, new_x=XPos.LEFT, new_y=YPos.NEXT, align=Align.L)
        if apart:
            self._type(7, GREY)
            self.cell(width, 3.4, apart, new_x=XPos.LEFT, new_y=YPos.NEXT)
        if detail:
            self._type(8, COLOURS[row.colour])
            self.cell(width, 4.2, detail, new_x=XPos.LEFT, new_y=YPos.NEXT)
        self.set_y(max(self.get_y(), top + 8.2) + 0.9)
        self._rule(0.12)

    def _pair(self, rows: tuple[Row, ...]) -> None:
        """Draw two short rows side by side."""
        if self.get_y() + PAIR_HEIGHT > self.h - FOOT:
            self.add_page()
        top, half = self.get_y() + 0.9, self.epw / 2
        for number, row in enumerate(rows):
            x = MARGIN + number * half
            self._mark(row.colour, x + 2, top + 2.3, 1.2)
            for words, left, width in ((row.label, 6.5, half * 0.5), (row.value, half * 0.53, half * 0.47)):
                self.set_xy(x + left, top)
                self._type(9, INK)
                self.cell(width, 4.6, _zh(words), new_x=XPos.LEFT, new_y=YPos.NEXT)
                if _en(words) != _zh(words):
                    self._type(7, GREY)
                    self.cell(width, 3.4, _en(words))
        self.set_y(top + PAIR_HEIGHT - 0.9)
        self._rule(0.12)

    def _rule(self, width: float) -> None:
        self.set_draw_color(*RULE)
        self.set_line_width(width)
        self.line(MARGIN, self.get_y(), self.w - MARGIN, self.get_y())

    def _mark(self, colour: Colour, x: float, y: float, size: float) -> None:
        """Draw a disc (works), a triangle (look), a cross (does not work) or a ring (not known)."""
        self.set_fill_color(*COLOURS[colour])
        self.set_draw_color(*COLOURS[colour])
        self.set_line_width(size / 3.2)
        if colour is Colour.GREEN:
            self.circle(x, y, size, style="F")
        elif colour is Colour.YELLOW:
            self.polygon(
                ((x, y - size), (x + size * 1.05, y + size * 0.85), (x - size * 1.05, y + size * 0.85)), style="F"
            )
        elif colour is Colour.RED:
            side = size * 0.8
            self.line(x - side, y - side, x + side, y + side)
            self.line(x - side, y + side, x + side, y - side)
        else:
            self.circle(x, y, size * 0.75)

    def _type(self, size: float, colour: tuple[int, int, int], style: str = "") -> None:
        self.set_font(FACE, style, size)
        self.set_text_color(*colour)


_zh = partial(resolve, language=Language.ZH_CN)
_en = partial(resolve, language=Language.EN)
