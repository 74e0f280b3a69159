"""Outcomes of self-tests: dated, closed words, the latest of each test kept over restarts."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from kiosk.maintenance.keeping import keep, kept

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE: Final = "results.json"


class CheckOutcome(enum.StrEnum):
    """How a self-test ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One test of one part. ``code`` says why it failed or was skipped; ``detail`` is for technicians, no person."""

    role: str
    outcome: CheckOutcome
    at: str  # ISO time
    seconds: float
    code: str = ""
    detail: str = ""


def read_results(folder: Path, *, mend: bool = False) -> tuple[CheckResult, ...]:
    """Return the latest result of each part, as last written. Raises ``OSError``."""
    said = kept(folder / FILE, mend=mend)
    if not isinstance(said, list):
        return ()
    return tuple(replace(CheckResult(**one), outcome=CheckOutcome(one["outcome"])) for one in said)


def keep_results(folder: Path, fresh: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Write ``fresh`` over the earlier results of the same parts; return all. Blocks. Raises ``OSError``."""
    known = {one.role: one for one in read_results(folder, mend=True)}
    known |= {one.role: one for one in fresh}
    latest = tuple(known[role] for role in sorted(known))
    keep(folder / FILE, [asdict(one) for one in latest])
    return latest
