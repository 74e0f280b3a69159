"""What a printer says is weighed: no ending is called printed that something contradicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.drivers.ipp_jobs import JobRef
from devices.drivers.ipp_printer import IppPrinter
from devices.drivers.ipp_reasons import JOB_REASONS, PRINTER_REASONS, SAID
from devices.drivers.ipp_status import Ending, JobStatus, conditions, fault
from devices.errors import DeviceCode
from devices.health import Condition

if TYPE_CHECKING:
    from devices.drivers.ipp_codec import Attributes

# RFC 8011 5.4.12 and PWG 5100.9; each must be known, even when it stops nothing.
KEYWORDS = (
    "none",
    "other",
    "paused",
    "moving-to-paused",
    "shutdown",
    "connecting-to-device",
    "timed-out",
    "stopping",
    "stopped-partly",
    "media-needed",
    "media-empty",
    "media-low",
    "media-jam",
    "door-open",
    "cover-open",
    "interlock-open",
    "input-tray-missing",
    "output-tray-missing",
    "output-area-almost-full",
    "output-area-full",
    "toner-low",
    "toner-empty",
    "marker-supply-low",
    "marker-supply-empty",
    "marker-waste-almost-full",
    "marker-waste-full",
    "fuser-over-temp",
    "fuser-under-temp",
    "opc-near-eol",
    "opc-life-over",
    "developer-low",
    "developer-empty",
    "spool-area-full",
    "interpreter-resource-unavailable",
    # CUPS
    "offline",
    "cups-waiting-for-job-completed",
)
JOB_KEYWORDS = (
    # RFC 8011 5.3.8
    *("none", "job-incoming", "job-data-insufficient", "document-access-error", "submission-interrupted"),
    *("job-outgoing", "job-hold-until-specified", "resources-are-not-ready", "printer-stopped-partly"),
    *("printer-stopped", "job-interpreting", "job-queued", "job-transforming", "job-queued-for-marker"),
    *("job-printing", "job-canceled-by-user", "job-canceled-by-operator", "job-canceled-at-device"),
    *("aborted-by-system", "unsupported-compression", "compression-error", "unsupported-document-format"),
    *("document-format-error", "processing-to-stop-point", "service-off-line", "job-completed-successfully"),
    *("job-completed-with-warnings", "job-completed-with-errors", "job-restartable", "queued-in-device"),
)


def job(state: int, *reasons: str, impressions: int | None = 2, sheets: int | None = None) -> JobStatus:
    return JobStatus(1, "t", state, frozenset(reasons), impressions, sheets)


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_every_standard_reason_is_known_with_and_without_its_suffix(keyword: str) -> None:
    expected = {PRINTER_REASONS[keyword]} - {None}
    for suffix in ("", "-report", "-warning", "-error"):
        assert conditions({"printer-state-reasons": (keyword + suffix,)}) == expected


def test_every_standard_reason_of_a_job_is_known() -> None:
    assert set(JOB_KEYWORDS) <= JOB_REASONS.keys()


@pytest.mark.parametrize("suffix", ["-warnin", "-erro", "-r"])
def test_reason_cut_off_by_a_printer_is_still_known(suffix: str) -> None:
    assert conditions({"printer-state-reasons": (f"media-empty{suffix}",)}) == {Condition.PAPER_OUT}


def test_unlisted_reason_ending_as_a_suffix_does_is_not_taken_for_another() -> None:
    assert conditions({"printer-state-reasons": ("media",)}) == {Condition.OTHER}


def test_what_the_table_can_say_is_what_the_driver_says_it_can() -> None:
    assert {condition for condition in PRINTER_REASONS.values() if condition} == SAID
    assert Condition.NOT_ACCEPTING in SAID


def test_stopped_printer_without_a_reason_is_not_ready() -> None:
    assert conditions({"printer-state": (5,), "printer-state-reasons": ("none",)}) == {Condition.NOT_ACCEPTING}
    low: Attributes = {"printer-state": (5,), "printer-state-reasons": ("toner-low-warning",)}
    assert conditions(low) == {Condition.TONER_LOW, Condition.NOT_ACCEPTING}


def test_printer_that_takes_no_jobs_is_not_ready() -> None:
    assert conditions({"printer-is-accepting-jobs": (False,)}) == {Condition.NOT_ACCEPTING}


@pytest.mark.parametrize("reason", ["acme-eco-mode", "acme-eco-mode-report", "acme-eco-mode-error"])
def test_reason_nobody_has_a_word_for_is_degraded_with_a_name_and_never_fine(reason: str) -> None:
    assert conditions({"printer-state": (3,), "printer-state-reasons": (reason,)}) == {Condition.OTHER}


@pytest.mark.parametrize(
    ("status", "ending"),
    [
        (job(9, "job-completed-successfully"), Ending.PRINTED),
        (job(9, "job-completed-successfully", impressions=None), Ending.PRINTED),
        (job(9, "job-completed-with-warnings"), Ending.PRINTED),
        (job(9, "job-completed-with-errors"), Ending.FAILED),
        (job(9, "job-completed-successfully", "job-canceled-at-device"), Ending.FAILED),
        (job(9, "processing-to-stop-point"), Ending.DOUBTFUL),  # a CUPS queue, after success and after a jam
        (job(9, "job-completed-successfully", impressions=1), Ending.SHORT),
        (job(9, "job-completed-successfully", impressions=0), Ending.SHORT),
        (job(9, "job-completed-successfully", sheets=1), Ending.SHORT),
        (job(9, "queued-in-device"), Ending.DOUBTFUL),  # given on to another device: its paper was not seen
        (job(9, "acme-happy-ending"), Ending.PRINTED),  # a vendor's own word beside full counts
        (job(8, "aborted-by-system"), Ending.FAILED),
        (job(7, "job-canceled-by-user"), Ending.FAILED),
        *((job(state, "job-printing"), Ending.OPEN) for state in (3, 4, 5, 6)),
    ],
)
def test_ending_is_what_everything_together_says(status: JobStatus, ending: Ending) -> None:
    assert status.ending(pages=2, sheets=2) is ending


def test_gravest_condition_names_the_fault() -> None:
    both = frozenset({Condition.PAPER_OUT, Condition.PAPER_JAM})
    assert fault(both, "a4").code is DeviceCode.PAPER_JAM
    assert fault(frozenset({Condition.PAUSED}), "a4").code is DeviceCode.FAULT


@pytest.mark.parametrize(
    "ref", [JobRef("t-1", 17, 2, 1), JobRef("with#sign", 0, 1, 1), JobRef("t"), JobRef("t,1", 0, 2, 2, (3, 14))]
)
def test_reference_survives_being_written_down(ref: JobRef) -> None:
    assert JobRef.parse(str(ref)) == ref


@pytest.mark.parametrize("title", ["t-1", "a#b", "a#1", "a#1,#2", "a#,1#2", "", "#"])
def test_bare_title_is_a_reference_too(title: str) -> None:
    assert JobRef.parse(title) == JobRef(title)


def test_reference_with_a_number_needs_no_word_of_older_jobs() -> None:
    assert str(JobRef("t", 0, 2, 1, (3, 14)).numbered(15)) == "t#15#2/1"


def test_job_that_is_being_stopped_is_not_over() -> None:
    assert job(5, "processing-to-stop-point").stopping
    assert not job(5, "job-printing").stopping
    assert not job(9, "processing-to-stop-point").stopping  # a CUPS queue's word for an end


def test_printer_without_an_owner_for_its_jobs_would_cancel_anybodys() -> None:
    with pytest.raises(ValueError, match="owner"):
        IppPrinter("a4", "ipp://127.0.0.1/ipp/print", owner="")
