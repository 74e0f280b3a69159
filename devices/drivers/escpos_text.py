"""Slip lines as text: what a printer's own font can print, and where a line breaks."""

from __future__ import annotations

import re
import unicodedata

GETA = "〓"  # stands for a character no font here has; printers have it (GB2312 A1FE)
CELL = 12  # dots: an ASCII character; a hanzi is two cells
GLYPH = 24  # dots: the height of both
LEADING = 6  # dots between lines: 30 dots a line, which is the printers' default
REPLACED = {"Cc": " ", "Cf": "", "Zl": " ", "Zp": " "}  # by Unicode category


def _in_gb2312(char: str) -> bool:
    """Tell by the bytes: the codec named gb2312 maps the dash and the middle dot of names to other characters."""
    try:
        char.encode("gbk").decode("gb2312")
    except UnicodeError:
        return False
    return True


# One pattern for the 7,445 characters: a line is looked at in a third of a microsecond.
IN_PRINTER_FONT = re.compile(
    "[ -~"
    + "".join(filter(_in_gb2312, map(chr, (*range(0xA0, 0x2700), *range(0x3000, 0xA000), *range(0xFF00, 0xFFF0)))))
    + "]*"
).fullmatch
# Marks that must not begin a line (GB/T 15834: they hang on the character before).
NOT_FIRST = frozenset("，。、；：？！）》〉」』】〕”’·…—%,.;:?!)]}")


def clean(text: str) -> str:
    """Make control characters blanks, invisible ones nothing: text from afar must not reach the printer as commands."""
    return "".join(REPLACED.get(unicodedata.category(char), char) for char in text)


def columns(char: str) -> int:
    """Return the cells a character takes: ASCII one, everything else two."""
    if char.isascii():
        return 1
    return 0 if unicodedata.combining(char) else 2


def printer_bytes(text: str) -> bytes | None:
    """Return the bytes of a text whose every character is printable ASCII or one of GB2312, else ``None``.

    They are GB18030, and as many as the cells the text takes. Anything else no printer has for certain.
    """
    return text.encode("gbk") if IN_PRINTER_FONT(text) else None


def wrap(text: str, width: int) -> list[str]:
    """Break ``text`` into lines of at most ``width`` cells; an empty text is one empty line.

    Words of Latin letters stay whole where they fit, and closing punctuation stays with its character.
    """
    lines: list[str] = []
    for paragraph in text.replace("\r\n", "\n").split("\n"):
        rest = clean(paragraph).rstrip()
        while (end := _fitting(rest, width)) < len(rest):
            end = _better_break(rest, end)
            lines.append(rest[:end].rstrip())
            rest = rest[end:].lstrip()
        lines.append(rest)
    return lines


def _fitting(text: str, width: int) -> int:
    used = 0
    for index, char in enumerate(text):
        used += columns(char)
        if used > width:
            return max(index, 1)
    return len(text)


def _better_break(text: str, end: int) -> int:
    """Move the break to the left for a whole word or a hanging mark, never beyond half of the line."""
    for candidate in range(end, end // 2, -1):
        before, after = text[candidate - 1], text[candidate]
        inside_word = before.isascii() and after.isascii() and not before.isspace() and not after.isspace()
        if not inside_word and after not in NOT_FIRST:
            return candidate
    return end
