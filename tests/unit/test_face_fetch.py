"""Fetching the portraits: an archive that is wrong, cut off or out of reach leaves no half picture behind."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
ONE, TWO = b"first picture", b"second picture"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Load the script: it belongs to no package."""
    spec = importlib.util.spec_from_file_location("fetch_faces", ROOT / "packaging" / "fetch_faces.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "fetch_faces", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "faces.txt"
    lines = [f"#: one.jpg {hashlib.sha256(ONE).hexdigest()} a-1/one.jpg"]
    lines.append(f"#: two.png {hashlib.sha256(TWO).hexdigest()} b/two.png")
    path.write_text("\n".join(["# words", *lines]) + "\n")
    return path


def archives(one: bytes = ONE, two: bytes = TWO) -> Callable[[Path, Path], None]:
    """Return a download that brings a source archive and a wheel."""

    def download(_lock: Path, folder: Path) -> None:
        (folder / "one.jpg").write_bytes(one)
        with tarfile.open(folder / "a-1.tar.gz", "w:gz") as packed:
            packed.add(folder / "one.jpg", "a-1/one.jpg")
        (folder / "one.jpg").unlink()
        with zipfile.ZipFile(folder / "b-1.whl", "w") as wheel:
            wheel.writestr("b/two.png", two)

    return download


def test_pictures_are_taken_out_once_and_kept(
    tool: Any, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "new" / "faces"
    monkeypatch.setattr(tool, "download", archives())
    assert tool.fetch(out, lock) == 2
    assert ((out / "one.jpg").read_bytes(), (out / "two.png").read_bytes()) == (ONE, TWO)
    monkeypatch.setattr(tool, "download", None)
    assert tool.fetch(out, lock) == 0, "a second run downloads nothing"
    assert sorted(path.name for path in out.iterdir()) == ["one.jpg", "two.png"]


def test_damaged_picture_is_fetched_again(
    tool: Any, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "download", archives())
    tool.fetch(tmp_path / "faces", lock)
    (tmp_path / "faces" / "one.jpg").write_bytes(ONE[:3])
    assert tool.fetch(tmp_path / "faces", lock) == 1
    assert (tmp_path / "faces" / "one.jpg").read_bytes() == ONE


def test_picture_with_another_digest_is_refused_and_nothing_is_written(
    tool: Any, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool, "download", archives(two=b"something else"))
    with pytest.raises(tool.FetchError, match=r"two\.png"):
        tool.fetch(tmp_path / "faces", lock)
    assert not (tmp_path / "faces").exists()


@pytest.mark.parametrize("trouble", ["FetchError", "KeyboardInterrupt"])
def test_offline_or_interrupted_run_says_so_and_leaves_nothing(
    trouble: str, tool: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def download(_lock: Path, folder: Path) -> None:
        (folder / "half.tar.gz.part").write_bytes(b"half")
        raise KeyboardInterrupt if trouble == "KeyboardInterrupt" else tool.FetchError("is the network there?")

    monkeypatch.setattr(tool, "download", download)
    monkeypatch.setattr("sys.argv", ["fetch_faces.py", "--out", str(tmp_path / "faces")])
    assert tool.main() == (130 if trouble == "KeyboardInterrupt" else 1)
    assert capsys.readouterr().err.startswith("faces: ")
    assert not (tmp_path / "faces").exists()


def test_lock_names_every_portrait_that_is_used(tool: Any) -> None:
    used = {"obama.jpg", "obama3.jpg", "biden.jpg", "astronaut.png"}
    assert used <= {picture.name for picture in tool.read_lock(tool.LOCK)}
