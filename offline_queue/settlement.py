"""What central's signed reply does to the queue: the only place where an item is settled, resent or forgotten."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final

from offline_queue import audit, wire
from offline_queue.figures import CLOCK_SLACK_S
from offline_queue.values import Alarm, AlarmCode, Refused, Settlement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from offline_queue.ledger import Ledger
    from offline_queue.sql import Row

MAX_PUT_OFF_S: Final = 3600.0  # a deferral is obeyed up to here
MIN_PUT_OFF_S: Final = 1.0  # "later" said with 0 seconds must not become a storm of requests
BODIES_KEPT_S: Final = 7 * 86400.0  # longer than a backup of central is old when it is needed
BODIES_KEPT: Final = 500  # whatever their age: a clock that jumps ahead must not empty the file
RECEIPTS_KEPT_S: Final = 400 * 86400.0  # a year and a month: an audit finds last year's proof of custody
RECEIPTS_KEPT: Final = 10_000  # whatever their age
_CHUNK: Final = 200  # replies in one transaction


def settle(ledger: Ledger, reply: wire.Reply, keys: Mapping[str, wire.PublicKey], *, fresh: bool = False) -> Settlement:
    """Act on a reply that proves itself, all in one transaction: each word, and what central says of the epoch."""
    why = _doubt(ledger, reply, keys)
    if why:
        ledger.alarms.append(Alarm(AlarmCode.RECEIPT_REFUSED, why))
        return Settlement(refused=(Refused(None, why),))
    ledger.enlist_to(max((word.seq for word in reply.words), default=0))
    settler = _Settler(ledger, reply)
    settler.apply_all()
    settler.finish()
    _hear(ledger, reply, fresh=fresh)
    _follow(ledger, reply)
    return settler.settlement()


def _doubt(ledger: Ledger, reply: wire.Reply, keys: Mapping[str, wire.PublicKey]) -> str:
    try:
        wire.verify_reply(keys, reply)
    except wire.SignatureError:
        return "signature"
    known = ledger.sql.one("find_epoch", name=reply.epoch) is not None
    return "" if known and reply.kiosk == ledger.load_head().kiosk else "foreign"


class _Settler:
    """Collects what a reply changes, so that counters and reply are written once."""

    def __init__(self, ledger: Ledger, reply: wire.Reply) -> None:
        self._ledger = ledger
        self._reply = reply
        found = ledger.sql.one("find_epoch", name=reply.epoch)
        self._epoch = 0 if found is None else found["id"]
        self._reply_id: int | None = None
        self._delivered: list[int] = []
        self._rejected: list[int] = []
        self._deferred: list[int] = []
        self._refused: list[Refused] = []
        self._items = self._bytes = 0

    def apply_all(self) -> None:
        """Act on each word. What was ready and is delivered, nearly everything, goes in one stroke."""
        seqs = json.dumps([word.seq for word in self._reply.words])
        rows = {row["seq"]: row for row in self._ledger.sql.rows("stored_items", seqs=seqs)}
        usual, special = [], []
        for word in sorted(self._reply.words, key=lambda word: word.seq):  # a lane's first word first
            row = rows.get(word.seq)
            why = self._word_doubt(word, row)
            if why:
                self._refused.append(Refused(wire.ItemId(self._reply.kiosk, self._reply.epoch, word.seq), why))
                self._ledger.alarms.append(Alarm(AlarmCode.RECEIPT_REFUSED, why, word.seq))
            elif row is not None and row["ready"] and word.outcome is wire.Verdict.ACCEPTED:
                usual.append(row)
            elif row is not None:  # else settled so long ago that the row is gone
                special.append((word, row))
        self._deliver_ready(usual)
        for word, row in special:
            self._apply(word, row)

    def _deliver_ready(self, rows: list[Row]) -> None:
        if not rows:
            return
        sql = self._ledger.sql
        sql.run_many("leave_ready", [{"priority": row["priority"], "seq": row["seq"]} for row in rows])
        reply = self._kept()
        sql.run_many("add_receipt", [{"seq": row["seq"], "epoch": self._epoch, "reply": reply} for row in rows])
        for freed in list(sql.rows("lanes_waiting", lanes=json.dumps([row["lane"] for row in rows]))):
            self._ledger.promote(freed["lane"])
        self._delivered += [row["seq"] for row in rows]
        self._items += len(rows)
        self._bytes += sum(row["size"] for row in rows)

    def _apply(self, word: wire.Word, row: Row) -> None:
        if word.verdict is wire.Verdict.DEFERRED:
            if self._ledger.put_off([word.seq], max(MIN_PUT_OFF_S, min(MAX_PUT_OFF_S, float(word.retry_after_s or 0)))):
                self._deferred.append(word.seq)
        elif self._leave(word.seq, row):
            rejected = word.outcome is wire.Verdict.REJECTED
            (self._reject if rejected else self._deliver)(word, row["lane"])

    def _leave(self, seq: int, row: Row) -> bool:
        """Take an item from where it is, and let its lane go on; ``False``: it was settled before."""
        ledger, lane = self._ledger, row["lane"]
        if ledger.sql.run("leave_ready", priority=row["priority"], seq=seq):
            ledger.promote(lane)
        elif not ledger.sql.run("leave_waiting", lane=lane, seq=seq):
            item = ledger.sql.one("find_item", seq=seq)
            if item is None or item["delivered"] or item["reason"] is None:
                return False
            ledger.sql.run("release_item", seq=seq)
            ledger.promote(lane)
            return True  # it has left the count when it was set aside
        self._items += 1
        self._bytes += row["size"]
        return True

    def finish(self) -> None:
        """Write the counters."""
        if self._items:
            self._ledger.settled(self._items, self._bytes)
        self._ledger.woke |= bool(self._delivered or self._rejected)

    def settlement(self) -> Settlement:
        """Return what was done."""
        return Settlement(tuple(self._delivered), tuple(self._rejected), tuple(self._deferred), tuple(self._refused))

    def _word_doubt(self, word: wire.Word, row: Row | None) -> str:
        if row is None:  # settled long ago, or never put
            return "" if word.seq <= self._ledger.load_head().seq else "unknown"
        if row["epoch"] != self._epoch:
            return "foreign"
        return "" if row["fingerprint"] == word.fingerprint else "fingerprint"

    def _deliver(self, word: wire.Word, _lane: int) -> None:
        self._ledger.sql.run("add_receipt", seq=word.seq, epoch=self._epoch, reply=self._kept())
        self._delivered.append(word.seq)

    def _reject(self, word: wire.Word, lane: int) -> None:
        self._ledger.set_aside(word.seq, lane, word.reason, self._kept(), AlarmCode.ITEM_QUARANTINED)
        self._rejected.append(word.seq)

    def _kept(self) -> int:
        """Keep the reply, once; return its id."""
        if self._reply_id is None:
            row = self._ledger.sql.one(
                "add_reply",
                at=self._ledger.moment.wall,
                central_time=self._reply.central_time.timestamp(),
                body=self._reply.raw or wire.encode_reply(self._reply),
            )
            self._reply_id = 0 if row is None else int(row["id"])
        return self._reply_id


def _hear(ledger: Ledger, reply: wire.Reply, *, fresh: bool) -> None:
    """Keep central's time as the floor of ours, and notice a clock that is wrong.

    The answer to what was just sent may also lower the floor: central's own clock was wrong once, or is right now.
    """
    heard, wall = reply.central_time.timestamp(), ledger.moment.wall
    state = ledger.state()
    newest = heard if fresh else max(heard, state["central_time"] or 0.0)
    ahead = wall > newest + CLOCK_SLACK_S
    if wall < newest - CLOCK_SLACK_S:
        ledger.alarms.append(Alarm(AlarmCode.CLOCK_BEHIND, "the clock is behind central's"))
    elif ahead and not state["clock_ahead"]:
        ledger.alarms.append(Alarm(AlarmCode.CLOCK_AHEAD, "the clock is ahead of central's"))
    ledger.sql.run("heard", at=wall, central_time=newest, ahead=int(ahead))


def _follow(ledger: Ledger, reply: wire.Reply) -> None:
    """Act on what central knows of the epoch: an old image here begins a new epoch, a restore there sends again."""
    head, stream = ledger.load_head(), reply.stream
    # Once an epoch turned, the same word is about an old one: a reply that comes twice turns nothing again.
    if stream.state is wire.StreamState.REGRESS and reply.epoch == head.epoch:
        ledger.alarms.append(Alarm(AlarmCode.OLD_IMAGE, f"central has items up to {stream.highest}, we {head.seq}"))
        ledger.new_epoch()
    # Not "later than": central may be set back twice, the second time further. It names each restore by another moment.
    if stream.restored is not None and stream.restored.timestamp() != ledger.state()["restored"]:
        _send_again(ledger, stream.restored)


def _send_again(ledger: Ledger, restored: datetime) -> None:
    """Queue again what central lost when it was set back to ``restored``, in the order of the lanes."""
    sql, again, size = ledger.sql, 0, 0
    lanes = set()
    for row in list(sql.rows("lost_by_central", since=restored.timestamp())):
        if row["size"] is None:  # its body is past the retention: the signed receipt is what is left
            ledger.alarms.append(Alarm(AlarmCode.RECEIPT_WITHOUT_BODY, "central was restored", row["seq"]))
            continue
        sql.run("forget_receipt", seq=row["seq"])
        sql.run("make_wait", lane=row["lane"], seq=row["seq"], priority=row["priority"])
        lanes.add(row["lane"])
        again, size = again + 1, size + row["size"]
    for lane in sorted(lanes):
        ledger.step_back(lane)
        ledger.promote(lane)
    sql.run("answered_restore", restored=restored.timestamp())
    ledger.settled(-again, -size)
    ledger.alarms.append(Alarm(AlarmCode.CENTRAL_RESTORED, f"{again} items are sent again"))
    ledger.woke = True


def sweep(ledger: Ledger, *, pressed: bool = False) -> bool:
    """Drop bodies and receipts past their retention, some hundred replies at a time; tell whether there is more.

    Old by clock and old by count: a clock that jumped years ahead may not empty the tables. ``pressed``: the disk or
    the file is short of room, so every delivered body may go.
    """
    head, now = ledger.load_head(), ledger.moment.wall
    before = math.inf if pressed else now - BODIES_KEPT_S  # whatever the clock says now, or said then
    keep_above = head.seq if pressed else head.seq - BODIES_KEPT
    rows = list(ledger.sql.rows("old_replies", after=ledger.state()["bodies_swept"], before=before, limit=_CHUNK))
    swept = 0
    for row in rows:
        seqs = _seqs(row)
        if any(seq > keep_above for seq in seqs):
            break
        for seq in seqs:
            ledger.sql.run("drop_body", seq=seq, reply=row["id"])
        swept = row["id"]
    if swept:
        ledger.sql.run("swept_bodies", id=swept)
        ledger.settled(0, 0)  # the last row may be gone: the end of the chain lives on in the state
    expired = list(ledger.sql.rows("expired_replies", before=now - RECEIPTS_KEPT_S, limit=_CHUNK))
    for row in expired:
        seqs = _seqs(row)
        if any(seq > head.seq - RECEIPTS_KEPT for seq in seqs):
            break
        for seq in seqs:
            ledger.sql.run("drop_receipt", seq=seq, reply=row["id"])
        ledger.sql.run("drop_reply", id=row["id"])
        ledger.sql.run("swept_receipts", seq=max(seqs, default=0))
    audit.sweep(ledger)
    return swept != 0 and len(rows) == _CHUNK


def _seqs(row: Row) -> list[int]:
    return [word.seq for word in wire.decode_reply(row["body"]).words]
