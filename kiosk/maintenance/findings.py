"""What was found out about the machine, and the shape it is told in: sections of rows, each of a colour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kiosk.views import NOTHING, Colour, Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kiosk.maintenance.found_items import FoundItem
    from kiosk.maintenance.machine import Machine
    from kiosk.maintenance.proof import Record
    from kiosk.maintenance.results import CheckResult
    from kiosk.maintenance.supplies import Supply
    from kiosk.settings import TerminalSettings

ORDER: Final = (Colour.RED, Colour.YELLOW, Colour.GREEN, Colour.GREY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line: words for people, ``facts`` (plain values) for machines."""

    id: str
    label: Text
    value: Text
    colour: Colour = Colour.GREY
    detail: Text = NOTHING
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows under a heading."""

    id: str
    title: Text
    rows: tuple[Row, ...]

    @property
    def colour(self) -> Colour:
        """The worst of its rows."""
        return worst([row.colour for row in self.rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFinding:
    """One configured device. ``state`` and ``conditions`` are those of ``devices.health``."""

    role: str
    driver: str
    state: str = "unknown"
    conditions: tuple[str, ...] = ()
    since: str = ""  # ISO time
    model: str = ""
    serial: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything the sections are made of, as found at ``now``. ``None``: it could not be asked."""

    now: datetime
    terminal: TerminalSettings
    version: str
    profile: str
    running: bool
    mode: str = ""
    key: str = ""
    central: str = ""  # address
    link: str = ""  # "up", "down"
    devices: tuple[DeviceFinding, ...] = ()
    record: Record
    queue: Mapping[str, object] | None = None
    machine: Machine
    supplies: tuple[Supply, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
    found: tuple[FoundItem, ...] = ()
    results: tuple[CheckResult, ...] = ()


def worst(colours: list[Colour]) -> Colour:
    """Return the colour that matters most."""
    return next((colour for colour in ORDER if colour in colours), Colour.GREY)
