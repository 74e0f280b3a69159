"""The certificate on paper: A4, fpdf2, one to three pages, vector seal look-alike and QR code.

Lengths are millimetres, type sizes points. Every page names the holder and the document, so that a sheet that lost
its neighbours still says whose it is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import segno
from fpdf import FPDF
from fpdf.enums import Align, TableBordersLayout, VAlign, XPos, YPos
from fpdf.fonts import FontFace, TTFFont

from central.certificates import LOCAL, NO_RECORD, SUBJECT_FILE, TITLE, VALID_DAYS, grouped, local_date
from central.keys import SEAL_AUTHORITY

if TYPE_CHECKING:
    from central.certificates import Certificate, Row
    from typefaces import Typefaces

ENGLISH: Final = "Certificate of Social Insurance Participation"
OPENING: Final = "经查询社会保险登记库，下列人员在所列期间参加社会保险的情况如下，特此证明。"
FACE: Final = "serif"
MARGIN: Final = 22.0
INK: Final = (28, 28, 32)
GREY: Final = (110, 112, 118)
RULE: Final = (150, 152, 158)
TINT: Final = (243, 243, 240)
RED: Final = (196, 30, 36)
WATERMARK: Final = (236, 236, 238)
SEAL_RADIUS: Final = 19.0
QR_SIDE: Final = 27.0
FOOT: Final = 24.0  # free at the bottom of each page for the footer
CLOSING: Final = 76.0  # height of notes, QR, authority and seal: they stay on one page
MAX_PAGES: Final = 3  # the starter catalogue: outputs of this service
PAGES: Final = "¤¤"  # stands for the number of pages until it is known; hardly wider, so that lines stay put


class GlyphMissing(ValueError):
    """The typeface lacks a character of a name: the sheet would show an empty box, so it is not made."""


class TooLong(ValueError):
    """More rows than the sheets of one certificate hold."""


def draw(certificate: Certificate, typefaces: Typefaces) -> tuple[bytes, int]:
    """Return the unsigned PDF, subject attached, and its number of pages.

    Raises ``GlyphMissing``, ``TooLong``, ``FontMissing``.
    """
    sheet = _Sheet(certificate, typefaces)
    try:
        sheet.check_glyphs()
        sheet.add_page()
        sheet.holder()
        sheet.rows()
        sheet.closing()
        if sheet.pages_count > MAX_PAGES:
            raise TooLong(f"{sheet.pages_count} pages")
        sheet.embed_file(bytes=certificate.subject(), basename=SUBJECT_FILE, mime_type="application/json")
        return bytes(sheet.output()), sheet.pages_count
    finally:
        for font in sheet.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()  # a sheet that is never put out would keep the font files open


class _Sheet(FPDF):
    def __init__(self, certificate: Certificate, typefaces: Typefaces) -> None:
        super().__init__(format="A4")
        self._it = certificate
        self.add_font(FACE, "", typefaces.file(""))
        self.add_font(FACE, "B", typefaces.file("B"))
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(auto=True, margin=FOOT)
        self.set_title(TITLE)  # no person: a viewer shows the title in its window
        self.set_author(SEAL_AUTHORITY)
        self.set_lang("zh-CN")
        self.set_creation_date(certificate.issued)
        self.alias_nb_pages(PAGES)

    def header(self) -> None:
        it = self._it
        self._watermark()
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        self.rect(12, 12, 186, 273)
        self.set_line_width(0.6)
        self.rect(13.2, 13.2, 183.6, 270.6)
        self.set_xy(MARGIN, 17)
        self._type(8, GREY)
        self.cell(self.epw / 2, 5, "演示数据 DEMO · 不具证明效力")
        self.cell(self.epw / 2, 5, f"证明编号 {it.number}", align=Align.R, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if self.page == 1:
            self.set_y(31)
            self._type(25, INK, "B")
            self.set_char_spacing(4)
            self.cell(0, 13, TITLE, align=Align.C, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.set_char_spacing(0)
            self._type(9, GREY)
            self.cell(0, 6, ENGLISH, align=Align.C, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.ln(8)
        else:
            self.set_y(25)
            self._type(9.5, INK)
            self.cell(0, 7, f"{TITLE}（续）  {it.name}  {it.id_no}", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            self.ln(2)

    def footer(self) -> None:
        self.set_y(-20)
        self._type(8, GREY)
        self.cell(self.epw / 2, 5, f"验证码 {grouped(self._it.code)}")
        self.cell(self.epw / 2, 5, f"第 {self.page_no()} 页 共 {PAGES} 页", align=Align.R)

    def holder(self) -> None:
        it = self._it
        self._type(11.5, INK)
        self.multi_cell(0, 8, f"      {OPENING}", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(3)
        shown = f"{it.name}（{it.also}）" if it.also else it.name
        for label, value in (
            ("姓        名", shown),
            ("公民身份号码", it.id_no),
            ("查 询 期 间", it.period.words()),
        ):
            self._type(11.5, GREY)
            self.cell(34, 8.5, label)
            self._type(12.5, INK, "B")
            self.cell(0, 8.5, value, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(4)

    def rows(self) -> None:
        employers = self._it.show_employers
        heads = ["险种", "参保地", *(["参保单位"] if employers else []), "起止年月", "月数", "缴费状态"]
        widths = (20, 18, 54, 44, 12, 18) if employers else (28, 40, 62, 16, 20)
        self._type(10, INK)
        self.set_draw_color(*RULE)
        self.set_line_width(0.2)
        with self.table(
            borders_layout=TableBordersLayout.ALL,
            col_widths=widths,
            headings_style=FontFace(emphasis="BOLD", color=INK, fill_color=TINT),
            line_height=5.4,
            padding=(1.5, 1.2),
            text_align=Align.C,
            v_align=VAlign.M,
        ) as table:
            table.row(heads)
            for row in self._it.rows:
                self._row(table.row(), row, employers=employers)
        self.ln(5)

    def closing(self) -> None:
        if self.get_y() + CLOSING > self.h - FOOT:
            self.add_page()
        self._notes()
        top = self.get_y() + 7
        self._qr(MARGIN, top)
        self._authority(top)

    def _row(self, line: object, row: Row, *, employers: bool) -> None:
        from fpdf.table import Row as TableRow  # noqa: PLC0415 - a name that would hide ours

        assert isinstance(line, TableRow)  # noqa: S101
        line.cell(row.insurance)
        if row.period is None:
            line.cell(NO_RECORD, colspan=5 if employers else 4)
            return
        line.cell(row.region)
        if employers:
            line.cell(row.employer, align=Align.L)
        line.cell(row.period.words())
        line.cell(str(row.period.months()))
        line.cell(row.status)

    def _notes(self) -> None:
        it = self._it
        moment = it.issued.astimezone(LOCAL)
        self._type(9.5, INK, "B")
        self.cell(0, 6, "说明", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._type(9.5, INK)
        for number, note in enumerate(
            (
                f"本证明依本人申请由自助服务终端出具，数据取自社会保险登记库，查询时间 {moment:%Y-%m-%d %H:%M}。",
                f"本证明自出具之日起 {VALID_DAYS} 日内有效。扫描二维码，或凭验证码在查验页面核对，可辨真伪。",
                "本件为系统演示：人员、单位、编号均为虚构，不具有任何证明效力。",
            ),
            start=1,
        ):
            self.cell(6, 5.6, f"{number}.")
            self.multi_cell(0, 5.6, note, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._type(8, GREY)
        self.set_x(MARGIN + 6)
        self.multi_cell(
            0,
            4.6,
            "DEMO – all people, employers and numbers are invented; this sheet proves nothing.",
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )

    def _qr(self, left: float, top: float) -> None:
        code = segno.make(self._it.verify_url, error="m", micro=False)
        modules = [list(line) for line in code.matrix]
        side = QR_SIDE / len(modules)
        self.set_fill_color(*INK)
        for y, line in enumerate(modules):
            start = None
            for x, dark in enumerate([*line, 0]):
                if dark and start is None:
                    start = x
                elif not dark and start is not None:
                    self.rect(left + start * side, top + y * side, (x - start) * side, side, style="F")
                    start = None
        self.set_xy(left, top + QR_SIDE + 2)
        self._type(8, GREY)
        self.cell(44, 4.6, "扫码查验", new_x=XPos.LEFT, new_y=YPos.NEXT)
        self._type(10.5, INK, "B")
        self.cell(44, 5.4, grouped(self._it.code))

    def _authority(self, top: float) -> None:
        right = self.w - MARGIN
        width = 84.0
        self._type(11.5, INK)
        self.set_xy(right - width, top + 13)
        self.cell(width, 7.5, SEAL_AUTHORITY, align=Align.C, new_x=XPos.LEFT, new_y=YPos.NEXT)
        day = local_date(self._it.issued)
        self.cell(width, 7.5, f"{day.year} 年 {day.month} 月 {day.day} 日", align=Align.C)
        self._seal(right - width / 2, top + 19)

    def _seal(self, x: float, y: float) -> None:
        """Draw a round look-alike; the true seal is the digital signature over the file."""
        radius = SEAL_RADIUS
        with self.local_context(fill_opacity=0.82, stroke_opacity=0.82):
            self.set_draw_color(*RED)
            self.set_fill_color(*RED)
            self.set_line_width(1.0)
            self.circle(x, y, radius)
            self.polygon(_star(x, y - 0.5, 5.6), style="F")
            self._arc_text(SEAL_AUTHORITY.partition("（")[0], x, y, radius - 5.0, 232.0)
            self._type(9.5, RED, "B")
            self.set_xy(x - radius, y + 7.2)
            self.cell(2 * radius, 4.6, "演示专用章", align=Align.C)
            self._type(7, RED, "B")
            self.set_xy(x - radius, y + 11.6)
            self.cell(2 * radius, 3.6, "DEMO", align=Align.C)

    def _arc_text(self, text: str, x: float, y: float, radius: float, spread: float) -> None:
        self._type(10.5, RED, "B")
        step = spread / (len(text) - 1)
        for index, char in enumerate(text):
            turn = -spread / 2 + index * step  # degrees clockwise from the top
            width = self.get_string_width(char)
            with self.rotation(-turn, x, y):
                self.text(x - width / 2, y - radius, char)

    def _watermark(self) -> None:
        self._type(44, WATERMARK, "B")
        for y in (115, 215):
            with self.rotation(32, self.w / 2, y):
                width = self.get_string_width("演示数据 DEMO")
                self.text((self.w - width) / 2, y, "演示数据 DEMO")

    def _type(self, size: float, colour: tuple[int, int, int], style: str = "") -> None:
        self.set_font(FACE, style, size)
        self.set_text_color(*colour)

    def check_glyphs(self) -> None:
        """Raise ``GlyphMissing`` before anything is drawn."""
        it = self._it
        personal = it.name + it.also + "".join(row.employer + row.region for row in it.rows)
        for key in (FACE, FACE + "B"):
            font = self.fonts[key]
            assert isinstance(font, TTFFont)  # noqa: S101 - add_font makes no other kind
            if any(ord(char) not in font.cmap for char in personal):
                raise GlyphMissing("a character of the content is not in the typeface")


def _star(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    inner = radius * math.sin(math.radians(18)) / math.sin(math.radians(54))
    points = []
    for corner in range(10):
        distance = inner if corner % 2 else radius
        angle = math.radians(36 * corner - 90)
        points.append((x + distance * math.cos(angle), y + distance * math.sin(angle)))
    return points
