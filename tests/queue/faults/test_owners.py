"""Two at one file: a second owner is refused, a reader that stays too long is told of, and no put waits for it."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from typing import TYPE_CHECKING

import pytest

from offline_queue import store
from offline_queue.errors import QueueCode, QueueError
from offline_queue.values import AlarmCode
from tests.queue.moves import drain, effects, look, offered, put

if TYPE_CHECKING:
    from tests.queue.conftest import Rig

SECOND = """
import asyncio, pathlib, sys
from offline_queue.errors import QueueError
from offline_queue.store import Store
try:
    asyncio.run(Store.open(pathlib.Path(sys.argv[1])))
except QueueError as error:
    print(error.code, error.detail)
"""


async def test_second_process_on_one_file_is_refused_with_a_clear_message(rig: Rig) -> None:
    """Fault 19. Before it has touched anything."""
    outbox = await rig.open()
    await put(outbox)
    before = {path.name: path.read_bytes() for path in rig.path.parent.iterdir()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SECOND, str(rig.path), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        output, _ = await process.communicate()
    assert output.decode().strip() == "queue.locked another process owns queue.db"
    assert {path.name: path.read_bytes() for path in rig.path.parent.iterdir()} == before
    await put(outbox, "v-2")
    assert await offered(outbox) == [1, 2]


async def test_second_queue_in_the_same_process_is_refused_and_the_first_goes_on(rig: Rig) -> None:
    """Fault 19."""
    outbox = await rig.open()
    with pytest.raises(QueueError) as caught:
        await rig.open()
    assert caught.value.code is QueueCode.LOCKED
    assert (await put(outbox)).seq == 1


async def test_owner_that_ended_leaves_the_file_to_the_next(rig: Rig) -> None:
    """Fault 19. The lock is the kernel's: it dies with the process, no file has to be cleared away."""
    script = SECOND.replace("asyncio.run(Store", "x = asyncio.run(Store") + "import os; os._exit(9)\n"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(rig.path))
    async with asyncio.timeout(30):
        assert await process.wait() == 9
    assert (await put(await rig.open())).seq == 1


async def test_long_reader_lets_puts_go_on_and_is_told_of(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 20. The log cannot be folded in while somebody reads; past its limit that is an alarm."""
    monkeypatch.setattr(store, "LOG_LIMIT_BYTES", 700_000)
    outbox = await rig.open()
    await put(outbox, "v-0")
    reader = sqlite3.connect(f"file:{rig.path}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM outbox").fetchone() == (1,)
    wal = rig.path.with_name("queue.db-wal")
    for n in range(1, 20):
        await put(outbox, f"v-{n}", bytes(10_000))
    await outbox.tidy()
    await asyncio.sleep(0)
    assert rig.alarms == []  # not grown past its limit yet
    for n in range(20, 60):
        await put(outbox, f"v-{n}", bytes(10_000))
    await outbox.tidy()
    await rig.until(lambda: bool(rig.alarms))
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.LOG_GROWS]
    assert wal.stat().st_size > 700_000
    assert (await put(outbox, "v-60")).seq == 61
    assert reader.execute("SELECT count(*) FROM outbox").fetchone() == (1,)  # it sees what it saw
    reader.close()
    await outbox.tidy()
    assert wal.stat().st_size == 0  # and all is as it was
    assert len(rig.alarms) == 1
    await drain(rig, outbox)
    assert len(effects(rig)) == 61
    assert look(rig, "PRAGMA integrity_check") == [("ok",)]
