"""The rules of the queue, inside one transaction, without threads, files or a clock of its own."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offline_queue import wire
from offline_queue.errors import QueueCode, QueueCorrupt, QueueError
from offline_queue.values import Alarm, AlarmCode, ItemState, Phase, Refused, Settlement
from offline_queue.wire import identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offline_queue.store import Row, Statements

MAX_ATTEMPTS: Final = 10  # failures of one item while others pass, then quarantine
MAX_PUT_OFF_S: Final = 3600.0  # a deferral or Retry-After is obeyed up to here
MAX_ITEM_WAIT_S: Final = 900.0
RECEIPTS_KEPT: Final = 10_000  # whatever their age

_ITEM_FIELDS: Final = tuple(field.name for field in dataclasses.fields(wire.Item))  # columns of outbox, by design


@dataclass(frozen=True, slots=True)
class Moment:
    """Both clocks at the start of a transaction: wall time in seconds UTC, monotonic seconds."""

    wall: float
    mono: float


class Ledger:
    """One transaction's view of the queue. ``alarms`` are raised by the outbox after the commit, never before."""

    def __init__(self, statements: Statements, moment: Moment) -> None:
        self._sql = statements
        self._moment = moment
        self.alarms: list[Alarm] = []
        self.woke = False  # something may be sent that could not before

    def begin(self, kiosk: str, boot_id: str) -> Row:
        """Write the first rows of a new file, check the owner of an old one, notice a reboot; return the state."""
        if self._sql.one("has_state") is None:
            epoch = wire.new_epoch()
            self._sql.run("first_epoch", name=epoch)
            self._sql.run("first_state", kiosk=kiosk, chain=wire.chain_start(kiosk, epoch))
        state = self.state()
        if state["kiosk"] != kiosk:
            raise QueueError("the file belongs to another terminal", code=QueueCode.WRONG_KIOSK)
        if state["boot_id"] != boot_id:
            self._sql.run("count_boot", boot_id=boot_id)
            self._sql.run("all_due")
        return self.state()

    def state(self) -> Row:
        """Return the state row with ``epoch_name``."""
        row = self._sql.one("state")
        if row is None:
            raise QueueCorrupt("the state row is missing")
        return row

    def put(self, key: wire.VisitKey, kind: str, body: bytes, *, schema: int = 1, priority: int = 5) -> wire.ItemId:
        """Seal ``body`` and add it at the end of the visit's lane, within the caller's transaction."""
        _check(key.lane, kind, schema, priority, len(body))
        state = self.state()
        kiosk, epoch, seq = state["kiosk"], state["epoch_name"], state["last_seq"] + 1
        if (key.kiosk, key.epoch) != (kiosk, epoch):
            raise QueueError("the visit key belongs to another queue", code=QueueCode.INVALID)
        try:
            sealed = key.seal(seq, kind, schema, body)
        except wire.KeyDroppedError as error:
            raise QueueError("the visit has ended", code=QueueCode.INVALID) from error
        item = wire.Item(
            seq=seq,
            lane=key.lane,
            kind=kind,
            schema=schema,
            priority=priority,
            key_id=key.key_id,
            sealed_key=key.sealed_key,
            body=sealed,
            chain_before=state["last_chain"],
        )
        chain = wire.chain_step(kiosk, epoch, item)
        row = {name: getattr(item, name) for name in _ITEM_FIELDS}
        row |= {"chain": chain, "fingerprint": item.fingerprint, "epoch": state["epoch"]}
        self._sql.run("add_item", **row, boot=state["boot"], put_at=self._moment.wall, put_mono=self._moment.mono)
        self._sql.run("advance_state", seq=seq, chain=chain)
        self.woke = True
        return wire.ItemId(kiosk, epoch, seq)

    def next_number(self, name: str, day: str) -> int:
        """Return 1, 2, 3 … for each name and ISO date; a number is used up by the commit and never given twice."""
        row = self._sql.one("next_number", name=name, day=day)
        return int(row["value"]) if row is not None else 0

    def take(self, limit: int, max_bytes: int) -> tuple[wire.Batch | None, list[int]]:
        """Return what may be sent now, one item of a lane, and the seqs whose stored bytes no longer fit the chain."""
        items: list[wire.Item] = []
        rotten: list[int] = []
        kiosk, room, epoch = self.state()["kiosk"], max_bytes, ""
        for row in self._sql.rows("ready_items", mono=self._moment.mono, limit=limit):
            item = wire.Item(**{name: row[name] for name in _ITEM_FIELDS})
            if wire.chain_step(kiosk, row["epoch_name"], item) != item.chain or item.fingerprint != row["fingerprint"]:
                rotten.append(item.seq)
                continue
            epoch = epoch or row["epoch_name"]
            if row["epoch_name"] != epoch:
                continue
            if items and len(item.body) > room:
                break
            items.append(item)
            room -= len(item.body)
        return (wire.Batch.of(kiosk, epoch, items) if items else None), rotten

    def next_due_s(self) -> float | None:
        """Return the seconds until an item may be sent; ``None``: there is none."""
        row = self._sql.one("next_due")
        return None if row is None or row["due"] is None else max(0.0, row["due"] - self._moment.mono)

    def oldest_age_s(self) -> float:
        """Return the age of the oldest item that could go; monotonic within one boot, so the wall clock may jump."""
        row = self._sql.one("oldest_head")
        if row is None:
            return 0.0
        same_boot = row["boot"] == self.state()["boot"]
        age: float = self._moment.mono - row["put_mono"] if same_boot else self._moment.wall - row["put_at"]
        return max(0.0, age)

    def link_backoff(self) -> tuple[int, float]:
        """Return failures in a row of the whole link, and the seconds still to wait."""
        state = self.state()
        return int(state["link_failures"]), max(0.0, state["link_due"] - self._moment.mono)

    def set_link(self, failures: int, wait_s: float) -> None:
        """Keep the back-off of the whole link over restarts."""
        self._sql.run("set_link", failures=failures, due=self._moment.mono + wait_s)

    def forget_receipts(self, age_s: float) -> int:
        """Drop receipts older than ``age_s``, a thousand at a time, never the newest ten thousand."""
        return self._sql.run("forget_receipts", before=self._moment.wall - age_s, keep=RECEIPTS_KEPT)

    def item_state(self, seq: int) -> ItemState:
        """Return where an item is."""
        row = self._sql.one("find_item", seq=seq)
        if row is None:
            settled = self._sql.one("find_receipt", seq=seq)
            if settled is None:
                return ItemState(Phase.UNKNOWN)
            receipt = wire.decode_receipt(settled["receipt"])
            return ItemState(Phase.DELIVERED, reason=receipt.reason, receipt=receipt)
        if not row["quarantined"]:
            return ItemState(Phase.PENDING, row["attempts"])
        verdict = None if row["receipt"] is None else wire.decode_receipt(row["receipt"])
        return ItemState(Phase.QUARANTINED, row["attempts"], row["reason"], verdict)

    def settle(self, receipts: Sequence[wire.Receipt], keys: Mapping[str, wire.PublicKey]) -> Settlement:
        """Act on receipts that prove themselves; the only place where a body is removed."""
        done: dict[str, list[int]] = {"delivered": [], "rejected": [], "deferred": []}
        refused: list[Refused] = []
        for receipt in receipts:
            row = self._sql.one("find_item", seq=receipt.seq)
            why = self._doubt(receipt, row, keys)
            if why:
                refused.append(Refused(receipt.item_id, why))
                self.alarms.append(Alarm(AlarmCode.RECEIPT_REFUSED, why, receipt.seq))
            elif row is not None:  # else: settled before, a receipt that came twice
                done[self._apply(receipt, row)].append(receipt.seq)
        if done["delivered"] or done["rejected"]:
            self._sql.run("receipt_came", at=self._moment.wall)
            self.woke = True
        return Settlement(tuple(done["delivered"]), tuple(done["rejected"]), tuple(done["deferred"]), tuple(refused))

    def put_off(self, seqs: Sequence[int], wait_s: float) -> None:
        """Let items step back without counting an attempt."""
        for seq in seqs:
            self._sql.run("put_off", seq=seq, due=self._moment.mono + wait_s)

    def fail(self, seq: int, reason: str) -> bool:
        """Count a failure that is the item's own; after ten it is quarantined. Returns whether it was."""
        row = self._sql.one("find_item", seq=seq)
        if row is None or row["quarantined"]:
            return False
        wait = min(MAX_ITEM_WAIT_S, 2.0 ** row["attempts"])
        self._sql.run("count_attempt", seq=seq, due=self._moment.mono + wait)
        if row["attempts"] + 1 < MAX_ATTEMPTS:
            return False
        self.quarantine(seq, reason)
        return True

    def quarantine(self, seq: int, reason: str, *, code: AlarmCode = AlarmCode.ITEM_QUARANTINED) -> None:
        """Set an item aside with its body. Its lane waits: an order without a verdict is not skipped."""
        row = self._sql.one("find_item", seq=seq)
        if row is not None:
            self._set_aside(row, reason, None, code)

    def release(self, seq: int) -> bool:
        """Send a quarantined item again; its attempts start over. Returns whether it was quarantined."""
        row = self._sql.one("find_item", seq=seq)
        if row is None or not row["quarantined"]:
            return False
        self._sql.run("release_item", seq=seq)
        self._sql.run("start_over", seq=seq)
        self._sql.run("no_head", lane=row["lane"])
        self._sql.run("next_of_lane", lane=row["lane"])
        self.woke = True
        return True

    def _doubt(self, receipt: wire.Receipt, row: Row | None, keys: Mapping[str, wire.PublicKey]) -> str:
        """Return why a receipt proves nothing; empty when it does."""
        state = self.state()
        try:
            wire.verify_receipt(keys[receipt.key_id], receipt)
        except (KeyError, wire.SignatureError):
            return "signature"
        if receipt.kiosk != state["kiosk"] or (row or state)["epoch_name"] != receipt.epoch:
            return "foreign"
        if row is None:  # settled before, and perhaps older than the retention; or never put
            return "" if receipt.seq <= state["last_seq"] else "unknown"
        return "" if row["fingerprint"] == receipt.fingerprint else "fingerprint"

    def _apply(self, receipt: wire.Receipt, row: Row) -> str:
        if receipt.verdict is wire.Verdict.DEFERRED:
            wait = min(MAX_PUT_OFF_S, float(receipt.retry_after_s or 0))
            self.put_off([receipt.seq], wait)
            return "deferred"
        stored = wire.encode_receipt(receipt)
        if receipt.outcome is wire.Verdict.REJECTED:
            self._set_aside(row, receipt.reason, stored, AlarmCode.ITEM_QUARANTINED)
            return "rejected"
        self._sql.run("release_item", seq=receipt.seq)
        self._sql.run("remove_item", seq=receipt.seq)  # first: its pages are the room for the receipt
        self._sql.run("add_receipt", seq=receipt.seq, epoch=row["epoch"], at=self._moment.wall, receipt=stored)
        self._sql.run("next_of_lane", lane=row["lane"])
        return "delivered"

    def _set_aside(self, row: Row, reason: str, receipt: bytes | None, code: AlarmCode) -> None:
        self._sql.run("no_head", lane=row["lane"])
        self._sql.run("quarantine_item", seq=row["seq"], reason=reason, at=self._moment.wall, receipt=receipt)
        self._sql.run("next_of_lane", lane=row["lane"])
        self.alarms.append(Alarm(code, reason, row["seq"]))


def _check(lane: str, kind: str, schema: int, priority: int, size: int) -> None:
    problems = []
    if not re.fullmatch(identity.LANE, lane):
        problems.append("lane is not a plain name")
    if not re.fullmatch(identity.KIND, kind):
        problems.append("kind is not a plain name")
    if not 1 <= schema <= identity.MAX_SCHEMA:
        problems.append("schema is out of range")
    if not 0 <= priority <= identity.LOWEST_PRIORITY:
        problems.append("priority is out of range")
    if size > identity.MAX_BODY_BYTES - wire.SEAL_BYTES:
        problems.append(f"the body has {size} bytes, more than can travel")
    if problems:
        raise QueueError("; ".join(problems), code=QueueCode.INVALID)
