"""Another way than card and face, always: what else one can do, and where. Never a dead end, never blame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.intents import Agreed, Chose
from kiosk.journey import Outcome, Step
from kiosk.phrases import elsewhere
from kiosk.stage import Idle
from kiosk.views import Option, Result, Tone, text

if TYPE_CHECKING:
    from kiosk.visit import Visit

TRY = "other_ways.try"


class OtherWays(Step):
    """Names the nearest place and the clerk's phone; offers to go back to the step that was left."""

    outcomes = frozenset({Outcome.DONE, Outcome.BACK})

    def __init__(self, name: str, section: str) -> None:
        self.name = name
        self.section = section

    async def run(self, visit: Visit) -> Outcome:
        """Show the other ways."""
        view = Result(
            title=text(f"{self.name}.title"),
            tone=Tone.NEUTRAL,
            body=(text(f"{self.name}.body"),),
            facts=elsewhere(visit.tools.settings.terminal),
            done=text("other_ways.done"),
            options=(Option(id=TRY, title=text(f"{self.name}.try")),),
        )
        while True:
            intent = await visit.stage.ask(view, idle=Idle.NORMAL)
            if isinstance(intent, Chose) and intent.option == TRY:
                return Outcome.BACK
            if isinstance(intent, Agreed):
                return Outcome.DONE
