"""A terminal's side of the wire for the tests of central: a chain of sealed items, signed batches, bodies."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from offline_queue import wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from central.office import Office

CERTIFICATE, COMPLAINT = "DEMO-GF00101000", "DEMO-GF00801000"
visits = (f"visit{number}" for number in itertools.count(100))
START = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


class HandClock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    def advance(self, seconds: float) -> None:
        self.elapsed += seconds


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass
class TerminalSide:
    """What a terminal puts on the wire. ``replace(side)`` is a clone of its disk; ``turn`` begins a new epoch."""

    kiosk: str
    key_id: str
    key: bytes
    signer: ec.EllipticCurvePrivateKey | None = None
    epoch: str = field(default_factory=wire.new_epoch)
    seq: int = 0
    chain: bytes = b""

    def __post_init__(self) -> None:
        self.chain = self.chain or wire.chain_start(self.kiosk, self.epoch)

    def turn(self) -> None:
        """Begin a new epoch; numbers go on."""
        self.epoch = wire.new_epoch()
        self.chain = wire.chain_start(self.kiosk, self.epoch)

    def item(self, kind: str, body: dict[str, Any] | bytes, lane: str = "", schema: int = 1) -> wire.Item:
        """Queue an item; each in a lane of its own unless named."""
        self.seq += 1
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        with wire.VisitKey(
            wire.load_sealing_key(self.key),
            self.key_id,
            kiosk=self.kiosk,
            epoch=self.epoch,
            lane=lane or f"lane-{self.seq}",
        ) as visit:
            item = wire.Item(
                seq=self.seq,
                lane=visit.lane,
                kind=kind,
                schema=schema,
                priority=3,
                key_id=self.key_id,
                sealed_key=visit.sealed_key,
                body=visit.seal(self.seq, kind, schema, raw),
                chain_before=self.chain,
            )
        item = replace(item, chain=wire.chain_step(self.kiosk, self.epoch, item))
        self.chain = item.chain
        return item

    def alarm(self, code: str = "paper.out") -> wire.Item:
        """Queue the smallest of items."""
        return self.item("alarm", alarm_body(code.replace(" ", "-")))

    def signed(self, *items: wire.Item, epoch: str = "") -> wire.Batch:
        """Return a batch of the present epoch, or of an older one; without items a greeting."""
        end = wire.ChainEnd(self.epoch, self.seq, self.chain)
        batch = wire.Batch.of(self.kiosk, epoch or self.epoch, items, end)
        signer = self.signer
        return batch if signer is None else wire.sign_batch(batch, lambda head: wire.sign(signer, head))

    def batch(self, *items: wire.Item, epoch: str = "") -> bytes:
        return wire.encode_batch(self.signed(*items, epoch=epoch))


def side_of(office: Office, kiosk: str) -> TerminalSide:
    """Return a terminal that has registered its key with a central in this process."""
    key, public = new_key(), office.keys.sealing_key.public_key()
    office.enrolment.register_key(kiosk, pem(key))
    return TerminalSide(kiosk, office.keys.seal_key_id, wire.sealing_key_bytes(public), key)


def take_in(central: Any, bodies: Callable[..., dict[str, Any]], person: dict[str, str], **changes: Any) -> Any:
    """Walk a certificate visit up to custody; return the terminal's side and the case's number."""
    visit = next(visits)
    challenge = changes.pop("challenge", None) or central.challenge(person, changes.pop("answered_in", visit))
    side = central.side()
    item = side.item("case", bodies(person=person, challenge=challenge, visit=visit, **changes))
    (receipt,) = central.receipts(side.batch(item))
    assert receipt.word.verdict is wire.Verdict.ACCEPTED
    return side, item.seq


def alarm_body(code: str = "paper.out") -> dict[str, str]:
    return {"code": code, "subject": "printer", "at": START.isoformat()}


def case_body(
    service: str = CERTIFICATE, person: dict[str, str] | None = None, challenge: str = "", **changes: Any
) -> dict[str, Any]:
    """Return a case as a terminal sends it."""
    identity: dict[str, Any] = {"level": "none", "card": None, "face": None, "sms": None}
    values = {"fb.kind": "complaint", "fb.text": "自助机旁边的路灯坏了三天了", "fb.about_kiosk": "no"}
    consents: list[dict[str, str]] = []
    if person is not None:
        face = {"engine": "sim", "engine_version": "1", "verdict": "match", "score": 0.3, "liveness": "sim"}
        identity = {"level": "card+face+sms", "card": {"kind": "resident", **person}, "face": face}
        identity["sms"] = {"challenge": challenge} if challenge else None
        values = {"si.type": "pension,injury,unemployment", "si.period": "2025-12/2026-11", "si.employer": "yes"}
        consents = [{"id": "c.data", "text_sha256": "0" * 64, "at": START.isoformat()}]
    return {
        "service": service,
        "version": 1,
        "visit": "visit1",
        "local_number": "0001-261121-0001-4821",
        "taken_at": START.isoformat(),
        "offline": False,
        "language": "zh_CN",
        "identity": identity,
        "consents": consents,
        "values": values,
        **changes,
    }


@dataclass
class AuditBook:
    """A terminal's audit: one chain over its life."""

    kiosk: str
    seq: int = 0
    chain: bytes = b""

    def __post_init__(self) -> None:
        self.chain = self.chain or wire.audit_start(self.kiosk)

    def run(self, *texts: str) -> dict[str, Any]:
        """Write lines; return them as they travel."""
        after = {"seq": self.seq, "chain": self.chain.hex()}
        lines = []
        for said in texts:
            self.seq += 1
            line = json.dumps({"event": said})
            self.chain = wire.audit_step(self.chain, self.seq, line)
            lines.append({"seq": self.seq, "line": line, "chain": self.chain.hex()})
        return {"after": after, "lines": lines}
