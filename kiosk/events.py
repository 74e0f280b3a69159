"""Everything that happens, as a closed catalogue of facts without personal data (docs/events.md is made from it).

An event's fields are plain values; a visit is named by its random id, never by its person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened. ``audited`` events also belong into the audit record."""

    audited: ClassVar[bool] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalStarted(Event):
    """The terminal began to serve."""

    profile: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalStopped(Event):
    """The terminal ended in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalCrashed(Event):
    """An unexpected error ended the terminal; the service manager starts it anew."""

    where: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLinesLost(Event):
    """The log could not be written (disk full, pipe closed): so many lines before this one may be missing."""

    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChanged(Event):
    """The terminal serves fully, in part, or not at all."""

    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChanged(Event):
    """A device went away, came back, or says something else of itself. Once for each change."""

    device: str
    state: str
    conditions: tuple[str, ...]
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChanged(Event):
    """The way to central opened, closed, or turned out not to lead to central."""

    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOpened(Event):
    """The kiosk's own key is there; a key in a file says openly that it is one."""

    kind: str
    key: str
    described: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUnavailable(Event):
    """The kiosk's own key cannot be used: cases are taken in, nothing can be sent."""

    code: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueRefused(Event):
    """A service package was refused; it is not offered."""

    package: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitStarted(Event):
    """Somebody touched the screen."""

    audited: ClassVar[bool] = True
    visit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceChosen(Event):
    """The resident chose a service."""

    audited: ClassVar[bool] = True
    visit: str
    service: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded(Event):
    """A step of the journey ended with an outcome."""

    visit: str
    step: str
    outcome: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed(Event):
    """A step raised an error; ``recovery`` is what the policy table says."""

    visit: str
    step: str
    code: str
    recovery: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRead(Event):
    """An identity card was read. Nothing of it is recorded but its kind."""

    audited: ClassVar[bool] = True
    visit: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Event):
    """The resident agreed to a named use of data; the hash is that of the words shown."""

    audited: ClassVar[bool] = True
    visit: str
    consent: str
    text_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRefused(Event):
    """The resident refused a named use of data."""

    audited: ClassVar[bool] = True
    visit: str
    consent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceCompared(Event):
    """The face engine gave a verdict. The picture and the score are not recorded here."""

    audited: ClassVar[bool] = True
    visit: str
    verdict: str
    engine: str
    liveness: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLookedUp(Event):
    """Data were pulled from a register for a named purpose."""

    audited: ClassVar[bool] = True
    visit: str
    service: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTakenIn(Event):
    """A case is durable in the outbox (收件). ``seq`` is its place there."""

    audited: ClassVar[bool] = True
    visit: str
    service: str
    seq: int
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDelivered(Event):
    """Central's signed receipt for an item is stored."""

    audited: ClassVar[bool] = True
    seq: int
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionReceived(Event):
    """Central decided, or the wait for its decision ended."""

    audited: ClassVar[bool] = True
    visit: str
    seq: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRejected(Event):
    """A document was not printed: its seal is broken or its person is not the session's. An alarm."""

    audited: ClassVar[bool] = True
    visit: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed(Event):
    """Paper came out."""

    audited: ClassVar[bool] = True
    visit: str
    device: str
    sheets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintBlocked(Event):
    """A running print waits for somebody to help."""

    visit: str
    device: str
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpAsked(Event):
    """The resident asked for a clerk."""

    visit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated(Event):
    """The resident rated a service, or skipped (grade 0)."""

    visit: str
    grade: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BelongingLeft(Event):
    """Something still lies in the machine after the goodbye."""

    audited: ClassVar[bool] = True
    visit: str
    slot: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitEnded(Event):
    """The visit is over, for whatever reason."""

    audited: ClassVar[bool] = True
    visit: str
    ending: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionWiped(Event):
    """Everything personal of the visit is gone."""

    audited: ClassVar[bool] = True
    visit: str
    milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(Event):
    """Somebody has to come or to look; travels to central through the outbox."""

    audited: ClassVar[bool] = True
    code: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLinesLost(Event):
    """The audit could not be written for so long that its lines no longer fitted into memory: so many are missing."""

    audited: ClassVar[bool] = True
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProved(Event):
    """A device, or central, did real work outside a visit: a self-test passed, a heartbeat went through."""

    device: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFailed(Event):
    """A part was to do its work with nobody there and did not, whatever it says. ``cause`` is a closed word."""

    device: str
    cause: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartBeaten(Event):
    """A heartbeat came to its end: so many parts were to do their work, ``failed`` did not."""

    whole: bool
    parts: int
    failed: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MainsChanged(Event):
    """The mains went away or came back, or the battery is about to give out (``must_end``)."""

    on_mains: bool
    must_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceNoted(Event):
    """Something was done to the machine and stands in its service book. ``who`` is a staff number."""

    audited: ClassVar[bool] = True
    entry: int
    kind: str
    who: str
    order: str
    subject: str
    outcome: str
