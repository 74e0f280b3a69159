"""The terminal's courier, token and key against a real central behind a line that fails: one path, no stand-ins."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import update

from central.__main__ import main
from central.office import database_in
from central.store.database import Store
from central.store.schema import Kiosk
from kiosk.carry import plan as carry_plan
from kiosk.clock import ManualClock
from kiosk.credentials import Credentials
from kiosk.event_log import EventLog
from kiosk.gateway_http import HttpGateway
from kiosk.keys import FileKey
from offline_queue import wire
from offline_queue.courier import Courier
from offline_queue.http import HttpSender
from offline_queue.link import Link
from offline_queue.outbox import Outbox
from offline_queue.values import Phase
from tests.queue.net.proxy import Plan, line_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from io import TextIOBase
    from pathlib import Path

    from tests.queue.net.proxy import Line

COMPLAINT = "DEMO-GF00801000"
DEADLINE_S = 30


@pytest.fixture
def own(start_central: Callable[..., Any]) -> Iterator[Any]:
    with start_central() as running:
        yield running
        assert running.stop() == 0


class Terminal:
    """What the terminal builds around its queue, without devices and screen; time passes in the courier alone."""

    def __init__(self, central: Any, line: Line, folder: Path, bodies: Callable[..., Any]) -> None:
        self.central, self.line, self.bodies = central, line, bodies
        self.alarms: list[tuple[str, str]] = []
        self.outbox: Any = None
        self.courier: Any = None
        self.pending: list[wire.ItemId] = []
        self.token_file = folder / "token"
        self.token_file.write_text((central.terminal / "token").read_text())
        self._folder = folder
        self._hurry = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._hurry

    def skip(self, seconds: float = 900.0) -> None:
        """Let the courier's clock run on."""
        self._hurry += seconds
        self.outbox.changed.set()

    @asynccontextmanager
    async def running(self, log: TextIOBase, *, shown: str = "K0001") -> AsyncIterator[Terminal]:
        folder, anchors, clock = self.central.terminal, self.central.anchors(), ManualClock()
        client = self.central.folder(shown) / "tls_client.pem"
        credentials = Credentials(
            self.token_file.read_text(),
            self.token_file,
            lambda: FileKey.open(self._folder / "kiosk.key", create=True),
            clock,
        )
        await credentials.find_key(EventLog(clock, log), lambda: None)
        gateway = HttpGateway(
            self.line.url,
            kiosk="K0001",
            token=credentials.token,
            tls_ca=str(folder / "tls_ca.pem"),
            tls_client=str(client),
        )
        sender = HttpSender(
            self.line.url,
            kiosk="K0001",
            ca_file=folder / "tls_ca.pem",
            token=credentials.token,
            cert=(client, client),
        )
        self.outbox = await Outbox.open(
            self._folder / "queue.db",
            kiosk="K0001",
            central_key=wire.load_sealing_key(base64.b64decode(anchors["seal_public_key"])),
            central_key_id=anchors["seal_key_id"],
            receipt_keys={
                name: Ed25519PublicKey.from_public_bytes(base64.b64decode(key))
                for name, key in anchors["receipt_keys"].items()
            },
            now=lambda: datetime.now(UTC),
            monotonic=self.monotonic,
            on_alarm=lambda alarm: self.alarms.append((alarm.code.value, alarm.detail)),
        )
        self.courier = Courier(
            self.outbox,
            sender,
            monotonic=self.monotonic,
            signer=credentials.sign,
            refresh=lambda: credentials.refresh(gateway),
        )
        try:
            async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
                task = group.create_task(self.courier.run())
                yield self
                task.cancel()
        finally:
            await sender.close()
            await gateway.close()
            await self.outbox.close()
            credentials.close()

    async def put(self) -> wire.ItemId:
        lane = f"line{len(self.pending)}"
        with self.outbox.begin_visit(lane) as key:
            item: wire.ItemId = await self.outbox.put(
                key, "case", json.dumps(self.bodies(COMPLAINT, visit=lane)).encode()
            )
        self.pending.append(item)
        return item

    async def until(self, condition: Callable[[], bool], seconds: float = 0.0) -> None:
        while not condition():
            if seconds:
                self.skip(seconds)
            await asyncio.sleep(0.01)

    def items(self) -> int:
        """Return how many items central has."""
        return int(self.central.get("/sim/state", "K0002")["items"])


@pytest.fixture
def terminal(own: Any, tmp_path: Path, bodies: Callable[..., Any]) -> Iterator[Terminal]:
    with line_to(own.url) as line:
        yield Terminal(own, line, tmp_path, bodies)


def command(central: Any, *words: str) -> None:
    assert main([*words, "--data", str(central.terminal.parent)]) == 0


async def test_fault_28_access_token_expired(terminal: Terminal, tmp_path: Path) -> None:
    """Fault 28. Central's clock has passed its end: one new token, kept on the disk, and the same batch passes."""
    store = Store(database_in(terminal.central.terminal.parent))
    with store.write() as session:
        session.execute(update(Kiosk).values(token_expires=datetime(2020, 1, 1, tzinfo=UTC)))
    store.close()
    before = terminal.token_file.read_text()
    with (tmp_path / "log").open("w") as log:
        async with terminal.running(log):
            assert await terminal.outbox.wait_settled(await terminal.put()) is wire.Verdict.ACCEPTED
        renewed = terminal.token_file.read_text()
        assert renewed != before
        async with terminal.running(log):  # the new token is what the next start finds
            assert await terminal.outbox.wait_settled(await terminal.put()) is wire.Verdict.ACCEPTED
    assert terminal.token_file.read_text() == renewed
    assert terminal.alarms == []


async def test_fault_29_kiosk_revoked(terminal: Terminal, tmp_path: Path) -> None:
    """Fault 29. It stops sending, keeps its items, tells once why; they can be carried; cleared, it delivers."""
    with (tmp_path / "log").open("w") as log:
        async with terminal.running(log):
            assert await terminal.outbox.wait_settled(await terminal.put()) is wire.Verdict.ACCEPTED
            command(terminal.central, "kiosk", "revoke", "K0001")
            kept = [await terminal.put(), await terminal.put()]
            refused = ("alarm.token_refused", "kiosk_revoked")
            await terminal.until(lambda: refused in terminal.alarms, seconds=2)
            carried = terminal.line.up
            kept.append(await terminal.put())
            await terminal.until(lambda: terminal.line.up > carried, seconds=900)  # asks now and then, with a greeting
            assert terminal.line.up - carried < 16 * 1024
            assert terminal.alarms == [refused]
            carry = await terminal.outbox.read(carry_plan.plan)
            assert carry.count == 3
            command(terminal.central, "kiosk", "clear", "K0001")
            await terminal.until(lambda: terminal.courier.link is Link.UP, seconds=900)
            for item in kept:
                assert await terminal.outbox.wait_settled(item) is wire.Verdict.ACCEPTED
    assert terminal.items() == 4


async def test_certificate_of_another_terminal_is_refused_and_told(terminal: Terminal, tmp_path: Path) -> None:
    """Mutual TLS: the right token with the neighbour's certificate opens nothing."""
    with (tmp_path / "log").open("w") as log:
        async with terminal.running(log, shown="K0002"):
            item = await terminal.put()
            told = ("alarm.token_refused", "certificate_refused")
            await terminal.until(lambda: told in terminal.alarms, seconds=2)
            assert (await terminal.outbox.state(item)).phase is Phase.PENDING
        assert terminal.items() == 0
        async with terminal.running(log):  # the technician put the right one in its place
            terminal.skip()
            assert await terminal.outbox.wait_settled(item) is wire.Verdict.ACCEPTED


@pytest.mark.parametrize(
    "plan",
    [Plan(request_bytes=1500), Plan(answer_bytes=0), Plan(answer_bytes=200)],
    ids=["in the request", "before the answer", "in the answer"],
)
async def test_fault_3_line_torn_in_the_middle(terminal: Terminal, tmp_path: Path, plan: Plan) -> None:
    """Fault 3. Torn anywhere, again and again: each case is at central once."""
    with (tmp_path / "log").open("w") as log:
        async with terminal.running(log):
            for _ in range(4):
                await terminal.until(lambda: terminal.courier.link is Link.UP, seconds=1)
                terminal.line.arm(plan)
                item = await terminal.put()
                await terminal.until(lambda: terminal.courier.link is Link.DOWN)
                await terminal.until(lambda: terminal.courier.link is Link.UP, seconds=1)
                assert await terminal.outbox.wait_settled(item) is wire.Verdict.ACCEPTED
    assert terminal.items() == 4
    assert terminal.alarms == []
