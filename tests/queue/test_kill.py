"""The process dies at any instant, the disk fills up for real: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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


FULL_DISK = """
import asyncio, os, sys
from pathlib import Path
from offline_queue.errors import QueueFull
from offline_queue.values import AlarmCode
from tests.queue.conftest import Rig

async def main():
    folder = Path(sys.argv[1])
    rig = Rig(folder)
    outbox = await rig.open()
    for n in range(20):
        with outbox.begin_visit(f"v-{n}") as key:
            await outbox.put(key, "case", bytes(20_000))
    await outbox.tidy()
    with (folder / "filler").open("wb") as filler:
        try:
            while True:
                filler.write(bytes(4096))
                filler.flush()
        except OSError:
            pass
        try:
            filler.close()
        except OSError:
            pass
    refused = 0
    for n in range(200):
        with outbox.begin_visit(f"w-{n}") as key:
            try:
                await outbox.put(key, "case", bytes(20_000))
            except QueueFull:
                refused += 1
    stats = await outbox.stats()
    assert refused, "the disk was not full"
    assert stats.pending == 220 - refused, stats
    batch = await outbox.take(max_bytes=10**9)
    receipts = [rig.central.sign(i, item.fingerprint) for i, item in zip(batch.ids(), batch.items)]
    assert len((await outbox.settle(receipts)).delivered) == batch.count == 50 or batch.count < 50
    await asyncio.sleep(0)
    print("settled", batch.count, sorted({str(alarm.code) for alarm in rig.alarms}))
    await outbox.close()

asyncio.run(main())
"""


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], check=False, capture_output=True, timeout=10
    )
    return tried.returncode == 0


@pytest.mark.skipif(not can_mount(), reason="no right to mount a small disk")
def test_disk_full_at_put_still_lets_receipts_settle(tmp_path: Path) -> None:
    command = 'mount -t tmpfs -o size=12m none "$1" && exec "$2" -c "$3" "$1"'
    finished = subprocess.run(
        ["unshare", "-rm", "sh", "-c", command, "sh", str(tmp_path), sys.executable, FULL_DISK],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    assert "alarm.reserve_spent" in finished.stdout
