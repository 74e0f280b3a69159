"""The recorder sees every change, in order, or says that it does not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.cuts.recorder import Event, Op, RecordingError, read_folder, record
from tests.cuts.replay import check_complete

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = """
import fcntl, os, sys
os.chdir(sys.argv[1])
one = os.open("one", os.O_RDWR | os.O_CREAT)
os.write(one, b"first"); os.pwrite(one, b"IR", 1); os.ftruncate(one, 4); os.fsync(one)
two = os.dup(one); os.write(two, b"tail")
three = fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 50); os.close(one); os.write(three, b"!"); os.fdatasync(three)
with open("old", "ab", buffering=0) as old:
    old.write(b" and more")
with open("cleared", "wb") as cleared:
    cleared.write(b"new")
big = os.open("big", os.O_RDWR | os.O_CREAT); os.posix_fallocate(big, 100, 5000); os.pwrite(big, b"x", 9000)
os.mkdir("inner"); open("inner/a", "w").close()
folder = os.open("inner", os.O_RDONLY); b = os.open("b", os.O_WRONLY | os.O_CREAT, dir_fd=folder); os.write(b, b"bb")
os.rename("inner/a", "a"); os.replace("inner/b", "a"); os.unlink("gone"); os.rename("big", "large")
marks = os.open(".marks", os.O_WRONLY | os.O_CREAT); os.write(marks, b'{"word": 1}\\n')
root = os.open(".", os.O_RDONLY); os.fsync(root)
open(sys.argv[1] + "/../beside", "w").close()
"""

UNRECORDED = {
    "writev": "os.writev(f, [b'a', b'b'])",
    "shared mapping": "import mmap; os.ftruncate(f, 9); mmap.mmap(f, 9)",
    "copy_file_range": "os.copy_file_range(os.open('/proc/self/exe', os.O_RDONLY), f, 9)",
    "sendfile": "os.sendfile(f, os.open('/proc/self/exe', os.O_RDONLY), 0, 9)",
    "truncate": "os.truncate('file', 3)",
    "linkat": "os.link('file', 'other')",
    "symlink": "os.symlink('file', 'other')",
    "O_SYNC": "os.open('other', os.O_CREAT | os.O_WRONLY | os.O_SYNC)",
    "border": "os.rename('file', '../file')",
    "syscall": "import ctypes; ctypes.CDLL(None).syscall(1, f, b'a', 1)",
    "io_uring": "import ctypes; ctypes.CDLL(None).syscall(425, 1, 0)",
    "fopen": "import ctypes; ctypes.CDLL(None).fopen(b'other', b'w')",
    "after fork": "p = os.fork(); p or os.write(f, b'a'); sys.exit(os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]))",
}


def run(tmp_path: Path, script: str) -> list[Event]:
    return record([sys.executable, "-c", script, str(tmp_path / "disk")], tmp_path / "disk", tmp_path / "log")


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    for name in ("old", "cleared", "gone"):
        (folder / name).write_bytes(name.encode())
    return folder


def test_no_change_is_missed(tmp_path: Path, disk: Path) -> None:
    before = read_folder(disk)
    events = run(tmp_path, EVERYTHING)
    check_complete(events, before, disk)
    assert read_folder(disk) == {
        "one": b"fIRs\0tail!",
        "old": b"old and more",
        "cleared": b"new",
        "large": bytes(9000) + b"x",
        "a": b"bb",
    }
    assert [event.mark() for event in events if event.op is Op.MARK] == [{"word": 1}]
    assert events[-1].op is Op.FLUSH
    assert sum(event.op is Op.FLUSH for event in events) == 3


@pytest.mark.parametrize("call", UNRECORDED)
def test_a_call_that_is_not_recorded_ends_the_recording(tmp_path: Path, disk: Path, call: str) -> None:
    script = f"import os, sys; os.chdir(sys.argv[1]); f = os.open('file', os.O_RDWR | os.O_CREAT); {UNRECORDED[call]}"
    with pytest.raises(RecordingError, match=r"ended with 99: cut recorder: .*is not recorded"):
        run(tmp_path, script)


def test_a_change_nobody_recorded_is_found_by_the_replay(tmp_path: Path, disk: Path) -> None:
    before = read_folder(disk)
    events = run(tmp_path, "import subprocess, sys; subprocess.run(['cp', '/proc/self/status', sys.argv[1] + '/new'])")
    with pytest.raises(RecordingError, match="differs from the folder in new"):
        check_complete(events, before, disk)


def test_a_log_that_breaks_off_is_refused(tmp_path: Path, disk: Path) -> None:
    with pytest.raises(RecordingError, match="ended with 3"):
        run(tmp_path, "import sys; sys.exit(3)")
    with pytest.raises(RecordingError, match="log exists"):
        run(tmp_path, "")
