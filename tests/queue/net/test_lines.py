"""Lines that break, lead elsewhere, or show the wrong certificate: real sockets, real TLS, the sender of the field."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from offline_queue import http, wire
from offline_queue.link import Link, LinkDown, LinkUntrusted, TokenRefused
from offline_queue.values import AdmissionLimits, AdmissionReason, AlarmCode, Phase
from offline_queue.wire import Verdict
from tests.queue.moves import effects, put, put_each
from tests.queue.net.conftest import Authority
from tests.queue.net.proxy import Plan, line_to

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.queue.conftest import Rig
    from tests.queue.net.conftest import Senders

    Delivered = Callable[..., Awaitable[None]]


def resolve_to(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    """Let every name lead to ``address``; ``None``: to nothing."""
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *arguments: Any, **more: Any) -> Any:
        if address is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(address, port, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


async def test_fault_25_dns_gone(
    rig: Rig, senders: Senders, authority: Authority, delivered: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 25. The name of central does not resolve: back-off, nothing lost, and no alarm for a line that is down."""
    outbox = await rig.open()
    with rig.central.served(tls=authority.issue("central.example", address=None)) as url:
        courier = rig.courier(outbox, send=senders.to(url.replace("127.0.0.1", "central.example"), authority.file))
        with monkeypatch.context() as patch:
            resolve_to(patch, None)
            async with rig.running(courier):
                (item_id,) = await put_each(outbox, "v-1")
                await rig.until(lambda: rig.time.advance(1) or courier.link is Link.DOWN)
                assert (await outbox.state(item_id)).phase is Phase.PENDING
        resolve_to(monkeypatch, "127.0.0.1")
        async with rig.running(courier):
            await delivered(outbox, item_id)
    assert effects(rig) == [1]
    assert rig.alarms == []


async def test_fault_25_wrong_address(
    rig: Rig, senders: Senders, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 25. The name leads to another server of the same authority: the check of the name stops it."""
    other = authority.issue("printer.example", address=None)
    resolve_to(monkeypatch, "127.0.0.1")
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    with rig.central.served(tls=other) as url:
        courier = rig.courier(outbox, send=senders.to(url.replace("127.0.0.1", "central.example"), authority.file))
        async with rig.running(courier):
            await rig.until(lambda: courier.link is Link.UNTRUSTED)
    assert courier.reason == "certificate"
    assert (await outbox.state(item_id)).phase is Phase.PENDING
    assert rig.central.tokens == []  # not even the token was shown


@pytest.mark.parametrize("what", ["expired", "another authority", "self-signed"])
async def test_fault_27_certificate_expired_or_changed(
    rig: Rig, senders: Senders, authority: Authority, delivered: Delivered, *, tmp_path: Path, what: str
) -> None:
    """Fault 27. The link rests with one alarm, take-in goes on up to its limits, and all goes once it is mended."""
    wrong = {
        "expired": lambda: authority.issue("central", lasts=-timedelta(days=1)),
        "another authority": lambda: Authority(tmp_path, "other").issue("central"),
        "self-signed": lambda: authority.issue("central", by_itself=True),
    }[what]()
    outbox = await rig.open()
    limits = AdmissionLimits(max_pending=2, min_disk_bytes=0)
    good = rig.central.served(tls=authority.issue("central"))
    with rig.central.served(tls=wrong) as url, good as mended, line_to(url) as line:
        courier = rig.courier(outbox, send=senders.to(line.url, authority.file))
        async with rig.running(courier):
            ids = await put_each(outbox, "v-1", "v-2")
            await rig.until(lambda: courier.link is Link.UNTRUSTED)
            assert await outbox.admission(limits) == []
            ids += await put_each(outbox, "v-3")
            assert await outbox.admission(limits) == [AdmissionReason.TOO_MANY]
            await rig.until(lambda: rig.time.advance(2) or line.connections > 5)
            assert rig.central.tokens == []
            line.target = mended
            await delivered(outbox, *ids)
            assert await outbox.admission(limits) == []
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.LINK_UNTRUSTED]
    assert sorted(effects(rig)) == [1, 2, 3]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(
    "plan",
    [Plan(answer_bytes=0), Plan(answer_bytes=40), Plan(request_bytes=600), Plan(half_open=True)],
    ids=["before the answer", "in the answer", "in the request", "half open"],
)
async def test_fault_3_cut_between_send_and_answer(
    rig: Rig,
    senders: Senders,
    authority: Authority,
    delivered: Delivered,
    *,
    monkeypatch: pytest.MonkeyPatch,
    plan: Plan,
    tls: bool,
) -> None:
    """Fault 3. Whatever part of an exchange is lost, the item is sent again, and central acts on it once."""
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.3)
    outbox = await rig.open()
    with rig.central.served(tls=authority.issue("central") if tls else None) as url, line_to(url) as line:
        courier = rig.courier(outbox, send=senders.to(line.url, authority.file))
        async with rig.running(courier):
            await rig.until(lambda: courier.link is Link.UP)
            line.arm(plan)  # the handshake and the greeting are over: the case itself is hit
            (item_id,) = await put_each(outbox, "v-1")
            await rig.until(lambda: courier.link is Link.DOWN)
            assert (await outbox.state(item_id)).phase is Phase.PENDING
            await delivered(outbox, item_id)
    state = await outbox.state(item_id)
    assert state.receipt is not None
    arrived = plan.request_bytes is None
    assert state.receipt.word.verdict is (Verdict.DUPLICATE if arrived else Verdict.ACCEPTED)
    assert effects(rig) == [1]


async def test_fault_4_cut_between_answer_and_local_commit(rig: Rig, senders: Senders) -> None:
    """Fault 4. The answer was read and its commit never happened: after the restart a duplicate settles it."""
    outbox = await rig.open()
    with rig.central.served() as url:
        (item_id,) = await put_each(outbox, "v-1")
        sender = senders.to(url)
        await sender(wire.encode_batch(await outbox.take()))  # type: ignore[arg-type]  # there is one
        await outbox.close()
        outbox = await rig.open()
        async with rig.running(rig.courier(outbox, send=sender)):
            assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
    assert effects(rig) == [1]


async def test_fault_36_half_open_connection(
    rig: Rig, senders: Senders, delivered: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 36. Refused, accepted by nobody, or read by nobody: each try ends at its deadline, and the next works."""
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.2)
    outbox = await rig.open()
    with rig.central.served() as url, line_to(url, Plan(refuse=True), Plan(silent=True), Plan(half_open=True)) as line:
        courier = rig.courier(outbox, send=senders.to(line.url))
        (item_id,) = await put_each(outbox, "v-1")
        async with rig.running(courier):
            await delivered(outbox, item_id)
    assert line.connections == 4
    assert effects(rig) == [1]
    assert rig.alarms == []


async def test_fault_36_largest_item_on_the_slowest_line(
    rig: Rig, senders: Senders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 36. An item of 16 MiB still travels when the line is just faster than the slowest we plan for."""
    monkeypatch.setattr(http, "SLOWEST_LINE", 4 * 1024 * 1024)  # 512 times faster than in the field, as the line is
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.5)
    outbox = await rig.open()
    with rig.central.served() as url, line_to(url) as line:
        line.always = Plan(rate=8 * 1024 * 1024)
        async with rig.running(rig.courier(outbox, send=senders.to(line.url))):
            item_id = await put(outbox, "v-1", bytes(wire.MAX_BODY_BYTES - wire.SEAL_BYTES))
            assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
    assert line.connections == 1


async def test_fault_36_line_too_slow_for_one_item(
    rig: Rig, senders: Senders, delivered: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 36. What is too large for the line ends at its deadline and steps back; the other lanes go on."""
    monkeypatch.setattr(http, "SLOWEST_LINE", 64 * 1024 * 1024)
    monkeypatch.setattr(http, "CONNECT_TIMEOUT_S", 0.5)
    monkeypatch.setattr(http, "READ_TIMEOUT_S", 0.2)
    outbox = await rig.open()
    large = await put(outbox, "v-1", bytes(8 * 1024 * 1024))
    ids = await put_each(outbox, "v-2", "v-3")
    told: list[str] = []
    with rig.central.served() as url, line_to(url) as line:
        line.always = Plan(rate=1024 * 1024)
        courier = rig.courier(outbox, send=senders.to(line.url), on_link=lambda _: told.append(courier.reason))
        async with rig.running(courier):
            await delivered(outbox, *ids)
            assert (await outbox.state(large)).phase is Phase.PENDING
            line.always = Plan()
            line.arm(Plan())
            await delivered(outbox, large)
    assert "slow" in told
    assert sorted(effects(rig)) == [1, 2, 3]


async def test_terminal_shows_its_certificate_to_central_only(
    rig: Rig, senders: Senders, authority: Authority, tmp_path: Path
) -> None:
    """Mutual TLS: central knows the terminal, refuses a stranger and the nameless; a stranger sees no terminal."""
    stranger = Authority(tmp_path, "stranger")
    fleet = Authority(tmp_path, "fleet")
    ours, theirs = fleet.issue("hall-03", address=None), stranger.issue("hall-03", address=None)
    greeting = wire.encode_batch(await (await rig.open()).read(lambda ledger: ledger.greeting()))
    with rig.central.served(tls=authority.issue("central"), clients=fleet.file) as url:
        answer = await senders.to(url, authority.file, cert=ours)(greeting)
        assert (answer.status, rig.central.seen) == (200, ["hall-03"])
        for cert in (None, theirs):
            with pytest.raises((LinkDown, TokenRefused)):
                await senders.to(url, authority.file, cert=cert)(greeting)
        with pytest.raises(LinkUntrusted):
            await senders.to(url, stranger.file, cert=ours)(greeting)
    assert rig.central.seen == ["hall-03"]
