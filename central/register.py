"""The social insurance register, simulated: invented people only."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml
from pydantic import BaseModel, ConfigDict

from central.certificates import Period

if TYPE_CHECKING:
    from collections.abc import Iterable

PEOPLE: Final = Path(__file__).with_name("store") / "demo_people.yaml"
MIDDLE_DOTS: Final = "‧•・∙⋅"  # cards and keyboards write several; all count as U+00B7


@dataclass(frozen=True, slots=True)
class Spell:
    """Months without a gap at one employer in one insurance."""

    insurance: str
    region: str
    employer: str
    period: Period
    status: str


@dataclass(frozen=True, slots=True)
class Person:
    """One person of the register; nothing of it shows in ``repr``."""

    name: str = field(repr=False)
    id_no: str = field(repr=False)
    mobile: str = field(repr=False, default="")
    former_name: str = field(repr=False, default="")
    spells: tuple[Spell, ...] = field(repr=False, default=())
    other_regions: tuple[str, ...] = ()


class _SpellEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    insurances: list[str]
    region: str
    employer: str
    period: str
    status: str


class _PersonEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    id_no: str
    mobile: str = ""
    former_name: str = ""
    other_regions: list[str] = []
    spells: list[_SpellEntry] = []


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    people: list[_PersonEntry]


class Register:
    """Finds a person by name and number together: a number alone tells nothing."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._people = {person.id_no: person for person in people}

    @classmethod
    def load(cls, path: Path = PEOPLE) -> Register:
        """Read the people file. Raises ``OSError``, ``pydantic.ValidationError``, ``ValueError``."""
        file = _File.model_validate(yaml.safe_load(path.read_text("utf-8")))
        return cls(_person(entry) for entry in file.people)

    def find(self, name: str, id_no: str) -> Person | None:
        """Return the person whose number and present or former name are these."""
        person = self._people.get(id_no.strip().upper())
        if person is None:
            return None
        asked = folded(name).encode("utf-8")
        known = [person.name, *([person.former_name] if person.former_name else [])]
        return person if any(hmac.compare_digest(folded(one).encode("utf-8"), asked) for one in known) else None

    def another_than(self, person: Person) -> Person:
        """Return somebody else: the demo's swapped certificate needs one."""
        return next(other for other in self._people.values() if other.id_no != person.id_no and other.spells)


def folded(name: str) -> str:
    """Return a name in the one form used to compare."""
    for dot in MIDDLE_DOTS:
        name = name.replace(dot, "·")
    return "".join(name.split())


def masked_mobile(mobile: str) -> str:
    """Return 138****0019."""
    return f"{mobile[:3]}****{mobile[-4:]}" if mobile else ""


def _person(entry: _PersonEntry) -> Person:
    spells = tuple(
        Spell(insurance, spell.region, spell.employer, Period.parse(spell.period), spell.status)
        for spell in entry.spells
        for insurance in spell.insurances
    )
    return Person(entry.name, entry.id_no, entry.mobile, entry.former_name, spells, tuple(entry.other_regions))
