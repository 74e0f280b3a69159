"""``kioskctl doctor`` beside a running terminal and on a stopped one."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from typer.testing import CliRunner

from kiosk.cli import app
from kiosk.cli_doctor import is_running
from kiosk.clock import ManualClock, SystemClock
from kiosk.events import CardRead, DeviceChanged, LinkChanged, ModeChanged
from kiosk.maintenance.found_items import FoundItems, FoundKind
from kiosk.maintenance.proof import Proofs
from offline_queue.outbox import Outbox

if TYPE_CHECKING:
    from pathlib import Path

SITE = """
[devices.id_reader]
driver = "sdt"
port = "{port}"

[devices.document_printer]
driver = "no-such-driver"
"""


async def opened(state: Path) -> Outbox:
    clock = SystemClock()
    return await Outbox.open(
        state / "queue.db",
        kiosk="K0001",
        central_key=X25519PrivateKey.generate().public_key(),
        central_key_id="seal-1",
        receipt_keys={},
        now=clock.now,
        monotonic=clock.monotonic,
        on_alarm=lambda _alarm: None,
    )


def doctor(state: Path, *more: str, site: str = ""):
    (state / "site.toml").write_text(site)
    asked = ["doctor", "--state", str(state), "--settings", str(state / "site.toml"), "--profile", "lab", *more]
    return CliRunner().invoke(app, asked)


def sections(result) -> dict[str, dict]:
    return {section["id"]: section for section in json.loads(result.stdout)}


@pytest.fixture
def noted(tmp_path):
    """Return the folder of a terminal that noted a few things before."""
    clock = ManualClock()
    proofs = Proofs(tmp_path / "maintenance", clock)
    for event in (
        ModeChanged(mode="degraded"),
        CardRead(visit="v", kind="resident"),
        DeviceChanged(device="id_reader", state="fault", conditions=("security_module",), detail=""),
        DeviceChanged(device="id_reader", state="absent", conditions=(), detail=""),
        LinkChanged(state="down"),
    ):
        proofs.hear(event)

    async def write():
        await proofs.write()
        items = FoundItems(tmp_path / "maintenance")
        await items.record(FoundKind.ID_CARD, "BAG-1", "id_reader", at="2026-11-21T02:00:00+00:00", by="T-1")

    asyncio.run(write())
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "site.toml"}


def test_beside_a_running_terminal_only_files_are_read_and_none_is_changed(noted):
    async def beside():
        outbox = await opened(noted)
        try:
            assert is_running(noted / "queue.db")
            before = files(noted / "maintenance")
            found = await asyncio.to_thread(doctor, noted, "--json", site=SITE.format(port="/dev/null"))
            assert files(noted / "maintenance") == before
        finally:
            await outbox.close()
        return found

    result = asyncio.run(beside())
    found = sections(result)
    reader = next(row for row in found["devices"]["rows"] if row["id"] == "id_reader")
    assert (reader["state"], reader["first_cause"], reader["driver"]) == ("absent", "fault security_module", "sdt")
    assert reader["last_proven"].startswith("2026-11-21T02:00")
    assert found["identity"]["rows"][0]["mode"] == "degraded"
    assert found["link"]["rows"][0]["link"] == "down"
    assert found["found"]["rows"][0]["bag"] == "BAG-1"
    assert found["queue"]["rows"][0]["pending"] == 0
    assert result.exit_code == 1  # something is red
    assert not is_running(noted / "queue.db")


def test_a_stopped_terminals_devices_are_asked_and_a_wrong_driver_is_named(noted):
    result = doctor(noted, "--json", site=SITE.format(port="/nowhere/at/all"))
    rows = {row["id"]: row for row in sections(result)["devices"]["rows"]}
    assert rows["id_reader"]["state"] == "absent"
    assert "no-such-driver" in rows["document_printer"]["model"]
    assert not sections(result)["identity"]["rows"][0]["running"]


@pytest.mark.parametrize(("language", "words"), [("en", "Found items"), ("zh_CN", "遗留物品")])
def test_it_speaks_both_languages_and_no_keys(noted, language, words):
    result = doctor(noted, "--language", language)
    assert words in result.stdout
    assert "maintenance." not in result.stdout


def test_an_empty_folder_is_a_terminal_nobody_knows_anything_of(tmp_path):
    result = doctor(tmp_path)
    assert result.exit_code == 0
    assert "not known" in result.stdout
