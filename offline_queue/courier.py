"""The courier: takes batches to central and brings signed receipts home, for as long as the terminal lives."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import TYPE_CHECKING, Final

from offline_queue import wire
from offline_queue.blame import Blame
from offline_queue.errors import QueueFull
from offline_queue.ledger import MAX_ATTEMPTS, Ledger
from offline_queue.link import (
    SLOW,
    BatchRefused,
    Link,
    LinkDown,
    LinkError,
    LinkUntrusted,
    Patience,
    TokenRefused,
    check_answer,
)
from offline_queue.values import Alarm, AlarmCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from offline_queue.link import Answer, Send
    from offline_queue.outbox import Outbox
    from offline_queue.values import Settlement

PUT_OFF_S: Final = 86400.0  # suspects step back until another item passed, or no other is left to try central with
TIDY_EVERY_S: Final = 3600.0
FULL_PAUSE_S: Final = 60.0  # not even the reserve gave room to settle: leave it to the technician, look now and then
SLOW_PAUSE_S: Final = 60.0  # what was too large for the line lets others go first

_luck = random.SystemRandom()


class Courier:
    """Delivers the outbox. :meth:`run` is the task; everything else may be called from the same loop at any time.

    ``send`` posts one encoded batch (see :class:`offline_queue.http.HttpSender`). ``signer`` signs batch heads with the
    kiosk's key; it is called on a thread and raises ``LinkDown`` when the key cannot be used. ``refresh`` gets a new
    token, tried once per refusal. ``on_link`` hears each new :attr:`link`, ``on_settled`` what became of a batch.
    ``monotonic``, ``sleep`` and ``chance`` (0 to 1) are arguments so that tests own time and luck.
    """

    def __init__(
        self,
        outbox: Outbox,
        send: Send,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = _luck.random,
        signer: Callable[[bytes], bytes] | None = None,
        refresh: Callable[[], Awaitable[None]] | None = None,
        on_link: Callable[[Link], None] | None = None,
        on_settled: Callable[[wire.Batch, Settlement], None] | None = None,
    ) -> None:
        self.link = Link.UNKNOWN
        self.reason = ""  # code of the last trouble; empty while the link is up
        self._outbox = outbox
        self._send = send
        self._monotonic = monotonic
        self._sleep = sleep
        self._signer = signer
        self._refresh = refresh
        self._on_link = on_link
        self._on_settled = on_settled
        self._patience = Patience(monotonic, chance)
        self._credit = wire.MAX_BATCH_ITEMS
        self._nudged = False
        self._greet = True  # ask central where we stand before anything else is sent
        self._blame = Blame()
        self._greeting: asyncio.Timeout | None = None  # around a greeting that is under way
        self._doubted = False  # the token was refused, and a new one was not to be had
        self._tidy_at = 0.0
        self._alarmed: set[tuple[AlarmCode, str]] = set()  # since the link was last up

    def nudge(self) -> None:
        """Try now: the network is back, the key is there. A time that central itself asked for is waited for still."""
        self._nudged = True
        self._outbox.changed.set()
        if self._greeting is not None:  # the line is new: a resolver or a dead connection may hang for many seconds
            self._greeting.reschedule(asyncio.get_running_loop().time())
            self._greeting = None

    async def run(self) -> None:
        """Deliver until cancelled. Raises ``QueueError`` when the queue itself fails."""
        self._patience.resume(*await self._outbox.read(lambda ledger: (*ledger.link_backoff(), ledger.moment.mono)))
        self._tidy_at = self._monotonic() + TIDY_EVERY_S
        while True:
            self._outbox.changed.clear()
            await self._pause(await self._round())

    async def _round(self) -> float:
        """Send one batch, if there is one and the link may be used; return the (monotonic) time of the next try."""
        due = self._due()
        if due > self._monotonic():
            return due
        self._nudged = False
        try:
            batch = await self._next()
            if batch is None:
                if self._patience.failures and not self._blame.central_in_doubt():
                    await self._came_up()  # central knows us, and nothing is left to try it with
                return await self._idle()
            try:
                await self._deliver(batch)
            except LinkError as error:
                self._greet = True
                await self._leave_alone(error)
        except QueueFull as error:
            self._outbox.alarm(Alarm(AlarmCode.DISK_FULL, error.detail))
            self._patience.rest(FULL_PAUSE_S)
        return self._due()

    def _due(self) -> float:
        return self._patience.due(nudged=self._nudged, awaited=self._outbox.waiting > 0)

    async def _next(self) -> wire.Batch | None:
        if self._greet:
            return await self._outbox.read(lambda ledger: ledger.greeting())
        if not self._blame.central_in_doubt():
            return await self._outbox.take(limit=max(1, min(self._credit, wire.MAX_BATCH_ITEMS)))
        # One item shows as much as fifty, and what central rejects now it has rejected for good.
        batch = await self._outbox.take(limit=1)
        if batch is None:
            await self._outbox.transact(partial(Ledger.put_off, seqs=self._blame.next_turn(), wait_s=0.0))
            batch = await self._outbox.take(limit=1)
        return batch

    async def _idle(self) -> float:
        if self._monotonic() >= self._tidy_at:
            self._tidy_at = self._monotonic() + TIDY_EVERY_S
            await self._outbox.tidy()
        now, due_s = await self._outbox.read(lambda ledger: (ledger.moment.mono, ledger.next_due_s()))
        return self._tidy_at if due_s is None else min(now + due_s, self._tidy_at)

    async def _pause(self, until: float) -> None:
        """Wait until the time has come or something changed, whichever is first."""
        async with asyncio.TaskGroup() as group:
            timer = group.create_task(self._ring(until), name="courier-timer")
            await self._outbox.changed.wait()
            timer.cancel()

    async def _ring(self, until: float) -> None:
        await self._sleep(max(0.0, until - self._monotonic()))
        self._outbox.changed.set()

    async def _deliver(self, batch: wire.Batch) -> None:
        try:
            await self._exchange(batch)
        except BatchRefused as refusal:
            await self._single_out(batch, refusal)
        except LinkDown as error:
            if error.reason == SLOW:  # other lanes need not wait until the line is better
                seqs = [item.seq for item in batch.items]
                await self._outbox.transact(lambda ledger: ledger.put_off(seqs, SLOW_PAUSE_S), spare=True)
            raise

    async def _exchange(self, batch: wire.Batch) -> None:
        """Send one batch and settle what came back. Raises ``LinkError`` or ``BatchRefused``."""
        encoded = await asyncio.to_thread(self._signed, batch)  # a token takes its time
        answer = await self._ask(encoded, is_greeting=not batch.items)
        try:
            check_answer(answer)
        except TokenRefused as refusal:
            if self._refresh is None:
                raise
            try:
                await self._refresh()
            except LinkError as error:
                if not self._doubted:  # once may be the line; twice in a row nobody gives us a new one: revoked
                    self._doubted = True
                    raise
                raise refusal from error
            answer = await self._send(encoded)
            check_answer(answer)
        try:
            reply = wire.decode_reply(answer.body)
        except wire.WireError as error:
            raise LinkUntrusted("reply") from error
        await self._settle(batch, reply)

    async def _ask(self, encoded: bytes, *, is_greeting: bool) -> Answer:
        try:
            async with asyncio.timeout(None) as limit:
                self._greeting = limit if is_greeting else None
                return await self._send(encoded)
        except TimeoutError as error:
            raise LinkDown("nudged") from error
        finally:
            self._greeting = None

    def _signed(self, batch: wire.Batch) -> bytes:
        return wire.encode_batch(wire.sign_batch(batch, self._signer) if self._signer else batch)

    async def _settle(self, batch: wire.Batch, reply: wire.Reply) -> None:
        if reply.epoch != batch.epoch or not {word.seq for word in reply.words} <= {item.seq for item in batch.items}:
            raise LinkUntrusted("another_batch")
        # The queue is not to be emptied into the quarantine by a central that rejects everything.
        if doubtful := self._blame.doubtful(reply):
            await self._outbox.transact(lambda ledger: ledger.put_off(doubtful, PUT_OFF_S), spare=True)
            raise self._everything_refused("all_rejected")
        settlement = await self._outbox.settle(reply, fresh=True)
        if settlement.refused:
            raise LinkUntrusted(f"receipt_{settlement.refused[0].why}")
        if batch.items and not (settlement.delivered or settlement.rejected or settlement.deferred):
            raise LinkDown("no_receipt")
        if self._on_settled is not None:
            self._on_settled(batch, settlement)
        self._greet = False
        self._credit = reply.credit
        self._patience.pace(reply.credit)
        suspects = self._blame.settled(settlement.delivered, settlement.rejected)
        if suspects:  # central works: their turn to show whether they do
            await self._outbox.transact(lambda ledger: ledger.put_off(suspects, 0.0))
        if batch.items or not self._patience.failures:  # after trouble a greeting alone proves little: items must pass
            await self._came_up()

    async def _single_out(self, batch: wire.Batch, refusal: BatchRefused) -> None:
        """Find the item central chokes on by sending each alone; the others pass."""
        if not batch.items:
            if refusal.final:  # no item can be to blame: somebody has to look at central
                raise self._everything_refused(refusal.reason) from refusal
            raise LinkDown(refusal.reason) from refusal
        suspects: list[tuple[int, BatchRefused]] = []
        self._greet = True  # it may contradict what central has: an old image of the disk
        for item in batch.items:
            if batch.count > 1:
                try:
                    await self._exchange(batch.only(item))
                except BatchRefused as error:
                    refusal = error
                else:
                    continue
            suspects.append((item.seq, refusal))
            self._blame.suspect([item.seq])
            if self._blame.central_in_doubt():
                break
        await self._judge(suspects)

    async def _judge(self, suspects: list[tuple[int, BatchRefused]]) -> None:
        """Blame an item when others passed since its first refusal; otherwise central may be at fault."""
        in_doubt = self._blame.central_in_doubt()
        for seq, refusal in suspects:
            proven = self._blame.is_proven(seq)
            if proven and refusal.final:
                self._blame.forget(seq)
                await self._outbox.quarantine(seq, refusal.reason)
            elif proven or not in_doubt:
                await self._fail(seq, refusal.reason, proven=proven)
            else:
                await self._outbox.transact(partial(Ledger.put_off, seqs=[seq], wait_s=PUT_OFF_S), spare=True)
        if in_doubt:
            raise self._everything_refused("all_refused")

    async def _fail(self, seq: int, reason: str, *, proven: bool) -> None:
        attempts = await self._outbox.transact(partial(Ledger.fail, seq=seq, reason=reason, proven=proven), spare=True)
        if proven and attempts >= MAX_ATTEMPTS:
            self._blame.forget(seq)
        elif attempts == MAX_ATTEMPTS:  # nothing to compare it with: kept and tried, but told
            self._outbox.alarm(Alarm(AlarmCode.ALL_REFUSED, reason, seq))

    def _everything_refused(self, reason: str) -> LinkDown:
        self._alarm_once(AlarmCode.ALL_REFUSED, reason)
        return LinkDown(reason)

    async def _came_up(self) -> None:
        if self._patience.failures:
            self._patience.failures = 0
            await self._outbox.transact(lambda ledger: ledger.set_link(0, 0.0))
        self._alarmed.clear()
        self._doubted = False
        self._set_link(Link.UP, "")

    async def _leave_alone(self, error: LinkError) -> None:
        """Back off, on the disk: a restart does not begin to hammer again."""
        wait_s = self._patience.failed(error)
        untrusted = isinstance(error, LinkUntrusted)
        if untrusted or isinstance(error, TokenRefused):
            self._alarm_once(AlarmCode.LINK_UNTRUSTED if untrusted else AlarmCode.TOKEN_REFUSED, error.reason)
        self._set_link(Link.UNTRUSTED if untrusted else Link.DOWN, error.reason)
        failures = self._patience.failures
        await self._outbox.transact(lambda ledger: ledger.set_link(failures, wait_s), spare=True)

    def _alarm_once(self, code: AlarmCode, reason: str) -> None:
        if (code, reason) not in self._alarmed:
            self._alarmed.add((code, reason))
            self._outbox.alarm(Alarm(code, reason))

    def _set_link(self, link: Link, reason: str) -> None:
        changed, self.link, self.reason = link is not self.link, link, reason
        if changed and self._on_link is not None:
            self._on_link(link)
