"""A central in the test's own process, a real one over TLS, and a terminal's side of the wire for both."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from central.office import Office, build
from offline_queue import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P1 = {"name": "测试·张老伯", "id_no": "999999195203070019"}
P2 = {"name": "测试李梅", "id_no": "999999198808150023"}
P3 = {"name": "测试王强", "id_no": "99999919951122003X"}
CERTIFICATE, COMPLAINT = "DEMO-GF00101000", "DEMO-GF00801000"
START = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
DEADLINE_S = 30.0


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


@dataclass
class TerminalSide:
    """What a terminal puts on the wire: a chain of sealed items of one epoch."""

    kiosk: str
    key_id: str
    key: bytes
    epoch: str = field(default_factory=wire.new_epoch)
    seq: int = 0
    chain: bytes = b""

    def __post_init__(self) -> None:
        self.chain = wire.chain_start(self.kiosk, self.epoch)

    def item(self, kind: str, body: dict[str, Any] | bytes, lane: str = "", schema: int = 1) -> wire.Item:
        """Queue an item; each in a lane of its own unless named."""
        self.seq += 1
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sealer = wire.Sealer(wire.load_sealing_key(self.key), self.key_id, kiosk=self.kiosk, epoch=self.epoch)
        with sealer.begin_visit(lane or f"lane-{self.seq}") as visit:
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

    def batch(self, *items: wire.Item) -> bytes:
        return wire.encode_batch(wire.Batch.of(self.kiosk, self.epoch, items))


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


@pytest.fixture(scope="session")
def typeface_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Typefaces are taken out of the system's collections once for all tests."""
    return tmp_path_factory.mktemp("typefaces")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def office(tmp_path: Path, clock: HandClock, typeface_cache: Path) -> Iterator[Office]:
    """Build the parts of a central whose worker is walked by hand."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "cache").symlink_to(typeface_cache)
    made = build(data, url="https://127.0.0.1:1", kiosks=["K0001", "K0002"], clock=clock, demo=True)
    yield made
    made.store.close()


@pytest.fixture
def side(office: Office) -> TerminalSide:
    public = office.keys.sealing_key.public_key()
    return TerminalSide("K0001", office.keys.seal_key_id, wire.sealing_key_bytes(public))


class Running:
    """A central in a process of its own, and requests to it."""

    def __init__(self, process: subprocess.Popen[bytes], ready: dict[str, Any], log: Path) -> None:
        self.process = process
        self.url = ready["url"]
        self.terminal = Path(ready["terminal"])
        self.log = log

    def session(self, kiosk: str = "K0001") -> requests.Session:
        folder = self.terminal if kiosk == "K0001" else self.terminal.with_name(f"terminal-{kiosk}")
        session = requests.Session()
        session.trust_env = False
        session.verify = str(folder / "tls_ca.pem")
        token = (folder / "token").read_text()
        session.headers.update({"Authorization": f"Bearer {token}", "X-Kiosk": kiosk})
        return session

    def call(self, method: str, path: str, kiosk: str = "K0001", **more: Any) -> requests.Response:
        with self.session(kiosk) as session:
            return session.request(method, self.url + path, timeout=DEADLINE_S, **more)

    def get(self, path: str, kiosk: str = "K0001") -> Any:
        reply = self.call("GET", path, kiosk)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def post(self, path: str, body: dict[str, Any], kiosk: str = "K0001") -> Any:
        reply = self.call("POST", path, kiosk, json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def faults(self, **wanted: Any) -> None:
        self.post("/sim/faults", wanted)

    def anchors(self) -> dict[str, Any]:
        return dict(json.loads((self.terminal / "central.json").read_text()))

    def side(self, kiosk: str = "K0001") -> TerminalSide:
        import base64  # noqa: PLC0415 - the one place

        anchors = self.anchors()
        return TerminalSide(kiosk, anchors["seal_key_id"], base64.b64decode(anchors["seal_public_key"]))

    def send(self, raw: bytes, kiosk: str = "K0001") -> requests.Response:
        headers = {"Content-Type": "application/json"}
        return self.call("POST", f"/v1/kiosks/{kiosk}/batches", kiosk, data=raw, headers=headers)

    def receipts(self, raw: bytes, kiosk: str = "K0001") -> list[wire.Receipt]:
        """Send a batch; return the receipts, each checked against the published key."""
        import base64  # noqa: PLC0415 - the one place

        reply = self.send(raw, kiosk)
        assert reply.status_code == 200, reply.text
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self.anchors()["receipt_public_key"]))
        receipts = wire.decode_reply(reply.content).receipts
        for receipt in receipts:
            wire.verify_receipt(key, receipt)
        return list(receipts)

    def challenge(self, person: dict[str, str], visit: str, kiosk: str = "K0001") -> str:
        """Have a code sent and answer it right; return the challenge."""
        asked = {"visit": visit, "service": CERTIFICATE, "person": person}
        challenge = str(self.post("/v1/sms-challenges", asked, kiosk)["challenge"])
        code = self.get("/sim/sms")[-1]["code"]
        answer = self.post(f"/v1/sms-challenges/{challenge}/answers", {"visit": visit, "code": code}, kiosk)
        assert answer["verdict"] == "right"
        return challenge

    def decision(self, side: TerminalSide, seq: int, wait_s: int = 20) -> Any:
        return self.get(f"/v1/kiosks/{side.kiosk}/cases/{side.epoch}/{seq}/decision?wait_s={wait_s}", side.kiosk)

    def stop(self) -> int:
        """Close its standard input, as a parent's death does; return the exit status."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        return self.process.wait(DEADLINE_S)


@pytest.fixture(scope="session")
def start_central(tmp_path_factory: pytest.TempPathFactory, typeface_cache: Path) -> Callable[..., Any]:
    """Start real processes; each ends with its block."""

    @contextmanager
    def start(data: Path | None = None, *, demo: bool = True) -> Iterator[Running]:
        data = data or tmp_path_factory.mktemp("central")
        cache = data / "cache"
        if not cache.exists():
            cache.symlink_to(typeface_cache)
        log = data / f"log-{time.monotonic_ns()}"
        command = [sys.executable, "-W", "error", "-m", "central", "--data", str(data)]
        command += ["--kiosk", "K0001", "--kiosk", "K0002", *(["--demo"] if demo else [])]
        with log.open("wb") as stderr:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log.read_text()
            yield Running(process, json.loads(line), log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(DEADLINE_S)
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    return start


@pytest.fixture(scope="session")
def shared(start_central: Callable[..., Any]) -> Iterator[Running]:
    """One real central for the tests that leave it as they found it."""
    with start_central() as running:
        yield running


@pytest.fixture
def central(shared: Running) -> Iterator[Running]:
    """Lend the shared central; its faults are switched off afterwards."""
    yield shared
    shared.faults(decision_delay_s=0, register="up", tamper_document=None, pause_service=None, fail_next_batches=0)


@pytest.fixture
def bodies() -> Callable[..., dict[str, Any]]:
    return case_body


@pytest.fixture
def people() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    return P1, P2, P3
