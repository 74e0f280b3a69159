"""The power goes around a delivery: one effect for each item, and a batch is settled whole or not at all."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from offline_queue import wire
from offline_queue.values import Phase
from tests.cuts.central import LATER, REFUSED
from tests.cuts.disk import Policy
from tests.cuts.promises import Place
from tests.cuts.replay import Cut, all_hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cuts.judge import Judge
    from tests.cuts.replay import Recording

SCENARIO, SEED = "mixed", 12


def batches(recording: Recording) -> Iterator[tuple[set[Place], range, range]]:
    """Yield the accepted places of each batch with an answer, the span from sending to settling, and of settling."""
    settlings = list(recording.spans("settle"))
    for at, words in recording.marks():
        if "sent" in words:
            batch = wire.decode_batch(base64.b64decode(words["sent"]))
            places = {Place(batch.epoch, one.seq) for one in batch.items if one.kind not in {REFUSED, LATER}}
            answered = next((span for span in settlings if span.start > at), None)
            if answered is not None and answered.start == at + 2:  # the next mark: this answer was not lost
                yield places, range(at + 1, answered.start), answered


def test_fault_03_cut_between_send_and_answer(recorded: Callable[[str, int], Recording], judge: Judge) -> None:
    recording = recorded(SCENARIO, SEED)
    for places, on_its_way, _ in batches(recording):
        cuts = [Cut(instant, policy, instant) for instant in on_its_way for policy in Policy]
        for judged in all_hold(recording, cuts, judge):
            receipts = [judged.found.at_end[place].receipt for place in places]
            assert {one.word.verdict for one in receipts if one is not None} <= {wire.Verdict.DUPLICATE}
            assert None not in receipts


def test_fault_04_cut_between_answer_and_local_commit(recorded: Callable[[str, int], Recording], judge: Judge) -> None:
    recording = recorded(SCENARIO, SEED)
    for places, _, settling in batches(recording):
        cuts = [Cut(instant, Policy.LOST) for instant in range(settling.start, recording.flushes(settling)[0])]
        for judged in all_hold(recording, cuts[::2], judge):
            for place in places:
                receipt = judged.found.at_end[place].receipt
                assert receipt is not None
                assert receipt.word.verdict is wire.Verdict.DUPLICATE


def test_fault_07_cut_during_batched_settlement(recorded: Callable[[str, int], Recording], judge: Judge) -> None:
    recording = recorded(SCENARIO, SEED)
    outcomes: set[bool] = set()
    for places, _, settling in batches(recording):
        cuts = [Cut(instant, policy, instant) for instant in settling[::3] for policy in Policy]
        for judged in all_hold(recording, cuts, judge):
            settled = {judged.found.at_start[place].phase is Phase.DELIVERED for place in places}
            assert len(settled) <= 1  # all of the batch, or nothing
            outcomes |= settled
    assert outcomes == {True, False}
