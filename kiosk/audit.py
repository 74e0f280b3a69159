"""The audit trail: what happened and may be asked about later, as one hash chain without persons, sent with the cases.

Every audited event becomes one JSON line. Lines are kept in memory for a second at most: the next thing a desk puts
takes them along in its own commit, else :meth:`AuditTrail.run` writes them. The chain itself is the queue's
(``offline_queue/audit.py``); what it proves, and to whom, is in docs/how-to/read-the-audit.md.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kiosk.event_log import record
from kiosk.events import AlarmRaised, AuditLinesLost
from offline_queue import audit
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.values import Clock
    from kiosk.event_log import EventLog
    from kiosk.events import Event
    from offline_queue.ledger import Ledger
    from offline_queue.outbox import Outbox

T = TypeVar("T")

AUDIT: Final = "audit"
SCHEMA: Final = 1
PRIORITY: Final = 8  # after everything a resident waits for
WRITE_S: Final = 1.0
RETRY_S: Final = 30.0
LOOK_S: Final = 60.0  # how often is looked whether lines wait too long for a case to travel with
CARRIED_WITHIN_S: Final = 86400.0
LONGEST_LINE: Final = 4096  # characters; central takes 16 384, and an event of ours has some 200
MOST_LINES: Final = 10_000  # in memory while the disk takes none: some megabytes
NOT_WRITTEN: Final = "audit.not_written"
LANE_BYTES: Final = 8


class AuditTrail:
    """Listens to the log from its making on; writes once :meth:`begin` has named the outbox.

    Whoever puts an item through :meth:`within` gets the waiting lines written in the same commit, before the item.
    """

    def __init__(self, clock: Clock, log: EventLog) -> None:
        self.failures = 0  # writes the outbox did not take; their lines wait
        self._clock = clock
        self._log = log
        self._outbox: Outbox | None = None
        self._lines: deque[str] = deque()
        self._lock = threading.Lock()  # lines come on the core's loop and are read on the queue's thread
        self._written: int | None = None  # end of the chain before the first of the lines above
        self._lost = 0
        self._in_trouble = False
        log.listen(self.hear)

    def begin(self, outbox: Outbox) -> None:
        """Write to this outbox from now on."""
        self._outbox = outbox

    @property
    def waiting(self) -> int:
        """Return how many lines are in memory only."""
        return len(self._lines)

    def hear(self, event: Event) -> None:
        """Take an event; those that are not audited are let pass. The log has refused personal values before."""
        if not event.audited:
            return
        line = _line(record(event, self._clock.now()))
        with self._lock:
            if len(self._lines) < MOST_LINES:
                self._lines.append(line)
            else:
                self._lost += 1

    async def within(self, work: Callable[[Ledger], T]) -> T:
        """Run ``work`` in one commit with the waiting lines. Raises ``QueueError``; the lines then go on waiting."""

        def both(ledger: Ledger) -> tuple[T, int]:
            end = self._append(ledger)
            return work(ledger), end

        result, end = await self._open().transact(both)
        with self._lock:
            self._forget(end)
            lost, self._lost = self._lost, 0
        self._in_trouble = False
        if lost:
            self._log.emit(AuditLinesLost(lines=lost))
        return result

    async def write(self) -> bool:
        """Write what waits; return whether all of it is on the disk. A failure is counted and told, never raised."""
        if not self._lines:
            return True
        return await self._tried(lambda: self.within(lambda _ledger: None))

    async def run(self) -> None:
        """Write until cancelled, and see that no line waits longer than a day for a case to travel with."""
        look_at = self._clock.monotonic()
        while True:
            fine = await self.write()
            if fine and self._clock.monotonic() >= look_at:
                look_at = self._clock.monotonic() + LOOK_S
                fine = await self._tried(self.carry_if_due)
            await self._clock.sleep(WRITE_S if fine else RETRY_S)

    async def carry_if_due(self) -> None:
        """Send lines without a case when very many wait, or one has waited for a day. Raises ``QueueError``."""
        outbox = self._open()
        if not await outbox.read(_is_due):
            return
        with outbox.begin_visit(f"audit-{secrets.token_hex(LANE_BYTES)}") as key:

            def put(ledger: Ledger) -> bool:
                run = carried(ledger)
                body = json.dumps({AUDIT: run}, separators=(",", ":")).encode()
                ledger.put(key, AUDIT, body, schema=SCHEMA, priority=PRIORITY)
                return len(run["lines"]) == audit.LINES_CARRIED

            while await self.within(put):
                pass

    def _append(self, ledger: Ledger) -> int:
        """On the queue's thread: add the lines to the chain; return its new end.

        A commit whose caller was cancelled has written lines nobody confirmed; the end of the chain tells, because
        nobody else writes there.
        """
        end = int(ledger.state()["audit_seq"])
        with self._lock:
            if self._written is None:
                self._written = end
            self._forget(end)
            lines = list(self._lines)
        audit.append(ledger, lines)
        return end + len(lines)

    def _forget(self, end: int) -> None:
        """Drop the lines that are in the chain up to ``end``; a later commit may have dropped them before us."""
        before = self._written or 0
        for _ in range(min(end - before, len(self._lines))):
            self._lines.popleft()
        self._written = max(end, before)

    async def _tried(self, work: Callable[[], Any]) -> bool:
        try:
            await work()
        except QueueError as error:
            self.failures += 1
            if not self._in_trouble:
                self._in_trouble = True
                self._log.emit(AlarmRaised(code=NOT_WRITTEN, subject=error.code.value))
            return False
        return True

    def _open(self) -> Outbox:
        if self._outbox is None:
            raise RuntimeError("the audit trail was not begun")
        return self._outbox


def carried(ledger: Ledger) -> dict[str, Any]:
    """Return the lines since the last that were carried, in the shape they travel in; they count as carried then."""
    after, lines = audit.carry(ledger)
    return {
        "after": {"seq": after.seq, "chain": after.chain.hex()},
        "lines": [{"seq": line.seq, "line": line.line, "chain": line.chain.hex()} for line in lines],
    }


def _is_due(ledger: Ledger) -> bool:
    return audit.uncarried(ledger) > audit.LINES_CARRIED or audit.uncarried_age_s(ledger) >= CARRIED_WITHIN_S


def _line(said: dict[str, object]) -> str:
    """Return the JSON text; of one too long for central only what is needed to know that there was one."""
    line = json.dumps(said, separators=(",", ":"))
    if len(line) <= LONGEST_LINE:
        return line
    return json.dumps({"at": said["at"], "event": said["event"], "characters": len(line)}, separators=(",", ":"))
