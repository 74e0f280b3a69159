"""What a resident can do on the screen. Each repeats the ``turn`` of the scene it answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiosk.views import Language, Mode  # noqa: TC001 - dataclasses resolve annotations at run time


@dataclass(frozen=True, slots=True)
class Intent:
    """Something the resident did."""

    turn: int


@dataclass(frozen=True, slots=True)
class Touched(Intent):
    """The glass was touched; nothing more. Renews the idle timer."""


@dataclass(frozen=True, slots=True)
class Chose(Intent):
    """An option, an entry, an action or a row to edit, by its id."""

    option: str


@dataclass(frozen=True, slots=True)
class Submitted(Intent):
    """Values by field id. ``complete`` is false while the form is still being filled in."""

    values: tuple[tuple[str, str], ...] = field(repr=False)
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Agreed(Intent):
    """Yes, start, send, taken: the view's primary key."""


@dataclass(frozen=True, slots=True)
class Declined(Intent):
    """No, skip."""


@dataclass(frozen=True, slots=True)
class WentBack(Intent):
    """返回."""


@dataclass(frozen=True, slots=True)
class WentHome(Intent):
    """退出: leave."""


@dataclass(frozen=True, slots=True)
class AskedHelp(Intent):
    """求助: call a clerk."""


@dataclass(frozen=True, slots=True)
class SwitchedLanguage(Intent):
    """Another language, at any moment."""

    language: Language


@dataclass(frozen=True, slots=True)
class SwitchedMode(Intent):
    """Large type on or off, at any moment."""

    mode: Mode
