"""What an IPP printer's words mean: state reasons to conditions, job attributes to an ending (RFC 8011, PWG 5100.9)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.errors import DeviceCode, DeviceFault
from devices.health import DEGRADING, Condition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from devices.drivers.ipp_codec import Attributes, Value

# Keywords without their suffix: a simulator, and some printers, choose -report, -warning or -error by their own state:
# the suffix proves nothing. A keyword that is not listed stops no printer: printer-state 5 does, see conditions().
CONDITIONS: dict[str, Condition | None] = {
    "none": None,
    "other": None,
    "media-needed": Condition.PAPER_OUT,
    "media-empty": Condition.PAPER_OUT,
    "input-tray-missing": Condition.PAPER_OUT,
    "media-low": Condition.PAPER_LOW,
    "media-jam": Condition.PAPER_JAM,
    "door-open": Condition.COVER_OPEN,
    "cover-open": Condition.COVER_OPEN,
    "interlock-open": Condition.COVER_OPEN,
    "toner-low": Condition.TONER_LOW,
    "marker-supply-low": Condition.TONER_LOW,
    "developer-low": Condition.TONER_LOW,
    "opc-near-eol": Condition.TONER_LOW,
    "marker-waste-almost-full": Condition.TONER_LOW,  # a consumable that staff should bring
    "toner-empty": Condition.TONER_OUT,
    "marker-supply-empty": Condition.TONER_OUT,
    "developer-empty": Condition.TONER_OUT,
    "opc-life-over": Condition.TONER_OUT,
    "marker-waste-full": Condition.TONER_OUT,
    "output-tray-missing": Condition.OUTPUT_FULL,
    "output-area-full": Condition.OUTPUT_FULL,
    "output-area-almost-full": None,
    "fuser-over-temp": Condition.HEAD_HOT,
    "fuser-under-temp": None,  # warming up
    "paused": Condition.PAUSED,
    "moving-to-paused": Condition.PAUSED,
    "hold-new-jobs": Condition.PAUSED,
    "stopping": Condition.PAUSED,
    "stopped-partly": Condition.PAUSED,
    "shutdown": Condition.NOT_ACCEPTING,
    "deactivated": Condition.NOT_ACCEPTING,
    "connecting-to-device": Condition.NOT_ACCEPTING,
    "timed-out": Condition.NOT_ACCEPTING,
    "offline": Condition.NOT_ACCEPTING,
    "spool-area-full": Condition.NOT_ACCEPTING,
    "interpreter-resource-unavailable": Condition.NOT_ACCEPTING,
}
SUFFIXES = ("-report", "-warning", "-error")
PRINTER_STOPPED = 5

# The first that applies names the fault.
FAULT_CODES = (
    (Condition.PAPER_JAM, DeviceCode.PAPER_JAM),
    (Condition.COVER_OPEN, DeviceCode.COVER_OPEN),
    (Condition.PAPER_OUT, DeviceCode.PAPER_OUT),
    (Condition.TONER_OUT, DeviceCode.TONER_OUT),
)

REASONS_AGAINST_SUCCESS = frozenset(
    {"job-completed-with-errors", "aborted-by-system", "job-canceled-by-user", "job-canceled-by-operator"}
    | {"job-canceled-at-device", "document-format-error", "resources-are-not-ready"}
)
# A CUPS queue says 9 with this reason whether its printer printed or jammed: its 9 proves nothing.
STILL_STOPPING = "processing-to-stop-point"


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
            reasons=keywords(attributes.get("job-state-reasons", ())),
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
        if self.reasons & REASONS_AGAINST_SUCCESS:
            return Ending.FAILED
        if STILL_STOPPING in self.reasons:
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


def keywords(values: Iterable[Value]) -> frozenset[str]:
    """Strip the severity from each reason."""
    return frozenset(_bare(str(value)) for value in values)


def number(attributes: Attributes, name: str) -> int | None:
    """Return the attribute's first value when it is a number."""
    value = next(iter(attributes.get(name, ())), None)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def conditions(attributes: Attributes) -> frozenset[Condition]:
    """Map a printer's state, reasons and willingness to conditions."""
    reasons = keywords(attributes.get("printer-state-reasons", ()))
    found = {condition for reason in reasons if (condition := CONDITIONS.get(reason)) is not None}
    accepting = attributes.get("printer-is-accepting-jobs", (True,)) == (True,)
    stopped = number(attributes, "printer-state") == PRINTER_STOPPED
    if not accepting or (stopped and found <= DEGRADING):
        found.add(Condition.NOT_ACCEPTING)
    return frozenset(found)


def fault(blocking: frozenset[Condition], device: str) -> DeviceFault:
    """Return the fault that names the gravest of ``blocking``."""
    code = next((code for condition, code in FAULT_CODES if condition in blocking), DeviceCode.FAULT)
    return DeviceFault("printer says: " + ", ".join(sorted(blocking)), code=code, device=device)


def _bare(reason: str) -> str:
    for suffix in SUFFIXES:
        if reason.endswith(suffix):
            return reason.removesuffix(suffix)
    return reason
