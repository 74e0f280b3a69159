"""``kioskctl slip verify``: a genuine slip is told from every other, with nothing but public keys."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kiosk.cli import app
from kiosk.documents.slip_code import slip_code
from kiosk.keys import FileKey, public_pem

SAID = {
    "kiosk": "K0001",
    "epoch": "9f0c" * 8,
    "seq": 4711,
    "number": "0001-261121-0007-4821",
    "taken_at": datetime(2026, 11, 21, 9, 5, 7, tzinfo=UTC),
    "fingerprint": bytes(range(32)),
}


@pytest.fixture
def key(tmp_path: Path) -> FileKey:
    return FileKey.open(tmp_path / "kiosk.key", create=True)


@pytest.fixture
def keys(key: FileKey, tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({key.key_id: {"kiosk": "K0001", "public_key_pem": public_pem(key.public_key())}}))
    return path


def test_a_genuine_slip_says_what_the_kiosk_signed(key: FileKey, keys: Path) -> None:
    code = slip_code(key, **SAID)  # type: ignore[arg-type]
    result = CliRunner().invoke(app, ["slip", "verify", code, "--keys", str(keys)])
    assert result.exit_code == 0
    assert "genuine: kiosk K0001 took case 0001-261121-0007-4821 in at 2026-11-21 09:05:07 UTC" in result.stdout
    told = json.loads(CliRunner().invoke(app, ["slip", "verify", code, "--keys", str(keys), "--json"]).stdout)
    assert (told["seq"], told["fingerprint"], told["key_id"]) == (4711, bytes(range(32)).hex(), key.key_id)


def test_a_changed_code_is_refused_with_the_reason(key: FileKey, keys: Path) -> None:
    code = slip_code(key, **SAID)  # type: ignore[arg-type]
    changed = code[:60] + ("A" if code[60] != "A" else "B") + code[61:]
    result = CliRunner().invoke(app, ["slip", "verify", changed, "--keys", str(keys)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("slip.forged: ")


@pytest.mark.parametrize("content", ["", "{}", "[]"])
def test_a_file_without_the_kiosks_key_proves_nothing(key: FileKey, tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    code = slip_code(key, **SAID)  # type: ignore[arg-type]
    result = CliRunner().invoke(app, ["slip", "verify", code, "--keys", str(path)])
    assert result.exit_code == 1
    assert key.key_id in result.stderr or "other.json" in result.stderr


def test_the_command_as_a_process(key: FileKey, keys: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "kiosk.cli", "slip", "verify", slip_code(key, **SAID)]  # type: ignore[arg-type]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, "--keys", str(keys)], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "genuine" in done.stdout
