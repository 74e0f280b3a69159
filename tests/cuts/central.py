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

    from offline_queue.values import Alarm, Settlement

KIOSK: Final = "hall-03"
REFUSED: Final = "refused"  # kind of item central rejects
LATER: Final = "later"  # kind of item central puts off once
RETRY_AFTER_S: Final = 60
_START: Final = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
# Fixed, so that a disk recorded by one process is understood by another; tests/queue/corpora/ was made with them too.
_SEALING: Final = X25519PrivateKey.from_private_bytes(b"\x01" * 32)
_SIGNING: Final = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)


class Central:
    """Custody and effects. ``objections`` are what a central must never see: it would answer 422 and raise an alarm."""

    def __init__(self) -> None:
        self.desk = CentralDesk(sealing=_SEALING, signing=_SIGNING)
        self.objections: list[str] = []
        self._put_off: set[wire.ItemId] = set()
        self._chains: dict[wire.ItemId, bytes] = {}

    def receive(self, raw: bytes) -> wire.Reply:
        """Take a batch in and return the signed answer, having gone over the wire's encoding both ways."""
        batch = wire.decode_batch(raw)
        for item_id, item in zip(batch.ids(), batch.items, strict=True):
            self._look(item_id, item)
        return wire.decode_reply(self.desk.honest(raw).body)

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

    def _look(self, item_id: wire.ItemId, item: wire.Item) -> None:
        if self.desk.taken.get(item_id, item.fingerprint) != item.fingerprint:
            self.objections.append(f"seq {item.seq} came again with another body")
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
    """Both clocks of a terminal, moved by hand."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(_START.timestamp() + self.seconds, UTC)

    def monotonic(self) -> float:
        return 1000.0 + self.seconds


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


async def settle(outbox: Outbox, reply: wire.Reply) -> Settlement:
    """Give central's answer to the queue."""
    return await outbox.settle(reply.receipts)
