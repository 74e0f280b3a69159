"""A terminal's own audit before central's own intake: whatever is done to the file on the way is named by number."""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from central.audits import first_fault
from central.store.schema import Alarm
from kiosk.audit import AuditTrail, carried
from kiosk.clock import ManualClock
from kiosk.event_log import EventLog
from kiosk.events import VisitEnded, VisitStarted
from offline_queue import audit, wire
from offline_queue.outbox import Outbox
from tests.central.terminal_side import COMPLAINT, case_body, new_key, pem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from central.office import Office


class Terminal:
    """Trail and outbox of a terminal whose batches go straight into an office in this process."""

    def __init__(self, office: Office, path: Path) -> None:
        self.office = office
        self.path = path
        self.clock = ManualClock()
        self.key = new_key()
        office.enrolment.register_key("K0001", pem(self.key))
        self.log = EventLog(self.clock, io.StringIO())
        self.trail = AuditTrail(self.clock, self.log)

    async def open(self) -> None:
        keys = self.office.keys
        self.outbox = await Outbox.open(
            self.path,
            kiosk="K0001",
            central_key=keys.sealing_key.public_key(),
            central_key_id=keys.seal_key_id,
            receipt_keys={keys.receipt_key_id: keys.receipt_key.public_key()},
            now=self.clock.now,
            monotonic=self.clock.monotonic,
        )
        self.trail.begin(self.outbox)

    async def serve(self, name: str) -> None:
        """Do what a visit leaves: a line before the case, the case, a line after it."""
        self.log.emit(VisitStarted(visit=name))
        with self.outbox.begin_visit(name) as key:

            def put(ledger: Any) -> None:
                body = case_body(COMPLAINT, visit=name, local_number=f"0001-261121-{name}", audit=carried(ledger))
                ledger.put(key, "case", json.dumps(body).encode())

            await self.trail.within(put)
        self.log.emit(VisitEnded(visit=name, ending="completed", seconds=1.0))
        await self.trail.write()

    async def send(self) -> None:
        while batch := await self.outbox.take():
            signed = wire.sign_batch(batch, lambda head: wire.sign(self.key, head))
            reply = wire.decode_reply(self.office.intake.take("K0001", wire.encode_batch(signed)).reply)
            assert not (await self.outbox.settle(reply)).refused

    def edit(self, statement: str, *values: object) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement, values)

    async def fault_here(self) -> str:
        return await self.outbox.read(audit.fault)

    def fault_at_central(self) -> str:
        with self.office.store.read() as session:
            return first_fault(session, "K0001")

    def alarms_at_central(self) -> list[str]:
        with self.office.store.read() as session:
            return list(session.scalars(select(Alarm.subject).where(Alarm.code == "intake.audit_broken")))


@pytest.fixture
async def terminal(office: Office, tmp_path: Path) -> AsyncIterator[Terminal]:
    made = Terminal(office, tmp_path / "queue.db")
    await made.open()
    yield made
    await made.outbox.close()


async def test_what_was_done_is_whole_on_both_sides(terminal: Terminal) -> None:
    for name in ("visit1", "visit2", "visit3"):
        await terminal.serve(name)
    await terminal.send()
    assert (await terminal.fault_here(), terminal.fault_at_central(), terminal.alarms_at_central()) == ("", "", [])


SWAP = "UPDATE audit SET line = (SELECT line FROM audit o WHERE o.seq = 5 - audit.seq) WHERE seq IN (2, 3)"


@pytest.mark.parametrize(
    ("statement", "here", "there"),
    [
        ("UPDATE audit SET line = '{}' WHERE seq = 3", "line 3 was changed", "line 3 was changed"),
        ("DELETE FROM audit WHERE seq = 3", "line 3, the newest, is missing", "line 3 is missing"),
        ("DELETE FROM audit WHERE seq = 2", "line 2 is missing", "line 2 is missing"),
        (SWAP, "line 2 was changed", "line 2 was changed"),
    ],
)
async def test_lines_touched_before_they_were_sent_are_named_here_and_at_central(
    terminal: Terminal, statement: str, here: str, there: str
) -> None:
    await terminal.serve("visit1")  # line 1 goes with the case, 2 waits
    terminal.log.emit(VisitStarted(visit="again"))
    await terminal.trail.write()  # line 3 waits as well
    terminal.edit(statement)
    assert await terminal.fault_here() == here
    await terminal.serve("visit2")
    await terminal.send()
    assert terminal.alarms_at_central() == [there]
    assert terminal.fault_at_central() == there


async def test_a_chain_made_anew_over_what_central_has_gives_itself_away(terminal: Terminal) -> None:
    """A thief who knows the algorithm repairs the whole chain on the disk; central still has what was."""
    await terminal.serve("visit1")
    await terminal.serve("visit2")
    await terminal.send()
    chain = wire.audit_start("K0001")
    for line in await terminal.outbox.read(lambda ledger: list(audit.lines(ledger))):
        said = line.line.replace("visit1", "visitX")
        chain = wire.audit_step(chain, line.seq, said)
        terminal.edit("UPDATE audit SET line = ?, chain = ? WHERE seq = ?", said, chain, line.seq)
    terminal.edit("UPDATE state SET audit_chain = ?", chain)
    assert await terminal.fault_here() == ""  # nothing on this disk tells
    await terminal.serve("visit3")
    await terminal.send()
    assert terminal.alarms_at_central() == ["line 4 does not follow line 3 in custody"]
