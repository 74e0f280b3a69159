"""The process dies at any instant: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.queue.central_desk import CentralDesk

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 12


def terminal(path: Path, url: str, central: CentralDesk, visits: int) -> subprocess.Popen[str]:
    arguments = [
        str(path),
        url,
        central.sealing.public_key().public_bytes_raw().hex(),
        central.signing.public_key().public_bytes_raw().hex(),
        str(visits),
    ]
    script = str(Path(__file__).with_name("terminal_process.py"))
    return subprocess.Popen(
        [sys.executable, script, *arguments], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    )


def told(lines: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return (seq, number, lane) of each whole line; the last may be torn by the kill."""
    return [
        (int(seq), int(number), lane) for seq, number, lane in (line.split() for line in lines if line[-1:] == "\n")
    ]


def test_kill_9_between_put_and_receipt(tmp_path: Path) -> None:
    central = CentralDesk()
    luck = random.Random(20261103)  # noqa: S311 - the same cuts at each run, as far as the machine allows
    acknowledged: list[tuple[int, int, str]] = []
    with central.served() as url:
        for _ in range(ROUNDS):
            process = terminal(tmp_path / "queue.db", url, central, 1000)
            assert process.stdout is not None
            with process.stdout:
                lines = [process.stdout.readline() for _ in range(luck.randint(1, 25))]
                process.kill()
                lines += process.stdout.readlines()
            process.wait(10)
            acknowledged += told(lines)
            if luck.random() < 0.5:
                central.lose_replies += 1
        central.lose_replies = 0
        process = terminal(tmp_path / "queue.db", url, central, 0)
        assert process.communicate(timeout=30)[0] == ""
        assert process.returncode == 0
    effects = {seq: (lane, int(body)) for lane, seq, _, body in central.effects}
    assert len(effects) == len(central.effects)  # nothing twice
    assert [(seq, effects[seq][1], effects[seq][0]) for seq, _, _ in acknowledged] == acknowledged  # nothing lost
    assert sorted(effects) == list(range(1, len(effects) + 1))  # no gap, no number used again
    numbers = [effects[seq][1] for seq in sorted(effects)]
    assert numbers == sorted(set(numbers))  # slip numbers never twice
    order: dict[str, list[int]] = {}
    for lane, seq, _, _ in central.effects:
        order.setdefault(lane, []).append(seq)
    assert all(seqs == sorted(seqs) for seqs in order.values())
