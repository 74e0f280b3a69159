"""Port: a printer of whole sheets (A4) or slips (80 mm)."""

from __future__ import annotations

import enum
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.device import Device

if TYPE_CHECKING:
    from devices.health import Condition
    from devices.values import PrintJob, PrintReceipt


@dataclass(frozen=True, slots=True)
class PrintProgress:
    """How far a job is. ``blocked`` holds what stops it until somebody helps; empty while it prints.

    ``job`` is what to ask :meth:`Printer.outcome` about, from the moment the printer has given the job a number.
    The last report before a fault or a cancellation counts the sheets that came out all the same.
    """

    sheets_done: int
    sheets: int
    blocked: frozenset[Condition] = frozenset()
    job: str = ""


class PrintOutcome(enum.StrEnum):
    """What became of a job whose end was not seen."""

    PRINTED = "printed"
    NOT_PRINTED = "not_printed"
    UNKNOWN = "unknown"


class SupplyKind(enum.StrEnum):
    """What a machine uses up, fills or wears out."""

    PAPER = "paper"
    TONER = "toner"  # ink and ribbons, too
    DRUM = "drum"
    WASTE = "waste"
    HEAD = "head"
    CUTTER = "cutter"
    PART = "part"  # any other part that wears: fuser, belt


class SupplyState(enum.StrEnum):
    """How urgent it is. What the machine does not tell is UNKNOWN and never taken for GOOD."""

    GOOD = "good"
    LOW = "low"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Supply:
    """One supply by the machine's own name for it. ``level`` is what is left, 0 to 1: of a waste box its free room."""

    kind: SupplyKind
    name: str
    level: float | None = None
    state: SupplyState = SupplyState.UNKNOWN


@dataclass(frozen=True, slots=True)
class PrinterCounters:
    """What the machine itself has counted since it was made; ``None``: it does not tell."""

    sheets: int | None = None
    sides: int | None = None  # printed sides of sheets ("impressions")
    cuts: int | None = None
    lines: int | None = None  # lines fed
    strobes: int | None = None  # times the print head was heated


OnProgress = Callable[[PrintProgress], None]


class Printer(Device):
    """Paper out of the machine, proved by the printer's own word."""

    @abstractmethod
    async def print(self, job: PrintJob, on_progress: OnProgress | None = None) -> PrintReceipt:
        """Print and return when the paper is out and can be taken.

        A recoverable stop (paper out, cover open) is told through ``on_progress`` and waited for: the caller's deadline
        ends it. Cancelling withdraws the job at the printer. Raises ``DeviceFault`` when nothing (more) will come out,
        ``OutcomeUnknown`` (with ``job``) when the link was lost and paper may or may not have come out: ask
        :meth:`outcome`, never resend blindly; ``DeviceUnavailable`` when the job never reached the printer.
        """

    @abstractmethod
    async def outcome(self, job: str) -> PrintOutcome:
        """Ask the printer what became of ``job``. Raises ``DeviceError`` when it does not answer."""

    @abstractmethod
    async def supplies(self) -> tuple[Supply, ...]:
        """Ask for paper, toner and parts; empty when the machine tells of none. Raises ``DeviceError``."""

    @abstractmethod
    async def counters(self) -> PrinterCounters:
        """Ask for the machine's own counters. Raises ``DeviceError``."""
