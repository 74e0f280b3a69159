"""Central cannot be reached and the service cannot wait: said before anything was taken in, so nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.intents import Agreed
from kiosk.journey import Outcome, Step
from kiosk.phrases import elsewhere
from kiosk.views import Result, Tone, text

if TYPE_CHECKING:
    from kiosk.visit import Visit


class Apologise(Step):
    """Nothing was sent; where else to go."""

    name = "apologise"
    outcomes = frozenset({Outcome.DONE})

    async def run(self, visit: Visit) -> Outcome:
        """Wait until it was read."""
        view = Result(
            title=text("apologise.title"),
            tone=Tone.SORRY,
            body=(text("apologise.nothing_sent"), text("apologise.later")),
            facts=elsewhere(visit.tools.settings.terminal),
            done=text("apologise.done"),
        )
        while not isinstance(await visit.stage.ask(view), Agreed):
            pass
        return Outcome.DONE
