"""Disks that are full, read-only, or do not give back what they were given: real mounts, and a preload for the rest."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.queue.faults import on_bad_disk

ROOT = Path(__file__).resolve().parents[3]
SOURCE = Path(__file__).with_name("faulty_disk.c")


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(tried, check=False, capture_output=True, timeout=10).returncode == 0


needs_mount = pytest.mark.skipif(not can_mount(), reason="no right to mount a small disk")
needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


def build() -> Path:
    """Compile the preload once per content."""
    target = ROOT / "build" / "faults" / f"faulty-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}.so"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"{target.name}.{hash(target)}")
        command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(draft), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True, timeout=60)
        draft.replace(target)
    return target


def held(command: list[str], **environment: str) -> None:
    finished = subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert finished.returncode == 0, finished.stderr


def on_small_disk(case: object, folder: Path) -> None:
    script = 'mount -t tmpfs -o size=12m none "$1" && exec "$2" -m tests.queue.faults.on_bad_disk "$3" "$1"'
    held(["unshare", "-rm", "sh", "-c", script, "sh", str(folder), sys.executable, getattr(case, "__name__", "")])


def on_faulty_disk(case: object, folder: Path) -> None:
    orders = folder / "orders"
    orders.write_bytes(bytes(32))
    disk = folder / "disk"
    disk.mkdir()
    held(
        [sys.executable, "-m", "tests.queue.faults.on_bad_disk", getattr(case, "__name__", ""), str(disk)],
        LD_PRELOAD=str(build()),
        FAULTY_ORDERS=str(orders),
        FAULTY_FOLDER=str(disk),
    )


@needs_mount
def test_disk_full_at_put_refuses_the_item_whole(tmp_path: Path) -> None:
    """Fault 10."""
    on_small_disk(on_bad_disk.full_at_put, tmp_path)


@needs_mount
def test_disk_full_at_ack_gives_up_the_reserve_and_settles(tmp_path: Path) -> None:
    """Fault 11."""
    on_small_disk(on_bad_disk.full_at_ack, tmp_path)


def test_disk_full_at_a_start(tmp_path: Path) -> None:
    """Fault 11. After a reboot nothing could be delivered, and so nothing freed, if the queue could not be opened."""
    on_small_disk(on_bad_disk.full_at_a_start, tmp_path)


def test_disk_full_at_the_hourly_tidy(tmp_path: Path) -> None:
    """Fault 11."""
    on_small_disk(on_bad_disk.full_at_the_hourly_tidy, tmp_path)


@needs_mount
def test_disk_read_only_from_the_start_is_named(tmp_path: Path) -> None:
    """Fault 12."""
    on_small_disk(on_bad_disk.read_only_from_the_start, tmp_path)


@needs_compiler
def test_read_only_remount_closes_take_in_and_serving_goes_on(tmp_path: Path) -> None:
    """Fault 12."""
    on_faulty_disk(on_bad_disk.read_only_remount, tmp_path)


@needs_compiler
def test_flush_that_is_refused_is_never_told_as_taken_in(tmp_path: Path) -> None:
    """Fault 12."""
    on_faulty_disk(on_bad_disk.flush_refused, tmp_path)


@needs_compiler
def test_read_error_sets_one_item_aside_and_the_rest_flows(tmp_path: Path) -> None:
    """Fault 13."""
    on_faulty_disk(on_bad_disk.read_error, tmp_path)


@needs_compiler
def test_read_error_on_a_page_of_many_items_names_each(tmp_path: Path) -> None:
    """Fault 13."""
    on_faulty_disk(on_bad_disk.read_error_in_the_tail_of_many, tmp_path)
