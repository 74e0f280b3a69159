"""One epoch of a terminal as central follows it: what is missing, what contradicts, which epoch is the present one.

A terminal's numbers rise over all its epochs; the first item of an epoch names itself by the chain's start. Numbers may
come late, for every visit is a lane of its own. A second history shows in three ways: a number that comes again with
another content or does not join its neighbours (a conflict), an end of the chain that lies before what is in custody
(an old image of the disk), and a head that names an epoch its terminal has left (an image again, or another machine).

A head that names a left epoch is told regress before anything is judged: of its batch what is in custody is confirmed,
the rest is put off and not stored, so waiting to judge costs nothing. The same image put back for the tenth time obeys
and begins an epoch of its own; so does an old request that comes late, whose answer its terminal ignores. A second
machine is what cannot be one of these, because it goes on exactly where the left epoch ended, after it was told:

- it sends items made after it was told, and still names the left epoch as its present one (a terminal greets after all
  trouble and sends nothing before it got its answer: of late requests only the first can have items); or
- it obeyed, and then sends as the remainder of the left epoch the very item that follows the last one in custody. An
  old image cannot have it: it was told because it lacks that last one, and whatever it grew joins something else.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import func, select, update

from central.store.database import raise_alarm
from central.store.schema import StoredItem, Stream
from offline_queue.wire import StreamState, chain_start
from offline_queue.wire.identity import MAX_SEQ

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from central.store.schema import Kiosk
    from offline_queue.wire import Batch, Item

GAP_PATIENCE: Final = timedelta(hours=1)  # four times a courier's longest pause; a lane may be that late


class Conflict(Exception):
    """An item contradicts what is in custody already."""

    def __init__(self, code: str, item: Item) -> None:
        super().__init__(code)
        self.code = code
        self.item = item


class Known(NamedTuple):
    """What is in custody under a number, without the body."""

    seq: int
    fingerprint: str
    chain_before: str | None
    chain: str
    verdict: str
    reason: str


class Follower:
    """One batch's view of its epoch, within the transaction that takes the batch in.

    ``direct``: the terminal itself sends; what is carried by hand may be old, so its head says nothing of today.
    """

    def __init__(self, session: Session, kiosk: Kiosk, batch: Batch, now: datetime, *, direct: bool) -> None:
        self._session = session
        self._batch = batch
        self._now = now
        self._direct = direct
        self._start = chain_start(batch.kiosk, batch.epoch).hex()
        self._order = session.scalar(select(func.max(Stream.order)).where(Stream.kiosk == batch.kiosk)) or 0
        self._present = self._hear(kiosk) if direct else None
        if self._present is not None and batch.last_epoch == batch.epoch:
            self.stream = self._present
        else:
            self.stream = self._stream(batch.epoch, over=batch.last_epoch != batch.epoch)
        self._known = self._neighbours()
        self._before = self.stream.highest

    def known(self, item: Item) -> Known | None:
        """Return what is in custody under an item's number. Raises ``Conflict`` when it is something else."""
        found = self._known.get(item.seq)
        if found is not None and (found.fingerprint, found.chain) != (item.fingerprint.hex(), item.chain.hex()):
            raise Conflict("intake.fingerprint_conflict", item)
        return found

    @property
    def is_left(self) -> bool:
        """Tell whether the head names an epoch its terminal has left: nothing new of such a batch may be stored."""
        return self._present is not None and self._present.turned is not None

    def has(self, item: Item) -> Known | None:
        """Return what is in custody of exactly this item; ``None``: nothing, or something else."""
        try:
            return self.known(item)
        except Conflict:
            return None

    def is_double(self) -> bool:
        """Tell whether a second machine grows an epoch after it was told that its terminal has left it."""
        present, stream = self._present, self.stream
        if present is None or stream.turned is None or stream.told_order is None or stream.told_seq is None:
            return False
        if present is stream:  # a newer epoch since means that somebody obeyed: this one is told anew
            made_since = max(stream.turned, stream.told_seq)
            return stream.told_order == self._order and any(item.seq > made_since for item in self._batch.items)
        end = self._known.get(stream.turned)
        obeyed = present.turned is None and present.order > stream.told_order
        return obeyed and any(
            end is not None and item.seq == end.seq + 1 and item.chain_before.hex() == end.chain
            for item in self._batch.items
        )

    def place(self, item: Item) -> None:
        """Note a new item. Raises ``Conflict`` when it does not join its neighbours."""
        stream, before, after = self.stream, self._known.get(item.seq - 1), self._known.get(item.seq + 1)
        begins = item.chain_before.hex() == self._start
        if begins and stream.first is None and not self._is_any_before(item.seq):
            stream.first = item.seq
        forks = (
            (before is not None and before.chain != item.chain_before.hex())
            or (after is not None and after.chain_before not in {None, item.chain.hex()})
            or (begins and item.seq != stream.first)
            or (stream.first is not None and item.seq < stream.first)
        )
        if forks:
            raise Conflict("intake.chain_fork", item)
        stream.highest = max(stream.highest, item.seq)
        stream.stored += 1

    def finish(self) -> StreamState:
        """Raise what alarms are due, and return what the terminal is to be told of the epoch."""
        if self.is_left and self._present is not None:
            self._present.told_order, self._present.told_seq = self._order, self._batch.last_seq
            self._alarm("intake.regress", self._present.epoch)
            return StreamState.REGRESS
        self._watch_gap()
        if not self._regressed():
            return StreamState.OK
        self._alarm("intake.regress")
        return StreamState.REGRESS

    def waiting(self) -> int:
        """Return how many items the terminal seems to have for us still."""
        if self._batch.last_epoch != self._batch.epoch:
            return 1  # an old epoch's remainder: more than nothing
        return max(0, self._batch.last_seq - max(self.stream.highest, self._elsewhere())) + self._missing()

    def _hear(self, kiosk: Kiosk) -> Stream:
        """Return the epoch the terminal calls its present one; when it is new, the others are over."""
        present = self._stream(self._batch.last_epoch, over=False)
        if present.turned is None:
            if kiosk.last_epoch != present.epoch:
                others = (Stream.kiosk == present.kiosk, Stream.epoch != present.epoch, Stream.turned.is_(None))
                self._session.execute(update(Stream).where(*others).values(turned=Stream.highest))
            kiosk.last_epoch, kiosk.last_seq = self._batch.last_epoch, self._batch.last_seq
        return present

    def _stream(self, epoch: str, *, over: bool) -> Stream:
        """Return an epoch's row. ``over``: should it be new here, then it is older than the present one."""
        found = self._session.get(Stream, (self._batch.kiosk, epoch))
        if found is None:
            self._order += 1
            found = Stream(kiosk=self._batch.kiosk, epoch=epoch, opened=self._now, order=self._order, highest=0)
            found.stored, found.duplicates, found.forked, found.turned = 0, 0, False, 0 if over else None
            self._session.add(found)
            self._session.flush()
        return found

    def _neighbours(self) -> dict[int, Known]:
        """Read what is known of the batch's numbers and of those beside them, without the bodies, in one question."""
        batch = self._batch
        near = {seq for item in batch.items for seq in (item.seq - 1, item.seq, item.seq + 1)} | {batch.last_seq}
        wanted = sorted(seq for seq in near if seq <= MAX_SEQ)
        columns = [getattr(StoredItem, name) for name in Known._fields]
        here = (StoredItem.kiosk == batch.kiosk, StoredItem.epoch == batch.epoch, StoredItem.seq.in_(wanted))
        return {row[0]: Known(*row) for row in self._session.execute(select(*columns).where(*here))}

    def _regressed(self) -> bool:
        """Tell whether the terminal's chain lacks what is in custody, or is another one."""
        batch, present = self._batch, self._present
        if present is None or present is not self.stream:
            return False
        end = self._known.get(batch.last_seq)
        other = end is not None and end.chain != batch.last_chain.hex()
        return batch.last_seq < self._before or other or present.forked

    def _missing(self) -> int:
        stream = self.stream
        if stream.stored == 0:
            return 0
        return 1 if stream.first is None else stream.highest - stream.first + 1 - stream.stored

    def _watch_gap(self) -> None:
        stream = self.stream
        if self._missing() == 0:
            stream.gap_since = None
        elif stream.gap_since is None:
            stream.gap_since = self._now
        elif self._now - stream.gap_since > GAP_PATIENCE:
            self._alarm("intake.gap")

    def _is_any_before(self, seq: int) -> bool:
        here = (StoredItem.kiosk == self._batch.kiosk, StoredItem.epoch == self._batch.epoch, StoredItem.seq < seq)
        return self.stream.stored > 0 and self._session.scalar(select(StoredItem.seq).where(*here).limit(1)) is not None

    def _elsewhere(self) -> int:
        """Return the highest number of the terminal's other epochs: a new one goes on from there."""
        other = (Stream.kiosk == self._batch.kiosk, Stream.epoch != self._batch.epoch)
        return self._session.scalar(select(func.max(Stream.highest)).where(*other)) or 0

    def _alarm(self, code: str, epoch: str = "") -> None:
        raise_alarm(self._session, self._batch.kiosk, code, (epoch or self._batch.epoch)[:8], at=self._now)
