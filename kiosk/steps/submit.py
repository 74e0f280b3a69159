"""Row 13: outbox first, thanks after. Three stages tick: sealed, sent, received."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.catalogue.model import Offline
from kiosk.clock import deadline
from kiosk.journey import Outcome, Step
from kiosk.views import NOTHING, Progress, ProgressStage, StageState, text
from offline_queue.wire import Verdict

if TYPE_CHECKING:
    from kiosk.views import Text
    from kiosk.visit import Visit

STAGES = ("sealed", "sent", "received")


class Submit(Step):
    """Makes the case durable, then waits a little for central's receipt.

    Without a receipt in time the case stays in the outbox and is delivered later: *taken in* (收件), never *accepted*
    (受理). A service that only works online is not begun in the outbox at all when central cannot be reached.
    """

    name = "submit"
    section = "receive"
    outcomes = frozenset({Outcome.DONE, Outcome.TAKEN_IN, Outcome.REFUSED, Outcome.OFFLINE})

    async def run(self, visit: Visit) -> Outcome:
        """Hand in once, whatever happens: a second run finds the case already there."""
        if visit.case is None:
            visit.stage.show(_view(0))
            if visit.service.offline is Offline.ONLINE_ONLY:
                # Raises GatewayUnreachable before anything is taken in.
                await visit.stage.watch(visit.tools.gateway.catalogue())
            visit.stage.show(_view(0), leave=False)  # from here on it is too late to cancel, and the key says so
            visit.stage.raise_if_over()
            visit.case = await visit.desk.put_case(visit, "up" if visit.online else "down")
        if not visit.online:
            return Outcome.TAKEN_IN
        visit.stage.show(_view(1, text("submit.waiting")), leave=False)
        try:
            async with deadline(visit.tools.clock, visit.tools.settings.timings.settle_s):
                verdict = await visit.desk.settled(visit.case)
        except TimeoutError:
            visit.online = False
            return Outcome.TAKEN_IN
        visit.stage.show(_view(3), leave=False)
        if verdict is Verdict.REJECTED:
            visit.reason = text("rejected.case")
            return Outcome.REFUSED
        return Outcome.DONE


def _view(done: int, waiting: Text = NOTHING) -> Progress:
    return Progress(
        title=text("submit.title"),
        stages=tuple(
            ProgressStage(
                label=text(f"submit.{name}"),
                state=StageState.DONE if at < done else StageState.RUNNING if at == done else StageState.WAITING,
            )
            for at, name in enumerate(STAGES)
        ),
        waiting_for=waiting,
    )
