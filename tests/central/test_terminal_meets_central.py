"""The terminal's own gateway, outbox and courier against a real central: both ends read the same shapes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from devices.values import Pii
from kiosk.documents.guard import check_subject
from kiosk.documents.seal import Verifier
from kiosk.errors import GatewayRejected, GatewayUnreachable, GatewayUntrusted
from kiosk.gateway import CodeVerdict, DecisionState
from kiosk.gateway_http import HttpGateway
from kiosk.session import Person
from offline_queue import wire
from offline_queue.courier import Courier
from offline_queue.http import HttpSender
from offline_queue.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CERTIFICATE = "DEMO-GF00101000"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def gateway(central: Any) -> AsyncIterator[HttpGateway]:
    token = (central.terminal / "token").read_text()
    made = HttpGateway(
        central.url,
        kiosk="K0001",
        token=lambda: token,
        tls_ca=str(central.terminal / "tls_ca.pem"),
        tls_client=str(central.terminal / "tls_client.pem"),
    )
    yield made
    await made.close()


@pytest.fixture
async def outbox(central: Any, tmp_path: Path) -> AsyncIterator[Outbox]:
    anchors = central.anchors()
    receipt_keys = anchors["receipt_keys"].items()
    made = await Outbox.open(
        tmp_path / "queue.db",
        kiosk="K0001",
        central_key=wire.load_sealing_key(base64.b64decode(anchors["seal_public_key"])),
        central_key_id=anchors["seal_key_id"],
        receipt_keys={name: Ed25519PublicKey.from_public_bytes(base64.b64decode(key)) for name, key in receipt_keys},
        now=now,
        monotonic=time.monotonic,
    )
    yield made
    await made.close()


@asynccontextmanager
async def delivering(central: Any, outbox: Outbox) -> AsyncIterator[Courier]:
    """Let a courier drain the outbox for the length of the block."""
    token = (central.terminal / "token").read_text()
    shown = central.terminal / "tls_client.pem"
    sender = HttpSender(
        central.url,
        kiosk="K0001",
        ca_file=central.terminal / "tls_ca.pem",
        token=lambda: token,
        cert=(shown, shown),
    )
    key = central.side().signer
    courier = Courier(outbox, sender, monotonic=time.monotonic, signer=lambda head: wire.sign(key, head))
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            task = group.create_task(courier.run())
            yield courier
            task.cancel()
    finally:
        await sender.close()


async def test_a_certificate_from_lookup_to_sealed_sheet(
    central: Any, gateway: HttpGateway, outbox: Outbox, bodies: Any, people: Any
) -> None:
    person = Person(Pii(people[0]["name"]), Pii(people[0]["id_no"]))
    assert {service.code: service.open for service in await gateway.catalogue()}[CERTIFICATE]
    found = await gateway.look_up("meet1", CERTIFICATE, 1, "c.data", person)
    assert (found.known, found.record, found.sms_masked) == (True, True, "138****0019")
    challenge = await gateway.send_code("meet1", CERTIFICATE, person)
    code = central.get("/sim/sms")[-1]["code"]
    assert (await gateway.check_code(challenge.id, "meet1", "x")).verdict is CodeVerdict.WRONG
    assert (await gateway.check_code(challenge.id, "meet1", code)).verdict is CodeVerdict.RIGHT
    body = bodies(person=people[0], challenge=challenge.id, visit="meet1", local_number="0001-261121-0077-1234")
    async with delivering(central, outbox):
        with outbox.begin_visit("meet1") as key:
            item = await outbox.put(key, "case", json.dumps(body).encode())
        assert await outbox.wait_settled(item) is wire.Verdict.ACCEPTED
    decision = await gateway.decision(item.epoch, item.seq, 20)
    assert decision.state is DecisionState.APPROVED
    assert decision.document is not None
    pdf = await gateway.document(decision.document.id)
    assert hashlib.sha256(pdf).hexdigest() == decision.document.sha256
    verifier = Verifier([central.terminal / "document_ca.pem"])
    sealed = await asyncio.to_thread(verifier.verify, pdf, decision.document.sha256, now())
    check_subject(sealed, person, item)
    progress = await gateway.progress("0001-261121-0077-1234")
    assert progress is not None
    assert progress.state == "approved"
    assert await gateway.progress("0001-261121-0077-9999") is None


async def test_a_refusal_of_central_reaches_the_terminal_with_code_and_words(
    central: Any, gateway: HttpGateway, people: Any
) -> None:
    person = Person(Pii(people[0]["name"]), Pii(people[0]["id_no"]))
    central.faults(pause_service=CERTIFICATE)
    with pytest.raises(GatewayRejected) as caught:
        await gateway.look_up("meet2", CERTIFICATE, 1, "c.data", person)
    assert caught.value.reason == "service_paused"
    assert caught.value.words
    central.faults(pause_service=None, register="down")
    with pytest.raises(GatewayUnreachable):
        await gateway.look_up("meet2", CERTIFICATE, 1, "c.data", person)


async def test_a_central_with_another_authority_is_not_believed(central: Any) -> None:
    token = (central.terminal / "token").read_text()
    wrong = str(central.terminal / "document_ca.pem")
    stranger = HttpGateway(central.url, kiosk="K0001", token=lambda: token, tls_ca=wrong)
    with pytest.raises(GatewayUntrusted):
        await stranger.catalogue()
    await stranger.close()


async def test_replies_lost_after_the_commit_leave_each_item_once(central: Any, outbox: Outbox, bodies: Any) -> None:
    before = central.get("/sim/state")
    central.faults(fail_next_batches=2)
    items = []
    for number in range(6):
        with outbox.begin_visit(f"lost{number}") as key:
            body = bodies("DEMO-GF00801000", visit=f"lost{number}")
            items.append(await outbox.put(key, "case", json.dumps(body).encode()))
    async with delivering(central, outbox):
        verdicts = [await outbox.wait_settled(item) for item in items]
    assert verdicts == [wire.Verdict.ACCEPTED] * 6
    assert central.get("/sim/state")["items"] - before["items"] == 6
