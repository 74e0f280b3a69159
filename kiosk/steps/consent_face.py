"""Row 5, first half: why the face is compared, what is kept, and a refusal of the same size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.consent import agree
from kiosk.journey import Outcome, Step
from kiosk.session import FACE_CONSENT
from kiosk.views import Slot, text

if TYPE_CHECKING:
    from kiosk.visit import Visit


class ConsentFace(Step):
    """Asks before the camera is switched on."""

    name = "consent_face"
    section = "match_face"
    outcomes = frozenset({Outcome.DONE, Outcome.DECLINED})

    async def run(self, visit: Visit) -> Outcome:
        """Record the yes, or go another way."""
        if visit.session.face is not None:
            return Outcome.DONE  # came back from a later step
        agreed = await agree(
            visit,
            FACE_CONSENT,
            title=text("consent_face.title"),
            paragraphs=tuple(text(f"consent_face.{part}") for part in ("why", "what", "kept")),
            keys=(text("consent_face.agree"), text("consent_face.decline")),
            slot=Slot.CAMERA,
        )
        return Outcome.DONE if agreed else Outcome.DECLINED
