"""The session: everything personal of one visit, in one place, so that one wipe forgets it all."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from devices.values import IdentityCard, Pii
    from kiosk.identity.face import FaceAnswer

FACE_CONSENT = "face"
VISIT_ID_BYTES = 8  # random, only to join the lines of one visit in a log


@dataclass(frozen=True, slots=True)
class Person:
    """Whom the session serves, as the card says. Compared with what a document says before it is printed."""

    name: Pii[str]
    id_no: Pii[str]


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """A yes to a named use of data; ``text_sha256`` is the hash of the words shown, in the language shown."""

    id: str
    text_sha256: str
    at: datetime


@dataclass(slots=True)
class Session:
    """What is known in this visit. Values of fields are personal by default."""

    visit: str = field(default_factory=lambda: secrets.token_hex(VISIT_ID_BYTES))
    card: IdentityCard | None = None
    face: FaceAnswer | None = None
    challenge: str = ""  # SMS challenge answered right
    consents: list[ConsentRecord] = field(default_factory=list)
    values: dict[str, Pii[str]] = field(default_factory=dict)
    known: dict[str, Pii[str]] = field(default_factory=dict)  # what registers answered, by field id
    document: Pii[bytearray] | None = None
    wiped: bool = False

    @property
    def person(self) -> Person | None:
        """Whom the session serves, once a card was read."""
        return Person(self.card.name, self.card.number) if self.card is not None else None

    def agreed(self, consent: str) -> bool:
        """Tell whether the resident said yes to ``consent``."""
        return any(record.id == consent for record in self.consents)

    def forget_answers(self) -> None:
        """Forget what was typed, looked up and agreed to for one service before another begins. The person stays."""
        for value in (*self.values.values(), *self.known.values()):
            value.wipe()
        self.values.clear()
        self.known.clear()
        self.consents = [record for record in self.consents if record.id == FACE_CONSENT]

    def wipe(self) -> None:
        """Forget everything personal; idempotent."""
        if self.card is not None:
            self.card.wipe()
        for value in (*self.values.values(), *self.known.values()):
            value.wipe()
        if self.document is not None:
            self.document.wipe()
        self.card = self.face = self.document = None
        self.values.clear()
        self.known.clear()
        self.consents.clear()
        self.challenge = ""
        self.wiped = True
