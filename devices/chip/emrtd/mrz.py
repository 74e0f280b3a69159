"""The machine-readable zone (Doc 9303-3 to -7): cards of three lines, of two lines, passports.

Strict: a field that is not as the standard writes it, or whose check digit is wrong, is refused. The error names the
field and never its content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, NoReturn

from devices.errors import DeviceCode, MediumError
from devices.values import Pii, Sex

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FILLER = "<"
WEIGHTS = (7, 3, 1)
VALUES = {FILLER: 0} | {char: int(char, 36) for char in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
SEXES = {"M": Sex.MALE, "F": Sex.FEMALE, FILLER: Sex.UNSPECIFIED, "X": Sex.UNSPECIFIED}
SHORT_NUMBER = 9  # characters; longer numbers go on in the optional field (Doc 9303-5 and -6)
CENTURY = 100
DATE = re.compile(r"[0-9]{6}")
PARTIAL_DATE = re.compile(r"(?:[0-9]{2}|<<){3}")
NUMBER = re.compile(r"[A-Z0-9]+(?:<+[A-Z0-9]+)*")
STATE = re.compile(r"[A-Z]{1,3}<{0,2}")


@dataclass(frozen=True, slots=True)
class Years:
    """How two digits become a year: a birth is the latest one past; an expiry lies within this window around today."""

    expired_at_most: int = 10
    valid_at_most: int = 20


YEARS = Years()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mrz:
    """What the zone says. ``birth`` is ``None`` where day or month is not known (Doc 9303-3 clause 4.8).

    ``key`` is what opens the chip: number, birth and expiry, each with its check digit (Doc 9303-11 appendix D.2).
    """

    document_code: str  # one or two letters: P, I, AC …
    issuing_state: str  # ISO 3166-1 alpha-3 and the codes of Doc 9303-3 clause 5
    surname: Pii[str]
    given_names: Pii[str]
    number: Pii[str]
    nationality: str
    birth: Pii[date] | None
    sex: Sex
    expiry: date
    key: Pii[str]


@dataclass(frozen=True, slots=True, repr=False)
class _Raw:
    """The fields as they stand, before anything is judged."""

    code: str
    state: str
    names: str
    number: str
    number_digit: str
    nationality: str
    birth: str
    birth_digit: str
    sex: str
    expiry: str
    expiry_digit: str
    optional: str
    composed: str
    composite_digit: str
    long_number: bool


def parse(lines: Sequence[str], *, today: date, years: Years = YEARS) -> Mrz:
    """Parse two lines of 44 (TD3) or 36 (TD2), or three of 30 (TD1). Raises ``MediumError`` (``CARD_INVALID``)."""
    raw = _split(tuple(lines))
    number, number_digit = _number(raw)
    _check("document number", number, number_digit)
    _check("date of birth", raw.birth, raw.birth_digit)
    _check("date of expiry", raw.expiry, raw.expiry_digit)
    _check("composite", raw.composed, raw.composite_digit)
    if raw.sex not in SEXES:
        _refuse("sex", "is not a code of the standard")
    plain = number.rstrip(FILLER)
    if not NUMBER.fullmatch(plain):
        _refuse("document number", "is empty or begins with a filler")
    surname, given = _names(raw.names)
    return Mrz(
        document_code=raw.code.rstrip(FILLER),
        issuing_state=_state("issuing state", raw.state),
        surname=Pii(surname),
        given_names=Pii(given),
        number=Pii(plain),
        nationality=_state("nationality", raw.nationality),
        birth=_birth(raw.birth, today),
        sex=SEXES[raw.sex],
        expiry=_expiry(raw.expiry, today, years),
        key=Pii(key_of(number, raw.birth, raw.expiry)),
    )


def check_digit(field: str) -> str:
    """Return the check digit (Doc 9303-3 clause 4.9). Raises ``KeyError`` for a character of no value."""
    return str(sum(VALUES[char] * WEIGHTS[at % 3] for at, char in enumerate(field)) % 10)


def key_of(number: str, birth: str, expiry: str) -> str:
    """Return what opens the chip; ``number`` is filled up to nine characters, dates are YYMMDD."""
    number = number.ljust(SHORT_NUMBER, FILLER)
    return "".join(field + check_digit(field) for field in (number, birth, expiry))


def _split(lines: tuple[str, ...]) -> _Raw:
    if not all(char in VALUES for line in lines for char in line):
        _refuse("a line", "holds a character that the standard does not have")
    shape = tuple(map(len, lines))
    if shape not in SHAPES:
        _refuse("lines", "are neither two of 44, two of 36 nor three of 30 characters")
    return SHAPES[shape](*lines)


def _passport(first: str, second: str) -> _Raw:
    optional, digit = second[28:42], second[42]
    if digit != check_digit(optional) and not (digit == FILLER and not optional.strip(FILLER)):
        _refuse("optional data", "has a wrong check digit")
    return _second_line(first, second, optional, long_number=False)


def _two_lines(first: str, second: str) -> _Raw:
    return _second_line(first, second, second[28:35], long_number=True)


def _second_line(first: str, second: str, optional: str, *, long_number: bool) -> _Raw:
    return _Raw(
        code=first[:2],
        state=first[2:5],
        names=first[5:],
        number=second[:9],
        number_digit=second[9],
        nationality=second[10:13],
        birth=second[13:19],
        birth_digit=second[19],
        sex=second[20],
        expiry=second[21:27],
        expiry_digit=second[27],
        optional=optional,
        composed=second[:10] + second[13:20] + second[21:-1],
        composite_digit=second[-1],
        long_number=long_number,
    )


def _three_lines(first: str, second: str, third: str) -> _Raw:
    return _Raw(
        code=first[:2],
        state=first[2:5],
        names=third,
        number=first[5:14],
        number_digit=first[14],
        nationality=second[15:18],
        birth=second[:6],
        birth_digit=second[6],
        sex=second[7],
        expiry=second[8:14],
        expiry_digit=second[14],
        optional=first[15:],
        composed=first[5:] + second[:7] + second[8:15] + second[18:29],
        composite_digit=second[29],
        long_number=True,
    )


def _number(raw: _Raw) -> tuple[str, str]:
    """Return number and check digit; a long one goes on in the optional field, its check digit behind it."""
    if raw.number_digit != FILLER or not raw.long_number:
        return raw.number, raw.number_digit
    rest = raw.optional.partition(FILLER)[0]
    if len(rest) < 2:  # noqa: PLR2004 - at least one character of the number, and its check digit
        _refuse("document number", "has no check digit")
    return raw.number + rest[:-1], rest[-1]


def _check(name: str, field: str, digit: str) -> None:
    if digit != check_digit(field):
        _refuse(name, "has a wrong check digit")


def _state(name: str, field: str) -> str:
    if not STATE.fullmatch(field):
        _refuse(name, "is no code of letters")
    return field.rstrip(FILLER)


def _names(field: str) -> tuple[str, str]:
    """Return surname and given names; a person with one name has it as the surname (Doc 9303-3 clause 4.6)."""
    surname, _, given = field.rstrip(FILLER).partition(FILLER * 2)
    if not surname or any(char.isdigit() for char in field):
        _refuse("name", "is empty or holds digits")
    return surname.replace(FILLER, " "), " ".join(given.replace(FILLER, " ").split())


def _birth(field: str, today: date) -> Pii[date] | None:
    if not PARTIAL_DATE.fullmatch(field):
        _refuse("date of birth", "is no date")
    if FILLER in field:
        return None
    century = today.year // CENTURY * CENTURY
    born = _date(field, century)
    if born is None or born > today:
        born = _date(field, century - CENTURY)
    if born is None:
        _refuse("date of birth", "is no date")
    return Pii(born)


def _expiry(field: str, today: date, years: Years) -> date:
    century = today.year // CENTURY * CENTURY
    if not DATE.fullmatch(field):
        _refuse("date of expiry", "is no date")
    possible = (_date(field, base) for base in (century, century + CENTURY, century - CENTURY))
    window = range(today.year - years.expired_at_most, today.year + years.valid_at_most + 1)
    expiry = next((day for day in possible if day is not None and day.year in window), None)
    if expiry is None:
        _refuse("date of expiry", "is no date, or lies outside the years that the rule allows")
    return expiry


def _date(field: str, century: int) -> date | None:
    """Return the date in this century; ``None``: there is no such day in it (29 February)."""
    try:
        return date(century + int(field[:2]), int(field[2:4]), int(field[4:]))
    except ValueError:  # not chained: its text could quote a part of the field
        return None


SHAPES: Final[dict[tuple[int, ...], Callable[..., _Raw]]] = {
    (44, 44): _passport,
    (36, 36): _two_lines,
    (30, 30, 30): _three_lines,
}


def _refuse(field: str, detail: str) -> NoReturn:
    raise MediumError(f"machine-readable zone: {field} {detail}", code=DeviceCode.CARD_INVALID)
