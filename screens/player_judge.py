"""Holds the end of a visit against what its file expects; every expectation is reported with the value found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pypdf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from screens.player_record import Seen
    from screens.player_visit import Expectations, PaperWords


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation and what was found."""

    what: str
    expected: object
    actual: object
    ok: bool

    def as_report(self) -> dict[str, Any]:
        """Return the entry of the report."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything there is at the end of a visit."""

    report: Mapping[str, Any]
    world: Mapping[str, Any]
    central: Mapping[str, Any]
    seen: Sequence[Seen]
    papers: Path  # the world's folder, with prints/ and slips/


def judge(expected: Expectations, evidence: Evidence) -> list[Finding]:
    """Return one finding for each expectation."""
    return list(_findings(expected, evidence))


def _findings(expected: Expectations, evidence: Evidence) -> Iterator[Finding]:
    report, world = evidence.report, evidence.world
    yield _same("outcome", expected.outcome, report.get("outcome"))
    for what, wanted in (("prints", expected.prints), ("slips", expected.slips)):
        if wanted is not None:
            yield _same(what, wanted, len(world.get(what, [])))
    if expected.queue_pending is not None:
        yield _same("queue_pending", expected.queue_pending, report.get("queue", {}).get("pending"))
    far_end = evidence.central.get("state", {})
    alarms = sorted(alarm["code"] for alarm in far_end.get("alarms", []))
    yield _same("alarms", sorted(expected.alarms), alarms)
    cases = far_end.get("cases", {})
    for code, wanted in expected.central_cases.items():
        yield _same(f"central_cases.{code}", wanted, cases.get(code, 0))
    if expected.views:
        yield _in_order(expected.views, [entry.view for entry in evidence.seen])
    yield from _paper("print_text", expected.print_text, lambda: _prints(evidence))
    yield from _paper("slip_text", expected.slip_text, lambda: _slips(evidence))


def _same(what: str, expected: object, actual: object) -> Finding:
    return Finding(what, expected, actual, expected == actual)


def _in_order(wanted: Sequence[str], shown: Sequence[str]) -> Finding:
    """Tell whether the wanted views were shown in this order; others may stand between them."""
    rest = iter(shown)
    return Finding("views", list(wanted), list(shown), all(any(each == view for each in rest) for view in wanted))


def _paper(what: str, words: PaperWords, read: Any) -> Iterator[Finding]:
    if not words.contains and not words.without:
        return
    # A line break inside a word is the paper's width, not another word; pypdf puts zeros between some fonts' letters.
    paper = "".join(read().replace("\0", "").split())
    for text in words.contains:
        yield Finding(f"{what}.contains", text, "found" if _in(text, paper) else "not there", _in(text, paper))
    for text in words.without:
        yield Finding(f"{what}.without", text, "found" if _in(text, paper) else "not there", not _in(text, paper))


def _in(text: str, paper: str) -> bool:
    return "".join(text.split()) in paper


def _prints(evidence: Evidence) -> str:
    return "\n".join(
        page.extract_text()
        for name in evidence.world.get("prints", [])
        for page in pypdf.PdfReader(evidence.papers / "prints" / name).pages
    )


def _slips(evidence: Evidence) -> str:
    return "\n".join(
        (evidence.papers / "slips" / name).with_suffix(".txt").read_text(encoding="utf-8")
        for name in evidence.world.get("slips", [])
    )
