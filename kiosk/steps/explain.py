"""Row 3: what you need, before anything is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.catalogue.model import Offline
from kiosk.intents import Agreed, WentBack
from kiosk.journey import Outcome, Step
from kiosk.views import NOTHING, Fact, Guide, text

if TYPE_CHECKING:
    from kiosk.visit import Visit


class Explain(Step):
    """Shows the guide of the service; nothing personal yet."""

    name = "explain"
    section = "explain"
    outcomes = frozenset({Outcome.DONE, Outcome.BACK})

    async def run(self, visit: Visit) -> Outcome:
        """Wait for the start key."""
        service = visit.service
        guide = service.guide
        lines = ("for_whom", "papers", "fee", "time", "result", "source")
        offline = not visit.online and service.offline is Offline.TAKE_IN
        view = Guide(
            title=service.title.text(),
            lead=guide.notice.text() if guide.notice else NOTHING,
            facts=tuple(Fact(text(f"guide.{line}"), getattr(guide, line).text()) for line in lines),
            notice=text("guide.offline") if offline else NOTHING,
            start=text("guide.start_offline" if offline else "guide.start"),
        )
        while True:
            intent = await visit.stage.ask(view, back=True)
            if isinstance(intent, Agreed):
                return Outcome.DONE
            if isinstance(intent, WentBack):
                return Outcome.BACK
