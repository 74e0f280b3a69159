"""The kiosk's key in a file: whoever copies the disk copies the key, and ``describe`` says so."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from kiosk.keys.port import KeyCode, KeyStoreError, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIVATE_MODE: Final = 0o600
OTHERS: Final = 0o077  # any right of the group or of everybody
OTHERS_WRITE: Final = 0o022
MOST_BYTES: Final = 4096  # a P-256 key as PKCS#8 PEM is 241 bytes, a PIN less
UNFINISHED: Final = ".unfinished"  # a key in the making; a power cut may leave one, the next making removes it


class FileKey:
    """A P-256 key as unencrypted PKCS#8 PEM in a file only its owner can read."""

    kind = "file"

    def __init__(self, path: Path, private_key: ec.EllipticCurvePrivateKey) -> None:
        self._path = path
        self._private: ec.EllipticCurvePrivateKey | None = private_key
        self._public = private_key.public_key()
        self.key_id = name_of(self._public)

    @classmethod
    def open(cls, path: Path, *, create: bool) -> FileKey:
        """Read the key at ``path``; make one when there is none and ``create`` says so.

        Blocks for a flush of the disk when it makes one. Raises ``KeyStoreError``: ``MISSING``, ``EXPOSED`` when others
        could read or replace it, ``WRONG_KIND``, ``UNREADABLE``, ``IN_USE`` when another process is making it.
        """
        with _folder(path) as folder:
            try:
                raw = read_private(path, folder)
            except FileNotFoundError:
                if not create:
                    raise KeyStoreError(
                        KeyCode.MISSING,
                        f"there is no key at {path}",
                        "restore nothing from a copy: make a new key and enrol the kiosk again",
                    ) from None
                raw = _make(path, folder)
        return cls(path, _parsed(raw, path))

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Return the public half."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """Return a DER signature. Raises ``KeyStoreError`` (``CLOSED``)."""
        private = self._private
        if private is None:
            raise KeyStoreError(KeyCode.CLOSED, "the key was closed", "open it again")
        return private.sign(message, ec.ECDSA(SHA256()))

    def describe(self) -> str:
        """Say where the key is and what that means."""
        return (
            f"The kiosk's key {self.key_id} is an ordinary file, {self._path}:"
            " whoever copies this disk, or is root here, copies the key and can pass for this kiosk."
        )

    def close(self) -> None:
        """Forget the key."""
        self._private = None


def read_private(path: Path, folder: int | None = None) -> bytes:
    """Return what a file only its owner may read holds; ``folder`` is its folder's descriptor, where one is open.

    Raises ``FileNotFoundError``, and ``KeyStoreError`` for a link, another owner, rights of others, no ordinary file.
    """
    name = path if folder is None else path.name
    try:
        # Not blocking: a pipe laid in the file's place would hold the start for ever.
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        link = path.is_symlink()
        said = "is a link, which could be turned elsewhere" if link else f"cannot be read: {error.strerror}"
        raise KeyStoreError(
            KeyCode.EXPOSED if link else KeyCode.UNREADABLE, f"{path} {said}", "put the file itself there, mode 0600"
        ) from None
    try:
        _judge(path, os.fstat(handle))
        raw = os.read(handle, MOST_BYTES + 1)  # an ordinary file this small comes in one piece
    except OSError as error:
        raise KeyStoreError(KeyCode.UNREADABLE, f"{path} cannot be read: {error.strerror}", "check the disk") from None
    finally:
        os.close(handle)
    if len(raw) > MOST_BYTES:
        raise KeyStoreError(KeyCode.WRONG_KIND, f"{path} is larger than {MOST_BYTES} bytes", "name the right file")
    return raw


def _judge(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise KeyStoreError(KeyCode.EXPOSED, f"{path} is no ordinary file", "put the file itself there, mode 0600")
    if found.st_uid != os.geteuid():
        raise KeyStoreError(
            KeyCode.EXPOSED,
            f"{path} belongs to user {found.st_uid}, the terminal runs as user {os.geteuid()}",
            "find out who put it there; give it to the terminal's user",
        )
    if found.st_mode & OTHERS:
        raise KeyStoreError(
            KeyCode.EXPOSED,
            f"{path} has mode {stat.S_IMODE(found.st_mode):04o}: others can get at it",
            "chmod 0600; if others may have read it, replace it, and have central withdraw what it was good for",
        )


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[int]:
    """Hold the folder open and judge it: who can write there can lay another key in this one's place.

    Reading the folder's list is no harm: the file itself lets nobody in.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise KeyStoreError(
            KeyCode.UNREADABLE,
            f"the folder {path.parent} cannot be opened: {error.strerror}",
            "make it for the terminal's user, mode 0700",
        ) from None
    try:
        found = os.fstat(folder)
        if found.st_uid not in {os.geteuid(), 0}:
            raise KeyStoreError(
                KeyCode.EXPOSED,
                f"the folder {path.parent} belongs to user {found.st_uid}, the terminal runs as user {os.geteuid()}",
                "run this as the terminal's user, or give the folder to it",
            )
        if found.st_mode & OTHERS_WRITE:
            raise KeyStoreError(
                KeyCode.EXPOSED,
                f"the folder {path.parent} has mode {stat.S_IMODE(found.st_mode):04o}: others can replace its files",
                "chmod 0700",
            )
        yield folder
    finally:
        os.close(folder)


def _make(path: Path, folder: int) -> bytes:
    """Make a key so that a power cut leaves none or a whole one, and that no other key is ever written over."""
    raw = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    unfinished = path.name + UNFINISHED
    try:
        # One maker at a time, until the folder is closed. Not waited for: a restart finds what the other made.
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _refuse_present(path.name, folder)  # made by another between our look and our lock
        with contextlib.suppress(FileNotFoundError):
            os.unlink(unfinished, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with os.fdopen(os.open(unfinished, flags, PRIVATE_MODE, dir_fd=folder), "wb") as file:
            os.fchmod(file.fileno(), PRIVATE_MODE)  # whatever the umask
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        # A rename, not a link: a second name left by a power cut would outlive a key that is taken away for good.
        os.rename(unfinished, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    except (BlockingIOError, FileExistsError):
        raise KeyStoreError(
            KeyCode.IN_USE, f"another process is making the key {path} at this moment", "start again"
        ) from None
    except OSError as error:
        raise KeyStoreError(
            KeyCode.UNREADABLE, f"the key {path} cannot be made: {error.strerror}", "check room and rights of the disk"
        ) from None
    return raw


def _refuse_present(name: str, folder: int) -> None:
    if name in os.listdir(folder):
        raise FileExistsError


def _parsed(raw: bytes, path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(raw, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # the library's own text may quote the file
        raise KeyStoreError(
            KeyCode.UNREADABLE, f"{path} is no private key as unencrypted PEM", "the file is damaged or another's"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise KeyStoreError(
            KeyCode.WRONG_KIND, f"{path} is no key on the curve P-256", "central knows P-256 only: make a new key"
        )
    return key
