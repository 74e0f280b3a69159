"""Machines nobody hears of any more: noticed here, for a machine that is dead tells nothing itself."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from central.store.database import hold, raise_alarm
from central.store.schema import Alarm, Kiosk
from central.store.upkeep import Heartbeat

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from central.bodies import HeartbeatBody
    from central.clock import Clock
    from central.store.database import Store

log = logging.getLogger(__name__)
MISSED: Final = 2  # beats
GRACE: Final = timedelta(minutes=10)  # a beat waits for quiet and for the courier's next try
LOOK_S: Final = 60.0
SILENT: Final = "machine.silent"


def take_heartbeat(session: Session, kiosk: str, body: HeartbeatBody, now: datetime) -> None:
    """Keep the latest of a machine; one that was overtaken on its way changes only when it was last heard."""
    held = session.get(Heartbeat, kiosk)
    if held is None:
        held = Heartbeat(kiosk=kiosk, at=body.at, received=now, every_s=body.every_s, body="{}")
        session.add(held)
    held.received = now
    if body.at >= held.at:
        held.at, held.every_s = body.at, body.every_s
        held.body = json.dumps(body.model_dump(mode="json", exclude={"at", "every_s"}))


class SilenceWatch:
    """Marks machines of which two beats in a row were missed. Whatever a machine sends itself is a sign of life.

    What was not heard while this central did not run is nobody's silence: it counts from its own start.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._begun = clock.now()

    def look(self) -> None:
        """Raise the alarm of machines that fell silent, end that of those that speak again."""
        now = self._clock.now()
        with self._store.read() as session:
            turned = [
                beat.kiosk for beat, heard in _beats(session) if self._silent(beat, heard, now) is not _marked(beat)
            ]
        for kiosk in turned:
            with self._store.write() as session:
                self._turn(session, kiosk, now)

    def _turn(self, session: Session, kiosk: str, now: datetime) -> None:
        machine, beat = hold(session, kiosk), session.get(Heartbeat, kiosk, with_for_update=True)
        if machine is None or beat is None:
            return
        silent = self._silent(beat, machine.heard, now)
        if silent and beat.silent is None:
            beat.silent = _heard(beat, machine.heard)
            log.error("alarm kiosk=%s code=%s", kiosk, SILENT)
            raise_alarm(session, kiosk, SILENT, _subject(beat.silent), at=now)
        elif not silent and beat.silent is not None:
            alarm = session.get(Alarm, (kiosk, SILENT, _subject(beat.silent)))
            if alarm is not None:
                alarm.ended = now
            beat.silent = None

    def _silent(self, beat: Heartbeat, heard: datetime | None, now: datetime) -> bool:
        last = _heard(beat, heard)
        # A machine already known to be silent stays so over our restart, until it speaks.
        since = last if _marked(beat) else max(last, self._begun)
        return now > since + MISSED * timedelta(seconds=beat.every_s) + GRACE


def _beats(session: Session) -> list[tuple[Heartbeat, datetime | None]]:
    found = session.execute(select(Heartbeat, Kiosk.heard).join(Kiosk, Kiosk.id == Heartbeat.kiosk))
    return [(beat, heard) for beat, heard in found]


def _heard(beat: Heartbeat, heard: datetime | None) -> datetime:
    return beat.received if heard is None else max(beat.received, heard)


def _marked(beat: Heartbeat) -> bool:
    return beat.silent is not None


def _subject(last: datetime) -> str:
    """Return the silence's own name: a second one is another alarm."""
    return last.isoformat(timespec="seconds")
