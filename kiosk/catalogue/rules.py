"""Conditions of packages: when a field applies. A closed little language, no code.

``id``, ``not id``, ``id == value``, ``id != value``, ``id in [a, b]``, joined by ``and``. A missing value is false.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = r"[a-z]+\.[a-z_]+"
_FORMS = (
    (re.compile(rf"^({_NAME})$"), "is"),
    (re.compile(rf"^not ({_NAME})$"), "not"),
    (re.compile(rf"^({_NAME}) == (\w+)$"), "=="),
    (re.compile(rf"^({_NAME}) != (\w+)$"), "!="),
    (re.compile(rf"^({_NAME}) in \[(\w+(?:, *\w+)*)\]$"), "in"),
)


class RuleError(ValueError):
    """A condition that is not in the language."""


@dataclass(frozen=True, slots=True)
class _Term:
    name: str
    form: str
    values: tuple[str, ...]

    def holds(self, answers: Mapping[str, str]) -> bool:
        value = answers.get(self.name, "")
        if self.form == "is":
            return value not in {"", "no"}
        if self.form == "not":
            return value in {"", "no"}
        chosen = set(value.split(","))
        if self.form == "!=":
            return not chosen & set(self.values)
        return bool(chosen & set(self.values))


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition."""

    terms: tuple[_Term, ...]

    @classmethod
    def parse(cls, source: str) -> Condition:
        """Parse. Raises ``RuleError`` naming the part that is not understood."""
        return cls(tuple(_parse_term(part.strip()) for part in source.split(" and ")))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the fields the condition looks at."""
        return tuple(term.name for term in self.terms)

    def holds(self, answers: Mapping[str, str]) -> bool:
        """Tell whether the condition is true for ``answers`` (form values by field id)."""
        return all(term.holds(answers) for term in self.terms)


def _parse_term(source: str) -> _Term:
    for pattern, form in _FORMS:
        if found := pattern.match(source):
            values = found.group(2).split(",") if pattern.groups > 1 else []
            return _Term(found.group(1), form, tuple(value.strip() for value in values))
    raise RuleError(f"{source!r} is not understood; write id, not id, id == value, id != value or id in [a, b]")
