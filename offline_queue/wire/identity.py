"""Who an item is, for ever, and the limits of a batch."""

from __future__ import annotations

import re
import secrets
import uuid
from dataclasses import dataclass
from typing import Final

MAX_BATCH_ITEMS: Final = 50  # batching is worth 50 times on a 50 ms line; more gains nothing
MAX_BATCH_BYTES: Final = 256 * 1024  # sealed bodies of one batch together
MAX_BODY_BYTES: Final = 16 * 1024 * 1024  # one sealed body; above MAX_BATCH_BYTES it travels alone
MAX_REQUEST_BYTES: Final = MAX_BODY_BYTES * 4 // 3 + 64 * 1024  # base64 and the rest of the JSON
MAX_REPLY_BYTES: Final = 256 * 1024  # 50 receipts are about 35 KiB
MAX_SEQ: Final = 2**63 - 1  # SQLite's largest integer
EPOCH_BYTES: Final = 16
HASH_BYTES: Final = 32  # SHA-256

KIOSK: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
LANE: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
KIND: Final = r"[a-z][a-z0-9_.-]{0,63}"
KEY_ID: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
REASON: Final = r"[a-z0-9_.]{0,64}"
MAX_SCHEMA: Final = 65535
LOWEST_PRIORITY: Final = 9

_NAMESPACE: Final = uuid.UUID("6f1c9f1e-6d0f-5b1a-9a53-0d2f7c1a4e77")  # arbitrary and fixed: it makes the keys ours


@dataclass(frozen=True, slots=True, order=True)
class ItemId:
    """Identity of an item: terminal, epoch of its database (32 hex digits), sequence number from 1. Never reused."""

    kiosk: str
    epoch: str
    seq: int


def idempotency_key(item_id: ItemId) -> uuid.UUID:
    """Derive the key from the identity alone (UUID version 5): no clock, no index, the same on both ends."""
    return uuid.uuid5(_NAMESPACE, f"{item_id.kiosk}/{item_id.epoch}/{item_id.seq}")


def new_epoch() -> str:
    """Return 128 random bits as hex: made with a database, and again when an old image of it shows up."""
    return secrets.token_hex(EPOCH_BYTES)


def item_problems(lane: str, kind: str, schema: int, priority: int, sealed_bytes: int) -> list[str]:
    """Return what is wrong with an item before it is made; empty when it can travel."""
    problems = []
    if not re.fullmatch(LANE, lane):
        problems.append("lane is not a plain name")
    if not re.fullmatch(KIND, kind):
        problems.append("kind is not a plain name")
    if not 1 <= schema <= MAX_SCHEMA:
        problems.append("schema is out of range")
    if not 0 <= priority <= LOWEST_PRIORITY:
        problems.append("priority is out of range")
    if sealed_bytes > MAX_BODY_BYTES:
        problems.append(f"the sealed body has {sealed_bytes} bytes, more than can travel")
    return problems
