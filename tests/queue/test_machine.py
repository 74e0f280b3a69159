"""Random lives of a queue against a model: order, verdicts, restarts, reboots, epochs, restores, clocks that jump."""

from __future__ import annotations

import asyncio
import dataclasses
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from offline_queue import wire
from offline_queue.settlement import BODIES_KEPT_S
from offline_queue.values import AlarmCode, Phase
from offline_queue.wire import Verdict
from tests.queue.central_desk import word
from tests.queue.conftest import Rig
from tests.queue.moves import look

if TYPE_CHECKING:
    from offline_queue.ledger import Ledger

LANES = ("v-1", "v-2", "v-3")


@dataclasses.dataclass
class Model:
    """One item as it should be."""

    item_id: wire.ItemId
    lane: str
    priority: int
    body: bytes
    phase: Phase = Phase.PENDING
    verdict: bool = False  # central has had the final word
    due: float = 0.0
    heard: float = 0.0  # central's time in the reply that delivered it


class Life(RuleBasedStateMachine):
    """``items`` is the model: seq -> what it should be."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.rig = Rig(Path(self.folder.name))
        self.starts = 0
        self.boot = 1
        self.items: dict[int, Model] = {}
        self.restored = 0.0
        self.reopen()

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.outbox.close())
            self.runner.close()
            self.folder.cleanup()

    def reopen(self) -> None:
        self.starts += 1
        self.outbox = self.runner.run(self.rig.open(boot_id=f"boot-{self.boot}"))

    def heads(self) -> list[int]:
        found: dict[str, int] = {}
        for seq, item in sorted(self.items.items()):
            if not item.verdict and item.lane not in found:
                found[item.lane] = seq if item.phase is Phase.PENDING else 0
        return [seq for seq in found.values() if seq]

    def ready(self, limit: int) -> list[int]:
        """Return what a batch should hold: due heads by priority and age, all of the epoch of the first."""
        due = [seq for seq in self.heads() if self.items[seq].due <= self.rig.time.mono]
        due = sorted(due, key=lambda seq: (self.items[seq].priority, seq))[:limit]
        return [seq for seq in due if self.items[seq].item_id.epoch == self.items[due[0]].item_id.epoch]

    def change(self, seq: int, phase: Phase, *, verdict: bool, due: float = 0.0) -> None:
        item = self.items[seq]
        item.phase, item.verdict, item.due = phase, verdict, due

    def expect(self, item_id: wire.ItemId, lane: str, priority: int, body: bytes) -> None:
        assert item_id == wire.ItemId("hall-03", self.outbox.epoch, len(self.items) + 1)
        self.items[item_id.seq] = Model(item_id, lane, priority, body)

    @rule(lane=st.sampled_from(LANES), priority=st.integers(0, 9), sizes=st.lists(st.integers(0, 3000), min_size=1))
    def put(self, lane: str, priority: int, sizes: list[int]) -> None:
        """Several items with one key, as a visit puts them; its lane is begun once in the life of the process."""
        lane = f"{lane}-{self.starts}"

        async def put() -> None:
            with self.outbox.begin_visit(lane) as key:
                for size in sizes[:4]:
                    body = bytes([size % 256]) * size
                    self.expect(await self.outbox.put(key, "case", body, priority=priority), lane, priority, body)

        self.runner.run(put())

    @rule(lane=st.sampled_from(LANES), count=st.integers(0, 3), turns=st.booleans())
    def transaction_that_fails_leaves_nothing(self, lane: str, count: int, *, turns: bool) -> None:
        key = self.outbox.begin_visit(f"{lane}-{self.starts}")
        epoch = self.outbox.epoch

        def half_done(ledger: Ledger) -> None:
            for _ in range(count):
                ledger.put(key, "case", b"never")
            if turns:
                ledger.new_epoch()
            ledger.next_number("slip", "2026-11-03")
            raise RuntimeError

        with pytest.raises(RuntimeError):
            self.runner.run(self.outbox.transact(half_done))
        key.drop()
        assert self.outbox.epoch == epoch
        assert look(self.rig, "SELECT count(*) FROM counter") == [(0,)]

    @rule(several=st.lists(st.sampled_from(LANES), min_size=2, max_size=5))
    def put_into_several_lanes_in_one_transaction(self, several: list[str]) -> None:
        keys = [self.outbox.begin_visit(f"{lane}-{self.starts}") for lane in several]

        def put(ledger: Ledger) -> list[wire.ItemId]:
            return [ledger.put(key, "case", b"x") for key in keys]

        for key, item_id in zip(keys, self.runner.run(self.outbox.transact(put)), strict=True):
            self.expect(item_id, key.lane, 5, b"x")
            key.drop()

    @rule(limit=st.integers(1, 5), verdict=st.sampled_from(Verdict), wait=st.integers(0, 500), forged=st.booleans())
    def deliver(self, limit: int, verdict: Verdict, wait: int, *, forged: bool) -> None:
        batch = self.runner.run(self.outbox.take(limit=limit))
        expected = self.ready(limit)
        assert (list(batch.ids()) if batch else []) == [self.items[seq].item_id for seq in sorted(expected)]
        if batch is None:
            return
        wire.check_chain(wire.decode_batch(wire.encode_batch(batch)))
        for item in batch.items:
            body = wire.open_item(self.rig.central.sealing, batch.kiosk, batch.epoch, item)
            assert body == self.items[item.seq].body
        more = {"reason": "" if verdict in {Verdict.ACCEPTED, Verdict.DUPLICATE} else "some.reason"}
        extra = {Verdict.DEFERRED: {"retry_after_s": wait}, Verdict.DUPLICATE: {"first_verdict": Verdict.ACCEPTED}}
        words = [word(item, verdict, **more, **extra.get(verdict, {})) for item in batch.items]
        if forged:
            words = [one._replace(fingerprint=bytes(32)) for one in words]
        settlement = self.runner.run(self.outbox.settle(self.rig.central.reply(batch, words)))
        assert len(settlement.refused) == (len(words) if forged else 0)
        for seq in [] if forged else expected:
            if verdict is Verdict.DEFERRED:
                self.change(seq, Phase.PENDING, verdict=False, due=self.rig.time.mono + wait)
            else:
                phase = Phase.QUARANTINED if verdict is Verdict.REJECTED else Phase.DELIVERED
                self.change(seq, phase, verdict=True)
                self.items[seq].heard = self.rig.time.true.timestamp()

    @precondition(lambda self: self.heads())
    @rule(data=st.data())
    def quarantine(self, data: st.DataObject) -> None:
        seq = data.draw(st.sampled_from(self.heads()))
        self.runner.run(self.outbox.quarantine(seq, "http_422"))
        self.change(seq, Phase.QUARANTINED, verdict=False)

    @precondition(lambda self: any(item.phase is Phase.QUARANTINED for item in self.items.values()))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        held = [seq for seq, item in self.items.items() if item.phase is Phase.QUARANTINED]
        seq = data.draw(st.sampled_from(held))
        lane = self.items[seq].lane
        behind = [other for other, item in self.items.items() if item.lane == lane and other > seq]
        assert self.runner.run(self.outbox.transact(lambda ledger: ledger.release(seq)))
        self.change(seq, Phase.PENDING, verdict=False)
        for other in behind:
            self.items[other].due = 0.0  # the ready one steps back, and what it had waited for is forgotten

    @rule(seconds=st.integers(0, 300), jump=st.integers(-100_000, 100_000))
    def pass_time(self, seconds: int, jump: int) -> None:
        self.rig.time.advance(seconds)
        self.rig.time.wall += timedelta(seconds=jump)

    @rule(days=st.integers(0, 9))
    def tidy_after_days(self, days: int) -> None:
        self.rig.time.advance(days * 86400)
        self.runner.run(self.outbox.tidy())

    @rule()
    def epoch_begins(self) -> None:
        before = self.outbox.epoch
        self.runner.run(self.outbox.transact(lambda ledger: ledger.new_epoch()))
        self.runner.run(asyncio.sleep(0))
        assert self.outbox.epoch != before

    @rule(highest=st.integers(0, 60))
    def central_has_seen_later_items(self, highest: int) -> None:
        """Force a new epoch when central says so of the present one, and only once."""
        before = self.outbox.epoch
        stream = wire.Stream(highest=highest, state=wire.StreamState.REGRESS)
        self.greet(stream)
        turned = self.outbox.epoch
        self.greet(stream, epoch=before)  # a replay of the same
        assert self.outbox.epoch == turned != before

    @rule(ago=st.integers(0, 400_000))
    def central_is_restored(self, ago: int) -> None:
        """Send again what central receipted after the moment it was set back to; a replay changes nothing."""
        since = self.rig.time.true - timedelta(seconds=ago)
        self.rig.alarms.clear()
        self.greet(wire.Stream(restored=since))
        if since.timestamp() != self.restored:
            self.restored = since.timestamp()
            kept = {seq for (seq,) in look(self.rig, "SELECT seq FROM outbox")}
            lost = [s for s, i in self.items.items() if i.phase is Phase.DELIVERED and i.heard > since.timestamp()]
            for seq in set(lost) & kept:
                self.change(seq, Phase.PENDING, verdict=False)
                for other, item in self.items.items():
                    item.due = 0.0 if item.lane == self.items[seq].lane and other > seq else item.due
            without = [alarm.seq for alarm in self.rig.alarms if alarm.code is AlarmCode.RECEIPT_WITHOUT_BODY]
            assert without == sorted(set(lost) - kept)
        self.greet(wire.Stream(restored=since))

    def greet(self, stream: wire.Stream, **fields: str) -> None:
        greeting = self.runner.run(self.outbox.read(lambda ledger: ledger.greeting()))
        answer = self.rig.central.reply(greeting, [], stream=stream, **fields)
        assert not self.runner.run(self.outbox.settle(answer)).refused
        self.runner.run(asyncio.sleep(0))

    @rule(reboot=st.booleans())
    def restart(self, *, reboot: bool) -> None:
        self.runner.run(self.outbox.close())
        if reboot:
            self.boot += 1
            self.rig.time.mono = 10.0
            for item in self.items.values():
                item.due = 0.0
        self.reopen()

    @invariant()
    def figures_and_states_agree(self) -> None:
        if not hasattr(self, "outbox"):
            return
        stats = self.runner.run(self.outbox.stats())
        phases = [item.phase for item in self.items.values()]
        assert (stats.pending, stats.quarantined) == (phases.count(Phase.PENDING), phases.count(Phase.QUARANTINED))
        sizes = [len(item.body) + wire.SEAL_BYTES for item in self.items.values() if item.phase is Phase.PENDING]
        assert stats.pending_bytes == sum(sizes)
        assert stats.last_seq == len(self.items)
        for item in self.items.values():
            assert self.runner.run(self.outbox.state(item.item_id)).phase is item.phase

    @invariant()
    def no_body_goes_before_its_time(self) -> None:
        if not hasattr(self, "outbox"):
            return
        kept = {seq for (seq,) in look(self.rig, "SELECT seq FROM outbox")}
        for seq, item in self.items.items():
            young = self.rig.time.true.timestamp() - item.heard < BODIES_KEPT_S
            assert seq in kept or (item.phase is Phase.DELIVERED and not young)

    @invariant()
    def nothing_alarms_a_history_that_is_whole(self) -> None:
        if hasattr(self, "rig"):
            assert AlarmCode.HISTORY_LOST not in {alarm.code for alarm in self.rig.alarms}


Life.TestCase.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLife = Life.TestCase
