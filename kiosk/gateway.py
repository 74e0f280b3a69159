"""Port: what the terminal asks central while a resident waits. What must not be lost goes through the outbox."""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kiosk.views import NOTHING, Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from kiosk.session import Person


@dataclass(frozen=True, slots=True)
class ServiceState:
    """Central's word on one service: open or paused, and why."""

    code: str
    version: int
    open: bool
    reason: Text = NOTHING


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the registers know. ``fields`` are personal."""

    known: bool
    record: bool
    other_regions: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    sms_masked: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    """A code on its way to the phone on file."""

    id: str
    masked: str = field(repr=False)
    expires_s: int
    resend_after_s: int


class CodeVerdict(enum.StrEnum):
    """What became of a code typed in."""

    RIGHT = "right"
    WRONG = "wrong"
    EXPIRED = "expired"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """Verdict and tries left."""

    verdict: CodeVerdict
    attempts_left: int


class DecisionState(enum.StrEnum):
    """Where a case stands at central."""

    PENDING = "pending"
    APPROVED = "approved"
    REFUSED = "refused"
    FILED = "filed"  # taken up by an officer: a ticket, decided later


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """A document to fetch: its digest comes with the decision, its bytes apart."""

    id: str
    sha256: str
    pages: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Central's answer to a case."""

    state: DecisionState
    case_number: str = ""
    promise: date | None = None
    reason: Text = NOTHING
    document: DocumentRef | None = None


@dataclass(frozen=True, slots=True)
class CaseProgress:
    """State of a case by its slip code: nothing that names a person or an item."""

    state: str
    updated: str


class Gateway(ABC):
    """Each method has its deadline; raises ``GatewayUnreachable``, ``GatewayRejected``, ``GatewayUntrusted``."""

    @abstractmethod
    async def catalogue(self) -> tuple[ServiceState, ...]:
        """Return which services are open."""

    @abstractmethod
    async def look_up(self, visit: str, service: str, version: int, purpose: str, person: Person) -> Lookup:
        """Pull the person's data for a named purpose."""

    @abstractmethod
    async def send_code(self, visit: str, service: str, person: Person) -> Challenge:
        """Send a code to the phone on file."""

    @abstractmethod
    async def check_code(self, challenge: str, visit: str, code: str) -> CodeAnswer:
        """Check the code typed in."""

    @abstractmethod
    async def decision(self, epoch: str, seq: int, wait_s: float) -> Decision:
        """Return the decision of a case, waiting at most ``wait_s`` for it."""

    @abstractmethod
    async def document(self, document: str) -> bytes:
        """Return the bytes of a document."""

    @abstractmethod
    async def progress(self, local_number: str) -> CaseProgress | None:
        """Return the state of a case by its slip code; ``None``: no such number."""

    @abstractmethod
    async def close(self) -> None:
        """Free threads and connections. Never raises."""
