"""A central in the test's own process, a real one over TLS, and a terminal's side of the wire for both."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from central.office import Office, Terms, build
from offline_queue import wire
from tests.central import postgres
from tests.central.terminal_side import CERTIFICATE, HandClock, TerminalSide, case_body, new_key, pem, side_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

P1 = {"name": "测试·张老伯", "id_no": "999999195203070019"}
P2 = {"name": "测试李梅", "id_no": "999999198808150023"}
P3 = {"name": "测试王强", "id_no": "99999919951122003X"}
DEADLINE_S = 30.0
KIOSKS = ["K0001", "K0002"]


@pytest.fixture(scope="session")
def typeface_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Typefaces are taken out of the system's collections once for all tests."""
    return tmp_path_factory.mktemp("typefaces")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    """Run one PostgreSQL for all tests that want it."""
    if not postgres.BINARIES:
        pytest.skip("PostgreSQL is not installed")
    with postgres.cluster() as running:
        yield running


@pytest.fixture
def database() -> str:
    """Name the database of ``office``: the embedded one. Modules that also want the other override this."""
    return ""


@pytest.fixture
def build_office(
    tmp_path: Path, clock: HandClock, typeface_cache: Path, database: str
) -> Iterator[Callable[..., Office]]:
    """Build the parts of a central whose worker is walked by hand; again on the same data after a ``close``."""
    offices = []

    def make(kiosks: list[str] = KIOSKS, **terms: Any) -> Office:
        data = tmp_path / "data"
        data.mkdir(exist_ok=True)
        if not (data / "cache").exists():
            (data / "cache").symlink_to(typeface_cache)
        terms = {"demo": True, "database": database, **terms}
        offices.append(build(data, url="https://127.0.0.1:1", kiosks=kiosks, clock=clock, terms=Terms(**terms)))
        return offices[-1]

    yield make
    for office in offices:
        office.restores.close()
        office.store.close()


@pytest.fixture
def office(build_office: Callable[..., Office]) -> Office:
    return build_office()


@pytest.fixture
def side(office: Office) -> TerminalSide:
    """Return a terminal that has registered its key."""
    return side_of(office, "K0001")


class Running:
    """A central in a process of its own, and requests to it."""

    def __init__(self, process: subprocess.Popen[bytes], ready: dict[str, Any], log: Path) -> None:
        self.process = process
        self.url = ready["url"]
        self.terminal = Path(ready["terminal"])
        self.log = log
        self._keys: dict[str, EllipticCurvePrivateKey] = {}

    def folder(self, kiosk: str) -> Path:
        return self.terminal if kiosk == "K0001" else self.terminal.with_name(f"terminal-{kiosk}")

    def session(self, kiosk: str = "K0001") -> requests.Session:
        folder = self.folder(kiosk)
        session = requests.Session()
        session.cert = str(folder / "tls_client.pem")
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
        """Return a terminal with an epoch of its own; its key is registered with the first."""
        if kiosk not in self._keys:
            self._keys[kiosk] = new_key()
            shown = {"public_key_pem": pem(self._keys[kiosk])}
            assert self.call("POST", f"/v1/kiosks/{kiosk}/key", kiosk, json=shown).status_code == 201
        anchors = self.anchors()
        public = base64.b64decode(anchors["seal_public_key"])
        return TerminalSide(kiosk, anchors["seal_key_id"], public, self._keys[kiosk])

    def send(self, raw: bytes, kiosk: str = "K0001") -> requests.Response:
        headers = {"Content-Type": "application/json"}
        return self.call("POST", f"/v1/kiosks/{kiosk}/batches", kiosk, data=raw, headers=headers)

    def receipts(self, raw: bytes, kiosk: str = "K0001") -> list[wire.Receipt]:
        """Send a batch; return the receipts of the reply, which is checked against the published keys."""
        reply = self.send(raw, kiosk)
        assert reply.status_code == 200, reply.text
        keys = self.anchors()["receipt_keys"].items()
        decoded = wire.decode_reply(reply.content)
        wire.verify_reply(
            {name: Ed25519PublicKey.from_public_bytes(base64.b64decode(key)) for name, key in keys}, decoded
        )
        return list(decoded.receipts())

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
    def start(data: Path | None = None, *, demo: bool = True, options: Sequence[str] = ()) -> Iterator[Running]:
        data = data or tmp_path_factory.mktemp("central")
        cache = data / "cache"
        if not cache.exists():
            cache.symlink_to(typeface_cache)
        log = data / f"log-{time.monotonic_ns()}"
        command = [sys.executable, "-W", "error", "-m", "central", "--data", str(data)]
        command += ["--kiosk", "K0001", "--kiosk", "K0002", *(["--demo"] if demo else []), *options]
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
