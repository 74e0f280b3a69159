"""How a printer and a job of it stand, once everything said is weighed (RFC 8011)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.drivers.ipp_reasons import STILL_STOPPING, Bearing, bearings, keywords, meanings
from devices.errors import DeviceCode, DeviceFault
from devices.health import DEGRADING, Condition

if TYPE_CHECKING:
    from devices.drivers.ipp_codec import Attributes

PRINTER_STOPPED = 5

# The first that applies names the fault.
FAULT_CODES = (
    (Condition.PAPER_JAM, DeviceCode.PAPER_JAM),
    (Condition.COVER_OPEN, DeviceCode.COVER_OPEN),
    (Condition.PAPER_OUT, DeviceCode.PAPER_OUT),
    (Condition.TONER_OUT, DeviceCode.TONER_OUT),
)


class JobState(enum.IntEnum):
    """RFC 8011 section 5.3.7."""

    PENDING = 3
    HELD = 4
    PROCESSING = 5
    STOPPED = 6
    CANCELED = 7
    ABORTED = 8
    COMPLETED = 9


class Ending(enum.Enum):
    """How a job stands once everything the printer says of it is weighed."""

    OPEN = "open"
    PRINTED = "printed"
    SHORT = "short"  # says completed, its count says otherwise
    FAILED = "failed"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One reading of a job at the printer. Counts are ``None`` when the printer does not count."""

    job_id: int
    name: str
    state: int
    reasons: frozenset[str]
    impressions: int | None
    sheets: int | None
    user: str = ""

    @classmethod
    def of(cls, attributes: Attributes) -> JobStatus:
        """Read a job attribute group."""
        return cls(
            job_id=number(attributes, "job-id") or 0,
            name=str(next(iter(attributes.get("job-name", ())), "")),
            state=number(attributes, "job-state") or 0,
            reasons=frozenset(str(reason) for reason in attributes.get("job-state-reasons", ())),
            impressions=number(attributes, "job-impressions-completed"),
            sheets=number(attributes, "job-media-sheets-completed"),
            user=str(next(iter(attributes.get("job-originating-user-name", ())), "")),
        )

    def ending(self, pages: int, sheets: int) -> Ending:
        """Weigh state, reasons and counts against the ``pages`` and ``sheets`` expected (0: not known)."""
        if self.state in {JobState.CANCELED, JobState.ABORTED}:
            return Ending.FAILED
        if self.state != JobState.COMPLETED:
            return Ending.OPEN
        said = bearings(self.reasons)
        if Bearing.AGAINST in said:
            return Ending.FAILED
        if Bearing.DOUBT in said:
            return Ending.DOUBTFUL
        if not self.counted_all(pages, sheets):
            return Ending.SHORT
        return Ending.PRINTED

    @property
    def over(self) -> bool:
        """Tell whether the printer is through with the job, whatever came of it."""
        return self.state in {JobState.CANCELED, JobState.ABORTED, JobState.COMPLETED}

    @property
    def stopping(self) -> bool:
        """Tell whether the job was cancelled and the printer is not through with it."""
        return not self.over and STILL_STOPPING in self.reasons

    @property
    def counts(self) -> bool:
        """Tell whether the printer counts at all."""
        return self.impressions is not None or self.sheets is not None

    def counted_all(self, pages: int, sheets: int) -> bool:
        """Tell whether no counter of the printer contradicts a complete print."""
        return (self.impressions is None or self.impressions >= pages) and (
            self.sheets is None or self.sheets >= sheets
        )


def number(attributes: Attributes, name: str) -> int | None:
    """Return the attribute's first value when it is a number."""
    value = next(iter(attributes.get(name, ())), None)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def conditions(attributes: Attributes) -> frozenset[Condition]:
    """Map a printer's state, reasons and willingness to conditions."""
    found = set(meanings(reasons(attributes)))
    accepting = attributes.get("printer-is-accepting-jobs", (True,)) == (True,)
    stopped = number(attributes, "printer-state") == PRINTER_STOPPED
    if not accepting or (stopped and found <= DEGRADING):
        found.add(Condition.NOT_ACCEPTING)
    return frozenset(found)


def reasons(attributes: Attributes) -> frozenset[str]:
    """Return a printer's state reasons without their suffix."""
    return keywords(attributes.get("printer-state-reasons", ()))


def fault(blocking: frozenset[Condition], device: str) -> DeviceFault:
    """Return the fault that names the gravest of ``blocking``."""
    code = next((code for condition, code in FAULT_CODES if condition in blocking), DeviceCode.FAULT)
    return DeviceFault("printer says: " + ", ".join(sorted(blocking)), code=code, device=device)
