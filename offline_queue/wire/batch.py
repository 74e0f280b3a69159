"""Items, the hash chain over them, and the signed batch that carries them."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from offline_queue.wire import identity
from offline_queue.wire.fields import Fields, WireError, canonical, from_json, to_json
from offline_queue.wire.signing import PublicKey, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MAX_SEALED_KEY: Final = 4096  # X25519: 80 bytes; a hybrid post-quantum key: about 1.2 KiB
_MAX_SIGNATURE: Final = 256
_MIN_BODY: Final = 12 + 16  # nonce and tag of an empty body


@dataclass(frozen=True, slots=True)
class Item:
    """One sealed item as it lies in the queue and travels. ``body`` and ``sealed_key`` are ciphertext."""

    seq: int
    lane: str
    kind: str
    schema: int
    priority: int
    key_id: str
    sealed_key: bytes = field(repr=False)
    body: bytes = field(repr=False)
    chain_before: bytes = field(repr=False)
    chain: bytes = field(repr=False, default=b"")

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the sealed body."""
        return hashlib.sha256(self.body).digest()


def chain_start(kiosk: str, epoch: str) -> bytes:
    """Return the chain value before the first item of an epoch."""
    return hashlib.sha256(canonical("tongban/chain-start/1", [kiosk, epoch])).digest()


class ChainLink(NamedTuple):
    """What the chain binds of an item: the value before it, all that travels in clear, and its ciphertexts."""

    before: bytes
    seq: int
    lane: str
    kind: str
    schema: int
    priority: int
    key_id: str
    sealed_key: bytes
    fingerprint: bytes


def chain_value(kiosk: str, epoch: str, link: ChainLink) -> bytes:
    """Return the chain value after an item: SHA-256 of lines, none of which can hold a line feed by its pattern."""
    before, seq, lane, kind, schema, priority, key_id, sealed_key, fingerprint = link
    text = (
        f"tongban/chain/2\n{before.hex()}\n{kiosk}\n{epoch}\n{seq}\n{lane}\n{kind}\n{schema}\n{priority}\n"
        f"{key_id}\n{sealed_key.hex()}\n{fingerprint.hex()}"
    )
    return hashlib.sha256(text.encode()).digest()


def chain_step(kiosk: str, epoch: str, item: Item, fingerprint: bytes | None = None) -> bytes:
    """Return the chain value after ``item``; ``fingerprint`` spares hashing the body once more."""
    link = ChainLink(
        item.chain_before,
        item.seq,
        item.lane,
        item.kind,
        item.schema,
        item.priority,
        item.key_id,
        item.sealed_key,
        fingerprint or item.fingerprint,
    )
    return chain_value(kiosk, epoch, link)


def fits_chain(kiosk: str, epoch: str, item: Item, fingerprint: bytes | None = None) -> bool:
    """Tell whether an item fits the chain value it carries: in today's form, or in the first one, for old items."""
    return item.chain == chain_step(kiosk, epoch, item, fingerprint) or item.chain == _first_step(kiosk, epoch, item)


def _first_step(kiosk: str, epoch: str, item: Item) -> bytes:
    before, key = item.chain_before.hex(), hashlib.sha256(item.sealed_key).hexdigest()
    clear: list[str | int] = [item.seq, item.lane, item.kind, item.schema, item.priority, item.key_id]
    values: list[str | int | None] = [before, kiosk, epoch, *clear, key, item.fingerprint.hex()]
    return hashlib.sha256(canonical("tongban/chain/1", values)).digest()


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """Where a kiosk's chain ends: its present epoch, the last seq, the chain value after it."""

    epoch: str
    seq: int
    chain: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Items of one epoch by rising ``seq``, and the head a kiosk signs.

    ``last_seq`` and ``last_chain`` are the end of the kiosk's own chain, in its present epoch: central sees by them
    whether the kiosk still has the history it had. Without items the batch is a greeting (``first_seq`` 0).
    """

    kiosk: str
    epoch: str
    first_seq: int
    count: int
    chain_before: bytes = field(repr=False)
    chain_after: bytes = field(repr=False)
    last_epoch: str
    last_seq: int
    last_chain: bytes = field(repr=False)
    items: tuple[Item, ...]
    signature: bytes = field(repr=False, default=b"")

    @classmethod
    def of(cls, kiosk: str, epoch: str, items: Sequence[Item], end: ChainEnd) -> Self:
        """Build an unsigned batch of items of ``epoch``; ``end`` is the end of the kiosk's chain."""
        ordered = tuple(sorted(items, key=lambda item: item.seq))
        return cls(
            kiosk=kiosk,
            epoch=epoch,
            first_seq=ordered[0].seq if ordered else 0,
            count=len(ordered),
            chain_before=ordered[0].chain_before if ordered else end.chain,
            chain_after=ordered[-1].chain if ordered else end.chain,
            last_epoch=end.epoch,
            last_seq=end.seq,
            last_chain=end.chain,
            items=ordered,
        )

    def only(self, item: Item) -> Self:
        """Return a batch of one of its items."""
        return self.of(self.kiosk, self.epoch, [item], ChainEnd(self.last_epoch, self.last_seq, self.last_chain))

    def ids(self) -> tuple[identity.ItemId, ...]:
        """Return the identities of the items."""
        return tuple(identity.ItemId(self.kiosk, self.epoch, item.seq) for item in self.items)

    def head(self) -> bytes:
        """Return what the kiosk signs: the head and each item's seq and chain (the chain binds the rest)."""
        values: list[str | int | None] = [
            self.kiosk,
            self.epoch,
            self.first_seq,
            self.count,
            self.chain_before.hex(),
            self.chain_after.hex(),
            self.last_epoch,
            self.last_seq,
            self.last_chain.hex(),
        ]
        for item in self.items:
            values += [item.seq, item.chain.hex()]
        return canonical("tongban/batch/1", values)


def sign_batch(batch: Batch, signer: Callable[[bytes], bytes]) -> Batch:
    """Return the batch signed. ``signer`` takes the head, returns a signature; the key itself may be in a token."""
    return dataclasses.replace(batch, signature=signer(batch.head()))


def verify_batch(public_key: PublicKey, batch: Batch) -> None:
    """Check the kiosk's signature over the head. Raises ``SignatureError``; call ``check_chain`` as well."""
    verify(public_key, batch.head(), batch.signature)


def check_chain(batch: Batch) -> None:
    """Recompute the chain from the ciphertexts. Raises ``WireError`` naming each item that does not fit."""
    problems = [
        f"seq {item.seq}: chain does not fit its content"
        for item in batch.items
        if not fits_chain(batch.kiosk, batch.epoch, item)
    ]
    for one, other in itertools.pairwise(batch.items):
        if other.seq == one.seq + 1 and other.chain_before != one.chain:
            problems.append(f"seq {other.seq}: does not follow the item before it")
    if batch.items:
        first, last = batch.items[0], batch.items[-1]
        if first.seq == 1 and first.chain_before != chain_start(batch.kiosk, batch.epoch):
            problems.append("seq 1: does not begin the epoch's chain")
        if (batch.chain_before, batch.chain_after) != (first.chain_before, last.chain):
            problems.append("head: chain_before or chain_after does not fit the items")
        if (batch.last_epoch, batch.last_seq) == (batch.epoch, last.seq) and batch.last_chain != last.chain:
            problems.append("head: last_chain does not fit the last item")
    if problems:
        raise WireError(problems)


def encode_batch(batch: Batch) -> bytes:
    """Return the JSON body of the request."""
    return to_json(
        {
            "kiosk": batch.kiosk,
            "epoch": batch.epoch,
            "first_seq": batch.first_seq,
            "count": batch.count,
            "chain_before": batch.chain_before.hex(),
            "chain_after": batch.chain_after.hex(),
            "last_epoch": batch.last_epoch,
            "last_seq": batch.last_seq,
            "last_chain": batch.last_chain.hex(),
            "items": [_item_to_json(item) for item in batch.items],
            "signature": _base64(batch.signature),
        }
    )


def decode_batch(raw: bytes) -> Batch:
    """Read a request strictly. Raises ``WireError`` naming all problems. Chain and signature are checked separately."""
    problems: list[str] = []
    fields = Fields(from_json(raw, identity.MAX_REQUEST_BYTES), "", problems)
    batch = Batch(
        kiosk=fields.text("kiosk", identity.KIOSK),
        epoch=fields.hexadecimal("epoch", identity.EPOCH_BYTES).hex(),
        first_seq=fields.integer("first_seq", 0, identity.MAX_SEQ),
        count=fields.integer("count", 0, identity.MAX_BATCH_ITEMS),
        chain_before=fields.hexadecimal("chain_before", identity.HASH_BYTES),
        chain_after=fields.hexadecimal("chain_after", identity.HASH_BYTES),
        last_epoch=fields.hexadecimal("last_epoch", identity.EPOCH_BYTES).hex(),
        last_seq=fields.integer("last_seq", 0, identity.MAX_SEQ),
        last_chain=fields.hexadecimal("last_chain", identity.HASH_BYTES),
        items=tuple(_item_from_json(entry) for entry in fields.objects("items", identity.MAX_BATCH_ITEMS)),
        signature=fields.base64("signature", 0, _MAX_SIGNATURE),
    )
    fields.done()
    if not problems:
        problems += _shape_problems(batch)
    if problems:
        raise WireError(problems)
    return batch


def _shape_problems(batch: Batch) -> list[str]:
    problems = []
    seqs = [item.seq for item in batch.items]
    if batch.count != len(seqs) or batch.first_seq != (seqs[0] if seqs else 0):
        problems.append("head: count or first_seq does not fit the items")
    if any(other <= one for one, other in itertools.pairwise(seqs)):
        problems.append("items: seq does not rise")
    if len({item.lane for item in batch.items}) != len(seqs):
        problems.append("items: two items of one lane")
    if len(seqs) > 1 and sum(len(item.body) for item in batch.items) > identity.MAX_BATCH_BYTES:
        problems.append(f"items: more than {identity.MAX_BATCH_BYTES} bytes of bodies")
    return problems


def _item_to_json(item: Item) -> dict[str, str | int]:
    return {
        "seq": item.seq,
        "lane": item.lane,
        "kind": item.kind,
        "schema": item.schema,
        "priority": item.priority,
        "key_id": item.key_id,
        "sealed_key": _base64(item.sealed_key),
        "body": _base64(item.body),
        "chain_before": item.chain_before.hex(),
        "chain": item.chain.hex(),
    }


def _item_from_json(fields: Fields) -> Item:
    item = Item(
        seq=fields.integer("seq", 1, identity.MAX_SEQ),
        lane=fields.text("lane", identity.LANE),
        kind=fields.text("kind", identity.KIND),
        schema=fields.integer("schema", 1, identity.MAX_SCHEMA),
        priority=fields.integer("priority", 0, identity.LOWEST_PRIORITY),
        key_id=fields.text("key_id", identity.KEY_ID),
        sealed_key=fields.base64("sealed_key", 1, _MAX_SEALED_KEY),
        body=fields.base64("body", _MIN_BODY, identity.MAX_BODY_BYTES),
        chain_before=fields.hexadecimal("chain_before", identity.HASH_BYTES),
        chain=fields.hexadecimal("chain", identity.HASH_BYTES),
    )
    fields.done()
    return item


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
