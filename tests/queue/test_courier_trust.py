"""What comes back from the line and proves nothing: lost, cut, forged, old, or about something else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from offline_queue import wire
from offline_queue.link import Answer, Link, LinkDown
from offline_queue.values import AlarmCode, Phase
from offline_queue.wire import Verdict
from tests.queue.central_desk import JSON, word
from tests.queue.moves import effects, put_each

if TYPE_CHECKING:
    from tests.queue.conftest import Rig


async def test_fault_3_lost_reply_brings_a_duplicate_and_one_effect(rig: Rig) -> None:
    """Fault 3. Central took the item in and its answer is lost: sent again, `duplicate`, one effect."""
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")

    def lost(body: bytes) -> Answer:
        rig.central.honest(body)
        raise LinkDown("ReadTimeout")

    rig.central.greets_honestly = True
    rig.central.script.append(lost)
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.link is Link.DOWN)
        rig.time.advance(1)
        assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
    assert effects(rig) == [1]
    state = await outbox.state(item_id)
    assert state.receipt is not None
    assert state.receipt.word.verdict is Verdict.DUPLICATE


@pytest.mark.parametrize(
    ("answer", "link", "reason"),
    [
        (Answer(200, "text/html; charset=utf-8", b"<html>Welcome! Please log in"), Link.UNTRUSTED, "http_200"),
        (Answer(200, JSON, b"<html>"), Link.UNTRUSTED, "reply"),
        (Answer(200, JSON, b'{"kiosk": "hall-03", "epo'), Link.UNTRUSTED, "reply"),
        (Answer(302, "text/html", b""), Link.UNTRUSTED, "http_302"),
        (Answer(400, "text/html", b"proxy says no"), Link.UNTRUSTED, "http_400"),
        (Answer(404, JSON, b"{}"), Link.DOWN, "http_404"),
        (Answer(409, JSON, b"{}"), Link.DOWN, "http_409"),
        (Answer(502, "text/html", b"bad gateway"), Link.DOWN, "http_502"),
    ],
    ids=["captive portal", "html as json", "cut reply", "redirect", "proxy", "address", "409", "502"],
)
@pytest.mark.parametrize("greets_honestly", [False, True], ids=["greeting", "items"])
async def test_fault_26_and_31_answer_that_is_no_receipt_settles_nothing(
    rig: Rig, answer: Answer, link: Link, reason: str, *, greets_honestly: bool
) -> None:
    """Fault 26 and 31. A web page, half a reply, a redirect: nothing is settled by what is not signed."""
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    rig.central.greets_honestly = greets_honestly
    rig.central.script.append(lambda _: answer)
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.link not in {Link.UNKNOWN, Link.UP})
        assert (courier.link, courier.reason) == (link, reason)
        state = await outbox.state(item_id)
        assert (state.phase, state.attempts) == (Phase.PENDING, 0)  # the item is not to blame
        rig.time.advance(2)
        await rig.pending(outbox, 0)
        await rig.until(lambda: courier.link is Link.UP)
    untrusted = [AlarmCode.LINK_UNTRUSTED] if link is Link.UNTRUSTED else []
    assert [alarm.code for alarm in rig.alarms] == untrusted


async def test_reply_without_a_word_settles_nothing(rig: Rig) -> None:
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    rig.central.greets_honestly = True
    rig.central.script.append(
        lambda body: Answer(200, JSON, wire.encode_reply(rig.central.reply(wire.decode_batch(body), [])))
    )
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.link is Link.DOWN)
        assert courier.reason == "no_receipt"
        assert (await outbox.state(item_id)).phase is Phase.PENDING
        rig.time.advance(2)
        await rig.pending(outbox, 0)
    assert effects(rig) == [1]


@pytest.mark.parametrize("greets_honestly", [False, True], ids=["greeting", "items"])
async def test_reply_with_a_wrong_signature_keeps_the_body(rig: Rig, *, greets_honestly: bool) -> None:
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    forger = Ed25519PrivateKey.generate()

    def forged(body: bytes) -> Answer:
        batch = wire.decode_batch(body)
        answer = rig.central.reply(batch, [word(item) for item in batch.items], by=forger)
        return Answer(200, JSON, wire.encode_reply(answer))

    rig.central.greets_honestly = greets_honestly
    rig.central.script.append(forged)
    courier = rig.courier(outbox)
    async with rig.running(courier):
        await rig.until(lambda: courier.link is Link.UNTRUSTED)
        assert courier.reason == "receipt_signature"
    assert (await outbox.state(item_id)).phase is Phase.PENDING
    assert {alarm.code for alarm in rig.alarms} == {AlarmCode.RECEIPT_REFUSED, AlarmCode.LINK_UNTRUSTED}


@pytest.mark.parametrize("what", ["kiosk", "epoch", "item that was not sent", "earlier reply"])
async def test_fault_32_answer_for_another_batch_settles_nothing(rig: Rig, what: str) -> None:
    """Fault 32. Signed by central, and about another kiosk, epoch or batch: the link is not trusted."""
    outbox = await rig.open()
    (first,) = await put_each(outbox, "v-1")
    earlier: list[Answer] = []

    def kept(body: bytes) -> Answer:
        earlier.append(rig.central.honest(body))
        return earlier[0]

    def of_another(body: bytes) -> Answer:
        batch = wire.decode_batch(body)
        words = [word(item) for item in batch.items]
        if what == "earlier reply":
            return earlier[0]
        if what == "item that was not sent":
            words.append(words[0]._replace(seq=1))
        other = {"kiosk": {"kiosk": "hall-04"}, "epoch": {"epoch": "f" * 32}}.get(what, {})
        return Answer(200, JSON, wire.encode_reply(rig.central.reply(batch, words, **other)))

    rig.central.greets_honestly = True
    rig.central.script.append(kept)
    courier = rig.courier(outbox)
    async with rig.running(courier):
        assert await outbox.wait_settled(first) is Verdict.ACCEPTED
        rig.central.script.append(of_another)
        second, third = await put_each(outbox, "v-2", "v-3")
        await rig.until(lambda: courier.link is Link.UNTRUSTED)
        assert courier.reason == ("receipt_foreign" if what == "kiosk" else "another_batch")
        assert [(await outbox.state(one)).phase for one in (second, third)] == [Phase.PENDING] * 2
        rig.time.advance(2)
        assert await outbox.wait_settled(second) is Verdict.ACCEPTED  # by the honest answer that follows
        assert await outbox.wait_settled(third) is Verdict.ACCEPTED
    assert sorted(effects(rig)) == [1, 2, 3]
    assert AlarmCode.LINK_UNTRUSTED in {alarm.code for alarm in rig.alarms}


async def test_fault_32_reply_with_its_words_in_another_order_settles_each_lane_in_its_own(rig: Rig) -> None:
    """Fault 32. The order of words means nothing, that of a lane everything."""
    outbox = await rig.open()
    ids = await put_each(outbox, "v-1", "v-2", "v-3", "v-1", "v-2")

    def reordered(body: bytes) -> Answer:
        honest = wire.decode_reply(rig.central.honest(body).body)
        batch = wire.decode_batch(body)
        return Answer(200, JSON, wire.encode_reply(rig.central.reply(batch, honest.words[::-1])))

    rig.central.greets_honestly = True
    rig.central.script.append(reordered)
    async with rig.running(rig.courier(outbox)):
        await rig.pending(outbox, 0)
    assert [(await outbox.state(one)).phase for one in ids] == [Phase.DELIVERED] * 5
    assert rig.central.batches == [[1, 2, 3], [4, 5]]
    assert rig.alarms == []


async def test_fault_28_refused_token_is_renewed_once_then_the_link_rests(rig: Rig) -> None:
    """Fault 28. One new token for each refusal; when that is refused too, one alarm and a quarter of an hour."""
    outbox = await rig.open()
    (item_id,) = await put_each(outbox, "v-1")
    renewed = []

    async def refresh() -> None:
        renewed.append(1)

    rig.central.script.append(lambda _: Answer(401, JSON, b"{}"))
    courier = rig.courier(outbox, refresh=refresh)
    async with rig.running(courier):
        assert await outbox.wait_settled(item_id) is Verdict.ACCEPTED
        assert (len(renewed), rig.alarms) == (1, [])
        rig.central.script.extend([lambda _: Answer(403, JSON, b"{}")] * 4)
        await put_each(outbox, "v-2")
        await rig.until(lambda: courier.link is Link.DOWN)
        assert len(rig.central.script) == 2
        rig.time.advance(899)
        await asyncio.sleep(0)
        assert len(rig.central.script) == 2
        rig.time.advance(1)
        await rig.until(lambda: not rig.central.script)
    assert [alarm.code for alarm in rig.alarms] == [AlarmCode.TOKEN_REFUSED]  # once, not at each try
    assert (await outbox.stats()).pending == 1
