"""Central cannot be reached and the service cannot wait: said before anything was taken in, so nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.intents import Agreed, Chose
from kiosk.journey import Outcome, Step
from kiosk.phrases import elsewhere
from kiosk.views import Option, Result, Tone, text

if TYPE_CHECKING:
    from kiosk.visit import Visit

AGAIN = "apologise.try"


class Apologise(Step):
    """Nothing was sent; send again without doing card, face and code anew, or where else to go."""

    name = "apologise"
    outcomes = frozenset({Outcome.DONE, Outcome.BACK})

    async def run(self, visit: Visit) -> Outcome:
        """Wait until it was read."""
        view = Result(
            title=text("apologise.title"),
            tone=Tone.SORRY,
            body=(text("apologise.nothing_sent"), text("apologise.later")),
            facts=elsewhere(visit.tools.settings.terminal),
            done=text("apologise.done"),
            options=(Option(id=AGAIN, title=text("apologise.again"), icon="again"),),
        )
        while True:
            intent = await visit.stage.ask(view)
            if isinstance(intent, Agreed):
                return Outcome.DONE
            if isinstance(intent, Chose) and intent.option == AGAIN:
                return Outcome.BACK
