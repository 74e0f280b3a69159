"""A queue carried by hand: valid batches in order, whole files or none, nothing lost, doubled or overtaken."""

from __future__ import annotations

import asyncio
import json
import stat
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kiosk.carry import delivery as carry
from kiosk.carry import file as carry_file
from kiosk.carry import plan as carry_plan
from kiosk.carry.file import CarryError, Head
from offline_queue import wire
from offline_queue.link import Answer, LinkDown
from tests.queue.central_desk import JSON

if TYPE_CHECKING:
    from pathlib import Path

    from kiosk.carry.delivery import Delivery
    from kiosk.carry.file import CarryFile
    from offline_queue.outbox import Outbox
    from tests.queue.conftest import Rig

KEY = ec.generate_private_key(ec.SECP256R1())


def sign(head: bytes) -> bytes:
    return wire.sign(KEY, head)


async def fill(outbox: Outbox, *lanes: str, size: int = 40, priority: int = 5) -> None:
    """Put one item for each name; a name that comes again goes on in its lane."""
    keys = {lane: outbox.begin_visit(lane) for lane in lanes}
    for number, lane in enumerate(lanes):
        await outbox.put(keys[lane], "case", json.dumps([number]).encode().ljust(size), priority=priority)


async def export(rig: Rig, outbox: Outbox, path: Path) -> carry_plan.Plan:
    """Do as the command does, with the open outbox."""

    def work(ledger: Any) -> carry_plan.Plan:
        plan, head = carry_plan.plan(ledger), ledger.load_head()
        first = Head(
            format=carry_file.QUEUE, kiosk=head.kiosk, epoch=head.epoch, created=rig.time.wall, count=plan.count
        )
        carry_file.write(path, first, carry_plan.signed_batches(ledger, plan.batches, sign))
        return plan

    return await outbox.read(work)


async def hand_in(rig: Rig, path: Path, **changes: Any) -> Delivery:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    keys = {"receipts-1": rig.central.signing.public_key()}
    arguments: dict[str, Any] = {"send": rig.central.send, "keys": keys, "sleep": sleep} | changes
    return await carry.deliver(carry_file.read(path), **arguments)


def batches(path: Path) -> list[wire.Batch]:
    file = carry_file.read(path)
    return [carry.read_batch(file, number, raw) for number, raw in file.lines()]


async def settle(outbox: Outbox, delivery: Delivery) -> None:
    for raw in delivery.replies.values():
        assert not (await outbox.settle(wire.decode_reply(raw))).refused


async def test_every_batch_is_valid_and_lanes_keep_their_order(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, *(["long"] * 3), *(f"lane{number}" for number in range(120)), "lane5")
    plan = await export(rig, outbox, tmp_path / "q.tbq")
    found = batches(tmp_path / "q.tbq")
    assert (plan.count, plan.stays) == (124, [])
    assert [batch.count for batch in found] == [50, 50, 21, 2, 1]
    for batch in found:
        wire.verify_batch(KEY.public_key(), batch)
        assert len({item.lane for item in batch.items}) == batch.count
        assert sum(len(item.body) for item in batch.items) <= wire.MAX_BATCH_BYTES
        assert (batch.last_seq, batch.last_epoch) == (124, outbox.epoch)
    order = [item.seq for batch in found for item in batch.items if item.lane == "long"]
    assert order == [1, 2, 3]
    assert (await outbox.stats()).pending == 124


async def test_large_bodies_travel_alone(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, "a", "b", "c", size=wire.MAX_BATCH_BYTES + 1)
    await fill(outbox, "d", "e", "f", size=wire.MAX_BATCH_BYTES // 2 - 100)
    await export(rig, outbox, tmp_path / "q.tbq")
    assert [[item.seq for item in batch.items] for batch in batches(tmp_path / "q.tbq")] == [[1], [2], [3], [4, 5], [6]]


async def test_items_of_two_epochs_never_share_a_batch(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, "a", "b")
    before = outbox.epoch
    await outbox.transact(lambda ledger: ledger.new_epoch())
    await fill(outbox, "c", "d")
    await export(rig, outbox, tmp_path / "q.tbq")
    found = batches(tmp_path / "q.tbq")
    assert [(batch.epoch == before, [item.seq for item in batch.items]) for batch in found] == [
        (True, [1, 2]),
        (False, [3, 4]),
    ]
    await settle(outbox, await hand_in(rig, tmp_path / "q.tbq"))
    assert (await outbox.stats()).pending == 0


async def test_what_is_set_aside_stays_with_all_that_stands_behind_it(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, "a", "b", "a", "c")
    await outbox.quarantine(1, "http_422")
    plan = await export(rig, outbox, tmp_path / "q.tbq")
    assert (plan.stays, plan.count) == ([1, 3], 2)
    assert [item.seq for batch in batches(tmp_path / "q.tbq") for item in batch.items] == [2, 4]


async def test_carried_twice_and_home_twice_is_the_same_as_once(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, "a", "b", "a")
    await export(rig, outbox, tmp_path / "q.tbq")
    first = await hand_in(rig, tmp_path / "q.tbq")
    assert first.verdicts[wire.Verdict.ACCEPTED] == 3
    again = await hand_in(rig, tmp_path / "q.tbq")
    assert again.verdicts[wire.Verdict.DUPLICATE] == 3
    assert len(rig.central.effects) == 3
    for delivery in (again, first, again):
        await settle(outbox, delivery)
        assert (await outbox.stats()).pending == 0
    assert rig.alarms == []


async def test_the_terminal_sends_itself_before_the_stick_arrives(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, "a", "b", "a")
    await export(rig, outbox, tmp_path / "q.tbq")
    async with rig.running(rig.courier(outbox)):
        await rig.pending(outbox, 0)
    effects = list(rig.central.effects)
    late = await hand_in(rig, tmp_path / "q.tbq")
    assert late.verdicts[wire.Verdict.DUPLICATE] == 3
    assert rig.central.effects == effects
    await settle(outbox, late)
    assert ((await outbox.stats()).pending, rig.alarms) == (0, [])


async def test_a_lane_stops_at_an_item_central_puts_off(rig: Rig, tmp_path: Path) -> None:
    """What follows in the lane would overtake; what travels in one signed batch with it cannot be sent without it."""
    outbox = await rig.open()
    await fill(outbox, "a", "b", "a", "b", "c", "a")
    await export(rig, outbox, tmp_path / "q.tbq")
    rig.central.verdict_of[1] = (wire.Verdict.DEFERRED, "busy", 60)
    found = await hand_in(rig, tmp_path / "q.tbq")
    assert [seq for _, seq, _, _ in rig.central.effects] == [2, 5]
    assert (found.not_sent, found.verdicts[wire.Verdict.DEFERRED]) == (3, 1)
    rig.central.verdict_of.clear()
    found = await hand_in(rig, tmp_path / "q.tbq")
    assert sorted(seq for _, seq, _, _ in rig.central.effects) == [1, 2, 3, 4, 5, 6]
    assert [seq for lane, seq, _, _ in rig.central.effects if lane == "a"] == [1, 3, 6]
    await settle(outbox, found)
    assert (await outbox.stats()).pending == 0


async def test_a_refused_batch_is_named_and_others_go_on(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, "a", "a", *(f"lane{number}" for number in range(60)))
    await export(rig, outbox, tmp_path / "q.tbq")
    rig.central.script.append(lambda _: Answer(422, JSON, b'{"detail":{"code":"intake.chain_fork"}}'))
    found = await hand_in(rig, tmp_path / "q.tbq")
    assert found.refused == ["line 2: http_422 intake.chain_fork"]
    assert found.verdicts[wire.Verdict.ACCEPTED] == 11  # the second of the first wave
    assert found.not_sent == 1  # the second of lane a


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(503, JSON, b"{}"), "http_503"),
        (Answer(403, JSON, b'{"detail":{"code":"key_missing"}}'), "key_missing"),
        (Answer(302, "text/html", b"<html>"), "http_302"),
        (Answer(200, JSON, b"{}"), "reply"),
    ],
)
async def test_a_line_in_trouble_ends_the_run_and_keeps_what_came_before(
    rig: Rig, tmp_path: Path, answer: Answer, said: str
) -> None:
    outbox = await rig.open()
    await fill(outbox, *(f"lane{number}" for number in range(120)))
    await export(rig, outbox, tmp_path / "q.tbq")
    rig.central.script += [rig.central.honest, lambda _: answer]
    found = await hand_in(rig, tmp_path / "q.tbq")
    assert (found.trouble, found.not_sent, len(found.replies)) == (said, 70, 1)
    await settle(outbox, found)
    assert (await outbox.stats()).pending == 70


async def test_a_line_that_is_cut_ends_the_run(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, "a")
    await export(rig, outbox, tmp_path / "q.tbq")

    async def cut(_: bytes) -> Answer:
        raise LinkDown("ConnectionError")

    assert (await hand_in(rig, tmp_path / "q.tbq", send=cut)).trouble == "ConnectionError"


async def test_words_by_somebody_else_are_not_kept(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, "a")
    await export(rig, outbox, tmp_path / "q.tbq")
    found = await hand_in(rig, tmp_path / "q.tbq", keys={"receipts-1": KEY.public_key()})
    assert (found.trouble, found.replies) == ("reply", {})


async def test_a_reply_about_other_items_is_not_kept(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, "a", "b")
    await export(rig, outbox, tmp_path / "q.tbq")

    def other(body: bytes) -> Answer:
        batch = wire.decode_batch(body)
        words = [wire.Word(9, wire.Verdict.ACCEPTED, bytes(32))]
        return Answer(200, JSON, wire.encode_reply(rig.central.reply(batch, words)))

    rig.central.script.append(other)
    assert (await hand_in(rig, tmp_path / "q.tbq")).trouble == "another_batch"


async def test_central_without_credit_is_given_time(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, "a", "a")
    await export(rig, outbox, tmp_path / "q.tbq")
    rig.central.credit = 0
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    await hand_in(rig, tmp_path / "q.tbq", sleep=sleep)
    assert slept == [carry.CREDIT_PAUSE_S] * 2


async def test_a_cut_or_altered_file_is_named_and_refused(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, "a", "b", "a")
    path, other = tmp_path / "q.tbq", tmp_path / "other.tbq"
    await export(rig, outbox, path)
    whole = path.read_bytes()
    for end in range(0, len(whole), 97):
        other.write_bytes(whole[:end])
        with pytest.raises(CarryError, match=r"other\.tbq"):
            carry_file.read(other)
    for at in range(0, len(whole), 61):
        changed = bytearray(whole)
        changed[at] ^= 1
        other.write_bytes(changed)
        with pytest.raises(CarryError, match=r"other\.tbq"):
            carry_file.read(other)
    lines = whole.splitlines(keepends=True)
    for missing in range(len(lines)):
        other.write_bytes(b"".join(lines[:missing] + lines[missing + 1 :]))
        with pytest.raises(CarryError, match=r"other\.tbq"):
            carry_file.read(other)
    assert carry_file.read(path).head.count == 3


async def test_a_file_made_anew_around_an_altered_item_is_refused_by_line(rig: Rig, tmp_path: Path) -> None:
    outbox = await rig.open()
    await fill(outbox, "a", "a")
    path, forged = tmp_path / "q.tbq", tmp_path / "forged.tbq"
    await export(rig, outbox, path)
    file = carry_file.read(path)
    lines = [raw for _, raw in file.lines()]
    batch = json.loads(lines[1])
    batch["items"][0]["priority"] = 0
    carry_file.write(forged, file.head, [lines[0], json.dumps(batch).encode()])
    with pytest.raises(CarryError, match="line 3 is not what a terminal wrote"):
        await hand_in(rig, forged)


def test_a_file_is_never_written_over_and_its_owner_alone_reads_it(rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "q.tbq"
    head = Head(format=carry_file.QUEUE, kiosk="K1", epoch="ab" * 16, created=rig.time.wall, count=0)
    carry_file.write(path, head, [b"one"])
    before = path.read_bytes()
    with pytest.raises(CarryError, match="is there already"):
        carry_file.write(path, head, [b"two"])
    assert path.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["q.tbq"]


def test_a_write_that_fails_leaves_nothing_behind(rig: Rig, tmp_path: Path) -> None:
    def broken() -> Any:
        yield b"one"
        raise OSError(28, "No space left on device")

    head = Head(format=carry_file.QUEUE, kiosk="K1", epoch="ab" * 16, created=rig.time.wall, count=0)
    with pytest.raises(CarryError, match="No space left on device"):
        carry_file.write(tmp_path / "q.tbq", head, broken())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"hello", b"\x00" * 2000, b'{"format":"tongban/queue/9"}\n'])
def test_what_is_no_such_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(content)
    with pytest.raises(CarryError, match=r"holiday\.jpg"):
        carry_file.read(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CarryError, match="No such file"):
        carry_file.read(tmp_path / "none.tbq")


def test_nothing_readable_is_in_what_is_carried(rig: Rig, tmp_path: Path) -> None:
    """The bodies were sealed when they were put; here only that the file has no field beside the wire's."""
    file: CarryFile
    head = Head(format=carry_file.QUEUE, kiosk="K1", epoch="ab" * 16, created=rig.time.wall, count=0)
    carry_file.write(tmp_path / "q.tbq", head, [])
    file = carry_file.read(tmp_path / "q.tbq")
    assert set(json.loads(file.path.read_bytes().splitlines()[0])) == {
        "format",
        "kiosk",
        "epoch",
        "created",
        "count",
        "of",
    }
