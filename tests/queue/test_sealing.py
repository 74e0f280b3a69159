"""What a thief finds: nothing the terminal has, in memory or on its disk, opens the queue; and no row can be moved."""

from __future__ import annotations

import dataclasses
import gc
import itertools
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from offline_queue import wire
from tests.queue.moves import opened, put, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.queue.conftest import Rig

CANARY = "王小明 999999199001011234".encode()
"""Invented; area code 999999."""


def stored_item(rig: Rig, seq: int = 1) -> wire.Item:
    connection = sqlite3.connect(f"file:{rig.path}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    row = connection.execute("SELECT * FROM outbox WHERE seq = ?", (seq,)).fetchone()
    connection.close()
    return wire.Item(**{field.name: row[field.name] for field in dataclasses.fields(wire.Item)})


def windows(content: bytes) -> Iterator[bytes]:
    """Yield every run of 32 bytes: any of them might be a key."""
    return (content[at : at + 32] for at in range(len(content) - 31))


def opens(key: bytes, item: wire.Item, kiosk: str, epoch: str) -> bool:
    data = wire.canonical("tongban/item/1", [kiosk, epoch, item.seq, item.kind, item.schema])
    try:
        AESGCM(key).decrypt(item.body[:12], item.body[12:], data)
    except InvalidTag:
        return False
    return True


async def test_while_the_visit_lasts_its_key_opens_the_item_and_after_drop_nothing_does(rig: Rig) -> None:
    outbox = await rig.open()
    key = outbox.begin_visit("v-1")
    await outbox.put(key, "case", CANARY)
    item = stored_item(rig)
    secret = bytes(key._key)
    assert opens(secret, item, "hall-03", outbox.epoch)  # the search below would find it
    buffer = key._key
    key.drop()
    assert bytes(buffer) == b""
    with pytest.raises(wire.KeyDroppedError):
        key.seal(2, "case", 1, b"x")
    gc.collect()
    held = [one for one in gc.get_objects() if isinstance(one, wire.VisitKey)]
    assert not any(one._key for one in held if one is key)
    for name, value in vars(key).items():
        assert secret not in repr(value).encode(), name
        assert not isinstance(value, bytes | bytearray) or secret not in bytes(value), name


async def test_no_byte_of_the_terminals_own_files_opens_its_queue(rig: Rig) -> None:
    """Every run of 32 bytes of every file is tried as the key; so are all keys a terminal holds."""
    outbox = await rig.open()
    with outbox.begin_visit("v-1") as key:
        await outbox.put(key, "case", CANARY)
        secret = bytes(key._key)
    item = stored_item(rig)
    await outbox.close()
    files = [path.read_bytes() for path in sorted(rig.path.parent.iterdir()) if "reserve" not in path.name]
    assert sum(len(content) for content in files) > 40_000
    assert not any(secret in content for content in files)
    assert not any(CANARY in content for content in files)
    page = next(content for content in files if item.body in content)
    at = page.index(item.body)
    near = page[max(0, at - 3000) : at + 3000]
    assert not any(opens(candidate, item, "hall-03", outbox.epoch) for candidate in windows(near))
    public = rig.central.sealing.public_key().public_bytes_raw()
    receipts = rig.central.signing.public_key().public_bytes_raw()
    for candidate in (public, receipts, item.sealed_key[:32], item.sealed_key[32:64], item.sealed_key[48:80]):
        assert not opens(candidate, item, "hall-03", outbox.epoch)
        with pytest.raises(wire.WireError):
            wire.open_item(X25519PrivateKey.from_private_bytes(candidate), "hall-03", outbox.epoch, item)
    assert wire.open_item(rig.central.sealing, "hall-03", outbox.epoch, item) == CANARY  # central alone


async def test_each_visit_has_a_key_and_each_item_a_nonce_of_its_own(rig: Rig) -> None:
    outbox = await rig.open()
    for n in range(20):
        with outbox.begin_visit(f"v-{n}") as key:
            await outbox.put(key, "case", CANARY)
            await outbox.put(key, "case", CANARY)
    items = [stored_item(rig, seq) for seq in range(1, 41)]
    assert len({item.sealed_key for item in items}) == 20
    assert len({item.body[:12] for item in items}) == 40
    assert len({item.body for item in items}) == 40


async def test_rows_swapped_between_places_are_refused(rig: Rig) -> None:
    """Same visit, same key, same kind: only the number differs, and it is bound into each seal."""
    outbox = await rig.open()
    with outbox.begin_visit("v-1") as key:
        for n in range(3):
            await outbox.put(key, "case", f"body {n}".encode())
    items = [stored_item(rig, seq) for seq in (1, 2, 3)]
    for one, other in itertools.permutations(items, 2):
        swapped = dataclasses.replace(one, body=other.body)
        with pytest.raises(wire.WireError, match="seal"):
            wire.open_item(rig.central.sealing, "hall-03", outbox.epoch, swapped)


@pytest.mark.parametrize(
    "change",
    [{"seq": 2}, {"kind": "rating"}, {"schema": 2}, {"kiosk": "hall-04"}, {"epoch": "f" * 32}],
    ids=lambda change: next(iter(change)),
)
async def test_seal_of_an_item_is_bound_to_its_place(rig: Rig, change: dict[str, Any]) -> None:
    """AES-256-GCM's additional data: terminal, epoch, number, kind, version. Shown with the visit's own key."""
    key = wire.VisitKey(rig.central.sealing.public_key(), "central-1", kiosk="hall-03", epoch="a" * 32, lane="v-1")
    body = key.seal(1, "case", 1, CANARY)
    place: dict[str, Any] = {"kiosk": "hall-03", "epoch": "a" * 32, "seq": 1, "kind": "case", "schema": 1}

    def data(place: dict[str, Any]) -> bytes:
        return wire.canonical("tongban/item/1", list(place.values()))

    assert AESGCM(bytes(key._key)).decrypt(body[:12], body[12:], data(place)) == CANARY
    with pytest.raises(InvalidTag):
        AESGCM(bytes(key._key)).decrypt(body[:12], body[12:], data(place | change))


@pytest.mark.parametrize(
    "change",
    [{"key_id": "central-2"}, {"kiosk": "hall-04"}, {"epoch": "f" * 32}, {"lane": "v-2"}],
    ids=lambda change: next(iter(change)),
)
def test_sealed_key_is_bound_to_key_terminal_epoch_and_visit(rig: Rig, change: dict[str, str]) -> None:
    """HPKE's info: the sealed key of a visit opens nowhere else, even for central."""
    key = wire.VisitKey(rig.central.sealing.public_key(), "central-1", kiosk="hall-03", epoch="a" * 32, lane="v-1")
    place = {"key_id": "central-1", "lane": "v-1"}
    item = wire.Item(
        seq=1,
        kind="case",
        schema=1,
        priority=5,
        sealed_key=key.sealed_key,
        body=key.seal(1, "case", 1, CANARY),
        chain_before=bytes(32),
        **place,
    )
    assert wire.open_item(rig.central.sealing, "hall-03", "a" * 32, item) == CANARY
    kiosk, epoch = change.pop("kiosk", "hall-03"), change.pop("epoch", "a" * 32)
    with pytest.raises(wire.WireError, match="seal"):
        wire.open_item(rig.central.sealing, kiosk, epoch, dataclasses.replace(item, **change))


async def test_key_moved_to_a_new_epoch_is_sealed_anew_and_opens_there_alone(rig: Rig) -> None:
    outbox = await rig.open()
    first = outbox.epoch
    with outbox.begin_visit("v-1") as key:
        await outbox.put(key, "case", CANARY)
        await outbox.transact(lambda ledger: ledger.new_epoch())
        await outbox.put(key, "case", CANARY)
    one, two = stored_item(rig, 1), stored_item(rig, 2)
    assert one.sealed_key != two.sealed_key
    assert wire.open_item(rig.central.sealing, "hall-03", outbox.epoch, two) == CANARY
    with pytest.raises(wire.WireError):
        wire.open_item(rig.central.sealing, "hall-03", first, two)
    batch = await outbox.take()
    assert batch is not None
    assert opened(rig, batch) == [CANARY]


async def test_no_object_that_is_shown_shows_a_body_or_a_key(rig: Rig) -> None:
    outbox = await rig.open()
    with outbox.begin_visit("v-1") as key:
        secret = bytes(key._key)
        await outbox.put(key, "case", CANARY)
        shown = [repr(key), repr(outbox), repr(await outbox.take()), repr(await outbox.stats()), repr(rig.alarms)]
    item_id = await put(outbox, "v-2")
    await settle(rig, outbox, 1, 2)
    shown.append(repr(await outbox.state(item_id)))
    for text in shown:
        assert secret.hex() not in text
        assert repr(secret)[2:-1] not in text
        assert "王小明" not in text
