"""Tokens to test against: a token in software, and a TPM in software behind the module that serves real ones."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kiosk.keys.session import TokenPlace

PIN = "8d1f4c0a96e2b7735a0c4be91d2f6388"  # as the how-to makes one
SO_PIN = "86420975"
TOKEN = "kiosk-test"  # noqa: S105 - a name, no secret
DEADLINE_S = 20.0


def module(*places: str) -> Path:
    """Return the first of the places a Debian of any processor puts the module."""
    for place in places:
        for found in sorted(Path("/usr/lib").glob(place)):
            return found
    raise AssertionError(f"{places[0]} is not installed: run packaging/setup.sh")


def tool(path: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["pkcs11-tool", "--module", path, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@dataclass
class Token:
    """A token of the test's own and the place a kiosk's key has in it."""

    place: TokenPlace

    def initialise(self) -> None:
        so = ("--so-pin", SO_PIN)
        tool(self.place.module, "--init-token", "--slot-index", "0", "--label", TOKEN, *so)
        login = ("--token-label", TOKEN, "--login", "--login-type", "so", *so)
        tool(self.place.module, *login, "--init-pin", "--new-pin", PIN)

    def say(self, *arguments: str) -> str:
        """Do as a technician would with the right PIN."""
        return tool(self.place.module, "--token-label", TOKEN, "--login", "--pin", PIN, *arguments)


@dataclass
class Tpm(Token):
    """swtpm on a socket of its own; its state and the store of the module lie in the test's folder."""

    folder: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        path = self.folder / "tpm"
        self.process = subprocess.Popen(
            [
                *("swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder}"),
                *("--server", f"type=unixio,path={path}", "--ctrl", f"type=unixio,path={path}.ctrl"),
                *("--flags", "not-need-init,startup-clear", "--log", f"file={self.folder}/log"),
            ],
            stdin=subprocess.DEVNULL,
        )
        limit = time.monotonic() + DEADLINE_S
        while not (path.exists() and path.with_name("tpm.ctrl").exists()):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < limit, "swtpm did not begin to listen"
            time.sleep(0.01)

    def stop(self) -> None:
        """Take the TPM away, as a power cut or a pulled plug would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(DEADLINE_S)
            self.process = None
            for name in ("tpm", "tpm.ctrl"):
                (self.folder / name).unlink(missing_ok=True)

    def tell(self, *command: str) -> str:
        """Talk to the TPM beside the module, as a technician would with tpm2-tools."""
        environment = os.environ | {"TPM2TOOLS_TCTI": f"swtpm:path={self.folder}/tpm"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def pin_file(tmp_path: Path) -> Path:
    path = tmp_path / "pin"
    path.write_text(f"{PIN}\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def soft(tmp_path: Path, pin_file: Path, monkeypatch: pytest.MonkeyPatch) -> Token:
    """SoftHSM 2 with one token."""
    store = tmp_path / "softhsm"
    store.mkdir()
    settings = tmp_path / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {store}\nobjectstore.backend = file\nlog.level = ERROR\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(settings))
    path = module("softhsm/libsofthsm2.so", "*/softhsm/libsofthsm2.so")
    token = Token(TokenPlace(module=path, token_label=TOKEN, key_label="tongban-kiosk", pin_file=pin_file))
    token.initialise()
    return token


@pytest.fixture
def tpm(pin_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Give a TPM 2.0 in software with one token."""
    # A Unix socket's path has room for 107 bytes, and pytest's folders have long names.
    folder = Path(tempfile.mkdtemp(prefix="tb-tpm-"))
    store = tmp_path / "store"
    store.mkdir()
    monkeypatch.setenv("TPM2_PKCS11_STORE", str(store))
    monkeypatch.setenv("TPM2_PKCS11_TCTI", f"swtpm:path={folder}/tpm")
    path = module("*/pkcs11/libtpm2_pkcs11.so", "*/libtpm2_pkcs11.so.1")
    place = TokenPlace(module=path, token_label=TOKEN, key_label="tongban-kiosk", pin_file=pin_file)
    made = Tpm(place=place, folder=folder)
    try:
        made.start()
        made.initialise()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


@pytest.fixture(params=["soft", "tpm"])
def token(request: pytest.FixtureRequest) -> Token:
    """Both, one after the other: what holds for one token has to hold for the other."""
    return request.getfixturevalue(request.param)
