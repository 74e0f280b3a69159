"""The office or a check says no: the reason, how to object, and where else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.intents import Agreed
from kiosk.journey import Outcome, Step
from kiosk.phrases import elsewhere
from kiosk.views import Result, Tone, text

if TYPE_CHECKING:
    from kiosk.visit import Visit


class SayNo(Step):
    """Shows ``visit.reason`` in neutral words."""

    name = "say_no"
    outcomes = frozenset({Outcome.DONE})

    async def run(self, visit: Visit) -> Outcome:
        """Wait until it was read."""
        view = Result(
            title=text("say_no.title"),
            tone=Tone.SORRY,
            body=(visit.reason or text("say_no.unknown"), text("say_no.object")),
            facts=elsewhere(visit.tools.settings.terminal),
            done=text("say_no.done"),
        )
        while not isinstance(await visit.stage.ask(view), Agreed):
            pass
        return Outcome.DONE
