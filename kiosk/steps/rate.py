"""Row 17: five grades, reasons for low ones, free to skip. Bound to case and item, not to a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.events import Rated
from kiosk.intents import Declined, Submitted
from kiosk.journey import Outcome, Step
from kiosk.stage import Idle
from kiosk.views import Option, Rating, text
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from kiosk.visit import Visit

GRADES = ("5", "4", "3", "2", "1")
OUTBOX = "outbox"  # the alarm's subject
REASONS = ("slow", "hard", "faulty", "unfriendly", "other")


class Rate(Step):
    """Asks once per case."""

    name = "rate"
    outcomes = frozenset({Outcome.DONE, Outcome.TAKEN_IN})

    async def run(self, visit: Visit) -> Outcome:
        """Hand the grade in, or nothing when it is skipped. Ends as the case stands: received, or only taken in."""
        await self._rate(visit)
        return Outcome.DONE if visit.online else Outcome.TAKEN_IN

    async def _rate(self, visit: Visit) -> None:
        view = Rating(
            title=text("rate.title"),
            lead=text("rate.lead", service=visit.service.title.text()),
            grades=tuple(Option(id=grade, title=text(f"rate.grade.{grade}"), icon=f"face_{grade}") for grade in GRADES),
            reasons=tuple(Option(id=reason, title=text(f"rate.reason.{reason}")) for reason in REASONS),
            submit=text("rate.submit"),
            skip=text("rate.skip"),
        )
        while True:
            intent = await visit.stage.ask(view, idle=Idle.SHORT)
            if isinstance(intent, Declined):
                visit.tools.log.emit(Rated(visit=visit.session.visit, grade=0))
                return
            if isinstance(intent, Submitted) and intent.complete:
                given = dict(intent.values)
                grade = given.get("grade", "")
                if grade not in GRADES:
                    continue
                reasons = tuple(reason for reason in given.get("reasons", "").split(",") if reason in REASONS)
                service = visit.service
                try:
                    await visit.desk.put_rating(visit.case, service.code, service.version, int(grade), reasons)
                except QueueError as error:  # what the resident came for is done: a lost grade is staff's affair alone
                    visit.tools.staff.tell(str(error.code), OUTBOX, lasting=False)
                    return
                visit.tools.log.emit(Rated(visit=visit.session.visit, grade=int(grade)))
                return
