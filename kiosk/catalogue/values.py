"""Values of fields: defaults, which fields apply, what is wrong with a value and what would be right.

All values are text, as a form holds them (see ``kiosk.views.FieldKind``).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import TYPE_CHECKING

from kiosk.catalogue.model import FieldDef, FieldType
from kiosk.catalogue.rules import Condition
from kiosk.views import NOTHING, Text, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MOBILE = re.compile(r"^1[3-9]\d{9}$")
NAME_LENGTH = (2, 30)  # catalogue: name_cn
MIDDLE_DOTS = "‧•・∙⋅"  # all become U+00B7
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643, ISO 7064 MOD 11-2
ID_CHECKS = "10X98765432"
ID_LENGTH = 18
MONTHS_A_YEAR = 12


def applicable(fields: Sequence[FieldDef], answers: Mapping[str, str]) -> Iterator[FieldDef]:
    """Yield the fields whose condition holds; a field that does not apply counts as unanswered for later ones."""
    seen: dict[str, str] = {}
    for field in fields:
        if not field.when or Condition.parse(field.when).holds(seen):
            seen[field.id] = answers.get(field.id, "")
            yield field


def default(field: FieldDef, today: date) -> str:
    """Return the value a form starts with."""
    if field.default is None:
        return ""
    if isinstance(field.default, bool):
        return "yes" if field.default else "no"
    if isinstance(field.default, tuple):
        return ",".join(field.default)
    if field.type is FieldType.MONTH_RANGE and field.default == "last 12 months":
        return f"{_month(months_of(today) - MONTHS_A_YEAR + 1)}/{_month(months_of(today))}"
    return field.default


def normalised(field: FieldDef, value: str) -> str:
    """Return the value as it is stored: no stray blanks, full width folded, one kind of middle dot in names."""
    value = value.strip()
    if field.type in {FieldType.MOBILE_CN, FieldType.RESIDENT_ID}:
        return unicodedata.normalize("NFKC", value).replace(" ", "").replace("-", "").upper()
    if field.type is FieldType.NAME_CN:
        for dot in MIDDLE_DOTS:
            value = value.replace(dot, "·")
        return value
    if field.type is FieldType.TEXT:
        return " ".join(value.split())
    return value


def fault(field: FieldDef, value: str, today: date) -> Text:
    """Return what would be right when ``value`` (normalised) is not; an empty text when it is."""
    if not value:
        return text(f"form.missing.{field.type}") if field.required else NOTHING
    return _CHECKS[field.type](field, value, today)


def bound(limit: str | int | None, today: date) -> str:
    """Return a date or month limit as an ISO date: ``today``, ``this_month`` or itself."""
    if limit in {"today", "this_month"}:
        return today.isoformat()
    return str(limit) if limit is not None else ""


def months_of(day: date) -> int:
    """Return the number of the month, counted from year 0."""
    return day.year * MONTHS_A_YEAR + day.month - 1


def _month(number: int) -> str:
    return f"{number // MONTHS_A_YEAR:04d}-{number % MONTHS_A_YEAR + 1:02d}"


def _check_text(field: FieldDef, value: str, _today: date) -> Text:
    least = int(field.min) if isinstance(field.min, int) else 0
    most = int(field.max) if isinstance(field.max, int) else 0
    if len(value) < least:
        return text("form.too_short", least=least)
    if most and len(value) > most:
        return text("form.too_long", most=most)
    if field.type is FieldType.TEXT and not value.isprintable():
        return text("form.one_line")
    return NOTHING


def _check_name(_field: FieldDef, value: str, _today: date) -> Text:
    shortest, longest = NAME_LENGTH
    plausible = shortest <= len(value) <= longest and all(
        unicodedata.category(char).startswith(("L", "Co")) or char in "· " for char in value
    )
    return NOTHING if plausible else text("form.name")


def _check_mobile(_field: FieldDef, value: str, _today: date) -> Text:
    return NOTHING if MOBILE.match(value) else text("form.mobile")


def _check_resident_id(_field: FieldDef, value: str, today: date) -> Text:
    return NOTHING if valid_resident_id(value, today) else text("form.resident_id")


def valid_resident_id(value: str, today: date) -> bool:
    """Tell whether the number has a real birth date not in the future and the right check character (GB 11643)."""
    if len(value) != ID_LENGTH or not value[:17].isdigit():
        return False
    try:
        born = date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    total = sum(weight * int(digit) for weight, digit in zip(ID_WEIGHTS, value[:17], strict=True))
    return born <= today and value[17] == ID_CHECKS[total % 11]


def _check_choice(field: FieldDef, value: str, _today: date) -> Text:
    known = {option.id for option in field.options}
    chosen = value.split(",") if field.type is FieldType.MULTI_ENUM else [value]
    return NOTHING if set(chosen) <= known else text("form.choice")


def _check_bool(_field: FieldDef, value: str, _today: date) -> Text:
    return NOTHING if value in {"yes", "no"} else text("form.missing.bool")


def _check_date(field: FieldDef, value: str, today: date) -> Text:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return text("form.date")
    latest = bound(field.max, today)
    if latest and day > date.fromisoformat(latest):
        return text("form.date_not_later", latest=latest)
    return NOTHING


def _check_months(field: FieldDef, value: str, today: date) -> Text:
    try:
        first, last = (months_of(date.fromisoformat(f"{part}-01")) for part in value.split("/"))
    except ValueError:
        return text("form.months")
    if first > last:
        return text("form.months_order")
    if field.max == "this_month" and last > months_of(today):
        return text("form.months_future")
    if field.max_months and last - first + 1 > field.max_months:
        return text("form.months_span", most=field.max_months)
    return NOTHING


def _check_consent(_field: FieldDef, value: str, _today: date) -> Text:
    return NOTHING if value == "yes" else text("form.missing.bool")


_CHECKS: Mapping[FieldType, Callable[[FieldDef, str, date], Text]] = {
    FieldType.NAME_CN: _check_name,
    FieldType.RESIDENT_ID: _check_resident_id,
    FieldType.MOBILE_CN: _check_mobile,
    FieldType.TEXT: _check_text,
    FieldType.LONG_TEXT: _check_text,
    FieldType.ENUM: _check_choice,
    FieldType.MULTI_ENUM: _check_choice,
    FieldType.BOOL: _check_bool,
    FieldType.DATE: _check_date,
    FieldType.MONTH_RANGE: _check_months,
    FieldType.CONSENT: _check_consent,
}
