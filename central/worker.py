"""The worker that decides after the intake's commit, can die at any moment, and goes on at the next start.

Between two cases, at least once a minute, it looks for machines that fell silent.

What is to be decided is what stands as pending in the store; a decision and its document are one transaction.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from central.decisions import RegisterDown
from central.effects import PENDING
from central.silence import LOOK_S
from central.store.database import raise_alarm
from central.store.schema import Case

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from central.clock import Clock
    from central.decisions import Decision, Desk
    from central.silence import SilenceWatch
    from central.store.database import Store
    from central.switches import Switches

log = logging.getLogger(__name__)
RETRY_S: Final = 1.0  # a register that is down, a drawing that failed: asked again this soon
MAX_RETRY_S: Final = 60.0


class Bell:
    """Wakes the long polls of the event loop from the worker's thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rung = asyncio.Event()
        self.closed = False

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop the waiters live on."""
        self._loop = loop

    def ring(self) -> None:
        """Wake everyone who waits. Callable from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._ring)

    def close(self) -> None:
        """Wake everyone for good: the server stops."""
        self.closed = True
        self.ring()

    def next_ring(self) -> asyncio.Event:
        """Return what the next ring sets; take it before looking at the store, so that no ring is missed."""
        return self._rung

    def _ring(self) -> None:
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()


class Worker:
    """Walks the pending cases, oldest first, in a thread of its own."""

    def __init__(
        self, store: Store, desk: Desk, clock: Clock, switches: Switches, bell: Bell, *, silence: SilenceWatch
    ) -> None:
        self._store = store
        self._silence = silence
        self._desk = desk
        self._clock = clock
        self._switches = switches
        self._bell = bell
        self._wake = threading.Event()
        self._stopping = False
        self._failures: dict[tuple[str, str, int], tuple[int, float]] = {}  # case -> (count, not before, monotonic)
        self._thread = threading.Thread(target=self._run, name="decisions")

    def start(self) -> None:
        """Begin; what a former process left undecided comes first."""
        self._thread.start()

    def stop(self) -> None:
        """End after the case in hand, and wait for it."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def look(self) -> None:
        """Say that there may be something to decide. Callable from any thread."""
        self._wake.set()

    def walk(self) -> float | None:
        """Decide what can be decided now; return the seconds until the next try, ``None`` when nothing is left."""
        nearest: float | None = None
        for key, received in self._pending():
            if self._stopping:
                return None
            wait = max(self._early(received), self._pause(key))
            if wait <= 0:
                wait = self._decide(key)
            if wait > 0:
                nearest = wait if nearest is None else min(nearest, wait)
        return nearest

    def _run(self) -> None:
        wait: float | None = 0.0
        while not self._stopping:
            self._wake.wait(wait)
            self._wake.clear()
            try:
                wait = self.walk()
                self._silence.look()
                wait = LOOK_S if wait is None else min(wait, LOOK_S)
            except Exception:
                log.exception("the store could not be read; trying again")
                wait = RETRY_S

    def _pending(self) -> list[tuple[tuple[str, str, int], datetime]]:
        with self._store.read() as session:
            query = select(Case.kiosk, Case.epoch, Case.seq, Case.received).where(Case.state == PENDING)
            rows = session.execute(query.order_by(Case.received, Case.seq)).all()
        return [((kiosk, epoch, seq), received) for kiosk, epoch, seq, received in rows]

    def _early(self, received: datetime) -> float:
        due = received + timedelta(seconds=self._switches.now.decision_delay_s)
        return (due - self._clock.now()).total_seconds()

    def _pause(self, key: tuple[str, str, int]) -> float:
        return self._failures[key][1] - self._clock.monotonic() if key in self._failures else 0.0

    def _decide(self, key: tuple[str, str, int]) -> float:
        """Decide one case; return 0, or the pause after a failure."""
        try:
            with self._store.read() as session:
                case = session.get_one(Case, key)
            decision = self._desk.decide(case)
            with self._store.write() as session:
                _write(session, session.get_one(Case, key, with_for_update=True), decision, self._clock.now())
        except RegisterDown:
            return RETRY_S
        except Exception as error:  # noqa: BLE001 - one bad case never stops the others
            # The text of an unforeseen error may quote the case: its type alone is logged.
            log.error("decision failed kiosk=%s seq=%d: %s", key[0], key[2], type(error).__name__)  # noqa: TRY400
            return self._failed(key)
        self._failures.pop(key, None)
        self._bell.ring()
        return 0.0

    def _failed(self, key: tuple[str, str, int]) -> float:
        count = self._failures.get(key, (0, 0.0))[0] + 1
        pause: float = min(RETRY_S * 2 ** (count - 1), MAX_RETRY_S)
        self._failures[key] = (count, self._clock.monotonic() + pause)
        with self._store.write() as session:
            raise_alarm(session, key[0], "decision.failed", f"{key[1][:8]}/{key[2]}", at=self._clock.now())
        return pause


def _write(session: Session, case: Case, decision: Decision, now: datetime) -> None:
    if case.state != PENDING:
        return  # decided meanwhile: the first word stands
    if decision.document is not None:
        session.add(decision.document)
        case.document = decision.document.id
    case.state, case.reason, case.number = decision.state, decision.reason, decision.number
    case.first_reply, case.promise, case.updated = decision.first_reply, decision.promise, now
