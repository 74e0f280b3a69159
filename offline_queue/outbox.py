"""The outbox as the core sees it: durable when ``put`` returns, sealed, in order, and never emptied without proof."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeVar

from offline_queue import wire
from offline_queue.errors import QueueCode, QueueError
from offline_queue.ledger import Ledger, Moment
from offline_queue.store import DEFAULT_CAP_BYTES, Store, sqlite_version
from offline_queue.values import AdmissionReason, Alarm, AlarmCode, ItemState, Phase, Stats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    from offline_queue.store import Statements
    from offline_queue.values import AdmissionLimits, Settlement

T = TypeVar("T")

RECEIPTS_KEPT_S: Final = 400 * 86400.0  # a year and a month: an audit finds last year's proof of custody
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Outbox:
    """One terminal's queue. Made by :meth:`open` on the core's loop and used from that loop only.

    Raises ``QueueFull``, ``QueueCorrupt`` or ``QueueError``. ``changed`` is set after each put and each settlement:
    the courier waits for it. ``on_alarm`` is called on the loop, after the commit.
    """

    def __init__(self, store: Store, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self.changed = asyncio.Event()
        self._store = store
        self._now = now
        self._monotonic = monotonic
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Event()  # set and replaced at each change: any number of tasks can wait for the next one
        self._reserve_alarmed = False
        self._on_alarm: Callable[[Alarm], None] | None = None
        self._receipt_keys: Mapping[str, wire.PublicKey] = {}
        self._sealer: wire.Sealer
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
    ) -> Self:
        """Open or make the queue at ``path``; its folder must exist.

        ``central_key`` seals, ``receipt_keys`` (key id -> key) prove receipts. ``now`` is aware UTC, ``monotonic`` the
        system's clock: it is compared over restarts of the process, and ``boot_id`` (by default the kernel's) tells
        when it began anew. ``cap_bytes`` is to be well below the size of the partition.
        """
        outbox = cls(await Store.open(path, cap_bytes=cap_bytes), now, monotonic)
        try:
            if boot_id is None:
                boot_id = (await asyncio.to_thread(_BOOT_ID.read_text)).strip()
            state = await outbox.transact(lambda ledger: ledger.begin(kiosk, boot_id))
        except BaseException:
            await outbox.close()
            raise
        outbox.kiosk, outbox.epoch = kiosk, state["epoch_name"]
        outbox._sealer = wire.Sealer(central_key, central_key_id, kiosk=kiosk, epoch=outbox.epoch)
        outbox._receipt_keys = dict(receipt_keys)
        outbox._on_alarm = on_alarm
        return outbox

    async def close(self) -> None:
        """Finish what is being written, close the file, end the thread; idempotent."""
        await self._store.close()

    def begin_visit(self, lane: str) -> wire.VisitKey:
        """Make the key of a visit; ``lane`` is its random id. ``drop()`` it when the visit ends."""
        return self._sealer.begin_visit(lane)

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

        def job(statements: Statements) -> tuple[T, Ledger]:
            ledger = Ledger(statements, self._moment())
            return work(ledger), ledger

        def done(outcome: tuple[T, Ledger]) -> None:
            self._loop.call_soon_threadsafe(self._committed, outcome[1])

        result, _ = await self._store.write(job, done, spare=spare)
        return result

    async def read(self, work: Callable[[Ledger], T]) -> T:
        """Run verbs that only look."""
        return await self._store.read(lambda statements: work(Ledger(statements, self._moment())))

    async def take(self, limit: int = wire.MAX_BATCH_ITEMS, max_bytes: int = wire.MAX_BATCH_BYTES) -> wire.Batch | None:
        """Return what may be sent now as an unsigned batch, or ``None``. Items stay where they are until settled."""
        batch, rotten = await self.read(lambda ledger: ledger.take(limit, max_bytes))
        for seq in rotten:
            await self.quarantine(seq, "rotten", code=AlarmCode.ITEM_ROTTEN)
        return batch

    async def settle(self, receipts: Sequence[wire.Receipt]) -> Settlement:
        """Act on central's receipts, all in one commit. Each is proven here: nothing else removes a body."""
        keys = self._receipt_keys
        return await self.transact(lambda ledger: ledger.settle(receipts, keys), spare=True)

    async def quarantine(self, seq: int, reason: str, *, code: AlarmCode = AlarmCode.ITEM_QUARANTINED) -> None:
        """Set an item aside with its body, and raise the alarm."""
        await self.transact(lambda ledger: ledger.quarantine(seq, reason, code=code), spare=True)

    async def state(self, item_id: wire.ItemId) -> ItemState:
        """Return where an item is."""
        if item_id.kiosk != self.kiosk:
            return ItemState(Phase.UNKNOWN)
        return await self.read(lambda ledger: ledger.item_state(item_id.seq))

    async def wait_settled(self, item_id: wire.ItemId) -> wire.Verdict:
        """Wait for central's final word on an item: ``ACCEPTED`` or ``REJECTED``. Put a deadline around it.

        Raises ``QueueError`` for an item that is not known here.
        """
        while True:
            turned = self._turn
            state = await self.state(item_id)
            if state.receipt is not None:
                return state.receipt.outcome
            if state.phase is Phase.UNKNOWN:
                raise QueueError("no such item", code=QueueCode.INVALID)
            await turned.wait()

    async def stats(self) -> Stats:
        """Return the figures of the queue, in constant time."""

        def look(statements: Statements) -> Stats:
            ledger = Ledger(statements, self._moment())
            state = ledger.state()
            at = state["last_receipt_at"]
            version, wal_race = sqlite_version()
            return Stats(
                pending=state["pending"] - state["quarantined"],
                pending_bytes=state["pending_bytes"],
                quarantined=state["quarantined"],
                oldest_age_s=ledger.oldest_age_s(),
                last_receipt=None if at is None else datetime.fromtimestamp(at, UTC),
                last_seq=state["last_seq"],
                free_bytes=self._store.free_bytes(statements),
                disk_free_bytes=self._store.disk_free_bytes(),
                sqlite_version=version,
                sqlite_wal_race=wal_race,
            )

        return await self._store.read(look)

    async def admission(self, limits: AdmissionLimits) -> list[AdmissionReason]:
        """Return why nothing more may be taken in offline; empty: go on. Asked before the resident starts."""
        stats = await self.stats()
        checks = {
            AdmissionReason.TOO_OLD: stats.oldest_age_s > limits.max_age_s,
            AdmissionReason.TOO_MANY: stats.pending > limits.max_pending,
            AdmissionReason.DISK_LOW: stats.disk_free_bytes < limits.min_disk_bytes,
            AdmissionReason.QUEUE_FULL: stats.free_bytes < limits.min_free_bytes,
        }
        return [reason for reason, holds in checks.items() if holds]

    async def tidy(self) -> None:
        """Housekeeping for an idle hour: drop receipts past their retention, shrink the WAL, restore the reserve."""
        await self.transact(lambda ledger: ledger.forget_receipts(RECEIPTS_KEPT_S))
        await self._store.idle()

    def alarm(self, alarm: Alarm) -> None:
        """Raise an alarm on the loop; an exception in the callback reaches the loop's handler, not the queue."""
        if self._on_alarm is not None:
            self._loop.call_soon(self._on_alarm, alarm)

    def _committed(self, ledger: Ledger) -> None:
        """On the loop, after each commit, whether or not its caller still waits."""
        if ledger.woke:
            self.changed.set()
            turned, self._turn = self._turn, asyncio.Event()
            turned.set()
        for alarm in ledger.alarms:
            self.alarm(alarm)
        if self._store.reserve_spent and not self._reserve_alarmed:
            self.alarm(Alarm(AlarmCode.RESERVE_SPENT, "the disk is full"))
        self._reserve_alarmed = self._store.reserve_spent

    def _moment(self) -> Moment:
        return Moment(self._now().timestamp(), self._monotonic())
