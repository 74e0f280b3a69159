"""The audit trail: every audited event once, in order, on the disk before what follows from it, whatever fails."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sqlite3
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from devices.values import Pii
from kiosk import audit as trail_module
from kiosk.audit import AuditTrail
from kiosk.case_desk import CASE, VisitDesk
from kiosk.clock import ManualClock
from kiosk.event_log import EventLog
from kiosk.events import AlarmRaised, CardRead, HelpAsked, ServiceChosen, VisitEnded, VisitStarted
from offline_queue import audit
from offline_queue.errors import QueueFull
from offline_queue.outbox import Outbox
from offline_queue.wire import AuditLine, audit_fault, audit_start
from tests.queue.central_desk import CentralDesk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KIOSK = "K0001"


class Rig:
    """A log, a trail and a real outbox under a clock moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "queue.db"
        self.clock = ManualClock()
        self.central = CentralDesk(clock=self.clock.now)
        self.said = io.StringIO()
        self.log = EventLog(self.clock, self.said)
        self.trail = AuditTrail(self.clock, self.log)

    async def open(self) -> Outbox:
        self.outbox = await Outbox.open(
            self.path,
            kiosk=KIOSK,
            central_key=self.central.sealing.public_key(),
            central_key_id="central-1",
            receipt_keys={"receipts-1": self.central.signing.public_key()},
            now=self.clock.now,
            monotonic=self.clock.monotonic,
            boot_id="boot-1",
        )
        self.trail.begin(self.outbox)
        return self.outbox

    def restart(self) -> None:
        """Forget what was in memory, as a new process does."""
        self.log = EventLog(self.clock, self.said)
        self.trail = AuditTrail(self.clock, self.log)

    def desk(self, visit: str = "visit1") -> VisitDesk:
        return VisitDesk(self.outbox, self.clock, self.log, KIOSK, visit, trail=self.trail, key=lambda: None)

    async def lines(self) -> list[AuditLine]:
        return await self.outbox.read(lambda ledger: list(audit.lines(ledger)))

    async def events(self) -> list[str]:
        return [json.loads(line.line)["event"] for line in await self.lines()]

    async def fault(self) -> str:
        return await self.outbox.read(audit.fault)

    async def bodies(self) -> list[tuple[str, dict[str, Any]]]:
        """Deliver everything to a central; return kind and body of each item."""
        while batch := await self.outbox.take():
            reply = self.central.reply(batch, [self.central.receive(batch, item) for item in batch.items])
            await self.outbox.settle(reply)
        return [(kind, json.loads(body)) for _, _, kind, body in self.central.effects]


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path)
    await made.open()
    yield made
    await made.outbox.close()


@contextlib.asynccontextmanager
async def running(rig: Rig) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(rig.trail.run())
        yield
        task.cancel()


async def until(condition: Any, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.002)


def visit(**changes: Any) -> Any:
    """Return as much of a visit as a case is made of."""
    session = SimpleNamespace(
        face=None, card=None, values={"fb.text": Pii("路灯坏了")}, challenge="", visit="visit1", consents=[]
    )
    said = {
        "session": session,
        "service": SimpleNamespace(code="DEMO-GF00801000", version=1, fields=()),
        "stage": SimpleNamespace(language=SimpleNamespace(value="zh_CN")),
        "online": True,
        "today": lambda: ManualClock().now().date(),
    }
    return SimpleNamespace(**(said | changes))


async def test_only_audited_events_become_lines_and_say_what_the_log_said(rig: Rig) -> None:
    rig.log.emit(VisitStarted(visit="v1"))
    rig.log.emit(HelpAsked(visit="v1"))
    rig.log.emit(CardRead(visit="v1", kind="resident"))
    assert await rig.trail.write()
    said = [json.loads(line) for line in rig.said.getvalue().splitlines()]
    assert [json.loads(line.line) for line in await rig.lines()] == [said[0], said[2]]
    assert await rig.fault() == ""


async def test_a_personal_value_never_becomes_a_line(rig: Rig) -> None:
    with pytest.raises(TypeError):
        rig.log.emit(CardRead(visit="v1", kind=Pii("测试李梅")))  # type: ignore[arg-type]
    assert rig.trail.waiting == 0


async def test_a_case_takes_the_lines_before_it_along_and_those_after_it_go_with_the_next(rig: Rig) -> None:
    rig.log.emit(VisitStarted(visit="v1"))
    desk = rig.desk()
    first = await desk.put_case(visit(), "up")
    rig.log.emit(VisitEnded(visit="v1", ending="completed", seconds=1.0))
    second = await desk.put_case(visit(), "up")
    desk.close()
    runs = [body["audit"] for kind, body in await rig.bodies() if kind == CASE]
    assert [[json.loads(line["line"])["event"] for line in run["lines"]] for run in runs] == [
        ["VisitStarted"],
        ["CaseTakenIn", "VisitEnded"],
    ]
    before = AuditLine(0, "", audit_start(KIOSK))
    for run in runs:
        lines = [AuditLine(one["seq"], one["line"], bytes.fromhex(one["chain"])) for one in run["lines"]]
        assert (run["after"]["seq"], run["after"]["chain"]) == (before.seq, before.chain.hex())
        assert audit_fault(lines, before) == ""
        before = lines[-1]
    assert [first.local_number[-9:-5], second.local_number[-9:-5]] == ["0001", "0002"]
    assert rig.trail.waiting == 1  # the second CaseTakenIn


async def test_number_lines_and_case_are_one_commit(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case that is refused uses up no number and writes no line that says it was there."""
    rig.log.emit(VisitStarted(visit="v1"))
    desk = rig.desk()
    with monkeypatch.context() as patch:
        patch.setattr("offline_queue.ledger.Ledger.put", _full)
        with pytest.raises(QueueFull):
            await desk.put_case(visit(), "up")
    assert await rig.lines() == []
    assert rig.trail.waiting == 1
    ticket = await desk.put_case(visit(), "up")
    desk.close()
    assert ticket.local_number[-9:-5] == "0001"
    assert await rig.events() == ["VisitStarted"]


async def test_a_ticket_knows_the_fingerprint_of_what_was_sealed(rig: Rig) -> None:
    desk = rig.desk()
    ticket = await desk.put_case(visit(), "up")
    batch = await rig.outbox.take()
    assert batch is not None
    assert (batch.items[0].seq, batch.items[0].fingerprint) == (ticket.item.seq, ticket.fingerprint)
    desk.close()


async def test_lines_nobody_takes_along_are_written_within_a_second(rig: Rig) -> None:
    async with running(rig):
        rig.log.emit(VisitStarted(visit="v1"))

        async def written() -> bool:
            await rig.clock.advance(trail_module.WRITE_S)
            return rig.trail.waiting == 0

        await until(written)
    assert await rig.events() == ["VisitStarted"]


async def test_a_full_disk_loses_no_line_and_raises_one_alarm(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.log.emit(VisitStarted(visit="v1"))
    with monkeypatch.context() as patch:
        patch.setattr("offline_queue.audit.append", _full)
        assert not await rig.trail.write()
        assert not await rig.trail.write()
    assert rig.trail.failures == 2
    alarms = [line for line in rig.said.getvalue().splitlines() if '"audit.not_written"' in line]
    assert len(alarms) == 1
    assert '"subject": "queue.full"' in alarms[0]
    assert await rig.trail.write()
    assert await rig.events() == ["VisitStarted", "AlarmRaised"]
    assert await rig.fault() == ""


async def test_a_closed_queue_does_not_end_the_terminal(rig: Rig) -> None:
    async with running(rig):
        await rig.outbox.close()
        rig.log.emit(VisitStarted(visit="v1"))

        async def tried() -> bool:
            await rig.clock.advance(trail_module.WRITE_S)
            return rig.trail.failures > 0

        await until(tried)
        assert rig.trail.waiting == 2  # the event and the alarm


async def test_lines_beyond_the_memory_are_counted_and_the_count_is_audited(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail_module, "MOST_LINES", 3)
    for number in range(5):
        rig.log.emit(VisitStarted(visit=f"v{number}"))
    assert await rig.trail.write()
    assert await rig.trail.write()
    lines = [json.loads(line.line) for line in await rig.lines()]
    assert [line["event"] for line in lines] == ["VisitStarted"] * 3 + ["AuditLinesLost"]
    assert lines[-1]["lines"] == 2


async def test_a_put_whose_caller_was_cancelled_writes_its_lines_once(rig: Rig) -> None:
    """The queue's thread finishes what nobody waits for: the lines are in the chain, and must not come again."""
    rig.log.emit(VisitStarted(visit="v1"))
    desk = rig.desk()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(desk.put_alarm("paper.out", "printer"))
        await asyncio.sleep(0)
        task.cancel()
    rig.log.emit(VisitStarted(visit="v2"))
    assert await rig.trail.write()
    desk.close()
    assert [json.loads(line.line)["visit"] for line in await rig.lines()] == ["v1", "v2"]


async def test_many_at_once_write_every_line_once_and_in_order(rig: Rig) -> None:
    desks = [rig.desk(f"visit{number}") for number in range(20)]

    async def work(desk: VisitDesk, number: int) -> None:
        for step in range(5):
            rig.log.emit(ServiceChosen(visit=f"{number}", service="s", version=step))
            await desk.put_alarm("a", "b")
            await rig.trail.write()

    async with asyncio.TaskGroup() as group:
        for number, desk in enumerate(desks):
            group.create_task(work(desk, number))
    for desk in desks:
        desk.close()
    said = [json.loads(line) for line in rig.said.getvalue().splitlines()]
    assert [json.loads(line.line) for line in await rig.lines()] == said
    assert await rig.fault() == ""


async def test_many_visits_without_a_case_send_their_lines_alone(rig: Rig) -> None:
    for number in range(audit.LINES_CARRIED + 1):
        rig.log.emit(VisitStarted(visit=f"v{number}"))
    await rig.trail.write()
    await rig.trail.carry_if_due()
    bodies = await rig.bodies()
    assert [kind for kind, _ in bodies] == ["audit", "audit"]
    assert [len(body["audit"]["lines"]) for _, body in bodies] == [audit.LINES_CARRIED, 1]
    await rig.trail.carry_if_due()
    assert await rig.outbox.take() is None


@pytest.mark.parametrize("days", [1, -1])
async def test_no_line_waits_longer_than_a_day(rig: Rig, days: int) -> None:
    """Also over restarts, and when the clock was set back: a day is a day of the clock on the wall."""
    rig.log.emit(VisitStarted(visit="v1"))
    await rig.trail.write()
    await rig.trail.carry_if_due()
    assert await rig.outbox.take() is None
    await rig.outbox.close()
    rig.restart()
    await rig.open()
    rig.clock.jump(days * trail_module.CARRIED_WITHIN_S)
    await rig.trail.carry_if_due()
    (kind, body), *more = await rig.bodies()
    assert (kind, len(body["audit"]["lines"]), more) == ("audit", 1, [])


async def test_the_day_is_looked_for_by_the_task(rig: Rig) -> None:
    rig.log.emit(VisitStarted(visit="v1"))
    async with running(rig):

        async def written() -> bool:
            await rig.clock.advance(trail_module.WRITE_S)
            return rig.trail.waiting == 0

        async def carried() -> bool:
            await rig.clock.advance(trail_module.LOOK_S)
            return await rig.outbox.read(audit.uncarried) == 0

        await until(written)
        rig.clock.jump(trail_module.CARRIED_WITHIN_S)
        await until(carried)
    assert [kind for kind, _ in await rig.bodies()] == ["audit"]


async def test_the_chain_goes_on_over_a_restart(rig: Rig) -> None:
    rig.log.emit(VisitStarted(visit="v1"))
    await rig.trail.write()
    await rig.outbox.close()
    rig.restart()
    await rig.open()
    rig.log.emit(VisitStarted(visit="v2"))
    await rig.trail.write()
    assert [line.seq for line in await rig.lines()] == [1, 2]
    assert await rig.fault() == ""


async def test_a_line_too_long_for_central_says_that_it_was(rig: Rig) -> None:
    """One case refused for a line of audit would be one too many."""
    rig.log.emit(AlarmRaised(code="x", subject="y" * 5000))
    await rig.trail.write()
    (line,) = [json.loads(line.line) for line in await rig.lines()]
    assert line["event"] == "AlarmRaised"
    assert line["characters"] > 5000
    assert "subject" not in line


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DELETE FROM audit WHERE seq = 3", "line 3 is missing"),
        ("DELETE FROM audit WHERE seq IN (2, 3)", "lines 2 to 3 are missing"),
        ("DELETE FROM audit WHERE seq = 1", "line 1 is missing"),
        ("DELETE FROM audit WHERE seq > 3", "lines 4 to 5, the newest, are missing"),
        ("DELETE FROM audit WHERE seq = 5", "line 5, the newest, is missing"),
        ("UPDATE audit SET line = replace(line, 'v4', 'v9') WHERE seq = 4", "line 4 was changed"),
        ("UPDATE audit SET seq = seq + 10 WHERE seq = 2", "line 2 is missing"),
        (
            "UPDATE audit SET line = (SELECT line FROM audit o WHERE o.seq = 5 - audit.seq) WHERE seq IN (2, 3)",
            "line 2 was changed",
        ),
    ],
)
async def test_whatever_is_done_to_a_line_is_named_by_number(rig: Rig, statement: str, named: str) -> None:
    for number in range(1, 6):
        rig.log.emit(VisitStarted(visit=f"v{number}"))
    await rig.trail.write()
    assert await rig.fault() == ""
    with contextlib.closing(sqlite3.connect(rig.path)) as connection, connection:
        connection.execute(statement)
    assert await rig.fault() == named


def _full(*_: object, **__: object) -> None:
    raise QueueFull("SQLITE_FULL")
