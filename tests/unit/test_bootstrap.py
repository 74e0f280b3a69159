"""What a terminal is built from is proved before it serves: every problem at once, by key, and the queue let go."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kiosk.bootstrap import QUEUE_FILE, build
from kiosk.clock import ManualClock
from kiosk.errors import SettingsError
from kiosk.event_log import EventLog
from kiosk.events import HelpAsked, TerminalStopped
from kiosk.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from kiosk.terminal import Terminal


class NoScreen:
    def show(self, scene): ...

    def frame(self, frame): ...

    def wipe(self): ...


def public(key: Any) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def certificate(*, with_key: bool = False) -> bytes:
    key, clock = generate_private_key(SECP256R1()), ManualClock()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, clock.now(), clock.now().replace(year=2030))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) if with_key else b""
    return private + made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


class Enrolment:
    """What central wrote at enrolment, as files; each can be spoiled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("tls_ca", "document_ca"):
            (folder / name).write_bytes(certificate())
        (folder / "tls_client").write_bytes(certificate(with_key=True))
        (folder / "token").write_text("token\n", encoding="ascii")
        self.anchors()

    def anchors(self, **changes: object) -> None:
        right = {
            "seal_key_id": "s",
            "seal_public_key": public(X25519PrivateKey.generate()),
            "receipt_keys": {name: public(Ed25519PrivateKey.generate()) for name in ("present", "next")},
        }
        (self.folder / "anchors").write_text(json.dumps(right | changes), encoding="utf-8")

    async def build(self, **changes: dict[str, object]) -> Terminal:
        central: dict[str, object] = {"url": "https://127.0.0.1:1", "token_file": str(self.folder / "token")}
        central |= {name: str(self.folder / name) for name in ("tls_ca", "document_ca", "tls_client", "anchors")}
        site = {"central": central, "terminal": {"state_dir": str(self.folder / "state")}}
        for table, values in changes.items():
            site[table] = site.get(table, {}) | values
        return await build(load("community", overlays=[("site file", site)]), NoScreen(), clock=ManualClock())

    async def problems(self, **changes: dict[str, object]) -> str:
        with pytest.raises(SettingsError) as caught:
            await self.build(**changes)
        return "\n".join(caught.value.problems)


@pytest.fixture
def enrolment(tmp_path: Path) -> Enrolment:
    return Enrolment(tmp_path)


async def test_terminal_with_everything_right_is_built(enrolment):
    terminal = await enrolment.build()
    await terminal._stop()


async def test_all_that_is_missing_is_told_at_once(enrolment):
    (enrolment.folder / "tls_ca").unlink()
    (enrolment.folder / "document_ca").write_text("no certificate", encoding="utf-8")
    (enrolment.folder / "token").write_text("tök en", encoding="utf-8")
    enrolment.anchors(seal_public_key=base64.b64encode(b"short").decode())
    told = await enrolment.problems(terminal={"state_dir": str(enrolment.folder / "token" / "x")})
    keys = ("central.tls_ca", "central.document_ca", "central.token_file", "central.anchors", "terminal.state_dir")
    assert [key for key in keys if key not in told] == []
    assert "tök" not in told


@pytest.mark.parametrize(
    "changes",
    [
        {"receipt_keys": {"r": base64.b64encode(b"short").decode()}},
        {"receipt_keys": {"": public(Ed25519PrivateKey.generate())}},
        {"receipt_keys": []},
        {"seal_public_key": "!!!!"},
        {"seal_public_key": 7},
        {"seal_key_id": ""},
    ],
)
async def test_keys_of_the_wrong_shape_are_refused(enrolment, changes):
    enrolment.anchors(**changes)
    assert "central.anchors" in await enrolment.problems()


@pytest.mark.parametrize("content", ["", "[]", "7", "{", "[" * 100_000])
async def test_anchors_that_are_none_are_refused(enrolment, content):
    (enrolment.folder / "anchors").write_text(content, encoding="utf-8")
    assert "central.anchors" in await enrolment.problems()


@pytest.mark.parametrize("content", ["", "\n", "two words", "two\nlines"])
async def test_token_that_cannot_travel_in_a_header_is_refused(enrolment, content):
    (enrolment.folder / "token").write_text(content, encoding="utf-8")
    assert "central.token_file" in await enrolment.problems()


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\x00"])
@pytest.mark.parametrize("name", ["tls_ca", "document_ca", "tls_client"])
async def test_authority_that_is_no_certificate_is_refused(enrolment, name, content):
    (enrolment.folder / name).write_bytes(content)
    assert f"central.{name}" in await enrolment.problems()


async def test_client_certificate_without_its_key_is_refused(enrolment):
    (enrolment.folder / "tls_client").write_bytes(certificate())
    assert "central.tls_client" in await enrolment.problems()


async def test_connection_without_a_client_certificate_is_refused_before_central_does(enrolment):
    assert "central.tls_client: missing" in await enrolment.problems(central={"tls_client": ""})


async def test_services_that_print_need_the_authority_that_proves_their_sheets(enrolment):
    assert "central.document_ca: missing; DEMO-" in await enrolment.problems(central={"document_ca": ""})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_state_folder_that_cannot_be_written_is_refused(enrolment):
    (enrolment.folder / "state").mkdir(mode=0o500)
    assert "terminal.state_dir" in await enrolment.problems()


async def test_queue_in_use_by_another_terminal_is_refused_and_not_retried(enrolment):
    first = await enrolment.build()
    told = await enrolment.problems()
    assert told.startswith("terminal.state_dir")
    assert "stop the other terminal" in told
    await first._stop()


async def test_queue_of_another_terminal_is_refused_and_let_go(enrolment):
    await (await enrolment.build())._stop()
    told = await enrolment.problems(terminal={"kiosk": "K0002"})
    assert told.startswith("terminal.kiosk")
    await (await enrolment.build())._stop()


async def test_damaged_queue_is_kept_aside_and_the_terminal_serves(enrolment, capsys):
    (enrolment.folder / "state").mkdir()
    (enrolment.folder / "state" / QUEUE_FILE).write_bytes(b"x" * 9000)
    terminal = await enrolment.build()
    await asyncio.sleep(0)  # the alarm is raised on the loop
    await terminal._stop()
    kept = list((enrolment.folder / "state").glob(f"{QUEUE_FILE}.broken-*"))
    assert [file.read_bytes() for file in kept] == [b"x" * 9000]
    assert "alarm.history_lost" in capsys.readouterr().out


class FullDisk(io.StringIO):
    """A stream of a disk that is full until room is made."""

    full = True

    def write(self, text: str, /) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_full_disk_under_the_log_costs_lines_and_says_how_many():
    stream = FullDisk()
    log, heard = EventLog(ManualClock(), stream), []
    log.listen(heard.append)
    log.emit(HelpAsked(visit="a"))
    log.emit(HelpAsked(visit="b"))
    stream.full = False
    log.emit(HelpAsked(visit="c"))
    log.emit(TerminalStopped())
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["LogLinesLost", "HelpAsked", "TerminalStopped"]
    assert lines[0]["lines"] == 2
    assert len(heard) == 4


def test_closed_log_is_no_crash_but_a_personal_value_still_is():
    stream = io.StringIO()
    stream.close()
    log = EventLog(ManualClock(), stream)
    log.emit(TerminalStopped())
    with pytest.raises(TypeError, match="no"):
        log.emit(HelpAsked(visit=object()))
