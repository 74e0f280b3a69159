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
