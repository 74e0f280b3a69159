"""The process dies at any instant: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.queue.central_desk import CentralDesk
from tests.queue.conftest import Rig
from tests.queue.corpora.freeze import known_keys
from tests.queue.faults.test_rotten_structure import overwrite, pages_of
from tests.queue.test_migrations import CORPORA, thaw

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


def test_kill_9_at_any_moment_of_a_start_that_migrates_or_salvages(tmp_path: Path) -> None:
    """Fault 60. A file of the first version, and one with a page destroyed, killed again and again while opening."""
    luck = random.Random(20261104)  # noqa: S311 - the same moments at each run, as far as the machine allows
    for broken in (False, True):
        rig = Rig(tmp_path)
        known_keys(rig)
        central, path = rig.central, tmp_path / f"queue-{broken}.db"
        thaw(CORPORA[0], path)
        if broken:
            thaw(CORPORA[-1], path.with_name("fresh.db"))
            path.write_bytes(path.with_name("fresh.db").read_bytes())
            page = pages_of(path, "receipt")[0]
            overwrite(path, page)
            path.with_name(f"{path.name}.suspect").touch()
        with central.served() as url:
            for _ in range(ROUNDS):
                process = terminal(path, url, central, 0)
                assert process.stdout is not None
                with process.stdout, contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(luck.uniform(0.2, 0.6))  # by then some have begun to open, some have ended
                process.kill()
                process.wait(10)
            asyncio.run(release(rig, path))
            process = terminal(path, url, central, 1)
            lines = process.communicate(timeout=60)[0].splitlines(keepends=True)
        assert process.returncode == 0
        assert [seq for seq, _, _ in told(lines)] == [10, 11, 12]
        taken = [seq for _, seq, _, _ in central.effects]
        assert len(taken) == len(set(taken))
        assert set(taken) == set(range(4, 13)) | ({1, 3} if broken else set())


async def release(rig: Rig, path: Path) -> None:
    """Let the held item go: a technician between two starts."""
    rig.path = path
    outbox = await rig.open(boot_id=None)
    assert await outbox.transact(lambda ledger: ledger.release(4))
    await outbox.close()


def told(lines: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return (seq, number, lane) of each whole line; the last may be torn by the kill."""
    return [
        (int(seq), int(number), lane) for seq, number, lane in (line.split() for line in lines if line[-1:] == "\n")
    ]


def test_kill_9_between_put_and_receipt(tmp_path: Path) -> None:
    """Fault 60."""
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
