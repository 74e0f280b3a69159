"""The kiosk's key in a file: nobody else's eyes, nobody else's hands, and no half a key after a power cut."""

from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)

from kiosk.keys import FileKey, KeyCode, KeyStoreError, open_key, public_pem
from kiosk.settings import KeySettings, Profile, Settings, TerminalSettings

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE = b"what the kiosk says"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder / "kiosk.key"


def refusal(code: KeyCode, act) -> KeyStoreError:
    with pytest.raises(KeyStoreError) as caught:
        act()
    assert caught.value.code is code, str(caught.value)
    assert caught.value.remedy
    return caught.value


def pem(key, encryption=None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def put(path: Path, content: bytes, mode: int = 0o600) -> None:
    path.write_bytes(content)
    path.chmod(mode)


def test_a_made_key_signs_and_the_next_start_reads_the_same(path):
    first = FileKey.open(path, create=True)
    first.public_key().verify(first.sign(MESSAGE), MESSAGE, ec.ECDSA(SHA256()))
    second = FileKey.open(path, create=True)
    assert second.key_id == first.key_id
    first.public_key().verify(second.sign(MESSAGE), MESSAGE, ec.ECDSA(SHA256()))
    assert [*path.parent.iterdir()] == [path]


def test_the_name_of_a_key_can_be_worked_out_by_others(path):
    key = FileKey.open(path, create=True)
    shown = subprocess.run(
        ["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], capture_output=True, check=True
    )
    hashed = subprocess.run(["sha256sum"], input=shown.stdout, capture_output=True, check=True)
    assert key.key_id == f"kiosk-{hashed.stdout[:16].decode()}"
    assert re.fullmatch(r"kiosk-[0-9a-f]{16}", key.key_id)
    assert load_pem_public_key(public_pem(key.public_key()).encode()) == key.public_key()


def test_a_file_key_says_openly_what_it_is(path):
    key = FileKey.open(path, create=True)
    assert key.kind == "file"
    assert "copies this disk" in key.describe()
    assert str(path) in key.describe()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_made_key_is_its_owners_alone_whatever_the_umask(path, umask):
    before = os.umask(umask)
    try:
        FileKey.open(path, create=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_key_is_told_and_not_made_in_passing(path):
    refusal(KeyCode.MISSING, lambda: FileKey.open(path, create=False))
    assert not path.exists()


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o660, 0o666])
def test_a_key_others_have_rights_to_is_refused(path, mode):
    put(path, pem(ec.generate_private_key(ec.SECP256R1())), mode)
    assert f"{mode:04o}" in refusal(KeyCode.EXPOSED, lambda: FileKey.open(path, create=True)).detail


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
def test_a_folder_others_can_write_to_is_refused(path, mode):
    FileKey.open(path, create=True)
    path.parent.chmod(mode)
    refusal(KeyCode.EXPOSED, lambda: FileKey.open(path, create=True))
    path.unlink()
    refusal(KeyCode.EXPOSED, lambda: FileKey.open(path, create=True))
    assert not path.exists()
    path.parent.chmod(0o700)


def test_another_users_key_or_folder_is_refused(path, monkeypatch):
    FileKey.open(path, create=True)
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    refusal(KeyCode.EXPOSED, lambda: FileKey.open(path, create=True))


@pytest.mark.parametrize("target", ["there", "nowhere"])
def test_a_link_in_the_keys_place_is_refused(path, target):
    other = path.with_name(target)
    if target == "there":
        FileKey.open(other, create=True)
    path.symlink_to(other)
    assert "link" in refusal(KeyCode.EXPOSED, lambda: FileKey.open(path, create=True)).detail
    assert path.is_symlink()


def test_a_pipe_or_a_folder_in_the_keys_place_does_not_hold_the_start(path):
    os.mkfifo(path, 0o600)
    refusal(KeyCode.EXPOSED, lambda: FileKey.open(path, create=True))
    path.unlink()
    path.mkdir(mode=0o700)
    refusal(KeyCode.EXPOSED, lambda: FileKey.open(path, create=True))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", KeyCode.UNREADABLE),
        (b"-----BEGIN PRIVATE KEY-----\n", KeyCode.UNREADABLE),
        (bytes(300), KeyCode.UNREADABLE),
        (b"x" * 5000, KeyCode.WRONG_KIND),
        (pem(ec.generate_private_key(ec.SECP384R1())), KeyCode.WRONG_KIND),
        (pem(ec.generate_private_key(ec.SECP256K1())), KeyCode.WRONG_KIND),
        (pem(ed25519.Ed25519PrivateKey.generate()), KeyCode.WRONG_KIND),
        (pem(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"word")), KeyCode.UNREADABLE),
    ],
)
def test_what_is_no_key_of_ours_is_refused_and_left_alone(path, content, code):
    put(path, content)
    refusal(code, lambda: FileKey.open(path, create=True))
    assert path.read_bytes() == content


def test_a_damaged_key_is_never_replaced(path):
    FileKey.open(path, create=True)
    put(path, damaged := path.read_bytes()[:-30])
    refusal(KeyCode.UNREADABLE, lambda: FileKey.open(path, create=True))
    assert path.read_bytes() == damaged


def test_a_missing_folder_is_told(tmp_path):
    refusal(KeyCode.UNREADABLE, lambda: FileKey.open(tmp_path / "no" / "kiosk.key", create=True))


class PowerCut(BaseException):
    """The machine stops here: nothing after this runs."""


STEPS = ("open", "fchmod", "fsync", "rename")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_a_power_cut_at_any_step_of_making_leaves_none_or_a_whole_key(path, monkeypatch, step, after):
    real = getattr(os, step)

    def cut(*arguments, **options):
        if step == "open" and not arguments[1] & os.O_CREAT:
            return real(*arguments, **options)
        if after:
            real(*arguments, **options)
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(os, step, cut)
        with pytest.raises(PowerCut):
            FileKey.open(path, create=True)
    if path.exists():
        whole = FileKey.open(path, create=False)
        assert (step, after) == ("rename", True)
        assert FileKey.open(path, create=True).key_id == whole.key_id
    FileKey.open(path, create=True)
    assert [*path.parent.iterdir()] == [path]


def test_the_key_is_on_the_disk_before_its_name_and_its_name_before_its_use(path, monkeypatch):
    done = []
    real_sync, real_rename = os.fsync, os.rename

    def sync(handle):
        found = os.fstat(handle)
        done.append("folder" if stat.S_ISDIR(found.st_mode) else f"file of {found.st_size}")
        real_sync(handle)

    def rename(*arguments, **options):
        done.append("rename")
        real_rename(*arguments, **options)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "rename", rename)
    FileKey.open(path, create=True)
    assert done == [f"file of {path.stat().st_size}", "rename", "folder"]


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_full_disk_is_told(path, monkeypatch, step):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, full)
    assert "No space left" in refusal(KeyCode.UNREADABLE, lambda: FileKey.open(path, create=True)).detail


def test_processes_that_start_at_once_end_with_one_key(path):
    program = (
        "import pathlib, sys\n"
        "from kiosk.keys import FileKey, KeyStoreError\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "sys.stdin.readline()\n"
        "try:\n"
        "    print(FileKey.open(path, create=True).key_id)\n"
        "except KeyStoreError as error:\n"
        "    print(error.code)\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    try:
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        said = {process.communicate(timeout=30)[0].strip() for process in processes}
    finally:
        for process in processes:
            process.kill()
            process.wait(10)
    assert said - {KeyCode.IN_USE.value} == {FileKey.open(path, create=False).key_id}


def test_a_closed_key_signs_nothing(path):
    key = FileKey.open(path, create=True)
    key.close()
    key.close()
    refusal(KeyCode.CLOSED, lambda: key.sign(MESSAGE))


def test_no_text_of_the_key_reaches_an_error_or_a_repr(path):
    FileKey.open(path, create=True)
    secret = path.read_text().splitlines()[1]
    put(path, path.read_bytes().replace(b"BEGIN", b"BEGAN"))
    error = refusal(KeyCode.UNREADABLE, lambda: FileKey.open(path, create=True))
    assert secret[:16] not in f"{error} {error!r} {error.__cause__}"


def test_the_settings_say_which_key(path):
    terminal = TerminalSettings(state_dir=str(path.parent))
    key = open_key(Settings(profile=Profile.LAB, terminal=terminal), create=True)
    assert FileKey.open(path, create=False).key_id == key.key_id
    named = KeySettings(file=str(path.with_name("other.key")))
    refusal(KeyCode.MISSING, lambda: open_key(Settings(profile=Profile.LAB, keys=named), create=False))


def test_the_settings_lead_to_a_token(soft):
    place = soft.place
    named = KeySettings(
        kind="token",
        module=str(place.module),
        token=place.token_label,
        label=place.key_label,
        pin_file=str(place.pin_file),
    )
    key = open_key(Settings(profile=Profile.LAB, keys=named), create=True)
    try:
        assert key.kind == "token"
        key.public_key().verify(key.sign(MESSAGE), MESSAGE, ec.ECDSA(SHA256()))
    finally:
        key.close()
