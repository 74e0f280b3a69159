"""The central of the scenarios and of the judge: takes custody at the moment of sending, and remembers.

Its word follows from the item's kind alone, so the judge's central, fed with the batches sent before the cut, is the
central of the recording at that instant.
"""

from __future__ import annotations

import copy
import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from offline_queue import wire
from offline_queue.outbox import Outbox
from tests.queue.central_desk import CentralDesk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from offline_queue.values import Alarm

KIOSK: Final = "hall-03"
REFUSED: Final = "refused"  # kind of item central rejects
LATER: Final = "later"  # kind of item central puts off once
RETRY_AFTER_S: Final = 60
START: Final = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
# Fixed, so that a disk recorded by one process is understood by another; tests/queue/corpora/ was made with them too.
_SEALING: Final = X25519PrivateKey.from_private_bytes(b"\x01" * 32)
_SIGNING: Final = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)


class ConflictError(Exception):
    """An identity came again with another body: a batch central answers with 422."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"seq {seq} came again with another body")
        self.seq = seq


class Central:
    """Custody and effects. ``objections`` are what a central must never see: it would answer 422 and raise an alarm."""

    def __init__(self) -> None:
        self.desk = CentralDesk(sealing=_SEALING, signing=_SIGNING)
        self.objections: list[str] = []
        self._put_off: set[wire.ItemId] = set()
        self._chains: dict[wire.ItemId, bytes] = {}

    def receive(self, raw: bytes, now: datetime) -> wire.Reply:
        """Take a batch in and return the signed answer, having gone over the wire's encoding both ways.

        Raises ``ConflictError`` and takes nothing in.
        """
        self.desk.now = now
        batch = wire.decode_batch(raw)
        for item_id, item in zip(batch.ids(), batch.items, strict=True):
            self._look(item_id, item)
        self.desk.stream = self._stream(batch)
        return wire.decode_reply(self.desk.honest(raw).body)

    def had(self, epoch: str, seq: int, lane: str, body: str, fingerprint: str) -> None:
        """Remember an item taken before the recording began; ``body`` is its text, ``fingerprint`` hex."""
        self.desk.taken[wire.ItemId(KIOSK, epoch, seq)] = bytes.fromhex(fingerprint)
        self.desk.effects.append((lane, seq, "case", body.encode()))

    def copy(self) -> Central:
        """Return a central that goes on from here on its own."""
        twin = copy.copy(self)
        twin.desk = dataclasses.replace(
            self.desk, effects=list(self.desk.effects), taken=dict(self.desk.taken), batches=[], verdict_of={}
        )
        twin.objections = list(self.objections)
        twin._put_off = set(self._put_off)
        twin._chains = dict(self._chains)
        return twin

    def _stream(self, batch: wire.Batch) -> wire.Stream:
        highest = max((one.seq for one in self.desk.taken if one.epoch == batch.epoch), default=0)
        regress = batch.last_epoch == batch.epoch and batch.last_seq < highest
        return wire.Stream(highest=highest, state=wire.StreamState.REGRESS if regress else wire.StreamState.OK)

    def _look(self, item_id: wire.ItemId, item: wire.Item) -> None:
        if self.desk.taken.get(item_id, item.fingerprint) != item.fingerprint:
            conflict = ConflictError(item.seq)
            self.objections.append(str(conflict))
            raise conflict
        if self._chains.get(dataclasses.replace(item_id, seq=item.seq - 1), item.chain_before) != item.chain_before:
            self.objections.append(f"seq {item.seq} does not follow the item central has before it")
        self._chains[item_id] = item.chain
        if item.kind == REFUSED:
            self.desk.verdict_of[item.seq] = (wire.Verdict.REJECTED, "service_unknown", None)
        elif item.kind == LATER and item_id not in self._put_off:
            self._put_off.add(item_id)
            self.desk.verdict_of[item.seq] = (wire.Verdict.DEFERRED, "busy", RETRY_AFTER_S)
        else:
            self.desk.verdict_of.pop(item.seq, None)


class HandClock:
    """Both clocks of a terminal, moved by hand. ``booted``: when its machine was started, in the same seconds."""

    def __init__(self, seconds: float = 0.0, *, booted: float = 0.0) -> None:
        self.seconds = seconds
        self.booted = booted

    def now(self) -> datetime:
        return datetime.fromtimestamp(START.timestamp() + self.seconds, UTC)

    def monotonic(self) -> float:
        return 10.0 + self.seconds - self.booted


async def open_outbox(path: Path, clock: HandClock, *, boot_id: str, on_alarm: Callable[[Alarm], None]) -> Outbox:
    """Open the real queue with the keys of this central."""
    return await Outbox.open(
        path,
        kiosk=KIOSK,
        central_key=_SEALING.public_key(),
        central_key_id="central-1",
        receipt_keys={"receipts-1": _SIGNING.public_key()},
        now=clock.now,
        monotonic=clock.monotonic,
        on_alarm=on_alarm,
        boot_id=boot_id,
    )
