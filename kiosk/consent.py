"""Asking for consent: the words shown are hashed into the record, in the language in which they were shown."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from kiosk.events import ConsentGiven, ConsentRefused
from kiosk.intents import Agreed, Declined
from kiosk.session import ConsentRecord
from kiosk.texts import resolve
from kiosk.views import Consent, Slot, Text

if TYPE_CHECKING:
    from kiosk.visit import Visit


async def agree(
    visit: Visit,
    consent: str,
    *,
    title: Text,
    paragraphs: tuple[Text, ...],
    keys: tuple[Text, Text],
    slot: Slot = Slot.NONE,
) -> bool:
    """Show the words, wait for yes or no, record it. ``keys`` are the words of the yes and the no key."""
    view = Consent(title=title, paragraphs=paragraphs, agree=keys[0], decline=keys[1], slot=slot)
    while True:
        intent = await visit.stage.ask(view)
        shown = "\n".join(resolve(words, visit.stage.language) for words in (title, *paragraphs))
        text_sha256 = hashlib.sha256(shown.encode()).hexdigest()
        if isinstance(intent, Agreed):
            now = visit.tools.clock.now()
            visit.session.consents.append(ConsentRecord(consent, text_sha256, now))
            visit.tools.log.emit(ConsentGiven(visit=visit.session.visit, consent=consent, text_sha256=text_sha256))
            return True
        if isinstance(intent, Declined):
            visit.tools.log.emit(ConsentRefused(visit=visit.session.visit, consent=consent))
            return False
