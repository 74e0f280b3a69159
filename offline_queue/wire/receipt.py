"""Central's signed word on one item, and the reply that carries the words on a batch."""

from __future__ import annotations

import base64
import dataclasses
import enum
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Final

from offline_queue.wire import identity
from offline_queue.wire.fields import Fields, WireError, canonical, from_json, to_json
from offline_queue.wire.signing import PrivateKey, PublicKey, sign, verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_MAX_SIGNATURE: Final = 256
_MAX_RETRY_AFTER_S: Final = 366 * 24 * 3600  # what may be written; the terminal obeys up to a cap of its own
_MAX_CREDIT: Final = 1_000_000


class Verdict(enum.StrEnum):
    """What central says about an item."""

    ACCEPTED = "accepted"  # in custody; not an approval
    DUPLICATE = "duplicate"  # was in custody already; ``first_verdict`` tells what was said then
    REJECTED = "rejected"  # final: central will not take it
    DEFERRED = "deferred"  # not now: send again after ``retry_after_s``


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A verdict on one item, signed by central over all other fields.

    ``fingerprint`` is the SHA-256 of the sealed body central saw; ``key_id`` names the signing key; times are UTC.
    """

    kiosk: str
    epoch: str
    seq: int
    verdict: Verdict
    fingerprint: bytes = field(repr=False)
    central_time: datetime
    reason: str = ""
    retry_after_s: int | None = None
    first_verdict: Verdict | None = None
    key_id: str = ""
    signature: bytes = field(repr=False, default=b"")

    @property
    def item_id(self) -> identity.ItemId:
        """The item this receipt is about."""
        return identity.ItemId(self.kiosk, self.epoch, self.seq)

    @property
    def outcome(self) -> Verdict:
        """The verdict that counts for the resident: of a duplicate, the first one."""
        return self.first_verdict if self.first_verdict is not None else self.verdict

    def signed_part(self) -> bytes:
        """Return the bytes central signs."""
        values: list[str | int | None] = [
            self.kiosk,
            self.epoch,
            self.seq,
            str(self.verdict),
            None if self.first_verdict is None else str(self.first_verdict),
            self.fingerprint.hex(),
            self.central_time.astimezone(UTC).isoformat(),
            self.reason,
            self.retry_after_s,
            self.key_id,
        ]
        return canonical("tongban/receipt/1", values)


@dataclass(frozen=True, slots=True)
class Reply:
    """Central's answer to a batch. ``credit``: items it is ready to take in the next batch; 0 asks to back off."""

    receipts: tuple[Receipt, ...]
    credit: int


def sign_receipt(private_key: PrivateKey, receipt: Receipt) -> Receipt:
    """Return the receipt signed. ``receipt.key_id`` must name the key already; ``central_time`` must be aware."""
    return dataclasses.replace(receipt, signature=sign(private_key, receipt.signed_part()))


def verify_receipt(public_key: PublicKey, receipt: Receipt) -> None:
    """Check central's signature. Raises ``SignatureError``. That it is about *our* item is the outbox's check."""
    verify(public_key, receipt.signed_part(), receipt.signature)


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the JSON of one receipt, as kept on the terminal's disk."""
    return to_json(_receipt_to_json(receipt))


def decode_receipt(raw: bytes) -> Receipt:
    """Read one receipt strictly. Raises ``WireError``."""
    problems: list[str] = []
    receipt = _receipt_from_json(Fields(from_json(raw, identity.MAX_REPLY_BYTES), "", problems), problems)
    if problems:
        raise WireError(problems)
    return receipt


def encode_reply(receipts: Sequence[Receipt], credit: int) -> bytes:
    """Return the JSON body of the answer to a batch."""
    return to_json({"receipts": [_receipt_to_json(receipt) for receipt in receipts], "credit": credit})


def decode_reply(raw: bytes) -> Reply:
    """Read an answer strictly. Raises ``WireError`` naming all problems."""
    problems: list[str] = []
    fields = Fields(from_json(raw, identity.MAX_REPLY_BYTES), "", problems)
    entries = fields.objects("receipts", identity.MAX_BATCH_ITEMS)
    receipts = tuple(_receipt_from_json(entry, problems) for entry in entries)
    credit = fields.integer("credit", 0, _MAX_CREDIT)
    fields.done()
    if problems:
        raise WireError(problems)
    return Reply(receipts, credit)


def _receipt_to_json(receipt: Receipt) -> dict[str, str | int | None]:
    return {
        "kiosk": receipt.kiosk,
        "epoch": receipt.epoch,
        "seq": receipt.seq,
        "verdict": str(receipt.verdict),
        "first_verdict": None if receipt.first_verdict is None else str(receipt.first_verdict),
        "fingerprint": receipt.fingerprint.hex(),
        "central_time": receipt.central_time.astimezone(UTC).isoformat(),
        "reason": receipt.reason,
        "retry_after_s": receipt.retry_after_s,
        "key_id": receipt.key_id,
        "signature": base64.b64encode(receipt.signature).decode("ascii"),
    }


def _receipt_from_json(fields: Fields, problems: list[str]) -> Receipt:
    before = len(problems)
    verdict = fields.text("verdict", "|".join(Verdict))
    first = fields.optional_text("first_verdict", f"{Verdict.ACCEPTED}|{Verdict.REJECTED}")
    receipt = Receipt(
        kiosk=fields.text("kiosk", identity.KIOSK),
        epoch=fields.hexadecimal("epoch", identity.EPOCH_BYTES).hex(),
        seq=fields.integer("seq", 1, identity.MAX_SEQ),
        verdict=Verdict(verdict or Verdict.DEFERRED),
        fingerprint=fields.hexadecimal("fingerprint", identity.HASH_BYTES),
        central_time=fields.moment("central_time"),
        reason=fields.text("reason", identity.REASON),
        retry_after_s=fields.optional_integer("retry_after_s", 0, _MAX_RETRY_AFTER_S),
        first_verdict=None if first is None else Verdict(first or Verdict.ACCEPTED),
        key_id=fields.text("key_id", identity.KEY_ID),
        signature=fields.base64("signature", 1, _MAX_SIGNATURE),
    )
    fields.done()
    if len(problems) == before:
        problems += [f"receipt of seq {receipt.seq}: {problem}" for problem in _contradictions(receipt)]
    return receipt


def _contradictions(receipt: Receipt) -> list[str]:
    problems = []
    if (receipt.verdict is Verdict.DUPLICATE) != (receipt.first_verdict is not None):
        problems.append("first_verdict goes with duplicate, and only with it")
    if (receipt.verdict is Verdict.DEFERRED) != (receipt.retry_after_s is not None):
        problems.append("retry_after_s goes with deferred, and only with it")
    if receipt.outcome in {Verdict.REJECTED, Verdict.DEFERRED} and not receipt.reason:
        problems.append("a reason is needed")
    return problems
