"""Children of a demo never outlive it, and one that does not come to stand is told with its log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from devices.sim.launch import Child, LaunchError

ROOT = Path(__file__).parents[2]
STANDS = "import json, sys; print(json.dumps({'ready': True, 'colour': 'red'}), flush=True); sys.stdin.read()"
STUBBORN = (
    "import json, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print(json.dumps({'ready': True}), flush=True); time.sleep(600)"
)
PARENT = """
import sys
from pathlib import Path
from devices.sim.launch import Child
child = Child("child", [sys.executable, "-c", sys.argv[2]], Path(sys.argv[1]))
child.start()
print(child.pid, flush=True)
sys.stdin.read()
"""


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"  # dead; whoever inherited it has not looked yet


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while not gone(pid):
        assert time.monotonic() < deadline, f"process {pid} still lives"
        os.sched_yield()


def test_child_says_that_it_stands_and_ends_when_told(tmp_path: Path) -> None:
    child = Child("child", [sys.executable, "-c", STANDS], tmp_path / "log")
    assert child.start()["colour"] == "red"
    child.stop()
    assert gone(child.pid)
    child.stop()


def test_child_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devices.sim.launch.STOP_LIMIT_S", 0.2)
    child = Child("child", [sys.executable, "-c", STUBBORN], tmp_path / "log")
    child.start()
    child.stop()
    assert gone(child.pid)


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ("raise SystemExit(3)", "child ended before it stood: see .*log"),
        ("print('hello')", "child ended before it stood"),
        ("print('{\"ready\": false}')", "child says it is not ready"),
        ("import time; time.sleep(60)", "did not come to stand within 1 s"),
    ],
)
def test_child_that_does_not_stand_is_told_with_its_log(program: str, complaint: str, tmp_path: Path) -> None:
    child = Child("child", [sys.executable, "-c", program], tmp_path / "log")
    with pytest.raises(LaunchError, match=complaint):
        child.start(limit_s=1)
    assert gone(child.pid)


def test_killed_parent_leaves_no_orphan(tmp_path: Path) -> None:
    """Not even when it had no chance to tell anybody: the kernel does."""
    command = [
        sys.executable,
        "-c",
        PARENT,
        str(tmp_path / "log"),
        "import time; print('{\"ready\": true}', flush=True); time.sleep(600)",
    ]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        parent.send_signal(signal.SIGKILL)
    wait_until_gone(pid)
