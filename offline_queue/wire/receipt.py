"""Central's signed reply: its word on each item of a batch, and what it knows of the terminal's chain.

One signature covers the whole reply: verifying it costs the terminal one operation a batch instead of one an item, and
nothing in it (credit, the state of the chain) can be forged. The reply is kept as the receipt of every item it names.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import re
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Final, NamedTuple

from offline_queue.wire import identity
from offline_queue.wire.fields import Fields, WireError, canonical, from_json, to_json
from offline_queue.wire.signing import PrivateKey, PublicKey, sign, verify

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_MAX_SIGNATURE: Final = 256
_HASH: Final = re.compile(rf"[0-9a-f]{{{2 * identity.HASH_BYTES}}}")
_MAX_RETRY_AFTER_S: Final = 366 * 24 * 3600  # what may be written; the terminal obeys up to a cap of its own
_MAX_CREDIT: Final = 1_000_000


class Verdict(enum.StrEnum):
    """What central says about an item."""

    ACCEPTED = "accepted"  # in custody; not an approval
    DUPLICATE = "duplicate"  # was in custody already; ``first_verdict`` tells what was said then
    REJECTED = "rejected"  # final: central will not take it
    DEFERRED = "deferred"  # not now: send again after ``retry_after_s``


class StreamState(enum.StrEnum):
    """What central thinks of the epoch a batch belongs to."""

    OK = "ok"
    REGRESS = "regress"  # central has seen later items than the terminal knows of: an old image of its disk


class Word(NamedTuple):
    """Central's word on one item. ``fingerprint`` is the SHA-256 of the sealed body central has in custody."""

    seq: int
    verdict: Verdict
    fingerprint: bytes
    first_verdict: Verdict | None = None
    reason: str = ""
    retry_after_s: int | None = None

    @property
    def outcome(self) -> Verdict:
        """The verdict that counts for the resident: of a duplicate, the first one."""
        return self.verdict if self.first_verdict is None else self.first_verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One epoch as central has it.

    ``highest`` is the highest seq in custody, 0 for none. ``restored`` is the moment to which central's own database
    was set back, if it was: what it took in after that it has lost and wants again.
    """

    highest: int = 0
    state: StreamState = StreamState.OK
    restored: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Central's answer to a batch, signed over everything. ``credit``: items it will take next; 0 asks to back off."""

    kiosk: str
    epoch: str
    central_time: datetime
    credit: int
    stream: Stream = Stream()
    words: tuple[Word, ...] = ()
    key_id: str = ""
    signature: bytes = field(repr=False, default=b"")
    raw: bytes = field(repr=False, compare=False, default=b"")  # as it came; what is kept as the proof

    def signed_part(self) -> bytes:
        """Return the bytes central signs."""
        stream = self.stream
        values: list[str | int | None] = [
            self.kiosk,
            self.epoch,
            _iso(self.central_time),
            self.credit,
            stream.highest,
            str(stream.state),
            None if stream.restored is None else _iso(stream.restored),
            self.key_id,
        ]
        for word in self.words:
            values += _word_values(word)
        return canonical("tongban/reply/1", values)

    def receipts(self) -> tuple[Receipt, ...]:
        """Return the receipts this reply is made of."""
        return tuple(Receipt(self, word) for word in self.words)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One item's part of a reply."""

    reply: Reply = field(repr=False)
    word: Word

    @property
    def item_id(self) -> identity.ItemId:
        """The item this receipt is about."""
        return identity.ItemId(self.reply.kiosk, self.reply.epoch, self.word.seq)

    @property
    def outcome(self) -> Verdict:
        """See :attr:`Word.outcome`."""
        return self.word.outcome


def sign_reply(private_key: PrivateKey, reply: Reply) -> Reply:
    """Return the reply signed. ``reply.key_id`` must name the key already; times must be aware."""
    return dataclasses.replace(reply, signature=sign(private_key, reply.signed_part()), raw=b"")


def verify_reply(keys: Mapping[str, PublicKey], reply: Reply) -> None:
    """Check central's signature. Raises ``SignatureError``. That it is about *our* items is the outbox's check."""
    verify(keys.get(reply.key_id), reply.signed_part(), reply.signature)


def encode_reply(reply: Reply) -> bytes:
    """Return the JSON body of the answer to a batch, as it travels and as the terminal keeps it."""
    stream = reply.stream
    return to_json(
        {
            "kiosk": reply.kiosk,
            "epoch": reply.epoch,
            "central_time": _iso(reply.central_time),
            "credit": reply.credit,
            "stream": {
                "highest": stream.highest,
                "state": str(stream.state),
                "restored": None if stream.restored is None else _iso(stream.restored),
            },
            "words": [dict(zip(_WORD_KEYS, _word_values(word), strict=True)) for word in reply.words],
            "key_id": reply.key_id,
            "signature": base64.b64encode(reply.signature).decode("ascii"),
        }
    )


def decode_reply(raw: bytes) -> Reply:
    """Read an answer strictly. Raises ``WireError`` naming all problems."""
    problems: list[str] = []
    fields = Fields(from_json(raw, identity.MAX_REPLY_BYTES), "", problems)
    reply = Reply(
        kiosk=fields.text("kiosk", identity.KIOSK),
        epoch=fields.hexadecimal("epoch", identity.EPOCH_BYTES).hex(),
        central_time=fields.moment("central_time"),
        credit=fields.integer("credit", 0, _MAX_CREDIT),
        stream=_stream_from_json(fields.nested("stream")),
        words=tuple(_word_from_json(entry, problems) for entry in fields.objects("words", identity.MAX_BATCH_ITEMS)),
        key_id=fields.text("key_id", identity.KEY_ID),
        signature=fields.base64("signature", 1, _MAX_SIGNATURE),
        raw=raw,
    )
    fields.done()
    if len({word.seq for word in reply.words}) != len(reply.words):
        problems.append("words: two on one item")
    if problems:
        raise WireError(problems)
    return reply


_WORD_KEYS: Final = ("seq", "verdict", "first_verdict", "fingerprint", "reason", "retry_after_s")


def _word_values(word: Word) -> list[str | int | None]:
    return [
        word.seq,
        word.verdict.value,
        None if word.first_verdict is None else word.first_verdict.value,
        word.fingerprint.hex(),
        word.reason,
        word.retry_after_s,
    ]


def _stream_from_json(fields: Fields) -> Stream:
    stream = Stream(
        highest=fields.integer("highest", 0, identity.MAX_SEQ),
        state=StreamState(fields.text("state", "|".join(StreamState)) or StreamState.OK),
        restored=fields.optional_moment("restored"),
    )
    fields.done()
    return stream


def _word_from_json(fields: Fields, problems: list[str]) -> Word:
    plain = _plainly_accepted(fields.values(_WORD_KEYS))
    if plain is not None:
        return plain
    before = len(problems)
    first = fields.optional_text("first_verdict", f"{Verdict.ACCEPTED}|{Verdict.REJECTED}")
    word = Word(
        seq=fields.integer("seq", 1, identity.MAX_SEQ),
        verdict=Verdict(fields.text("verdict", "|".join(Verdict)) or Verdict.DEFERRED),
        fingerprint=fields.hexadecimal("fingerprint", identity.HASH_BYTES),
        reason=fields.text("reason", identity.REASON),
        retry_after_s=fields.optional_integer("retry_after_s", 0, _MAX_RETRY_AFTER_S),
        first_verdict=None if first is None else Verdict(first or Verdict.ACCEPTED),
    )
    fields.done()
    if len(problems) == before:
        problems += [f"seq {word.seq}: {problem}" for problem in _contradictions(word)]
    return word


def _plainly_accepted(values: list[object]) -> Word | None:
    """Read the word that nearly all items get, three times as fast; whatever else it is, is read field by field."""
    seq, verdict, first, fingerprint, reason, retry = values
    usual = verdict == "accepted" and first is None and reason == "" and retry is None
    if not usual or type(seq) is not int or not isinstance(fingerprint, str) or not _HASH.fullmatch(fingerprint):
        return None
    return Word(seq, Verdict.ACCEPTED, bytes.fromhex(fingerprint)) if 0 < seq <= identity.MAX_SEQ else None


def _contradictions(word: Word) -> list[str]:
    problems = []
    if (word.verdict is Verdict.DUPLICATE) != (word.first_verdict is not None):
        problems.append("first_verdict goes with duplicate, and only with it")
    if (word.verdict is Verdict.DEFERRED) != (word.retry_after_s is not None):
        problems.append("retry_after_s goes with deferred, and only with it")
    if word.outcome in {Verdict.REJECTED, Verdict.DEFERRED} and not word.reason:
        problems.append("a reason is needed")
    return problems


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
