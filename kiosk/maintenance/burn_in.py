"""Burn-in: the self-tests over and over for a chosen time, nobody at the screen. Ended at once by cancelling it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kiosk.maintenance.hands import Nobody
from kiosk.maintenance.results import CheckOutcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.values import Clock
    from kiosk.maintenance.self_tests import SelfTests

PAPER: Final = frozenset({"document_printer", "receipt_printer", "scanner"})
PAPER_EVERY: Final = 10  # rounds: a burn-in of a night must not empty the tray
PAUSE_S: Final = 5.0  # between rounds, so that motors and heads cool as they do between residents


@dataclass(slots=True)
class BurnIn:
    """Counts of one burn-in, true at any moment. ``failures`` by part."""

    rounds: int = 0
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """All failures."""
        return sum(self.failures.values())

    async def run(
        self,
        tests: SelfTests,
        clock: Clock,
        seconds: float,
        *,
        stop_at_first: bool,
        told: Callable[[], None] = lambda: None,
    ) -> None:
        """Repeat until the time is over, or the first failure where so chosen; ``told`` after each round."""
        until = clock.monotonic() + seconds
        while clock.monotonic() < until:
            for part in tests.parts():
                if part in PAPER and self.rounds % PAPER_EVERY:
                    continue
                result = await tests.run(part, Nobody())
                if result.outcome is CheckOutcome.FAILED:
                    self.failures[part] = self.failures.get(part, 0) + 1
                    if stop_at_first:
                        self.rounds += 1
                        told()
                        return
            self.rounds += 1
            told()
            await clock.sleep(PAUSE_S)
