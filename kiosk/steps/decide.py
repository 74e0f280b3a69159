"""Row 14: wait, bounded, for a decision; without one the case goes on without the resident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.errors import GatewayRejected, GatewayUnreachable, GatewayUntrusted, JourneyError
from kiosk.events import DecisionReceived
from kiosk.gateway import DecisionState
from kiosk.intents import Chose, Intent
from kiosk.journey import Outcome, Step
from kiosk.stage import Idle
from kiosk.views import NOTHING, Option, Progress, ProgressStage, StageState, text

if TYPE_CHECKING:
    from kiosk.gateway import Decision
    from kiosk.visit import Visit

POLL_S = 5.0  # one long poll
RETRY_S = 1.0  # after a poll that did not get through
CANCEL_AFTER_S = 10.0  # requirements §3.1: more than 10 s, a way out is offered
LATER = "decide.later"


class Decide(Step):
    """Asks central for its decision for at most a minute (SYS-28)."""

    name = "decide"
    section = "receive"
    outcomes = frozenset({Outcome.HAS_DOCUMENT, Outcome.PENDING, Outcome.REFUSED})

    async def run(self, visit: Visit) -> Outcome:
        """Wait for the decision, the minute's end, or the resident's wish to go."""
        if visit.case is None:
            raise JourneyError("nothing was handed in")
        timings = visit.tools.settings.timings
        answer = await visit.stage.ask_while(
            _view(can_leave=False),
            self._poll(visit, timings.decision_s),
            accept=(Chose,),
            idle=Idle.OFF,
            later=(CANCEL_AFTER_S, _view(can_leave=True)),
            leave=False,  # the case is in: whoever goes now goes by way of its number
        )
        decision = None if isinstance(answer, Intent) else answer
        visit.decision = decision
        state = decision.state if decision is not None else DecisionState.PENDING
        visit.tools.log.emit(DecisionReceived(visit=visit.session.visit, seq=visit.case.item.seq, state=state.value))
        if decision is not None and decision.state is DecisionState.REFUSED:
            visit.reason = decision.reason or text("decide.refused")
            return Outcome.REFUSED
        if decision is not None and decision.document is not None:
            return Outcome.HAS_DOCUMENT
        return Outcome.PENDING

    async def _poll(self, visit: Visit, seconds: float) -> Decision | None:
        """Return the decision, or ``None`` when there is none in time."""
        case = visit.case
        if case is None:
            raise JourneyError("nothing was handed in")
        clock = visit.tools.clock
        until = clock.monotonic() + seconds
        while (left := until - clock.monotonic()) > 0:
            try:
                decision = await visit.tools.gateway.decision(case.item.epoch, case.item.seq, min(POLL_S, left))
            except GatewayUnreachable:
                await clock.sleep(min(RETRY_S, left))
                continue
            except (GatewayRejected, GatewayUntrusted) as error:
                # The case is in good hands; only the question failed. Never a "no" to the resident.
                visit.tools.staff.tell("decision.unreadable", str(error.code))
                return None
            if decision.state is not DecisionState.PENDING:
                return decision
        return None


def _view(*, can_leave: bool) -> Progress:
    return Progress(
        title=text("decide.title"),
        stages=(
            ProgressStage(label=text("submit.received"), state=StageState.DONE),
            ProgressStage(label=text("decide.deciding"), state=StageState.RUNNING),
        ),
        waiting_for=text("decide.waiting") if can_leave else NOTHING,
        options=(Option(id=LATER, title=text("decide.later"), detail=text("decide.later_means")),) if can_leave else (),
    )
