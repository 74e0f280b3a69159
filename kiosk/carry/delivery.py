"""Carrying a queue by hand: what waits goes into a file as signed batches, central's replies come home in another.

Nothing leaves the queue by an export: an item is settled by central's signed reply alone, whichever way it came. So
both ways may be used together, and each step may be done twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kiosk.carry.file import CarryError
from offline_queue import wire
from offline_queue.link import BatchRefused, LinkError, LinkUntrusted, check_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from kiosk.carry.file import CarryFile
    from offline_queue.link import Send

CREDIT_PAUSE_S: Final = 5.0  # central gives no credit: it has enough to do


@dataclass(slots=True)
class Delivery:
    """What became of a file at central: verdicts, batches refused and why, items not sent, central's replies."""

    verdicts: dict[wire.Verdict, int] = field(default_factory=lambda: dict.fromkeys(wire.Verdict, 0))
    refused: list[str] = field(default_factory=list)
    not_sent: int = 0
    trouble: str = ""  # the line's: what follows was not tried
    replies: dict[tuple[str, int], bytes] = field(default_factory=dict)


async def deliver(
    file: CarryFile, send: Send, keys: Mapping[str, wire.PublicKey], sleep: Callable[[float], Awaitable[None]]
) -> Delivery:
    """Post each batch in order. A lane stops where an item of it got no verdict, and all that travels with its rest."""
    done, stopped = Delivery(), set[str]()
    for number, raw in file.lines():
        batch = read_batch(file, number, raw)
        lanes = {item.lane for item in batch.items}
        if done.trouble or lanes & stopped:  # a signed batch goes whole or not at all
            stopped |= lanes
            done.not_sent += batch.count
            continue
        try:
            reply = await _exchange(send, batch, raw, keys)
        except BatchRefused as refusal:
            stopped |= lanes
            done.refused.append(f"line {number}: {refusal.reason}")
            continue
        except LinkError as error:
            done.trouble = error.reason
            done.not_sent += batch.count
            continue
        for word in reply.words:
            done.verdicts[word.verdict] += 1
        named = {word.seq for word in reply.words if word.verdict is not wire.Verdict.DEFERRED}
        stopped |= {item.lane for item in batch.items if item.seq not in named}
        if reply.words:
            done.replies[batch.epoch, min(word.seq for word in reply.words)] = wire.encode_reply(reply)
        await sleep(0.0 if reply.credit else CREDIT_PAUSE_S)
    return done


def read_batch(file: CarryFile, number: int, raw: bytes) -> wire.Batch:
    """Read and check one line. Raises ``CarryError`` naming it."""
    try:
        batch = wire.decode_batch(raw)
        wire.check_chain(batch)
    except wire.WireError as error:
        raise CarryError(f"{file.path}: line {number} is not what a terminal wrote: {error}; export again") from None
    if batch.kiosk != file.head.kiosk:
        raise CarryError(f"{file.path}: line {number} is of another terminal than the head says; export again")
    return batch


def replies(file: CarryFile) -> Iterator[tuple[int, wire.Reply]]:
    """Yield number and reply of each line. Raises ``CarryError`` for a line that is none."""
    for number, raw in file.lines():
        try:
            yield number, wire.decode_reply(raw)
        except wire.WireError as error:
            raise CarryError(f"{file.path}: line {number} is no reply of central: {error}; import again") from None


def encoded_replies(file: CarryFile) -> dict[tuple[str, int], bytes]:
    """Return the replies of a file as :attr:`Delivery.replies` has them. Raises ``CarryError``."""
    found = replies(file)
    return {(one.epoch, min(word.seq for word in one.words)): wire.encode_reply(one) for _, one in found if one.words}


async def _exchange(send: Send, batch: wire.Batch, raw: bytes, keys: Mapping[str, wire.PublicKey]) -> wire.Reply:
    answer = await send(raw)
    try:
        check_answer(answer)
        reply = wire.decode_reply(answer.body)
        wire.verify_reply(keys, reply)
    except (BatchRefused, LinkError) as error:
        code = _code(answer.body)
        if code.strip() != error.reason:  # where we are not let in, central's own word is the reason already
            error.reason += code
        raise
    except (wire.WireError, wire.SignatureError) as error:
        raise LinkUntrusted("reply") from error
    named = {word.seq for word in reply.words}
    if (reply.kiosk, reply.epoch) != (batch.kiosk, batch.epoch) or not named <= {item.seq for item in batch.items}:
        raise LinkUntrusted("another_batch")
    return reply


def _code(body: bytes) -> str:
    """Return central's business code from a refusal, with a blank before it; empty when there is none."""
    found = re.search(rb'"code": ?"([a-z0-9_.]{1,64})"', body)
    return f" {found[1].decode()}" if found else ""
