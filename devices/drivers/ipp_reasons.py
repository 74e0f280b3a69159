"""Every reason an IPP printer or job can give, in two tables: what it means here, or that it means nothing on purpose.

Keywords of RFC 8011 sections 5.3.8 and 5.4.12, PWG 5100.9 (printer alerts), PWG 5100.3/.7/.11/.13 (jobs) and what CUPS
adds. A keyword in none of the tables is not "fine": the printer counts as degraded, and the log names the keyword.
"""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from devices.health import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devices.drivers.ipp_codec import Value

# Keywords without their suffix: a simulator, and some printers, choose -report, -warning or -error by their own state:
# the suffix proves nothing.
SUFFIXES: Final = ("-report", "-warning", "-error")

_MEANS: Final[Mapping[Condition, str]] = {
    Condition.PAPER_LOW: "media-low",
    Condition.PAPER_OUT: "media-needed media-empty input-cannot-feed-size-selected input-manual-input-request"
    " input-media-size-change input-media-type-change",
    Condition.PAPER_JAM: "media-jam",
    Condition.TRAY_MISSING: "input-tray-missing output-tray-missing input-tray-position-failure"
    " media-path-media-tray-missing",
    Condition.COVER_OPEN: "door-open cover-open interlock-open",
    Condition.TONER_LOW: "toner-low marker-supply-low developer-low marker-developer-almost-empty"
    " marker-ink-almost-empty marker-print-ribbon-almost-empty",
    Condition.TONER_OUT: "toner-empty marker-supply-empty developer-empty marker-developer-empty marker-ink-empty"
    " marker-print-ribbon-empty marker-toner-cartridge-missing marker-supply-missing",
    Condition.WASTE_NEARLY_FULL: "marker-waste-almost-full marker-waste-toner-receptacle-almost-full"
    " marker-waste-ink-receptacle-almost-full",
    Condition.WASTE_FULL: "marker-waste-full marker-waste-toner-receptacle-full marker-waste-ink-receptacle-full",
    Condition.DRUM_WORN: "opc-near-eol",
    Condition.DRUM_OUT: "opc-life-over",
    Condition.FUSER: "fuser-over-temp marker-fuser-thermistor-failure marker-fuser-timing-failure",
    Condition.OUTPUT_NEARLY_FULL: "output-area-almost-full media-path-media-tray-almost-full",
    Condition.OUTPUT_FULL: "output-area-full media-path-media-tray-full",
    Condition.MEMORY_FULL: "spool-area-full interpreter-resource-unavailable",
    Condition.PAUSED: "paused moving-to-paused hold-new-jobs stopping stopped-partly",
    Condition.NOT_ACCEPTING: "shutdown deactivated connecting-to-device timed-out offline power-down testing",
    Condition.UNRECOVERABLE: "input-tray-elevation-failure subunit-unrecoverable-failure"
    " subunit-unrecoverable-storage-error subunit-motor-failure",
    Condition.OTHER: "other media-path-cannot-duplex-media-selected subunit-recoverable-failure",
}
# Said while all is well, or an event that needs nobody.
_NOTHING: Final = (
    "none fuser-under-temp marker-adjusting-print-quality identify-printer-requested resuming power-up"
    " printer-ready-to-print printer-manual-reset printer-nms-reset configuration-change subunit-warming-up"
    " subunit-power-saver interlock-closed cover-closed door-closed input-media-color-change input-media-weight-change"
    " input-media-form-parts-change interpreter-resource-added interpreter-resource-deleted interpreter-memory-increase"
    " interpreter-memory-decrease interpreter-cartridge-added interpreter-cartridge-deleted"
    " interpreter-complex-page-encountered alert-removal-of-binary-change-entry cups-waiting-for-job-completed"
)
# fuser-under-temp: warming up; a printer that sleeps warms up only for a job, so it must not be refused one.

PRINTER_REASONS: Final[Mapping[str, Condition | None]] = MappingProxyType(
    {keyword: condition for condition, keywords in _MEANS.items() for keyword in keywords.split()}
    | dict.fromkeys(_NOTHING.split())
)
SAID: Final = frozenset(_MEANS)  # every condition this driver can tell of a printer


class Bearing(enum.Enum):
    """What a reason of an ended job says about its paper."""

    NEUTRAL = "neutral"
    PRINTED = "printed"
    AGAINST = "against"  # not, or not all, as it should be on paper
    DOUBT = "doubt"


_BEARS: Final[Mapping[Bearing, str]] = {
    Bearing.PRINTED: "job-completed-successfully job-completed-with-warnings",
    # A CUPS queue says 9 with this reason whether its printer printed or jammed: its 9 proves nothing. job-fetchable,
    # queued-in-device and the like: given on to something else, paper unseen.
    Bearing.DOUBT: "processing-to-stop-point queued-in-device job-fetchable job-outgoing job-saved-successfully"
    " job-saving connected-to-destination connecting-to-destination",
    Bearing.AGAINST: "job-completed-with-errors aborted-by-system job-canceled-by-user job-canceled-by-operator"
    " job-canceled-at-device job-canceled-after-timeout job-aborted-by-system document-format-error"
    " unsupported-document-format unsupported-compression compression-error document-access-error"
    " submission-interrupted resources-are-not-ready resources-are-not-supported document-password-error"
    " document-permission-error"
    " document-security-error document-unprintable-error errors-detected unsupported-attributes-or-values"
    " conflicting-attributes-or-values job-data-insufficient account-authorization-failed account-closed"
    " account-info-needed account-limit-reached digital-signature-did-not-verify"
    " digital-signature-type-not-supported destination-uri-failed",
    Bearing.NEUTRAL: "none job-incoming job-hold-until-specified job-held-for-review job-held-on-create"
    " job-held-by-service job-password-wait job-release-wait job-digital-signature-wait"
    " job-delay-output-until-specified job-storage-wait printer-stopped-partly printer-stopped job-interpreting"
    " job-queued job-transforming"
    " job-queued-for-marker job-printing job-printed-successfully job-restartable job-resuming job-scheduling"
    " job-spooling job-streaming job-suspended job-suspended-by-operator job-suspended-by-system"
    " job-suspended-by-user job-suspending job-suspended-for-approval service-off-line warnings-detected"
    " waiting-for-user-action",
}
JOB_REASONS: Final[Mapping[str, Bearing]] = MappingProxyType(
    {keyword: bearing for bearing, keywords in _BEARS.items() for keyword in keywords.split()}
)
STILL_STOPPING: Final = "processing-to-stop-point"


def keywords(values: Iterable[Value]) -> frozenset[str]:
    """Strip the severity from each printer reason."""
    return frozenset(_bare(str(value)) for value in values)


def meanings(reasons: Iterable[str]) -> frozenset[Condition]:
    """Return what printer reasons without their suffix mean; one that is not listed asks for attention."""
    found = (PRINTER_REASONS.get(reason, Condition.OTHER) for reason in reasons)
    return frozenset(condition for condition in found if condition is not None)


def unlisted(reasons: Iterable[str]) -> frozenset[str]:
    """Return the printer reasons nobody here has a word for."""
    return frozenset(reason for reason in reasons if reason not in PRINTER_REASONS)


def bearings(reasons: Iterable[str]) -> frozenset[Bearing]:
    """Return what job reasons say; one that is not listed says nothing about paper."""
    return frozenset(JOB_REASONS.get(reason, Bearing.NEUTRAL) for reason in reasons)


def _bare(reason: str) -> str:
    if reason in PRINTER_REASONS:
        return reason
    for suffix in SUFFIXES:
        if reason.endswith(suffix):
            return reason.removesuffix(suffix)
    # Some printers cut long reasons off after 31 characters: "marker-waste-almost-full-warnin".
    keyword, dash, rest = reason.rpartition("-")
    cut = any(suffix.startswith(dash + rest) for suffix in SUFFIXES)
    return keyword if cut and keyword in PRINTER_REASONS else reason
