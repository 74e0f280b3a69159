"""Our outbox: sealed, chained, with lanes; measured awaited from a loop, and as its own thread sees it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeVar
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from benchmarks.peers.peer import BODY_BYTES, Peer
from benchmarks.peers.raw import steps
from offline_queue import wire
from offline_queue.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from pathlib import Path

    from offline_queue.ledger import Ledger
    from offline_queue.values import Settlement

T = TypeVar("T")

KIOSK: Final = "bench-1"
ITEMS_PER_VISIT: Final = 4
FINISHED_AGO: Final = timedelta(days=30)  # longer than sealed bodies are kept, shorter than receipts are
CAP_BYTES: Final = 64 * 1024**3
_DEADLINE_S: Final = 3600.0


class Calendar:
    """The wall clock, set back while a past is made."""

    def __init__(self) -> None:
        self.behind = timedelta()

    def now(self) -> datetime:
        """Return the time, aware."""
        return datetime.now(UTC) - self.behind


@dataclass
class Central:
    """Central's keys, and its word on a batch: everything accepted."""

    sealing: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    signing: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    calendar: Calendar = field(default_factory=Calendar)

    def reply(self, batch: wire.Batch) -> bytes:
        """Return the signed answer as it travels."""
        words = tuple(
            wire.Word(seq=item.seq, verdict=wire.Verdict.ACCEPTED, fingerprint=item.fingerprint) for item in batch.items
        )
        reply = wire.Reply(
            kiosk=batch.kiosk,
            epoch=batch.epoch,
            central_time=self.calendar.now(),
            credit=wire.MAX_BATCH_ITEMS,
            stream=wire.Stream(highest=batch.last_seq),
            words=words,
            key_id="receipts-1",
        )
        return wire.encode_reply(wire.sign_reply(self.signing, reply))


async def open_outbox(folder: Path, central: Central) -> Outbox:
    """Open the outbox of a benchmark; its clock is central's."""
    return await Outbox.open(
        folder / "queue.db",
        kiosk=KIOSK,
        central_key=central.sealing.public_key(),
        central_key_id="central-1",
        receipt_keys={"receipts-1": central.signing.public_key()},
        now=central.calendar.now,
        monotonic=time.monotonic,
        cap_bytes=CAP_BYTES,
    )


async def put_many(outbox: Outbox, count: int) -> None:
    """Put random bodies, many a transaction."""
    for step in steps(count):
        keys = list(_keys(outbox, step))

        def puts(ledger: Ledger, keys: list[wire.VisitKey] = keys) -> None:
            for key in keys:
                ledger.put(key, "case", os.urandom(BODY_BYTES))

        await outbox.transact(puts)


class Tongban(Peer):
    """The outbox with its courier's part of the work, central's signing left out of the time; every call awaited."""

    def __init__(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self._central = central_of(folder)
        self._outbox = self._runner.run(open_outbox(folder, self._central))

    def put(self, body: bytes) -> None:
        """Put one item of a visit of its own."""
        self.time_puts([body], 0.0)

    def take_ack(self, count: int) -> None:
        """Take, and settle central's signed answer."""
        self.time_take_acks(1, count, 0.0)

    def size(self) -> int:
        """Ask for the figures, which come in one piece."""
        return self._runner.run(self._outbox.stats()).pending

    def oldest_age_s(self) -> float | None:
        """Ask for the figures, which come in one piece."""
        return self._runner.run(self._outbox.stats()).oldest_age_s

    def fill(self, count: int) -> None:
        """Put many items a transaction."""
        self._runner.run(put_many(self._outbox, count - self.size()))

    def fill_finished(self, count: int) -> None:
        """Deliver ``count`` items some time ago, and let housekeeping do what was due since."""
        self._runner.run(self._fill_finished(count))

    def close(self) -> None:
        """Close the queue and the loop."""
        self._runner.run(self._outbox.close())
        self._runner.close()

    def time_puts(self, bodies: Sequence[bytes], budget_s: float) -> list[float]:
        """Put; the keys of the visits are made before, as on a terminal: when the resident begins."""
        return self._runner.run(self._time_puts(bodies, budget_s))

    def time_take_acks(self, batches: int, size: int, budget_s: float) -> list[float]:
        """Take, verify, settle; the time in which central signs is not counted."""
        return self._runner.run(self._time_take_acks(batches, size, budget_s))

    async def _time_puts(self, bodies: Sequence[bytes], budget_s: float) -> list[float]:
        outbox, clock = self._outbox, time.perf_counter
        keys = list(_keys(outbox, len(bodies)))
        spent: list[float] = []
        end = clock() + budget_s
        for key, body in zip(keys, bodies, strict=True):
            before = clock()
            await outbox.put(key, "case", body)
            spent.append(clock() - before)
            if before > end:
                break
        return spent

    async def _time_take_acks(self, batches: int, size: int, budget_s: float) -> list[float]:
        outbox, clock = self._outbox, time.perf_counter
        spent: list[float] = []
        end = clock() + budget_s
        for _ in range(batches):
            before = clock()
            batch = await outbox.take(size)
            taken = clock() - before
            reply = self._central.reply(_whole(batch, size))
            before = clock()
            settlement = await outbox.settle(wire.decode_reply(reply))
            spent.append(taken + clock() - before)
            _check(settlement, size)
            if before > end:
                break
        return spent

    async def _fill_finished(self, count: int) -> None:
        self._central.calendar.behind = FINISHED_AGO
        for step in steps(count):
            await put_many(self._outbox, step)
            while (batch := await self._outbox.take()) is not None:
                await self._outbox.settle(wire.decode_reply(self._central.reply(batch)))
        self._central.calendar.behind = timedelta()
        await self._outbox.tidy()


class TongbanOnThread(Tongban):
    """The very same calls, made on the thread ``db`` itself: without the crossing there and back."""

    async def _time_puts(self, bodies: Sequence[bytes], budget_s: float) -> list[float]:
        return await self._on_thread(super()._time_puts(bodies, budget_s))

    async def _time_take_acks(self, batches: int, size: int, budget_s: float) -> list[float]:
        return await self._on_thread(super()._time_take_acks(batches, size, budget_s))

    async def _on_thread(self, calls: Coroutine[object, object, T]) -> T:
        """Run ``calls`` on the thread ``db`` while the loop stands still: what it does after a put is not the put."""
        worker = self._outbox._store.worker  # noqa: SLF001 - its thread is what is measured
        ended = threading.Event()

        def run(_: Ledger) -> T:
            try:
                with mock.patch.object(worker, "do", _here):
                    calls.send(None)
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                ended.set()
            raise RuntimeError("a call left the thread")

        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._outbox.read(run))
            await asyncio.sleep(0)  # the job is on its way
            if not ended.wait(_DEADLINE_S):
                raise TimeoutError
        return task.result()


async def _here(work: Callable[[], T], *, first: bool = False) -> T:  # noqa: ARG001 - the worker's own form
    """Do at once what the queue hands to its thread."""
    return work()


def _whole(batch: wire.Batch | None, size: int) -> wire.Batch:
    if batch is None or batch.count < size:
        raise RuntimeError(f"fewer than {size} items could be taken")
    return batch


def _check(settlement: Settlement, size: int) -> None:
    if len(settlement.delivered) != size:
        raise RuntimeError(f"{len(settlement.delivered)} of {size} items settled")


def central_of(folder: Path) -> Central:
    """Return the central whose keys the queue in ``folder`` knows."""
    kept = folder / "central.key"
    if kept.exists():
        raw = kept.read_bytes()
        return Central(X25519PrivateKey.from_private_bytes(raw[:32]), Ed25519PrivateKey.from_private_bytes(raw[32:]))
    central = Central()
    kept.write_bytes(central.sealing.private_bytes_raw() + central.signing.private_bytes_raw())
    return central


def _keys(outbox: Outbox, count: int) -> Iterator[wire.VisitKey]:
    """Yield a visit's key for each of its items, then the next visit's."""
    for number in range(count):
        if number % ITEMS_PER_VISIT == 0:
            key = outbox.begin_visit(f"v-{uuid.uuid4().hex}")
        yield key
