"""The purpose of a data pull, named and asked, as the service's package words it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.consent import agree
from kiosk.journey import Outcome, Step
from kiosk.views import text

if TYPE_CHECKING:
    from kiosk.visit import Visit


class ConsentData(Step):
    """Asks each consent of the package that was not given yet."""

    name = "consent_data"
    section = "fill_form"
    outcomes = frozenset({Outcome.DONE, Outcome.DECLINED})

    async def run(self, visit: Visit) -> Outcome:
        """Record every yes; the first no ends it."""
        for consent in visit.service.consents:
            if visit.session.agreed(consent.id):
                continue
            agreed = await agree(
                visit,
                consent.id,
                title=consent.title.text(),
                paragraphs=tuple(paragraph.text() for paragraph in consent.paragraphs),
                keys=(text("consent_data.agree"), text("consent_data.decline")),
            )
            if not agreed:
                return Outcome.DECLINED
        return Outcome.DONE
