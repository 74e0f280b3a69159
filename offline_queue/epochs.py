"""Whose file it is, and whether it is still the one it was: asked once, when it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline_queue import wire
from offline_queue.errors import QueueCode, QueueError
from offline_queue.store import MARK_BYTES
from offline_queue.values import Alarm, AlarmCode

if TYPE_CHECKING:
    from offline_queue.ledger import Ledger
    from offline_queue.values import Head


def begin(ledger: Ledger, kiosk: str, boot_id: str, mark: wire.ChainEnd | None) -> Head:
    """Write the first rows of a new file, check the owner of an old one, notice a reboot and a lost history."""
    if ledger.sql.one("has_state") is None:
        epoch = wire.new_epoch()
        ledger.sql.run("add_epoch", name=epoch)
        chain = wire.chain_start(kiosk, epoch)
        ledger.sql.run("first_state", kiosk=kiosk, chain=chain, audit_chain=wire.audit_start(kiosk))
    state = ledger.state()
    if state["kiosk"] != kiosk:
        raise QueueError("the file belongs to another terminal", code=QueueCode.WRONG_KIOSK)
    if state["boot_id"] != boot_id:
        ledger.sql.run("count_boot", boot_id=boot_id)
        ledger.sql.run("all_due")
    if not state["audit_chain"]:
        ledger.sql.run("set_audit", seq=0, chain=wire.audit_start(kiosk))  # a file from before there was an audit
    head = ledger.load_head()
    return head if mark is None else _compare(ledger, head, mark)


def _compare(ledger: Ledger, head: Head, mark: wire.ChainEnd) -> Head:
    """Begin a new epoch when the file is not the one whose end was noted beside it."""
    row = ledger.sql.one("read_item", seq=mark.seq)
    end = head.chain if (mark.epoch, mark.seq) == (head.epoch, head.seq) else None  # None: nothing to compare with
    chain = end if row is None else row["chain"]
    known = ledger.sql.one("find_epoch", name=mark.epoch) is not None
    begun = mark.chain == wire.chain_start(head.kiosk, mark.epoch)  # the row at mark.seq is of the epoch before
    if known and mark.seq <= head.seq and (begun or chain in {None, mark.chain}):
        return head
    where = f"the file ends at {head.seq}, it was at {mark.seq}" + ("" if known else " of another epoch")
    ledger.alarms.append(Alarm(AlarmCode.HISTORY_LOST, where))
    gap = max(0, mark.seq - head.seq)
    ledger.head = head._replace(seq=head.seq + gap)  # a seq once given is not given again
    ledger.settled(gap, 0)
    return ledger.new_epoch()


def mark(head: Head) -> bytes:
    """Return what is noted beside the file after a commit."""
    return f"{head.epoch} {head.seq:019d} {head.chain.hex()}".encode("ascii").ljust(MARK_BYTES - 1) + b"\n"


def read_mark(raw: bytes) -> wire.ChainEnd | None:
    """Return the end noted at the last commit; ``None`` when there is none that can be read."""
    try:
        epoch, seq, chain = raw.decode("ascii").split()
        return wire.ChainEnd(epoch, int(seq), bytes.fromhex(chain))
    except ValueError:
        return None
