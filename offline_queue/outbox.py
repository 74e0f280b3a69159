"""The outbox as the core sees it: durable when ``put`` returns, sealed, in order, and never emptied without proof."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from offline_queue import epochs, figures, salvage, settlement, wire
from offline_queue.errors import QueueCode, QueueCorrupt, QueueError
from offline_queue.ledger import Ledger
from offline_queue.store import DEFAULT_CAP_BYTES, Store
from offline_queue.values import AdmissionReason, Alarm, AlarmCode, Head, ItemState, Moment, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    from offline_queue.sql import Statements
    from offline_queue.values import AdmissionLimits, Settlement, Stats

T = TypeVar("T")

AHEAD: Final = 16  # a take enters a little more than it takes: the tail grows shorter, no batch pays for the next
CHUNKS_AT_ONCE: Final = 8  # visits with many items each: a chunk may hold fewer lanes than a batch wants
LANES_REMEMBERED: Final = 20_000  # a visit takes minutes: this many later no lane goes on
_DISK: Final = frozenset({QueueCode.IO, QueueCode.CORRUPT})  # what the disk gives back is not what it was given
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Outbox:
    """One terminal's queue. Made by :meth:`open` on the core's loop and used from that loop only.

    Raises ``QueueFull``, ``QueueCorrupt`` or ``QueueError``. ``changed`` is set after each put and each settlement:
    the courier waits for it. ``on_alarm`` is called on the loop, after the commit.
    """

    def __init__(self, store: Store, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self.changed = asyncio.Event()
        self._store = store
        store.worker.told = self._tell
        self._now = now
        self._monotonic = monotonic
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Event()  # set and replaced at each change: any number of tasks can wait for the next one
        self._reserve_alarmed = self._disk_fault = False
        self._on_alarm: Callable[[Alarm], None] | None = None
        self._receipt_keys: Mapping[str, wire.PublicKey] = {}
        self._central_key: tuple[X25519PublicKey, str]
        self._path = Path()
        self._head: Head | None = None  # of the db thread
        self._lanes: dict[str, int] = {}  # first seq of each lane, of the db thread
        self._untold: deque[Ledger] = deque()  # committed, the loop has not heard of it yet
        self.waiting = 0  # tasks in wait_settled: somebody stands at the screen
        self.kiosk = ""
        self.epoch = ""

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        kiosk: str,
        central_key: X25519PublicKey,
        central_key_id: str,
        receipt_keys: Mapping[str, wire.PublicKey],
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        on_alarm: Callable[[Alarm], None] | None = None,
        boot_id: str | None = None,
        cap_bytes: int = DEFAULT_CAP_BYTES,
    ) -> Outbox:
        """Open or make the queue at ``path``; its folder must exist.

        ``central_key`` seals, ``receipt_keys`` (key id -> key) prove replies. ``now`` is aware UTC, ``monotonic`` the
        system's clock: it is compared over restarts of the process, and ``boot_id`` (by default the kernel's) tells
        when it began anew. ``cap_bytes`` is to be well below the size of the partition. A broken file is salvaged.
        """

        async def begin() -> Outbox:
            outbox = cls(await Store.open(path, cap_bytes=cap_bytes), now, monotonic)
            outbox._on_alarm, outbox._path = on_alarm, path
            outbox.trust(central_key, central_key_id, receipt_keys)
            try:
                boot = boot_id or (await asyncio.to_thread(_BOOT_ID.read_text)).strip()
                mark = epochs.read_mark(outbox._store.read_mark())
                head = await outbox.transact(lambda ledger: epochs.begin(ledger, kiosk, boot, mark), spare=True)
            except BaseException:
                await outbox.close()
                raise
            outbox.kiosk, outbox.epoch = kiosk, head.epoch
            return outbox

        lost = await asyncio.to_thread(salvage.mend, path, kiosk)
        try:
            outbox = await begin()
        except QueueCorrupt:
            lost = await asyncio.to_thread(salvage.mend, path, kiosk, broken=True)
            outbox = await begin()
        if lost:
            outbox.alarm(Alarm(AlarmCode.HISTORY_LOST, lost))
        return outbox

    async def close(self) -> None:
        """Finish what is being written, close the file, end the thread; idempotent."""
        await self._store.close()

    def trust(
        self, central_key: X25519PublicKey, central_key_id: str, receipt_keys: Mapping[str, wire.PublicKey]
    ) -> None:
        """Use these keys of central from now on. Visits begun before keep the key they were sealed to."""
        self._central_key = (central_key, central_key_id)
        self._receipt_keys = dict(receipt_keys)

    def begin_visit(self, lane: str) -> wire.VisitKey:
        """Make the key of a visit; ``lane`` is its random id, begun once. ``drop()`` it when the visit ends."""
        key, key_id = self._central_key
        return wire.VisitKey(key, key_id, kiosk=self.kiosk, epoch=self.epoch, lane=lane)

    async def put(
        self, key: wire.VisitKey, kind: str, body: bytes, *, schema: int = 1, priority: int = 5
    ) -> wire.ItemId:
        """Store one item; returns when it is on the disk. ``priority`` 0 goes first, 9 last."""
        return await self.transact(lambda ledger: ledger.put(key, kind, body, schema=schema, priority=priority))

    async def next_number(self, name: str, day: str) -> int:
        """Return the next number of ``name`` on ``day`` (ISO date), from 1; durable before it is returned."""
        return await self.transact(lambda ledger: ledger.next_number(name, day))

    async def transact(self, work: Callable[[Ledger], T], *, spare: bool = False) -> T:
        """Run several verbs of the ledger as one commit, all or nothing. ``work`` runs on the ``db`` thread.

        ``spare``: on a full disk give up the reserve; for settling only, never for taking in.
        """
        try:
            result, _ = await self._store.write(lambda sql: self._ledger_work(sql, work), self._committed, spare=spare)
        except QueueError as error:
            if error.code is QueueCode.CORRUPT:
                await asyncio.to_thread(salvage.suspect, self._path)
            if error.code in _DISK | {QueueCode.READ_ONLY}:
                self._disk_failed(error)
            raise
        self._disk_fault = False
        return result

    async def read(self, work: Callable[[Ledger], T]) -> T:
        """Run verbs that only look."""
        return await self._store.read(lambda sql: work(self._ledger(sql)))

    async def take(self, limit: int = wire.MAX_BATCH_ITEMS, max_bytes: int = wire.MAX_BATCH_BYTES) -> wire.Batch | None:
        """Return what may be sent now as an unsigned batch, or ``None``. Items stay where they are until settled.

        What no longer fits its chain, or cannot be read, is named by an alarm and set aside; the rest flows.
        """
        try:
            batch, rotten = await self._store.worker.do(lambda: self._take(limit, max_bytes))
        except QueueError as error:
            if error.code not in _DISK:
                raise
            if error.code is QueueCode.CORRUPT:
                await asyncio.to_thread(salvage.suspect, self._path)
            batch, rotten = await self._store.worker.do(lambda: self._take(limit, max_bytes, singly=True))
        for seq in rotten:
            size = await self.read(partial(Ledger.stored_size, seq=seq))
            await self.transact(partial(Ledger.quarantine_rotten, seq=seq, size=size), spare=True)
        return batch

    async def settle(self, reply: wire.Reply, *, fresh: bool = False) -> Settlement:
        """Act on central's reply, all in one commit. Proven here; ``fresh``: it answers what was just sent."""
        keys = self._receipt_keys
        return await self.transact(lambda ledger: settlement.settle(ledger, reply, keys, fresh=fresh), spare=True)

    async def quarantine(self, seq: int, reason: str) -> None:
        """Set an item aside with its body, and raise the alarm."""
        await self.transact(lambda ledger: ledger.quarantine(seq, reason), spare=True)

    async def state(self, item_id: wire.ItemId) -> ItemState:
        """Return where an item is."""
        if item_id.kiosk != self.kiosk:
            return ItemState(Phase.UNKNOWN)
        return await self.read(lambda ledger: ledger.item_state(item_id.seq))

    async def wait_settled(self, item_id: wire.ItemId) -> wire.Verdict:
        """Wait for central's final word on an item: ``ACCEPTED`` or ``REJECTED``. Put a deadline around it.

        Raises ``QueueError`` for an item that is not known here.
        """
        self.waiting += 1
        self.changed.set()  # the courier is in a hurry now
        try:
            while True:
                turned = self._turn
                state = await self.state(item_id)
                if state.receipt is not None:
                    return state.receipt.outcome
                if state.phase is Phase.UNKNOWN:
                    raise QueueError("no such item", code=QueueCode.INVALID)
                await turned.wait()
        finally:
            self.waiting -= 1

    async def stats(self) -> Stats:
        """Return the figures of the queue, in constant time."""
        return await self.read(lambda ledger: figures.stats(ledger, self._store))

    async def admission(self, limits: AdmissionLimits, *, catalogue_age_s: float = 0.0) -> list[AdmissionReason]:
        """Return why nothing more may be taken in offline; empty: go on. Asked before the resident starts.

        ``catalogue_age_s``: how long ago central last said that the services are as we know them.
        """
        try:
            if self._disk_fault:
                await self.transact(lambda ledger: ledger.settled(0, 0))  # does it write again?
            reasons = figures.reasons_against(await self.stats(), limits, catalogue_age_s)
            if AdmissionReason.QUEUE_FULL in reasons:
                await self.tidy(pressed=True)  # delivered bodies are kept for a restore of central, not at this price
                reasons = figures.reasons_against(await self.stats(), limits, catalogue_age_s)
        except QueueError as error:
            if error.code not in _DISK | {QueueCode.READ_ONLY, QueueCode.FULL}:
                raise
            return [AdmissionReason.DISK_FAULT]
        return [*reasons, AdmissionReason.DISK_FAULT] if self._store.is_read_only() else reasons

    async def tidy(self, *, pressed: bool = False) -> None:
        """Housekeeping for an idle hour: drop what is past its retention, shrink the log, restore the reserve.

        ``pressed``: there is too little room; every delivered body goes.
        """
        while await self.transact(lambda ledger: settlement.sweep(ledger, pressed=pressed), spare=True):
            pass
        if not await self._store.idle():
            self.alarm(Alarm(AlarmCode.LOG_GROWS, "a reader holds the log"))

    def alarm(self, alarm: Alarm) -> None:
        """Raise an alarm on the loop; an exception in the callback reaches the loop's handler, not the queue."""
        if self._on_alarm is not None:
            self._loop.call_soon(self._on_alarm, alarm)

    def _disk_failed(self, error: QueueError) -> None:
        if not self._disk_fault:
            self.alarm(Alarm(AlarmCode.DISK_FAULT, error.detail))
        self._disk_fault = True

    def _take(self, limit: int, max_bytes: int, *, singly: bool = False) -> tuple[wire.Batch | None, list[int]]:
        """On the db thread, in one visit to it: enter a little more than a batch where it stands, read what is ready.

        Not all of the tail: no batch waits for a million. Not flushed: after a cut it is done again.
        """
        store, some = self._store, limit + max(1, limit // AHEAD)
        for _ in range(CHUNKS_AT_ONCE):
            tail = store.read_here(lambda sql: self._ledger(sql).read_tail(some, row_by_row=singly))
            if not tail.rows and not tail.unreadable:
                break
            enlist = partial(Ledger.enlist, items=tail)
            store.write_here(partial(self._ledger_work, work=enlist), self._committed, spare=True, flushed=False)
            if store.read_here(lambda sql: self._ledger(sql).has_ready(limit)):
                break
        return store.read_here(lambda sql: self._ledger(sql).take(limit, max_bytes, singly=singly))

    def _ledger(self, sql: Statements) -> Ledger:
        return Ledger(sql, Moment(self._now().timestamp(), self._monotonic()), self._head, self._lanes)

    def _ledger_work(self, sql: Statements, work: Callable[[Ledger], T]) -> tuple[T, Ledger]:
        ledger = self._ledger(sql)
        return work(ledger), ledger

    def _committed(self, outcome: tuple[object, Ledger] | None) -> None:
        """On the db thread, after each commit or failure, whether or not its caller still waits."""
        if outcome is None:
            self._head = None  # whatever was cached is read anew
            return
        ledger = outcome[1]
        if ledger.head is not None and ledger.head is not self._head:
            self._head = ledger.head
            self._store.write_mark(epochs.mark(ledger.head))
        self._lanes |= ledger.begun
        while len(self._lanes) > LANES_REMEMBERED:
            del self._lanes[next(iter(self._lanes))]
        if ledger.woke or ledger.alarms:
            self._untold.append(ledger)

    def _tell(self) -> None:
        """On the loop: wake who waits, raise the alarms of all commits since the last time."""
        if not (told := [self._untold.popleft() for _ in range(len(self._untold))]):
            return
        self.epoch = next((one.head.epoch for one in reversed(told) if one.head is not None), self.epoch)
        if any(ledger.woke for ledger in told):
            self.changed.set()
            turned, self._turn = self._turn, asyncio.Event()
            turned.set()
        for ledger in told:
            for alarm in ledger.alarms:
                self.alarm(alarm)
        if self._store.reserve_spent and not self._reserve_alarmed:
            self.alarm(Alarm(AlarmCode.RESERVE_SPENT, "the disk is full"))
        self._reserve_alarmed = self._store.reserve_spent
