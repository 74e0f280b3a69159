"""What a voice is given to read: numbers, dates and names of letters written out, hanzi as pinyin.

eSpeak NG 1.51 reads hanzi by itself (voice ``cmn-latn-pinyin``), but of 1,109 words of public offices it read 280
otherwise than pypinyin's phrases do, and nearly always wrongly: 银行 as "yin xing", 重新 as "zhong xin", 贷款 as
"dai kuan kuan". Given pinyin with tone numbers it says what it is told. So hanzi go through pypinyin; where that is
wrong or in doubt a table decides: ``espeak_readings.toml``. The voice joins third tones by itself, but knows nothing of
the tones of 不 and 一, reads 2026 年 as "two thousand ...", 12.50 without its point, 50% in English, A4 as "a".
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pypinyin import Style, lazy_pinyin

from devices.speech import SpeechLanguage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

READINGS: Final = Path(__file__).with_name("espeak_readings.toml")
BY_DIGIT: Final = 5  # a number this long is a name, not a quantity: 12345 is a telephone number
PHONE_DIGITS: Final = 7  # from here on a one is said 幺, as people do with telephone and identity numbers

# Before a falling or a light tone 一 rises, before the others it falls.
_YI: Final = {"1": "yi4", "2": "yi4", "3": "yi4", "4": "yi2", "5": "yi2"}
_DIGITS: Final = "零一二三四五六七八九"
_PLACES: Final = ("千", "百", "十", "")
_YI_ENDS: Final = {*_DIGITS, *"幺点第十百千万统唯之单专同"}  # 第一, 十一, 统一
_YI_BEGINS: Final = {*_DIGITS, *"月日号楼层级等"}  # 一月, 一层
_WAN: Final = 10_000
_TEENS: Final = range(10, 20)  # said without the leading one
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# A number that is a name: digits grouped by hyphens or blanks, parts of it hidden by stars, an identity number's X.
_CODE: Final = re.compile(
    r"(?<![A-Za-z\d.])\d(?:[\d*]|[-\u2010-\u2013](?=[\d*])|(?<=\d{3}) (?=\d{3}))*\d(?:[Xx](?![A-Za-z\d]))?(?!\.?\d)"
)
_DATE: Final = re.compile(r"(?<!\d)(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)")
_DATE_CN: Final = re.compile(r"(?<!\d)(\d{4})\s*年")
_TIME: Final = re.compile(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?!:?\d)")
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*[%％]")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
_TO: Final = re.compile(r"(?<=[\d点分日月年%])\s*[-–—~～至]\s*(?=\d)")
_CAPITALS: Final = re.compile(r"(?<![A-Za-z])[A-Z]{1,5}(?![A-Za-z])")


def spoken(text: str, language: SpeechLanguage) -> str:
    """Return ``text`` as the voice of ``language`` has to be given it."""
    # Two opening brackets begin a list of phonemes to this voice: no text may command it.
    text = text.replace("[", "[ ")
    return _english(text) if language is SpeechLanguage.ENGLISH else _mandarin(text)


def _english(text: str) -> str:
    def date(found: re.Match[str]) -> str:
        year, month, day = found[1], int(found[3]), int(found[4])
        return f"{day} {_MONTHS[month - 1]} {year}" if 1 <= month <= len(_MONTHS) else found[0]

    text = _DATE.sub(date, text)
    return _CODE.sub(lambda found: _one_by_one(found[0], str), text)


def _mandarin(text: str) -> str:
    table = _readings()
    text = _DATE.sub(lambda found: f"{found[1]}年{int(found[3])}月{int(found[4])}日", text)
    text = _DATE_CN.sub(lambda found: f" {_digits(found[1])} 年", text)
    text = _CODE.sub(lambda found: _one_by_one(found[0], _said_digit(found[0])), text)
    text = _TIME.sub(lambda found: f"{int(found[1])}点" + (f"{found[2]}分" if int(found[2]) else ""), text)
    text = _TO.sub("到", text)
    text = _PERCENT.sub(lambda found: f"百分之{_number(found[1])}", text)
    text = table.units.sub(lambda found: found[1] + table.unit_words[found[2]], text)
    text = table.two.sub("两", text)
    text = _NUMBER.sub(lambda found: _number(found[0]), text)
    text = _CAPITALS.sub(lambda found: " " + " ".join(table.letters[letter] for letter in found[0]) + " ", text)
    return _pinyin(text.replace("*", ""), table)


def _pinyin(text: str, table: _Readings) -> str:
    """Return ``text`` with its hanzi as pinyin, a blank on both sides of each; all else as it is."""
    said: list[str] = []  # one for each character
    for part in table.split(text):
        if part in table.readings:
            said += table.readings[part].split()
        else:
            said += lazy_pinyin(part, style=Style.TONE3, neutral_tone_with_five=True, errors=_each)
    for at, character in enumerate(text):
        after = said[at + 1][-1:] if at + 1 < len(said) else ""
        if character == "不" and after == "4":
            said[at] = "bu2"
        elif character == "一":
            said[at] = "yi1" if _counts(text, at) else _YI.get(after, said[at])
    return "".join(f" {sound} " if sound != character else sound for sound, character in zip(said, text, strict=True))


def _each(text: str) -> Any:
    """Take what is no hanzi as it is, one sound for each character; pypinyin's annotation knows only one for all."""
    return list(text)


def _counts(text: str, at: int) -> bool:
    """Tell whether this 一 is a number's digit or an ordinal, which keeps its tone."""
    return text[at - 1 : at] in _YI_ENDS or text[at + 1 : at + 2] in _YI_BEGINS


def _said_digit(code: str) -> Callable[[str], str]:
    long = sum(character.isdigit() for character in code) >= PHONE_DIGITS
    return lambda digit: "幺" if long and digit == "1" else _digits(digit)


def _one_by_one(code: str, say: Callable[[str], str]) -> str:
    """Read a number that is a name digit by digit, a pause where it is grouped; leave a quantity alone."""
    hidden = "*" in code
    if not hidden and sum(character.isdigit() for character in code) < BY_DIGIT:
        return code
    parts = re.split(r"[-\u2010-\u2013 ]|\*+", code)
    # A blank inside a clause is no pause to the voice; a comma is.
    return ", ".join(" ".join(say(c) if c.isdigit() else c.upper() for c in part) for part in parts if part)


def _digits(text: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in text)


def _number(text: str) -> str:
    """Return a number in hanzi: 105 is 一百零五, 12.50 is 十二点五零; beyond eight digits, digit by digit."""
    whole, _, part = text.partition(".")
    said = _whole(int(whole)) if len(whole) <= 2 * len(_PLACES) else _digits(whole)
    return said + (f"点{_digits(part)}" if part else "")


def _whole(value: int) -> str:
    if value >= _WAN:
        high, low = divmod(value, _WAN)
        between = "零" if 0 < low < _WAN // 10 else ""
        return f"{_whole(high)}万{between}{_whole(low) if low else ''}"
    said = ""
    gap = False
    for digit, place in zip(f"{value:04}", _PLACES, strict=True):
        if digit == "0":
            gap = bool(said)
        else:
            said += ("零" if gap else "") + _DIGITS[int(digit)] + place
            gap = False
    said = said or _DIGITS[0]
    return said[1:] if value in _TEENS else said


def readings() -> Mapping[str, str]:
    """Return the words that the table decides, with their readings."""
    return _readings().readings


class _Readings:
    """The data, ready for use."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.readings: Mapping[str, str] = {**data["first"], **data["words"]}
        self.letters = data["letters"]
        self.unit_words = data["units"]
        # A group: what is found is kept when splitting.
        self._splits = [re.compile(f"({_either(data[part])})") for part in ("first", "words")]
        self.units = re.compile(rf"(?<=\d)(\s*)({_either(self.unit_words)})(?![A-Za-z])")
        # "Two" before what is counted is another word than the digit; dates and ordinals keep the digit.
        self.two = re.compile(rf"(?<![\d.第])2(?=\s*(?:{_either(data['counted']['words'])}))")

    def split(self, text: str) -> list[str]:
        """Cut ``text`` into the words of the table and what stands between them."""
        parts = [text]
        for pattern in self._splits:
            parts = [piece for part in parts for piece in pattern.split(part) if piece]
        return parts


def _either(words: Mapping[str, str]) -> str:
    """Return a pattern of alternatives, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=lambda word: (-len(word), word)))


@cache
def _readings() -> _Readings:
    return _Readings(tomllib.loads(READINGS.read_text(encoding="utf-8")))
