"""Start the real queue on a rebuilt disk, deliver everything, and hold it to what was promised before the cut."""

from __future__ import annotations

import asyncio
import collections
import enum
import hashlib
import itertools
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from offline_queue import wire
from offline_queue.errors import QueueError
from offline_queue.values import Alarm, AlarmCode, ItemState, Phase
from tests.cuts.central import Central, ConflictError, HandClock, open_outbox
from tests.cuts.disk import Policy
from tests.cuts.scenario import DAY, NUMBER, QUEUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offline_queue.ledger import Ledger
    from offline_queue.outbox import Outbox
    from tests.cuts.disk import Content
    from tests.cuts.promises import Place, Promises

_AFTER: Final = b"the first item after the cut"
AFTER_BODY: Final = hashlib.sha256(_AFTER).hexdigest()
_LATER_S: Final = 4 * 3600.0  # longer than anything is put off: after a mere kill the same boot goes on
_ROUNDS: Final = 12  # more than a lane of a scenario has items
_MAX_ROUNDS: Final = 500
_EXPECTED: Final = frozenset({AlarmCode.ITEM_QUARANTINED})


class Wrong(enum.StrEnum):
    """What can be wrong after a cut."""

    LOST = "lost"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    UNDONE = "undone"  # a receipt, a rejection or a number given is no longer known
    BROKEN = "broken"  # the queue does not work, or raises an alarm over nothing


class Violation(NamedTuple):
    """One promise that was not held."""

    wrong: Wrong
    words: str


@dataclass
class Found:
    """What the restarted terminal and central show. Bodies are SHA-256 in hex."""

    error: str = ""  # the queue did not open, or broke while delivering
    epoch: str = ""  # after the first exchange with central
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
        write_image(image, self._scratch)
        found = Found()
        try:
            self._runner.run(self._live(found, promises, policy))
        except (QueueError, wire.WireError) as error:
            found.error = str(error)
        return found

    async def _live(self, found: Found, promises: Promises, policy: Policy) -> None:
        killed = policy is Policy.KEPT
        clock = HandClock(_LATER_S, booted=0.0 if killed else _LATER_S)
        boot_id = "boot-1" if killed else "boot-2"
        central = promises.central.copy()
        outbox = await open_outbox(self._scratch / QUEUE, clock, boot_id=boot_id, on_alarm=found.alarms.append)
        try:
            places = list(promises.acknowledged.values())
            found.at_start = await _states(outbox, places)
            found.number = await outbox.next_number(NUMBER, DAY)
            await _greet(outbox, central, clock)
            found.epoch = outbox.epoch
            with outbox.begin_visit("after") as key:
                await outbox.put(key, "case", _AFTER)
            await _drain(outbox, central, clock)
            for place, state in found.at_start.items():
                if state.phase is Phase.QUARANTINED and state.receipt is None:
                    await _release(outbox, place.seq)
            for _ in range(_ROUNDS):  # behind a held item there may be several, each put off once
                clock.seconds += _LATER_S
                await _drain(outbox, central, clock)
                if not (await outbox.stats()).pending:
                    break
            found.at_end = await _states(outbox, places)
            found.undelivered = (await outbox.stats()).pending
        finally:
            await outbox.close()
            found.effects = [(lane, hashlib.sha256(body).hexdigest()) for lane, _, _, body in central.desk.effects]
            found.objections = central.objections


def violations(promises: Promises, found: Found) -> list[Violation]:
    """Return what was promised and not held; empty: all held."""
    if found.error:
        return [Violation(Wrong.BROKEN, f"the queue failed: {found.error}")]
    said = {
        Wrong.LOST: _lost(promises, found),
        Wrong.DOUBLED: _doubled(promises, found),
        Wrong.REORDERED: _reordered(promises, found),
        Wrong.UNDONE: _undone(promises, found),
        Wrong.BROKEN: _broken(promises, found),
    }
    return [Violation(wrong, words) for wrong, all_words in said.items() for words in all_words]


def write_image(image: Mapping[str, Content], folder: Path) -> None:
    """Write the files of a disk."""
    for name, content in image.items():
        with (folder / name).open("wb", buffering=0) as file:
            file.write(content.data)
            file.truncate(content.size)


def scratch_root() -> str | None:
    """Return the RAM disk where there is one: what is judged is the image, flushing it again would only take time."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of our own is made there, 0700


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
    counted = collections.Counter(body for _, body in found.effects)
    return [f"{_name(promises, body)} had {count} effects" for body, count in counted.items() if count > 1]


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


def _undone(promises: Promises, found: Found) -> list[str]:
    """Nothing that had returned is undone: receipts, rejections, what was set aside, numbers given."""
    expected = (
        (promises.delivered, Phase.DELIVERED),
        (promises.rejected, Phase.QUARANTINED),
        (promises.held, Phase.QUARANTINED),
    )
    words = [
        f"seq {place.seq} was {phase} and is {found.at_start[place].phase} after the cut"
        for places, phase in expected
        for place in sorted(places & found.at_start.keys())
        if found.at_start[place].phase is not phase
    ]
    if found.number <= promises.highest_number:
        words.append(f"number {found.number} was given before")
    return words


def _broken(promises: Promises, found: Found) -> list[str]:
    words = [f"alarm {alarm.code} {alarm.detail} {alarm.seq}" for alarm in found.alarms if alarm.code not in _EXPECTED]
    words += found.objections
    words += [f"{found.undelivered} items never leave"] if found.undelivered else []
    bodies = {body for _, body in found.effects}
    words += [f"an effect of a body never put: {body}" for body in bodies - promises.begun.keys() - {AFTER_BODY}]
    return words + ([] if AFTER_BODY in bodies else ["the item put after the cut did not arrive"])


def _name(promises: Promises, body: str) -> str:
    put = promises.begun.get(body)
    return "the item after the cut" if put is None else f"put {put.order} of lane {put.lane}"


async def _greet(outbox: Outbox, central: Central, clock: HandClock) -> None:
    """Ask central where we stand, as the courier does before it sends anything."""
    greeting = await outbox.read(lambda ledger: ledger.greeting())
    await outbox.settle(central.receive(wire.encode_batch(greeting), clock.now()))


async def _drain(outbox: Outbox, central: Central, clock: HandClock) -> None:
    for _ in range(_MAX_ROUNDS):
        batch = await outbox.take()
        if batch is None:
            return
        try:
            reply = central.receive(wire.encode_batch(batch), clock.now())
        except ConflictError as conflict:
            await outbox.quarantine(conflict.seq, "http_422")
        else:
            await outbox.settle(reply)


async def _states(outbox: Outbox, places: list[Place]) -> dict[Place, ItemState]:
    def look(ledger: Ledger) -> dict[Place, ItemState]:
        return {place: ledger.item_state(place.seq) for place in places}

    return await outbox.read(look)


async def _release(outbox: Outbox, seq: int) -> None:
    await outbox.transact(lambda ledger: ledger.release(seq))
