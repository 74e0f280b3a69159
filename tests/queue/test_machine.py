"""Random lives of a queue against a model: order, verdicts, restarts, reboots, clocks that jump."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from offline_queue import wire
from offline_queue.values import Phase
from offline_queue.wire import Verdict
from tests.queue.conftest import Rig

LANES = ("v-1", "v-2", "v-3")


class Life(RuleBasedStateMachine):
    """``items`` is the model: seq -> [lane, priority, phase, has a verdict, due]."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.rig = Rig(Path(self.folder.name))
        self.boot = 1
        self.items: dict[int, tuple[str, int, Phase, bool, float]] = {}
        self.chain = b""
        self.reopen()

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.outbox.close())
            self.runner.close()
            self.folder.cleanup()

    def reopen(self) -> None:
        self.outbox = self.runner.run(self.rig.open(boot_id=f"boot-{self.boot}"))

    def heads(self) -> list[int]:
        found: dict[str, int] = {}
        for seq, (lane, _, phase, verdict, _) in sorted(self.items.items()):
            if not verdict and lane not in found:
                found[lane] = seq if phase is Phase.PENDING else 0
        return [seq for seq in found.values() if seq]

    def ready(self) -> list[int]:
        mono = self.rig.time.mono
        due = [seq for seq in self.heads() if self.items[seq][4] <= mono]
        return sorted(due, key=lambda seq: (self.items[seq][1], seq))

    def change(self, seq: int, phase: Phase, *, verdict: bool, due: float = 0.0) -> None:
        lane, priority, *_ = self.items[seq]
        self.items[seq] = (lane, priority, phase, verdict, due)

    @rule(lane=st.sampled_from(LANES), priority=st.integers(0, 9), size=st.integers(0, 3000))
    def put(self, lane: str, priority: int, size: int) -> None:
        async def put() -> wire.ItemId:
            with self.outbox.begin_visit(lane) as key:
                return await self.outbox.put(key, "case", bytes(size), priority=priority)

        seq = self.runner.run(put()).seq
        assert seq == len(self.items) + 1
        self.items[seq] = (lane, priority, Phase.PENDING, False, 0.0)

    @rule(limit=st.integers(1, 3), verdict=st.sampled_from(Verdict), wait=st.integers(0, 500), forged=st.booleans())
    def deliver(self, limit: int, verdict: Verdict, wait: int, *, forged: bool) -> None:
        batch = self.runner.run(self.outbox.take(limit=limit))
        expected = self.ready()[:limit]
        assert (list(batch.ids()) if batch else []) == [
            wire.ItemId("hall-03", self.outbox.epoch, seq) for seq in sorted(expected)
        ]
        if batch is None:
            return
        wire.check_chain(batch)
        receipts = [
            self.rig.central.sign(
                item_id,
                bytes(32) if forged else item.fingerprint,
                verdict,
                reason="" if verdict in {Verdict.ACCEPTED, Verdict.DUPLICATE} else "some.reason",
                retry_after_s=wait if verdict is Verdict.DEFERRED else None,
                first_verdict=Verdict.ACCEPTED if verdict is Verdict.DUPLICATE else None,
            )
            for item_id, item in zip(batch.ids(), batch.items, strict=True)
        ]
        settlement = self.runner.run(self.outbox.settle(receipts))
        assert len(settlement.refused) == (len(receipts) if forged else 0)
        for seq in [] if forged else expected:
            if verdict is Verdict.DEFERRED:
                self.change(seq, Phase.PENDING, verdict=False, due=self.rig.time.mono + wait)
            else:
                phase = Phase.QUARANTINED if verdict is Verdict.REJECTED else Phase.DELIVERED
                self.change(seq, phase, verdict=True)

    @precondition(lambda self: self.heads())
    @rule(data=st.data())
    def quarantine(self, data: st.DataObject) -> None:
        seq = data.draw(st.sampled_from(self.heads()))
        self.runner.run(self.outbox.quarantine(seq, "http_422"))
        self.change(seq, Phase.QUARANTINED, verdict=False)

    @precondition(lambda self: any(phase is Phase.QUARANTINED for _, _, phase, _, _ in self.items.values()))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        held = [seq for seq, item in self.items.items() if item[2] is Phase.QUARANTINED]
        seq = data.draw(st.sampled_from(held))
        assert self.runner.run(self.outbox.transact(lambda ledger: ledger.release(seq)))
        self.change(seq, Phase.PENDING, verdict=False)

    @rule(seconds=st.integers(0, 300), jump=st.integers(-100_000, 100_000))
    def pass_time(self, seconds: int, jump: int) -> None:
        self.rig.time.advance(seconds)
        self.rig.time.wall += timedelta(seconds=jump)

    @rule(reboot=st.booleans())
    def restart(self, *, reboot: bool) -> None:
        self.runner.run(self.outbox.close())
        if reboot:
            self.boot += 1
            self.rig.time.mono = 10.0
            for seq, item in self.items.items():
                self.items[seq] = (*item[:4], 0.0)
        self.reopen()

    @invariant()
    def figures_and_states_agree(self) -> None:
        if not hasattr(self, "outbox"):
            return
        stats = self.runner.run(self.outbox.stats())
        phases = [item[2] for item in self.items.values()]
        assert (stats.pending, stats.quarantined) == (phases.count(Phase.PENDING), phases.count(Phase.QUARANTINED))
        assert stats.last_seq == len(self.items)
        for seq, item in self.items.items():
            state = self.runner.run(self.outbox.state(wire.ItemId("hall-03", self.outbox.epoch, seq)))
            assert state.phase is item[2]


Life.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLife = Life.TestCase
