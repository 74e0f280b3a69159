"""Answers that prove nothing, come at the wrong time, or ask for patience, over real HTTP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from offline_queue import wire
from offline_queue.http import _retry_after_s
from offline_queue.link import (
    LONGEST_WAIT_S,
    RETRY_AFTER_CAP_S,
    Answer,
    Link,
    LinkDown,
    TokenRefused,
    check_answer,
)
from offline_queue.values import AlarmCode, Phase
from offline_queue.wire import Verdict
from tests.queue.central_desk import JSON, word
from tests.queue.moves import effects, put_each
from tests.queue.net.proxy import Plan, line_to

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from offline_queue.outbox import Outbox
    from tests.queue.conftest import Rig
    from tests.queue.net.conftest import Senders

    Delivered = Callable[..., Awaitable[None]]

YEAR = timedelta(days=365)
NOT_CENTRAL = "<html>Welcome. Accept our terms"


async def quiet() -> None:
    """Give a request that should not be made the time to be made."""
    for _ in range(20):
        await asyncio.sleep(0.001)


async def rested(rig: Rig, outbox: Outbox, failures: int) -> None:
    """Wait until so many failures in a row are on the disk: the next try is at a time of its own."""

    async def counted() -> bool:
        return (await outbox.read(lambda ledger: ledger.link_backoff()))[0] == failures

    await rig.until(counted)


@pytest.mark.parametrize("status", [200, 302, 307, 511])
@pytest.mark.parametrize("greets_honestly", [False, True], ids=["greeting", "items"])
async def test_fault_26_captive_portal(
    rig: Rig, senders: Senders, delivered: Delivered, *, status: int, greets_honestly: bool
) -> None:
    """Fault 26. A portal answers in central's place: nothing is settled, the link is not trusted, one alarm."""
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    rig.central.greets_honestly = greets_honestly
    rig.central.script.extend([lambda _: Answer(status, "text/html", NOT_CENTRAL.encode())] * 4)
    with rig.central.served() as url:
        courier = rig.courier(outbox, send=senders.to(url))
        async with rig.running(courier):
            await rig.until(lambda: courier.link is Link.UNTRUSTED)
            await rig.until(lambda: rig.time.advance(1) or len(rig.central.script) <= 1)
            assert (await outbox.state(item_id)).phase is Phase.PENDING
            assert courier.reason == f"http_{status}"
            await delivered(outbox, item_id)
    assert [(alarm.code, alarm.detail) for alarm in rig.alarms] == [(AlarmCode.LINK_UNTRUSTED, f"http_{status}")]
    assert effects(rig) == [1]


async def test_fault_28_access_token_expired_mid_batch(rig: Rig, senders: Senders) -> None:
    """Fault 28. One refresh, then the same batch again, byte for byte, with the new token."""
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    token, bodies = ["old"], []

    async def refresh() -> None:
        token.append("new")

    def expired(body: bytes) -> Answer:
        bodies.append(body)
        return Answer(401, JSON, b"{}")

    def taken(body: bytes) -> Answer:
        bodies.append(body)
        return rig.central.honest(body)

    rig.central.script.extend([rig.central.honest, expired, taken])
    with rig.central.served() as url:
        sender = senders.to(url, token=lambda: token[-1])
        async with rig.running(rig.courier(outbox, send=sender, refresh=refresh)):
            assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
    assert rig.central.tokens == ["Bearer old", "Bearer old", "Bearer new"]
    assert bodies[0] == bodies[1]
    assert rig.alarms == []


async def test_fault_29_kiosk_revoked(rig: Rig, senders: Senders, delivered: Delivered) -> None:
    """Fault 29. It all but stops sending, keeps and takes in items, and says so once; enrolled anew, it delivers."""
    outbox = await rig.open()
    ids = await put_each(outbox, "v-1")

    async def refresh() -> None:
        raise LinkDown("credentials")

    revoked = Answer(403, JSON, b'{"detail": {"code": "kiosk_revoked"}}')
    rig.central.script.extend([lambda _: revoked] * 1000)
    with rig.central.served() as url:
        courier = rig.courier(outbox, send=senders.to(url), refresh=refresh)
        async with rig.running(courier):
            await rested(rig, outbox, 1)
            assert rig.alarms == []  # it may have been the line
            rig.time.advance(1)
            await rested(rig, outbox, 2)
            waiting = asyncio.create_task(outbox.wait_settled(ids[0]))  # noqa: TID251 - cancelled below
            for failures in range(3, 7):  # an hour, with somebody at the screen
                ids += await put_each(outbox, "v-2")
                rig.time.advance(LONGEST_WAIT_S - 1)
                await quiet()
                assert len(rig.central.tokens) == failures - 1
                rig.time.advance(1)
                await rested(rig, outbox, failures)
            waiting.cancel()
            assert len(rig.central.tokens) == 6
            assert (await outbox.stats()).pending == len(ids)
            assert [(one.code, one.detail) for one in rig.alarms] == [(AlarmCode.TOKEN_REFUSED, "kiosk_revoked")]
            rig.central.script.clear()
            rig.time.advance(LONGEST_WAIT_S)
            await delivered(outbox, *ids, step_s=0.0)


@pytest.mark.parametrize("after", [1, 60, 150, 300, 500])
async def test_fault_31_answer_cut_in_the_middle(rig: Rig, senders: Senders, delivered: Delivered, after: int) -> None:
    """Fault 31. Part of an answer, head or body, is no answer: nothing is settled, it is sent again, one effect."""
    outbox = await rig.open()
    with rig.central.served() as url, line_to(url) as line:
        courier = rig.courier(outbox, send=senders.to(line.url))
        async with rig.running(courier):
            await rig.until(lambda: courier.link is Link.UP)
            line.arm(Plan(answer_bytes=after))
            (item_id,) = await put_each(outbox, "v-1")
            await rig.until(lambda: courier.link is Link.DOWN)
            assert effects(rig) == [1]
            assert (await outbox.state(item_id)).phase is Phase.PENDING
            await delivered(outbox, item_id)
    assert effects(rig) == [1]
    assert rig.alarms == []


@pytest.mark.parametrize("what", ["of an item before", "of a greeting", "of the batch after"])
async def test_fault_32_genuine_answer_at_the_wrong_time(
    rig: Rig, senders: Senders, delivered: Delivered, what: str
) -> None:
    """Fault 32. Replies that central did sign, replayed or in another order, settle nothing but what they are about."""
    outbox = await rig.open()
    played: dict[str, Answer] = {}

    def recorded(name: str) -> Callable[[bytes], Answer]:
        def record(body: bytes) -> Answer:
            played[name] = rig.central.honest(body)
            return played[name]

        return record

    def after(body: bytes) -> Answer:
        """Answer about the item that is put next, as if answers had overtaken one another."""
        batch = wire.decode_batch(body)
        words = [word(item)._replace(seq=item.seq + 1) for item in batch.items]
        return Answer(200, JSON, wire.encode_reply(rig.central.reply(batch, words)))

    rig.central.script.extend([recorded("of a greeting"), recorded("of an item before")])
    with rig.central.served() as url:
        courier = rig.courier(outbox, send=senders.to(url))
        async with rig.running(courier):
            (first,) = await put_each(outbox, "v-1")
            await delivered(outbox, first)
            rig.central.script.append(lambda body: played[what] if what in played else after(body))
            (second,) = await put_each(outbox, "v-1")
            await rig.until(lambda: courier.link is not Link.UP)
            assert courier.reason == ("no_receipt" if what == "of a greeting" else "another_batch")
            assert (await outbox.state(second)).phase is Phase.PENDING
            await delivered(outbox, second)
    assert effects(rig) == [1, 2]


async def test_fault_33_duplicate_ack_and_ack_for_an_unknown_item(
    rig: Rig, senders: Senders, delivered: Delivered
) -> None:
    """Fault 33. The same words twice change nothing; words about an item that was never sent raise an alarm."""
    outbox = await rig.open()
    answers: list[Answer] = []

    def record(body: bytes) -> Answer:
        answers.append(rig.central.honest(body))
        return answers[-1]

    def unknown(body: bytes) -> Answer:
        batch = wire.decode_batch(body)
        words = [word(item) for item in batch.items]
        return Answer(200, JSON, wire.encode_reply(rig.central.reply(batch, [*words, words[0]._replace(seq=999)])))

    rig.central.script.extend([rig.central.honest, record, unknown])
    with rig.central.served() as url:
        courier = rig.courier(outbox, send=senders.to(url))
        async with rig.running(courier):
            (first,) = await put_each(outbox, "v-1")
            await delivered(outbox, first)
            before = await outbox.stats()
            again = await outbox.settle(wire.decode_reply(answers[0].body))
            assert (again.delivered, again.rejected, again.refused) == ((), (), ())
            assert (await outbox.stats()).pending == before.pending == 0
            assert rig.alarms == []
            (second,) = await put_each(outbox, "v-1")
            await rig.until(lambda: courier.link is Link.UNTRUSTED)
            assert (await outbox.state(second)).phase is Phase.PENDING
            await delivered(outbox, second)
    assert [(alarm.code, alarm.detail) for alarm in rig.alarms] == [(AlarmCode.LINK_UNTRUSTED, "another_batch")]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "many digits", "date"])
async def test_fault_35_retry_after_of_a_year(rig: Rig, senders: Senders, *, status: int, form: str) -> None:
    """Fault 35. Obeyed for an hour, however it is written; neither a nudge nor somebody waiting shortens it."""
    rig.central.retry_after = {
        "seconds": str(YEAR // timedelta(seconds=1)),
        "many digits": "9" * 400,
        "date": format_datetime(datetime.now(UTC) + YEAR, usegmt=True),
    }[form]
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    rig.central.script.append(lambda _: Answer(status, JSON, b"{}", retry_after_s=1))
    with rig.central.served() as url:
        courier = rig.courier(outbox, send=senders.to(url))
        async with asyncio.TaskGroup() as group, rig.running(courier):
            await rig.until(lambda: courier.link is Link.DOWN)
            settled = group.create_task(outbox.wait_settled(item_id))
            rig.time.advance(RETRY_AFTER_CAP_S - 1)
            courier.nudge()
            await quiet()
            assert len(rig.central.tokens) == 1
            rig.time.advance(1)
            assert await settled is Verdict.ACCEPTED


@pytest.mark.parametrize("greets_honestly", [False, True], ids=["everything", "items only"])
async def test_fault_35_storm_of_503(
    rig: Rig, senders: Senders, delivered: Delivered, *, greets_honestly: bool
) -> None:
    """Fault 35. The back-off grows through a storm, also when central still answers greetings."""
    outbox = await rig.open()
    ids = await put_each(outbox, "v-1", "v-2")
    storm = [lambda _: Answer(503, "text/html", b"busy")] * 1000
    rig.central.greets_honestly = greets_honestly
    rig.central.script.extend(storm)
    with rig.central.served() as url:
        courier = rig.courier(outbox, send=senders.to(url))
        async with rig.running(courier):
            await rig.until(lambda: courier.link is Link.DOWN)
            for _ in range(120):  # two hours
                rig.time.advance(60)
                await quiet()
            assert len(storm) - len(rig.central.script) < 20
            rig.central.script.clear()
            await delivered(outbox, *ids, step_s=50.0)
    assert {alarm.code for alarm in rig.alarms} <= {AlarmCode.CLOCK_AHEAD}  # time runs while an answer is on its way


@pytest.mark.parametrize(
    ("asked", "date", "seconds"),
    [
        ("120", "", 120.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 1999 23:57:59 GMT", 120.0),  # by central's clock, not by ours
        ("Fri, 31 Dec 1999 23:59:59 GMT", "", 0.0),
        ("soon", "", None),
        ("-5", "", None),
        ("", "", None),
    ],
)
def test_retry_after_is_read_in_both_forms(asked: str, date: str, seconds: float | None) -> None:
    assert _retry_after_s({"Retry-After": asked, "Date": date}) == seconds


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"detail": {"code": "kiosk_revoked"}}', "kiosk_revoked"),
        (b'{"detail": {"code": "A name\\nof somebody"}}', "http_403"),
        (b'{"detail": {"code": 7}}', "http_403"),
        (b'{"detail": ["code"]}', "http_403"),
        (b"[" * 100_000, "http_403"),
        (b"\xff", "http_403"),
        (b"", "http_403"),
    ],
)
def test_central_s_word_on_why_we_are_not_let_in_is_a_code_or_nothing(body: bytes, reason: str) -> None:
    with pytest.raises(TokenRefused) as caught:
        check_answer(Answer(403, JSON, body))
    assert caught.value.reason == reason
