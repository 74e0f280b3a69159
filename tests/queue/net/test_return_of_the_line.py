"""The line is back: what waits is on its way at once, whatever hangs and however long the line was left alone."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

from offline_queue import http
from offline_queue.link import Answer, Link
from offline_queue.wire import Verdict
from tests.queue.moves import effects, put_each
from tests.queue.net.proxy import Plan, line_to

if TYPE_CHECKING:
    import pytest

    from tests.queue.conftest import Rig
    from tests.queue.net.conftest import Senders

LONG_S = 3600.0
SOON_S = 20.0  # far below any time-out of these tests


async def test_line_that_was_gone_for_hours_is_used_as_soon_as_it_is_back(rig: Rig, senders: Senders) -> None:
    """Fault 25. After hours of back-off one nudge is enough: no time passes until the case is delivered."""
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    with rig.central.served() as url, line_to(url) as line:
        line.always = Plan(refuse=True)
        courier = rig.courier(outbox, send=senders.to(line.url))
        async with rig.running(courier):
            await rig.until(lambda: rig.time.advance(60) or line.connections >= 15)
            tries = line.connections
            await rig.until(lambda: courier.link is Link.DOWN)
            line.always = Plan()
            courier.nudge()
            assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
            assert line.connections <= tries + 2
    assert effects(rig) == [1]


async def test_greeting_that_hangs_on_a_dead_line_does_not_hold_the_new_one(
    rig: Rig, senders: Senders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 36. The line came back while a try was hanging: it is broken off, its deadline is not waited for."""
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 60.0)
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    with rig.central.served() as url, line_to(url, Plan(silent=True)) as line:
        courier = rig.courier(outbox, send=senders.to(line.url))
        async with rig.running(courier), asyncio.timeout(SOON_S):
            await rig.until(lambda: line.connections == 1)
            courier.nudge()
            courier.nudge()
            assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
        assert line.connections == 2


async def test_resolver_that_hangs_does_not_hold_the_new_line(
    rig: Rig, senders: Senders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 25. A name server that is gone answers nobody for many seconds; the new line has its own."""
    real, asked, gone = socket.getaddrinfo, threading.Event(), threading.Event()

    def resolve(*arguments: Any, **more: Any) -> Any:
        if not asked.is_set():
            asked.set()
            gone.wait(60)
        return real(*arguments, **more)

    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with rig.central.served() as url:
        courier = rig.courier(outbox, send=senders.to(url))
        async with rig.running(courier):
            try:
                async with asyncio.timeout(SOON_S):
                    await rig.until(asked.is_set)
                    courier.nudge()
                    assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
            finally:
                gone.set()
    assert effects(rig) == [1]


async def test_nudge_leaves_an_upload_alone(rig: Rig) -> None:
    """A change of some address is no reason to send sixteen mebibytes again."""
    outbox = await rig.open()
    sending, go_on = asyncio.Event(), asyncio.Event()
    sent = 0

    async def slowly(body: bytes) -> Answer:
        nonlocal sent
        sent += 1
        if sent == 2:
            sending.set()
            await go_on.wait()
        return rig.central.answer(body)

    courier = rig.courier(outbox, send=slowly)
    async with rig.running(courier):
        (item_id,) = await put_each(outbox, "v-1")
        await sending.wait()
        courier.nudge()
        go_on.set()
        assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
    assert (sent, rig.central.batches) == (2, [[1]])
