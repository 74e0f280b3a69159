"""Row 2: the services of this machine, those that cannot be finished now with the reason, and a search by word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.availability import Surroundings, obstacle
from kiosk.catalogue.search import find
from kiosk.events import ServiceChosen
from kiosk.intents import Chose, Submitted, WentBack
from kiosk.journey import Outcome, Step
from kiosk.views import Choice, Option, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from kiosk.visit import Visit

QUERY = "query"


class ChooseService(Step):
    """``around`` gives the surroundings at the moment they are needed."""

    name = "choose_service"
    outcomes = frozenset({Outcome.DONE, Outcome.BACK})

    def __init__(self, around: Callable[[], Surroundings]) -> None:
        self._around = around

    async def run(self, visit: Visit) -> Outcome:
        """Wait until a service that is possible is chosen."""
        query = ""
        again = False
        while True:
            intent = await visit.stage.ask(self._view(visit, query), back=True, again=again)
            again = True
            if isinstance(intent, WentBack):
                return Outcome.BACK
            if isinstance(intent, Submitted):
                query = dict(intent.values).get(QUERY, "")
            if isinstance(intent, Chose) and self._choose(visit, intent.option):
                return Outcome.DONE

    def _choose(self, visit: Visit, code: str) -> bool:
        try:
            package = visit.tools.catalogue.package(code)
        except KeyError:
            return False
        around = self._around()
        if obstacle(package, visit.tools, around):
            return False
        visit.package = package
        visit.online = around.link_up
        visit.tools.log.emit(ServiceChosen(visit=visit.session.visit, service=package.code, version=package.version))
        return True

    def _view(self, visit: Visit, query: str) -> Choice:
        tools = visit.tools
        around = self._around()
        found = find(tools.catalogue.packages, query)
        options = []
        for package in found:
            reason = obstacle(package, tools, around)
            options.append(
                Option(
                    id=package.code,
                    title=package.title.text(),
                    detail=package.department.text(),
                    enabled=not reason,
                    reason=reason,
                    icon=package.icon,
                )
            )
        return Choice(
            title=text("choose_service.title"),
            lead=text("choose_service.lead" if found else "choose_service.nothing"),
            options=tuple(options),
            searchable=True,
            query=query,
        )
