"""What each part of the machine last really did, and how each present trouble began. Made from events, no step knows.

*Last proven* is when a device did its work: a card read, sheets the printer counted, a picture that was compared, an
answer of central's; a device that merely answers a status question proves nothing. Of a trouble the *first* cause is
kept: a printer whose cover is opened to clear a jam says "cover open", and the technician was sent for the jam.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from devices.health import HealthState
from kiosk.events import (
    AlarmRaised,
    CardRead,
    CaseDelivered,
    DeviceChanged,
    DeviceFailed,
    DeviceProved,
    FaceCompared,
    LinkChanged,
    ModeChanged,
    Printed,
)
from kiosk.maintenance.keeping import keep, kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from devices.values import Clock
    from kiosk.events import Event

FILE: Final = "proof.json"
WRITE_S: Final = 60.0  # a minute is what is promised: "last proven minute"
SEEN_S: Final = 600.0  # an order that has ended comes back by no more when the clock is set back
MOST_TROUBLES: Final = 200
USABLE: Final = frozenset({HealthState.READY.value, HealthState.DEGRADED.value})
CENTRAL: Final = "central"


@dataclass(slots=True)
class Trouble:
    """One stretch of time in which a device could not be used. ``first`` is what it said first, ``last`` what last."""

    subject: str
    began: str  # ISO times: the record is written as it is
    first: str
    last: str = ""
    detail: str = ""
    ended: str = ""
    by_proof: bool = False  # it answered all the time: only work done ends it


@dataclass(slots=True)
class Record:
    """What is known, as plain values: of a running terminal from :class:`Proofs`, of another from its file."""

    proven: dict[str, str] = field(default_factory=dict)  # device or "central" -> ISO time of the last work done
    states: dict[str, str] = field(default_factory=dict)  # device -> what it says of itself now
    conditions: dict[str, list[str]] = field(default_factory=dict)
    since: dict[str, str] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)  # oldest first
    alarms: list[dict[str, str]] = field(default_factory=list)
    mode: str = ""  # the terminal's, as last changed
    seen: str = ""  # the latest moment known to have been

    def present(self, subject: str) -> Trouble | None:
        """Return the trouble ``subject`` is in."""
        return next((one for one in reversed(self.troubles) if one.subject == subject and not one.ended), None)

    def recent(self, after: datetime) -> Iterator[Trouble]:
        """Yield the troubles that began, or lasted, after ``after``; newest first."""
        for one in reversed(self.troubles):
            if not one.ended or datetime.fromisoformat(one.ended) >= after:
                yield one


def read_record(folder: Path, *, mend: bool = False) -> Record:
    """Return the record as last written; an empty one when there is none. Raises ``OSError``."""
    found = kept(folder / FILE, mend=mend)
    if not isinstance(found, dict):
        return Record()
    try:
        troubles = [Trouble(**one) for one in found.pop("troubles", [])]
        return Record(troubles=troubles, **found)
    except TypeError:  # written by another version: it begins anew within minutes
        return Record()


class Proofs:
    """Listens to the log from its making on; :meth:`run` writes what changed once a minute."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._path = folder / FILE
        self._clock = clock
        self._changed = False
        self.record = read_record(folder, mend=True)

    def now(self) -> datetime:
        """Return the wall clock, or the latest moment known to have been when somebody set the clock back."""
        return max(self._clock.now(), self._known())

    def _known(self) -> datetime:
        seen = self.record.seen
        return datetime.fromisoformat(seen) if seen else datetime.min.replace(tzinfo=UTC)

    def hear(self, event: Event) -> None:
        """Take what an event proves or troubles."""
        for subject in proved_by(event):
            self.proved(subject)
        for kind, take in _HEARD.items():
            if isinstance(event, kind):
                take(self, event)

    def proved(self, subject: str) -> None:
        """Note that ``subject`` did its work just now."""
        trouble = self.record.present(subject)
        if trouble is not None and trouble.by_proof:
            trouble.ended = self._at()
        self._note(self.record.proven, subject, self._at())

    async def run(self) -> None:
        """Write until cancelled; a disk that takes nothing is tried again a minute later."""
        try:
            while True:
                await self._clock.sleep(WRITE_S)
                if self._clock.now() >= self._known() + timedelta(seconds=SEEN_S):
                    self._changed = True  # nothing happened but time, which must not come back
                await self.write()
        finally:
            if self._changed:
                self._write_here()

    async def write(self) -> None:
        """Write what changed; a full disk costs minutes of knowledge, never the terminal."""
        if self._changed:
            self._changed = False
            data = self._data()
            try:
                await asyncio.to_thread(keep, self._path, data)
            except OSError:
                self._changed = True

    def _write_here(self) -> None:
        try:
            keep(self._path, self._data())
        except OSError:
            return  # the end of the program; the record is a minute old at most

    def _data(self) -> dict[str, Any]:
        self.record.seen = self._at()
        return asdict(self.record)

    def _at(self) -> str:
        return self.now().isoformat(timespec="seconds")

    def _note(self, where: dict[str, Any], name: str, value: object) -> None:
        where[name] = value
        self._changed = True

    def _device(self, event: DeviceChanged) -> None:
        record, at = self.record, self._at()
        said = " ".join([event.state, *event.conditions])
        self._note(record.states, event.device, event.state)
        record.conditions[event.device] = list(event.conditions)
        record.since[event.device] = at
        trouble = record.present(event.device)
        if event.state in USABLE:
            if trouble is not None and not trouble.by_proof:
                trouble.ended = at
        elif trouble is None:
            record.troubles.append(Trouble(event.device, at, first=said, last=said, detail=event.detail))
            del record.troubles[:-MOST_TROUBLES]
        else:
            trouble.last = said

    def _failed(self, event: DeviceFailed) -> None:
        """Keep what a heartbeat found, unless a trouble has begun already: its first cause stands."""
        trouble = self.record.present(event.device)
        if trouble is None:
            first = event.cause
            made = Trouble(event.device, self._at(), first=first, last=first, detail=event.detail, by_proof=True)
            self.record.troubles.append(made)
            del self.record.troubles[:-MOST_TROUBLES]
        elif trouble.by_proof:
            trouble.last = event.cause
        self._changed = True

    def _link(self, event: LinkChanged) -> None:
        if event.state == "up":
            self.proved(CENTRAL)
        trouble = self.record.present(CENTRAL)
        if event.state == "up" and trouble is not None:
            trouble.ended = self._at()
        elif event.state != "up" and trouble is None:
            self.record.troubles.append(Trouble(CENTRAL, self._at(), first=event.state, last=event.state))
            del self.record.troubles[:-MOST_TROUBLES]
        self._changed = True

    def _mode(self, event: ModeChanged) -> None:
        self.record.mode = event.mode
        self._changed = True

    def _alarm(self, event: AlarmRaised) -> None:
        self.record.alarms.append({"at": self._at(), "code": event.code, "subject": event.subject})
        del self.record.alarms[:-MOST_TROUBLES]
        self._changed = True


def proved_by(event: Event) -> tuple[str, ...]:
    """Return what did its work when ``event`` happened: one rule for the record and for the heartbeat."""
    match event:
        case CardRead():
            return ("id_reader",)
        case FaceCompared():
            return ("camera", "face")
        case Printed() if event.sheets > 0:
            return (event.device,)
        case CaseDelivered():
            return (CENTRAL, "queue")
        case DeviceProved():
            return (event.device,)
        case _:
            return ()


_HEARD: dict[type[Event], Callable[[Proofs, Any], None]] = {
    DeviceFailed: Proofs._failed,  # noqa: SLF001 - this module's own
    DeviceChanged: Proofs._device,  # noqa: SLF001 - this module's own
    LinkChanged: Proofs._link,  # noqa: SLF001 - likewise
    ModeChanged: Proofs._mode,  # noqa: SLF001 - likewise
    AlarmRaised: Proofs._alarm,  # noqa: SLF001 - likewise
}
