"""A journey is a table: steps, and where each outcome of each step leads. It checks itself when it is made.

Expected endings are outcomes; only faults are exceptions, and those are the runner's business (kiosk/runner.py).
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kiosk.errors import JourneyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devices.errors import OutcomeUnknown
    from kiosk.visit import Visit


class Outcome(enum.StrEnum):
    """How a step can end. Closed: a new one is a word everybody has to know."""

    DONE = "done"
    BACK = "back"
    DECLINED = "declined"  # the resident said no
    EDIT = "edit"  # the resident wants to change something
    GAVE_UP = "gave_up"  # asked three times
    REFUSED = "refused"  # the office or a check says no
    OFFLINE = "offline"  # central cannot be reached
    TAKEN_IN = "taken_in"  # durable here, not yet received there
    PENDING = "pending"  # received, decided later
    HAS_DOCUMENT = "has_document"  # decided, something to print


class Ending(enum.StrEnum):
    """How a journey, and so a visit, can end."""

    COMPLETED = "completed"
    TAKEN_IN = "taken_in"
    ABANDONED = "abandoned"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    FAILED = "failed"


class Step(ABC):
    """One stretch of a journey. Stateless: everything of the resident is in the visit.

    ``section`` groups steps for "3 / 7"; empty: the step does not count.
    """

    name: str
    outcomes: frozenset[Outcome] = frozenset({Outcome.DONE})
    section: str = ""

    @abstractmethod
    async def run(self, visit: Visit) -> Outcome:
        """Do it. Raises ``DeviceError``, ``KioskError`` or ``QueueError`` for faults."""

    async def resolve(self, visit: Visit, error: OutcomeUnknown) -> Outcome | None:  # noqa: ARG002 - for overriding
        """Find out what became of a command whose end was not seen; ``None``: nothing did, run the step again.

        Steps that change state outside override it.
        """
        raise JourneyError(f"step {self.name} cannot resolve an unknown outcome")


Target = str | Ending


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step stands in the flow, both from 1."""

    section: int
    sections: int


class Journey:
    """Steps and routes. Raises ``JourneyError`` with every fault of the table when it is made.

    ``routes`` maps (step name, outcome) to the next step's name or an ending. The first step is the start.
    """

    def __init__(self, name: str, steps: tuple[Step, ...], routes: Mapping[tuple[str, Outcome], Target]) -> None:
        self.name = name
        self.start = steps[0].name if steps else ""
        self._steps = {step.name: step for step in steps}
        self._routes = dict(routes)
        problems = list(self._problems(steps))
        if problems:
            raise JourneyError(f"journey {name}: " + "; ".join(problems))
        self._sections = self._number_sections()

    def step(self, name: str) -> Step:
        """Return the step ``name``."""
        return self._steps[name]

    def after(self, name: str, outcome: Outcome) -> Target:
        """Return where ``outcome`` of step ``name`` leads."""
        return self._routes[name, outcome]

    def place(self, name: str) -> Place | None:
        """Return where the step stands in the flow, or ``None`` when it does not count."""
        section = self._steps[name].section
        return Place(self._sections.index(section) + 1, len(self._sections)) if section else None

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps.values())

    def to_mermaid(self) -> str:
        """Return the table as a Mermaid flow chart."""
        lines = ["flowchart TD", f"  start(( )) --> {self.start}"]
        for (name, outcome), target in sorted(self._routes.items()):
            end = f"{target.value}([{target.value}])" if isinstance(target, Ending) else target
            lines.append(f"  {name} -- {outcome.value} --> {end}")
        return "\n".join(lines)

    def _problems(self, steps: tuple[Step, ...]) -> Iterator[str]:
        if len(self._steps) != len(steps):
            yield "a step's name stands twice"
        for step in steps:
            for outcome in sorted(step.outcomes):
                if (step.name, outcome) not in self._routes:
                    yield f"{step.name}: outcome {outcome} leads nowhere"
        for (name, outcome), target in sorted(self._routes.items()):
            if name not in self._steps:
                yield f"route from unknown step {name}"
            elif outcome not in self._steps[name].outcomes:
                yield f"{name}: route for {outcome}, which the step does not declare"
            if not isinstance(target, Ending) and target not in self._steps:
                yield f"{name}: {outcome} leads to unknown step {target}"
        reachable = self._reachable_from(self.start)
        for name in self._steps.keys() - reachable:
            yield f"{name} cannot be reached"
        for name in sorted(reachable & self._steps.keys()):
            if not any(isinstance(target, Ending) for target in self._reachable_from(name)):
                yield f"no end can be reached from {name}"

    def _reachable_from(self, name: Target) -> set[Target]:
        seen: set[Target] = {name}
        waiting: deque[Target] = deque([name])
        while waiting:
            here = waiting.popleft()
            for (source, _), target in self._routes.items():
                if source == here and not isinstance(here, Ending) and target not in seen:
                    seen.add(target)
                    waiting.append(target)
        return seen

    def _number_sections(self) -> list[str]:
        found: list[str] = []
        for step in self._steps.values():
            if step.section and step.section not in found:
                found.append(step.section)
        return found
