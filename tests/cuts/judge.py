"""Start the real queue on a rebuilt disk, deliver everything, and hold it to what was promised before the cut."""

from __future__ import annotations

import asyncio
import collections
import hashlib
import itertools
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from offline_queue import wire
from offline_queue.errors import QueueError
from offline_queue.values import Alarm, AlarmCode, ItemState, Phase
from tests.cuts.central import Central, HandClock, open_outbox, settle
from tests.cuts.disk import Policy
from tests.cuts.scenario import DAY, NUMBER, QUEUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offline_queue.ledger import Ledger
    from offline_queue.outbox import Outbox
    from tests.cuts.disk import Content
    from tests.cuts.promises import Place, Promises

AFTER: Final = b"the first item after the cut"
_LATER_S: Final = 4 * 3600.0  # after a mere kill the same boot goes on: longer than anything is put off
_MAX_ROUNDS: Final = 500
_EXPECTED_ALARMS: Final = frozenset({AlarmCode.ITEM_QUARANTINED})


@dataclass
class Found:
    """What the restarted terminal and central show. Bodies are SHA-256 in hex."""

    error: str = ""  # the queue did not open, or broke while delivering
    epoch: str = ""
    at_start: dict[Place, ItemState] = field(default_factory=dict)  # of the acknowledged items
    at_end: dict[Place, ItemState] = field(default_factory=dict)
    effects: list[tuple[str, str]] = field(default_factory=list)  # lane, body, in central's order
    objections: list[str] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    number: int = 0  # the next one, drawn after the cut
    undelivered: int = 0


class Judge:
    """Holds a scratch folder and a loop for many cuts. A context manager."""

    def __init__(self) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="cuts-", dir=scratch_root()))
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.close()
        shutil.rmtree(self._scratch)

    def start(self, image: Mapping[str, Content], promises: Promises, policy: Policy) -> Found:
        """Write the disk, start the terminal, deliver all, put one more item, and say what was found."""
        shutil.rmtree(self._scratch)
        self._scratch.mkdir(mode=0o700)
        for name, content in image.items():
            with (self._scratch / name).open("wb", buffering=0) as file:
                file.write(content.data)
                file.truncate(content.size)
        found = Found()
        try:
            self._runner.run(self._live(found, promises, policy))
        except QueueError as error:
            found.error = str(error)
        return found

    async def _live(self, found: Found, promises: Promises, policy: Policy) -> None:
        killed = policy is Policy.KEPT
        clock = HandClock(_LATER_S if killed else 0.0)
        boot_id = "boot-1" if killed else "boot-2"
        central = promises.central.copy()
        outbox = await open_outbox(self._scratch / QUEUE, clock, boot_id=boot_id, on_alarm=found.alarms.append)
        try:
            found.epoch = outbox.epoch
            places = list(promises.acknowledged.values())
            found.at_start = await _states(outbox, places)
            found.number = await outbox.next_number(NUMBER, DAY)
            with outbox.begin_visit("after") as key:
                await outbox.put(key, "case", AFTER)
            await _drain(outbox, central)
            for place, state in (await _states(outbox, places)).items():
                if state.phase is Phase.QUARANTINED and state.receipt is None:
                    await _release(outbox, place.seq)
            clock.seconds += _LATER_S
            await _drain(outbox, central)
            found.at_end = await _states(outbox, places)
            found.undelivered = (await outbox.stats()).pending
        finally:
            await outbox.close()
            found.effects = [(lane, hashlib.sha256(body).hexdigest()) for lane, _, _, body in central.desk.effects]
            found.objections = central.objections


def violations(promises: Promises, found: Found) -> list[str]:
    """Return what was promised and not held, in words; empty: all held."""
    if found.error:
        return [f"the queue failed: {found.error}"]
    return [
        *(f"alarm {alarm.code} {alarm.detail} {alarm.seq}" for alarm in _unexpected(found)),
        *found.objections,
        *_lost(promises, found),
        *_doubled(promises, found),
        *_reordered(promises, found),
        *_forgotten(promises, found),
        *([f"number {found.number} was given before"] if found.number <= promises.highest_number else []),
        *([f"{found.undelivered} items never leave"] if found.undelivered else []),
    ]


def scratch_root() -> str | None:
    """Return the RAM disk where there is one: what is judged is the image, flushing it again would only take time."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of our own is made there, 0700


def _unexpected(found: Found) -> list[Alarm]:
    return [alarm for alarm in found.alarms if alarm.code not in _EXPECTED_ALARMS]


def _lost(promises: Promises, found: Found) -> list[str]:
    """Every acknowledged put is an effect or a signed rejection in quarantine, and not both."""
    done = {body for _, body in found.effects}
    words = []
    for body, place in promises.acknowledged.items():
        state = found.at_end[place]
        rejected = state.phase is Phase.QUARANTINED and state.receipt is not None
        if (body in done) == rejected:
            words.append(f"seq {place.seq} was acknowledged and is {'both' if rejected else 'lost'}")
        elif body in done and state.phase is not Phase.DELIVERED:
            words.append(f"seq {place.seq} had its effect and is {state.phase} for ever")
    return words


def _doubled(promises: Promises, found: Found) -> list[str]:
    """No body has two effects, and none that was never put has one."""
    words = []
    for body, count in collections.Counter(body for _, body in found.effects).items():
        if count > 1:
            words.append(f"{_name(promises, body)} had {count} effects")
        if body not in promises.begun and body != _AFTER_BODY:
            words.append("central had an effect of a body that was never put")
    if _AFTER_BODY not in {body for _, body in found.effects}:
        words.append("the item put after the cut did not arrive")
    return words


def _reordered(promises: Promises, found: Found) -> list[str]:
    """Within a lane effects come in the order of the puts."""
    lanes: dict[str, list[int]] = {}
    for lane, body in found.effects:
        if body in promises.begun:
            lanes.setdefault(lane, []).append(promises.begun[body].order)
    return [
        f"lane {lane}: put {two} came before put {one}"
        for lane, orders in lanes.items()
        for two, one in itertools.pairwise(orders)
        if two >= one
    ]


def _forgotten(promises: Promises, found: Found) -> list[str]:
    """Nothing that had returned is undone: receipts, rejections, what was set aside."""
    expected = (
        (promises.delivered, {Phase.DELIVERED}),
        (promises.rejected, {Phase.QUARANTINED}),
        (promises.held, {Phase.QUARANTINED}),
    )
    return [
        f"seq {place.seq} had been settled or set aside and is {found.at_start[place].phase} after the cut"
        for places, phases in expected
        for place in sorted(places & found.at_start.keys())
        if found.at_start[place].phase not in phases
    ]


def _name(promises: Promises, body: str) -> str:
    put = promises.begun.get(body)
    return "the item after the cut" if put is None else f"put {put.order} of lane {put.lane}"


async def _drain(outbox: Outbox, central: Central) -> None:
    for _ in range(_MAX_ROUNDS):
        batch = await outbox.take()
        if batch is None:
            return
        await settle(outbox, central.receive(wire.encode_batch(batch)))


async def _states(outbox: Outbox, places: list[Place]) -> dict[Place, ItemState]:
    def look(ledger: Ledger) -> dict[Place, ItemState]:
        return {place: ledger.item_state(place.seq) for place in places}

    return await outbox.read(look)


async def _release(outbox: Outbox, seq: int) -> None:
    await outbox.transact(lambda ledger: ledger.release(seq))


_AFTER_BODY: Final = hashlib.sha256(AFTER).hexdigest()
