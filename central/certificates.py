"""What a social insurance participation certificate says: rows from the register, numbers, terms. No drawing here."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from central.register import Person, Spell

TITLE: Final = "社会保险参保证明"
KIND: Final = "social_insurance_participation"
VALID_DAYS: Final = 30
CODE_LENGTH: Final = 12
CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: no I L O U to be misread
SUBJECT_FILE: Final = "tongban-subject.json"
LOCAL: Final = timezone(timedelta(hours=8))  # the authority's own time
INSURANCES: Final = {"pension": "养老保险", "injury": "工伤保险", "unemployment": "失业保险"}
NO_RECORD: Final = "该期间无参保记录"


@dataclass(frozen=True, slots=True)
class Period:
    """Months from ``first`` to ``last``, both included, as (year, month)."""

    first: tuple[int, int]
    last: tuple[int, int]

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read ``2025-12/2026-11``. Raises ``ValueError``."""
        first, last = (_month(part) for part in text.split("/"))
        if first > last:
            raise ValueError("the period ends before it begins")
        return cls(first, last)

    def meet(self, other: Period) -> Period | None:
        """Return the months both have."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return Period(first, last) if first <= last else None

    def months(self) -> int:
        """Return how many months."""
        return (self.last[0] - self.first[0]) * 12 + self.last[1] - self.first[1] + 1

    def words(self) -> str:
        """Return the period as printed."""
        (y1, m1), (y2, m2) = self.first, self.last
        return f"{y1}年{m1:02d}月–{y2}年{m2:02d}月"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``period`` is missing when the register has nothing for this insurance."""

    insurance: str
    region: str = ""
    employer: str = ""
    period: Period | None = None
    status: str = ""


@dataclass(frozen=True, slots=True)
class CaseRef:
    """The case a document answers."""

    kiosk: str
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Everything the sheet shows. Personal values are kept out of ``repr``."""

    document: str
    number: str
    code: str
    case: CaseRef
    name: str = field(repr=False)
    also: str = field(repr=False, default="")  # the line about a former or present other name
    id_no: str = field(repr=False)
    period: Period
    rows: tuple[Row, ...] = field(repr=False)
    show_employers: bool
    issued: datetime
    verify_url: str

    @property
    def expires(self) -> datetime:
        """First moment at which the certificate is no longer valid: the end of its last day, local time."""
        last = self.issued.astimezone(LOCAL).date() + timedelta(days=VALID_DAYS)
        return datetime.combine(last + timedelta(days=1), datetime.min.time(), LOCAL)

    def subject(self) -> bytes:
        """Return the machine-readable subject that is sealed with the sheet."""
        case = {"kiosk": self.case.kiosk, "epoch": self.case.epoch, "seq": self.case.seq}
        subject = {
            "case": case,
            "name": self.name,
            "id_no": self.id_no,
            "document": self.document,
            "code": self.code,
        }
        return json.dumps(subject, ensure_ascii=False, sort_keys=True).encode("utf-8")


def rows_for(person: Person, kinds: Sequence[str], period: Period, *, show_employers: bool) -> tuple[Row, ...]:
    """Return the table: per insurance asked for, the spells that fall into the period, oldest first."""
    rows: list[Row] = []
    for kind in INSURANCES:
        if kind in kinds:
            rows += _rows_of(kind, person.spells, period, show_employers=show_employers)
    return tuple(rows)


def new_code() -> str:
    """Return a verification code: 60 random bits, so that guessing one is hopeless."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def grouped(code: str) -> str:
    """Return a code in groups of four, as people read it."""
    return " ".join(code[at : at + 4] for at in range(0, len(code), 4))


def plain_code(typed: str) -> str:
    """Return a code as stored from what somebody typed: blanks out, capitals, look-alikes to digits."""
    return "".join(typed.split()).replace("-", "").upper().translate(str.maketrans("ILO", "110"))


def masked_name(name: str) -> str:
    """Return a name for someone who checks a certificate: first and last character at most."""
    if len(name) <= 2:  # noqa: PLR2004 - one character of two stays visible
        return name[:1] + "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]


def local_date(moment: datetime) -> date:
    """Return the date at the authority."""
    return moment.astimezone(LOCAL).date()


def _rows_of(kind: str, spells: Iterable[Spell], period: Period, *, show_employers: bool) -> list[Row]:
    rows = []
    for spell in sorted((s for s in spells if s.insurance == kind), key=lambda s: s.period.first):
        shared = spell.period.meet(period)
        if shared is not None:
            employer = spell.employer if show_employers else ""
            rows.append(Row(INSURANCES[kind], spell.region, employer, shared, spell.status))
    return rows or [Row(INSURANCES[kind])]


def _month(text: str) -> tuple[int, int]:
    day = date.fromisoformat(f"{text}-01")
    return day.year, day.month
