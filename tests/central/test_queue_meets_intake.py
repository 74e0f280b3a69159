"""The terminal's own queue and courier against central's own intake: what goes wrong at one end, both put right."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from central.intake import BatchRefused
from central.store.schema import Alarm, Case, Kiosk, StoredItem
from offline_queue import wire
from offline_queue.courier import Courier
from offline_queue.link import Answer, Link
from offline_queue.outbox import Outbox
from tests.central.terminal_side import COMPLAINT, case_body, new_key, pem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from central.office import Office

JSON = "application/json"
DEADLINE_S = 30


def now() -> datetime:
    return datetime.now(UTC)


class Terminal:
    """A queue in a file and a courier that reaches an office without a network between."""

    def __init__(self, office: Office, path: Path, signer: Any) -> None:
        self.office = office
        self.path = path
        self.signer = signer
        self.alarms: list[str] = []
        self.outbox: Any = None
        self.link = Link.UNKNOWN

    async def send(self, body: bytes) -> Answer:
        try:
            taken = await asyncio.to_thread(self.office.intake.take, "K0001", body)
        except BatchRefused as refusal:
            return Answer(refusal.status, JSON, json.dumps({"detail": {"code": refusal.code}}).encode())
        return Answer(200, JSON, taken.reply)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Outbox]:
        keys = self.office.keys
        self.outbox = await Outbox.open(
            self.path,
            kiosk="K0001",
            central_key=keys.sealing_key.public_key(),
            central_key_id=keys.seal_key_id,
            receipt_keys=keys.receipt_keys,
            now=now,
            monotonic=time.monotonic,
            on_alarm=lambda alarm: self.alarms.append(alarm.code.value),
        )
        try:
            yield self.outbox
        finally:
            await self.outbox.close()

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[Courier]:
        courier = Courier(
            self.outbox,
            self.send,
            monotonic=time.monotonic,
            signer=lambda head: wire.sign(self.signer, head),
            chance=lambda: 0.0,
        )
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
            task = group.create_task(courier.run())
            yield courier
            task.cancel()

    async def put(self, *visits: str) -> list[wire.ItemId]:
        items = []
        for visit in visits:
            with self.outbox.begin_visit(visit) as key:
                body = case_body(COMPLAINT, visit=visit, local_number=visit)
                items.append(await self.outbox.put(key, "case", json.dumps(body).encode()))
        return items


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, but not for ever."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - the database and the alarms ring no bell
            await asyncio.sleep(0.01)


def copied(folder: Path, name: str) -> Path:
    """Copy the queue's files as they lie on the disk."""
    (folder / name).mkdir()
    for part in folder.glob("queue.db*"):
        shutil.copy(part, folder / name)
    return folder / name


@pytest.fixture
def signer(office: Office) -> Any:
    key = new_key()
    office.enrolment.register_key("K0001", pem(key))
    return key


def cases(office: Office) -> list[str]:
    with office.store.read() as session:
        return sorted(session.scalars(select(Case.local_number)))


def alarms(office: Office) -> set[str]:
    with office.store.read() as session:
        return {code for code in session.scalars(select(Alarm.code)) if code.startswith("intake.")}


def state(office: Office) -> str:
    with office.store.read() as session:
        return session.get_one(Kiosk, "K0001").state


async def drained(terminal: Terminal, *visits: str) -> None:
    """Put a case of each visit, and wait until central has them."""
    items = await terminal.put(*visits)
    async with terminal.delivering():
        for item in items:
            assert await terminal.outbox.wait_settled(item) is wire.Verdict.ACCEPTED


async def test_fault_17_a_database_restored_from_an_old_image_goes_on_in_a_new_epoch(
    office: Office, tmp_path: Path, signer: Any
) -> None:
    """Fault 17. The kiosk greets, is told that central knows more, turns the epoch; nothing is lost or overwritten."""
    terminal = Terminal(office, tmp_path / "queue.db", signer)
    async with terminal.running():
        await drained(terminal, "one")
    old = copied(tmp_path, "old")
    async with terminal.running():
        await drained(terminal, "two", "three")
    restored = Terminal(office, old / "queue.db", signer)
    async with restored.running():
        async with restored.delivering():
            await until(lambda: "alarm.old_image" in restored.alarms)
        await drained(restored, "four")
    assert cases(office) == ["four", "one", "three", "two"]
    assert (alarms(office), state(office)) == ({"intake.regress"}, "enrolled")


async def test_fault_17_the_same_old_image_put_back_twice_does_not_lock_the_kiosk_out(
    office: Office, tmp_path: Path, signer: Any
) -> None:
    """Fault 17. The disk is replaced by an image, weeks later by the same one: told both times, it serves on."""
    terminal = Terminal(office, tmp_path / "queue.db", signer)
    async with terminal.running():
        await drained(terminal, "one")
    folders = [copied(tmp_path, name) for name in ("first", "second")]
    async with terminal.running():
        await drained(terminal, "two")
    for folder, visits in zip(folders, (["three"], ["four", "five"]), strict=True):
        restored = Terminal(office, folder / "queue.db", signer)
        async with restored.running():
            async with restored.delivering():
                await until(lambda: "alarm.old_image" in restored.alarms)  # noqa: B023 - awaited within the turn
            await drained(restored, *visits)
    assert cases(office) == ["five", "four", "one", "three", "two"]
    assert (alarms(office), state(office)) == ({"intake.regress"}, "enrolled")


async def test_fault_18_two_machines_with_one_disk_are_both_stopped(
    office: Office, tmp_path: Path, signer: Any
) -> None:
    """Fault 18. Original and clone both deliver: central refuses both; neither loses what it took in."""
    terminal = Terminal(office, tmp_path / "queue.db", signer)
    async with terminal.running():
        await drained(terminal, "one")
    other = copied(tmp_path, "other")
    clone = Terminal(office, other / "queue.db", signer)
    async with terminal.running(), clone.running():
        await drained(terminal, "two")
        async with clone.delivering():
            await until(lambda: "alarm.old_image" in clone.alarms)
        await drained(clone, "three-of-the-clone")
        (kept,) = await terminal.put("three")
        async with terminal.delivering():
            await until(lambda: state(office) == "identity_doubled")
        (mine,) = await clone.put("four-of-the-clone")
        async with clone.delivering():
            await until(lambda: "alarm.token_refused" in clone.alarms)
        for one, item in ((terminal, kept), (clone, mine)):
            assert (await one.outbox.state(item)).phase.value == "pending"
    assert "intake.identity_doubled" in alarms(office)


async def test_fault_43_a_terminal_sends_again_what_a_restored_central_lost(
    build_office: Callable[..., Office], tmp_path: Path
) -> None:
    """Fault 43. Backup copied, cases taken, backup put back: the kiosk resends, nothing is lost or doubled."""
    office, key = build_office(), new_key()
    office.enrolment.register_key("K0001", pem(key))
    terminal = Terminal(office, tmp_path / "queue.db", key)

    def stop() -> None:
        terminal.office.restores.close()
        terminal.office.store.close()

    async with terminal.running():
        await drained(terminal, "one", "two")
        stop()
        data, backup = tmp_path / "data", tmp_path / "backup.db"
        shutil.copy(data / "central.db", backup)
        terminal.office = build_office()
        await drained(terminal, "three", "four", "five")
        stop()
        for left in data.glob("central.db*"):
            left.unlink()
        shutil.copy(backup, data / "central.db")
        terminal.office = build_office()
        assert cases(terminal.office) == ["one", "two"]
        async with terminal.delivering():
            await until(lambda: len(cases(terminal.office)) == 5)
        await drained(terminal, "six")
    assert cases(terminal.office) == ["five", "four", "one", "six", "three", "two"]
    with terminal.office.store.read() as session:
        assert len(session.scalars(select(StoredItem.seq)).all()) == 6
    assert "alarm.central_restored" in terminal.alarms
