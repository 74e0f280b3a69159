"""Fetch the portraits that the demo and the tests show to the camera. They are never part of the repository.

pip downloads two archives without installing them and checks their digests; this script takes five pictures out and
checks each again. Run it as often as you like: pictures that are there and right are kept, nothing is downloaded then.
Exit status: 0 all pictures are there, 1 they could not be fetched, 130 interrupted.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

LOCK = Path(__file__).parent / "locks" / "faces.txt"
MARK = "#:"
DOWNLOAD_LIMIT_S = 600.0  # 18 MB: half an hour of a dead line must not look like work
# One wheel for every machine, so that one digest is enough: only pictures are taken out of it, nothing is installed.
PLATFORM = ("--python-version", "3.11", "--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_17_x86_64")


class FetchError(Exception):
    """The pictures could not be fetched; the text says why in words for a developer."""


@dataclass(frozen=True)
class Picture:
    """One picture: its name here, the digest it must have and its path inside the archive."""

    name: str
    sha256: str
    member: str

    def is_in(self, folder: Path) -> bool:
        """Tell whether ``folder`` holds this very picture."""
        path = folder / self.name
        return path.is_file() and self.matches(path.read_bytes())

    def matches(self, content: bytes) -> bool:
        """Compare the digest."""
        return hashlib.sha256(content).hexdigest() == self.sha256


def read_lock(lock: Path) -> list[Picture]:
    """Return the pictures named in the lock file."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [Picture(*line.removeprefix(MARK).split()) for line in lines if line.startswith(MARK)]


def download(lock: Path, folder: Path) -> None:
    """Let pip bring the archives named in ``lock`` into ``folder``. Raises ``FetchError``."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    # The source archive's metadata is built with this environment's setuptools: no second download, nothing unhashed.
    command += ["--require-hashes", "--no-build-isolation", "--no-binary", "face_recognition", *PLATFORM]
    command += ["--dest", str(folder), "-r", str(lock)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=DOWNLOAD_LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise FetchError(f"pip was not done after {DOWNLOAD_LIMIT_S:.0f} s: is the network there?") from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["nothing"]
        raise FetchError(f"pip could not download the archives (is the network there?). Its last word: {said[-1]}")


def take_out(archive: Path, wanted: list[Picture]) -> dict[str, bytes]:
    """Return the content of those ``wanted`` pictures that ``archive`` holds, by name."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            inside = set(packed.namelist())
            return {picture.name: packed.read(picture.member) for picture in wanted if picture.member in inside}
    found = {}
    with tarfile.open(archive) as packed_tar:
        members = set(packed_tar.getnames())
        for picture in wanted:
            stream = packed_tar.extractfile(picture.member) if picture.member in members else None
            if stream is not None:
                found[picture.name] = stream.read()
    return found


def store(path: Path, content: bytes) -> None:
    """Write whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def fetch(out: Path, lock: Path = LOCK) -> int:
    """Bring every picture of ``lock`` into ``out`` and return how many were missing. Raises ``FetchError``."""
    missing = [picture for picture in read_lock(lock) if not picture.is_in(out)]
    if not missing:
        return 0
    with tempfile.TemporaryDirectory(prefix="tongban-faces-") as work:
        download(lock, Path(work))
        found: dict[str, bytes] = {}
        for archive in sorted(Path(work).iterdir()):
            found.update(take_out(archive, missing))
    wrong = [picture.name for picture in missing if not picture.matches(found.get(picture.name, b""))]
    if wrong:
        raise FetchError(f"not in the archives, or not with the digest in {lock.name}: {', '.join(wrong)}")
    out.mkdir(parents=True, exist_ok=True)
    for picture in missing:
        store(out / picture.name, found[picture.name])
    return len(missing)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=Path("build/faces"), help="folder for the pictures")
    arguments = parser.parse_args()
    try:
        count = fetch(arguments.out)
    except KeyboardInterrupt:
        print("faces: interrupted, nothing half done was left behind; run it again", file=sys.stderr)
        return 130
    except (FetchError, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        print(f"faces: {error}", file=sys.stderr)
        print("faces: the demo runs without a camera picture, tests that need faces are skipped", file=sys.stderr)
        return 1
    print(f"faces: {count} fetched into {arguments.out}" if count else f"faces: all in {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
