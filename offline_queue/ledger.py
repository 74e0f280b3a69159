"""The rules of the queue, inside one transaction, without threads, files or a clock of its own."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from offline_queue import tail, wire
from offline_queue.errors import QueueCode, QueueCorrupt, QueueError
from offline_queue.values import Alarm, AlarmCode, Head, ItemState, Moment, Phase, Tail
from offline_queue.wire import identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from offline_queue.sql import Row, Statements

MAX_ATTEMPTS: Final = 10  # failures of one item while others pass, then quarantine
MAX_ITEM_WAIT_S: Final = 900.0


class Ledger:
    """One transaction's view of the queue. ``alarms`` are raised by the outbox after the commit, never before.

    ``head`` is the cached end of the queue (``None``: read it), ``lanes`` the first seq of each lane of this process.
    After the commit the outbox takes over :attr:`head` and :attr:`begun`; after a failure it drops its own.
    """

    def __init__(self, statements: Statements, moment: Moment, head: Head | None, lanes: Mapping[str, int]) -> None:
        self.sql = statements
        self.moment = moment
        self.head = head
        self.begun: dict[str, int] = {}
        self._lanes = lanes
        self.alarms: list[Alarm] = []
        self.woke = False  # something may be sent that could not before

    def state(self) -> Row:
        """Return the state row with ``epoch_name``."""
        row = self.sql.one("state")
        if row is None:
            raise QueueCorrupt("the state row is missing")
        return row

    def load_head(self) -> Head:
        """Return the end of the queue, from the file when it is not at hand."""
        if self.head is None:
            state, newest = self.state(), self.sql.one("newest_item")
            seq, chain, total = state["last_seq"], state["last_chain"], state["last_total"]
            if newest is not None and newest["seq"] > seq:
                seq, chain, total = newest
            if not isinstance(chain, bytes) or len(chain) != identity.HASH_BYTES:
                raise QueueCorrupt("the end of the chain is damaged")
            self.head = Head(state["kiosk"], state["epoch"], state["epoch_name"], seq, chain, total, state["boot"])
        return self.head

    def new_epoch(self) -> Head:
        """Begin a new epoch: what was before stays as it is and keeps its identity."""
        head, name = self.load_head(), wire.new_epoch()
        chain = wire.chain_start(head.kiosk, name)
        self.sql.run("add_epoch", name=name)
        self.sql.run("turn_epoch", name=name, seq=head.seq, chain=chain, total=head.total)
        found = self.sql.one("find_epoch", name=name)
        self.head = head._replace(epoch_id=0 if found is None else found["id"], epoch=name, chain=chain)
        self.woke = True  # central is to hear of it
        return self.head

    def put(self, key: wire.VisitKey, kind: str, body: bytes, *, schema: int = 1, priority: int = 5) -> wire.ItemId:
        """Seal ``body`` and add it at the end of the visit's lane, within the caller's transaction."""
        problems = wire.item_problems(key.lane, kind, schema, priority, len(body) + wire.SEAL_BYTES)
        if problems:
            raise QueueError("; ".join(problems), code=QueueCode.INVALID)
        head = self.load_head()
        if key.kiosk != head.kiosk:
            raise QueueError("the visit key belongs to another queue", code=QueueCode.INVALID)
        seq = head.seq + 1
        try:
            if key.epoch != head.epoch:  # one began while the visit went on
                key.move(head.epoch)
            sealed = key.seal(seq, kind, schema, body)
        except wire.KeyDroppedError as error:
            raise QueueError("the visit has ended", code=QueueCode.INVALID) from error
        fingerprint = hashlib.sha256(sealed).digest()
        link = wire.ChainLink(
            head.chain, seq, key.lane, kind, schema, priority, key.key_id, key.sealed_key, fingerprint
        )
        chain = wire.chain_value(head.kiosk, head.epoch, link)
        total = head.total + len(sealed)
        first = self.begun.get(key.lane) or self._lanes.get(key.lane) or self.begun.setdefault(key.lane, seq)
        self.sql.add_item(
            *(seq, head.epoch_id, key.lane, first, kind, schema, priority),
            *(self.moment.wall, self.moment.mono, head.boot, total),
            *(key.key_id, key.sealed_key, fingerprint, head.chain, chain, sealed),
        )
        self.head = Head(head.kiosk, head.epoch_id, head.epoch, seq, chain, total, head.boot)
        self.woke = True
        return wire.ItemId(head.kiosk, head.epoch, seq)

    def next_number(self, name: str, day: str) -> int:
        """Return 1, 2, 3 … for each name and ISO date; a number is used up by the commit and never given twice."""
        row = self.sql.one("next_number", name=name, day=day)
        return int(row["value"]) if row is not None else 0

    def has_ready(self, count: int) -> bool:
        """Tell whether as many items may be sent now."""
        return len(list(self.sql.rows("ready_seqs", mono=self.moment.mono, limit=count))) == count

    def read_tail(self, limit: int = tail.ENLIST_CHUNK, *, row_by_row: bool = False) -> Tail:
        """Return the next items that are not entered yet: a short tail whole, so that the urgent go first; else some.

        See :func:`offline_queue.tail.read`.
        """
        done, last = self.state()["enlisted"], self.load_head().seq
        limit = limit if last - done > tail.ENLIST_CHUNK else tail.ENLIST_CHUNK
        return tail.read(self.sql, done + 1, last, limit, row_by_row=row_by_row)

    def enlist(self, items: Tail) -> None:
        """Enter items where they stand: ready, or waiting in their lane; set aside what the disk does not give back."""
        for row in items.rows:
            place = {"seq": row["seq"], "lane": row["lane"], "priority": row["priority"]}
            # A lane's first item has nothing before it.
            if not self.sql.run("make_ready" if row["seq"] == row["lane"] else "enlist", **place):
                self.sql.run("make_wait", **place)
        self.sql.run("enlisted", seq=items.last)
        for seq in items.unreadable:
            self.settled(1, 0)
            self.set_aside(seq, seq, "unreadable", None, AlarmCode.ITEM_ROTTEN)

    def enlist_to(self, seq: int) -> None:
        """Enter what was put where it stands, at least up to an item that is about to be moved."""
        while self.state()["enlisted"] < min(seq, self.load_head().seq):
            self.enlist(self.read_tail())

    def take(self, limit: int, max_bytes: int, *, singly: bool = False) -> tuple[wire.Batch | None, list[int]]:
        """Return what may be sent now, one item of a lane, and the seqs whose stored bytes no longer fit the chain.

        ``singly`` reads row by row: what the disk does not give back is then among the latter, not an error.
        """
        items: list[wire.Item] = []
        rotten: list[int] = []
        head, room, epoch = self.load_head(), max_bytes, 0
        names = {row["id"]: row["name"] for row in self.sql.rows("epochs")}
        mono = self.moment.mono
        rows: Iterable[Row] = self.sql.rows("ready_items", mono=mono, limit=limit)
        if singly:
            ready = [row["seq"] for row in self.sql.rows("ready_seqs", mono=mono, limit=limit)]
            rows = tail.singly(self.sql, "ready_item", ready, rotten)
            rotten += set(ready) - {row["seq"] for row in rows} - set(rotten)  # not to be found any more
        for row in rows:
            row_epoch, fingerprint, *values = row
            item = wire.Item(*values)
            if not self.fits(names.get(row_epoch, ""), item, fingerprint):
                rotten.append(item.seq)
                continue
            epoch = epoch or row_epoch
            if row_epoch != epoch:
                continue
            if items and len(item.body) > room:
                break
            items.append(item)
            room -= len(item.body)
        end = wire.ChainEnd(head.epoch, head.seq, head.chain)
        return (wire.Batch.of(head.kiosk, names[epoch], items, end) if items else None), rotten

    def greeting(self) -> wire.Batch:
        """Return a batch without items: it shows central where our chain ends."""
        head = self.load_head()
        return wire.Batch.of(head.kiosk, head.epoch, [], wire.ChainEnd(head.epoch, head.seq, head.chain))

    def fits(self, epoch: str, item: wire.Item, fingerprint: bytes) -> bool:
        """Tell whether a stored item is what was stored."""
        kiosk = self.load_head().kiosk
        try:
            return item.fingerprint == fingerprint and wire.fits_chain(kiosk, epoch, item, fingerprint)
        except (TypeError, ValueError, AttributeError):  # a rotten type: text where bytes were, or nothing at all
            return False

    def next_due_s(self) -> float | None:
        """Return the seconds from this moment until an item may be sent; ``None``: there is none."""
        row = self.sql.one("next_due")
        return None if row is None or row["due"] is None else max(0.0, row["due"] - self.moment.mono)

    def link_backoff(self) -> tuple[int, float]:
        """Return failures in a row of the whole link, and the seconds still to wait."""
        state = self.state()
        return int(state["link_failures"]), max(0.0, state["link_due"] - self.moment.mono)

    def set_link(self, failures: int, wait_s: float) -> None:
        """Keep the back-off of the whole link over restarts."""
        self.sql.run("set_link", failures=failures, due=self.moment.mono + wait_s)

    def item_state(self, seq: int) -> ItemState:
        """Return where an item is."""
        aside = self.sql.one("set_aside", seq=seq)
        try:
            row = self.sql.careful("find_item", seq=seq)
        except QueueError:
            if aside is None:
                raise
            return ItemState(Phase.QUARANTINED, reason=aside["reason"])  # its own row cannot be read
        if row is None or row["delivered"]:
            settled = self.sql.one("find_receipt", seq=seq)
            receipt = None if settled is None else _receipt(settled["body"], seq)
            return ItemState(Phase.UNKNOWN if receipt is None else Phase.DELIVERED, receipt=receipt)
        if row["reason"] is None:
            return ItemState(Phase.PENDING, row["attempts"])
        reply = None if row["reply"] is None else self.sql.one("find_reply", id=row["reply"])
        return ItemState(
            Phase.QUARANTINED, row["attempts"], row["reason"], None if reply is None else _receipt(reply["body"], seq)
        )

    def put_off(self, seqs: Sequence[int], wait_s: float) -> int:
        """Let ready items step back without counting an attempt; return how many did."""
        rows = [(seq, self.sql.one("stored_item", seq=seq)) for seq in seqs]
        due = self.moment.mono + wait_s
        return sum(self.sql.run("put_off", priority=row["priority"], seq=seq, due=due) for seq, row in rows if row)

    def fail(self, seq: int, reason: str, *, proven: bool = True) -> int:
        """Count a failure and return how many there were; after ten of its own, as is proven, it is quarantined."""
        self.enlist_to(seq)
        row = self.sql.one("find_item", seq=seq)
        if row is None:
            return 0
        due = self.moment.mono + min(MAX_ITEM_WAIT_S, 2.0 ** row["attempts"])
        counted = self.sql.run("count_attempt", priority=row["priority"], seq=seq, due=due)
        if counted and proven and row["attempts"] + 1 >= MAX_ATTEMPTS:
            self.quarantine(seq, reason)
        return int(row["attempts"]) + counted

    def quarantine(self, seq: int, reason: str, *, code: AlarmCode = AlarmCode.ITEM_QUARANTINED) -> None:
        """Set an item aside with its body. Its lane waits: an order without a verdict is not skipped."""
        row = self.sql.one("stored_item", seq=seq)
        if row is None:
            return
        lane, priority = row["lane"], row["priority"]
        self.enlist_to(seq)
        if self.sql.run("leave_ready", priority=priority, seq=seq) or self.sql.run("leave_waiting", lane=lane, seq=seq):
            self.settled(1, row["size"])
            self.set_aside(seq, lane, reason, None, code)

    def stored_size(self, seq: int) -> int | None:
        """Return the size of a body; ``None`` when the disk does not give its row back. Not within a transaction."""
        try:
            row = self.sql.careful("stored_item", seq=seq)
        except QueueError:
            row = None
        return None if row is None else row["size"] or 0

    def quarantine_rotten(self, seq: int, size: int | None) -> None:
        """Set a ready item aside whose row is not what was stored: nothing of the row is believed."""
        row = self.sql.one("ready_lane", seq=seq)
        if row is not None:
            self.sql.run("forget_ready", seq=seq)
            self.settled(1, size or 0)
            self.set_aside(seq, row["lane"], "unreadable" if size is None else "rotten", None, AlarmCode.ITEM_ROTTEN)

    def set_aside(self, seq: int, lane: int, reason: str, reply: int | None, code: AlarmCode) -> None:
        """Enter an item into the quarantine, and raise the alarm."""
        self.sql.run("quarantine_item", seq=seq, lane=lane, reason=reason, at=self.moment.wall, reply=reply)
        self.alarms.append(Alarm(code, reason, seq))

    def release(self, seq: int) -> bool:
        """Send a quarantined item again; its attempts start over. Returns whether it was quarantined."""
        row = self.sql.one("find_item", seq=seq)
        if row is None or row["reason"] is None:
            return False
        self.sql.run("release_item", seq=seq)
        self.step_back(row["lane"])
        self.sql.run("make_wait", priority=row["priority"], seq=seq, lane=row["lane"])
        self.promote(row["lane"])
        self.settled(-1, -row["size"])
        self.woke = True
        return True

    def promote(self, lane: int) -> None:
        """Make the first of a lane's waiting items ready, if nothing undecided stands before it."""
        row = self.sql.one("next_waiting", lane=lane)
        if row is not None:
            self.sql.run("leave_waiting", lane=lane, seq=row["seq"])
            self.sql.run("make_ready", priority=row["priority"], seq=row["seq"], lane=lane)

    def step_back(self, lane: int) -> None:
        """Let the ready item of a lane wait: an older one goes first."""
        row = self.sql.one("ready_of_lane", lane=lane)
        if row is not None:
            self.sql.run("leave_ready", priority=row["priority"], seq=row["seq"])
            self.sql.run("make_wait", lane=lane, seq=row["seq"], priority=row["priority"])

    def settled(self, items: int, size: int) -> None:
        """Count items that no longer wait to be sent; with the end of the chain, which outlives its last row."""
        head = self.load_head()
        self.sql.run("settle_state", seq=head.seq, chain=head.chain, total=head.total, items=items, bytes=size)


def _receipt(body: bytes, seq: int) -> wire.Receipt | None:
    try:
        return next((one for one in wire.decode_reply(body).receipts() if one.word.seq == seq), None)
    except wire.WireError as error:
        raise QueueCorrupt(f"the reply kept for item {seq} cannot be read") from error
