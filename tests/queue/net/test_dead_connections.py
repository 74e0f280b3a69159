"""Connections that died in silence, certificates of ours that did, and a terminal that is to end all the same."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from offline_queue import http
from offline_queue.link import Link
from offline_queue.values import AlarmCode, Phase
from offline_queue.wire import Verdict
from tests.queue.moves import effects, put_each
from tests.queue.net.conftest import Authority
from tests.queue.net.proxy import Plan, line_to

if TYPE_CHECKING:
    from tests.queue.conftest import Rig
    from tests.queue.net.conftest import Senders

ROOT = Path(__file__).resolve().parents[3]


async def test_fault_36_connection_forgotten_while_idle_is_not_used_again(
    rig: Rig, senders: Senders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 36. A router forgot the connection in a quiet minute: the next case does not have to find out."""
    outbox = await rig.open()
    told: list[Link] = []
    with rig.central.served() as url, line_to(url) as line:
        async with rig.running(rig.courier(outbox, send=senders.to(line.url), on_link=told.append)):
            await rig.until(lambda: told == [Link.UP])
            line.arm(Plan(half_open=True))
            monkeypatch.setattr(http, "KEEP_S", 0.0)  # a quiet minute
            (item_id,) = await put_each(outbox, "v-1")
            assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
        assert line.connections == 2
    assert told == [Link.UP]


async def test_batches_of_one_drain_share_a_connection(rig: Rig, senders: Senders) -> None:
    outbox = await rig.open()
    ids = await put_each(outbox, *["v-1"] * 5)
    with rig.central.served() as url, line_to(url) as line:
        async with rig.running(rig.courier(outbox, send=senders.to(line.url))):
            assert await outbox.wait_settled(ids[-1]) is Verdict.ACCEPTED
        assert line.connections == 1


@pytest.mark.parametrize("what", ["expired", "another authority", "none"])
async def test_fault_27_our_own_certificate_expired_or_changed(
    rig: Rig, senders: Senders, authority: Authority, *, tmp_path: Path, what: str
) -> None:
    """Fault 27. Central's alert is told to staff: without them this terminal would stay off the line for ever."""
    fleet = Authority(tmp_path, "fleet")
    ours = {
        "expired": lambda: fleet.issue("hall-03", address=None, lasts=-timedelta(days=1)),
        "another authority": lambda: Authority(tmp_path, "stranger").issue("hall-03", address=None),
        "none": lambda: None,
    }[what]()
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    with rig.central.served(tls=authority.issue("central"), clients=fleet.file) as url:
        courier = rig.courier(outbox, send=senders.to(url, authority.file, cert=ours))
        async with rig.running(courier):
            await rig.until(lambda: rig.time.advance(1) or bool(rig.alarms), seconds=60)
            assert (courier.link, courier.reason) == (Link.DOWN, "client_certificate")
    assert [(alarm.code, alarm.detail) for alarm in rig.alarms] == [(AlarmCode.TOKEN_REFUSED, "client_certificate")]
    assert (await outbox.state(item_id)).phase is Phase.PENDING
    assert effects(rig) == []


ENDS = """
import asyncio, socket
from offline_queue.http import HttpSender

async def main():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        sender = HttpSender(url, kiosk="hall-03", ca_file=None, token=lambda: "secret")
        async with asyncio.TaskGroup() as group:
            task = group.create_task(sender(bytes(64 * 1024 * 1024)))
            connection, _ = await asyncio.get_running_loop().run_in_executor(None, deaf.accept)
            task.cancel()
        await sender.close()
        print("ended", flush=True)
        connection.detach()  # open until the process is gone: nobody hangs up

asyncio.run(main())
"""


def test_fault_36_dead_line_does_not_hold_the_end_of_the_terminal() -> None:
    """Fault 36. An upload that nobody reads has hours to its deadline; the process that began it ends at once."""
    ended = subprocess.run(
        [sys.executable, "-c", ENDS], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ended\n", "")
