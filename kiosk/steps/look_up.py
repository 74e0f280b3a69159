"""Pulls the person's record from the registers, for the purpose agreed to, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.values import Pii
from kiosk.errors import JourneyError
from kiosk.events import DataLookedUp
from kiosk.journey import Outcome, Step
from kiosk.views import Progress, ProgressStage, StageState, plain, text

if TYPE_CHECKING:
    from kiosk.visit import Visit

PURPOSE = "c.data"


class LookUp(Step):
    """No call without a matching consent (SYS-17)."""

    name = "look_up"
    outcomes = frozenset({Outcome.DONE, Outcome.REFUSED})

    async def run(self, visit: Visit) -> Outcome:
        """Ask central. No record in this region ends the service with what to do."""
        person = visit.session.person
        if person is None or not visit.session.agreed(PURPOSE):
            raise JourneyError("a register may not be asked without a person and a consent")
        service = visit.service
        visit.stage.show(
            Progress(
                title=text("look_up.title"),
                stages=(ProgressStage(label=text("look_up.asking"), state=StageState.RUNNING),),
                waiting_for=text("look_up.waiting"),
            )
        )
        visit.tools.log.emit(DataLookedUp(visit=visit.session.visit, service=service.code, purpose=PURPOSE))
        found = await visit.stage.watch(
            visit.tools.gateway.look_up(visit.session.visit, service.code, service.version, PURPOSE, person)
        )
        if not found.known or not found.record:
            others = "、".join(found.other_regions)
            visit.reason = text("look_up.elsewhere", regions=plain(others)) if others else text("look_up.nothing")
            return Outcome.REFUSED
        visit.session.known.update({key: Pii(value) for key, value in found.fields.items()})
        return Outcome.DONE
