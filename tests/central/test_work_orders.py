"""Orders, cards and reports at central, and what a terminal makes of what central signed."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from sqlalchemy import func, select

from central import technicians, work_orders
from central.commands import run
from central.store.schema import Alarm, Case, Rating
from central.store.upkeep import DryRun, MaintenanceEntry, Readiness, WorkOrder
from kiosk.gateway_http import HttpGateway
from kiosk.maintenance.access import AccessProblem, AccessRefused, Authority
from kiosk.maintenance.orders import Orders, Role
from offline_queue import wire
from tests.central.terminal_side import CERTIFICATE, START, TerminalSide, alarm_body, pem

if TYPE_CHECKING:
    from central.office import Office

JAM = {"fault": "device.paper_jam", "subject": "document_printer"}


def opened(office: Office, **changes: Any) -> str:
    given = {
        "kiosk": "K0001",
        "technician": "T-0042",
        "role": "technician",
        "begins": START - timedelta(hours=1),
        "ends": START + timedelta(hours=7),
        "parts": ["roller"],
        "back": None,
        "now": office.clock.now(),
        **JAM,
    } | changes
    with office.store.write() as session:
        return work_orders.open_order(session, **given).number


def signed(office: Office, kiosk: str = "K0001") -> list[dict[str, str]]:
    with office.store.read() as session:
        return work_orders.signed_orders(session, office.keys, kiosk)


def send(office: Office, side: TerminalSide, kind: str, body: dict[str, Any]) -> wire.Verdict:
    taken = office.intake.take(side.kiosk, side.batch(side.item(kind, body)))
    return wire.decode_reply(taken.reply).words[0].verdict


def entry(n: int = 1, kind: str = "returned", order: str = "", **changes: Any) -> dict[str, Any]:
    said = {
        "n": n,
        "at": START.isoformat(),
        "kind": kind,
        "who": "T-0042",
        "order": order,
        "subject": "document_printer",
        "outcome": "passed",
        "facts": {"rounds": 3, "views": ["Guide"]},
    }
    return {"entry": said | changes}


def state_of(office: Office, number: str) -> WorkOrder:
    with office.store.read() as session:
        return session.get_one(WorkOrder, number)


def count(office: Office, table: Any) -> int:
    with office.store.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


async def test_an_order_signed_here_opens_that_machine_and_no_other(office, tmp_path):
    number = opened(office)
    terminal = Orders(tmp_path / "a", "K0001", office.keys.receipt_keys)
    assert await terminal.take(signed(office)) == 1
    order = terminal.open(number, "T-0042", Role.TECHNICIAN, START)
    assert (order.subject, order.parts, order.revision) == ("document_printer", ("roller",), 1)
    assert signed(office, "K0002") == []
    other = Orders(tmp_path / "b", "K0002", office.keys.receipt_keys)
    await other.take(signed(office))
    assert not other.all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kiosk": "K0404"},
        {"technician": "999999195203070019"},
        {"role": "owner"},
        {"ends": START - timedelta(hours=2)},
        {"ends": START + timedelta(days=30)},
    ],
)
def test_an_order_that_makes_no_sense_is_not_opened(office, wrong):
    with pytest.raises((LookupError, ValueError)):
        opened(office, **wrong)
    assert count(office, WorkOrder) == 0


def test_the_machines_return_closes_its_order_and_only_its(office, side):
    first, second = opened(office), opened(office, subject="camera", fault="device.frozen")
    assert send(office, side, "maintenance", entry(order=first)) is wire.Verdict.ACCEPTED
    assert (state_of(office, first).state, state_of(office, first).closed_by) == ("closed", "T-0042")
    assert state_of(office, second).state == "open"


def test_the_same_fault_within_seven_days_opens_the_order_again(office, side, clock):
    number = opened(office)
    send(office, side, "maintenance", entry(order=number))
    clock.advance(3 * 86400)
    send(office, side, "alarm", alarm_body("device.paper_jam") | {"subject": "receipt_printer"})
    assert state_of(office, number).state == "closed"  # another device
    send(office, side, "alarm", alarm_body("device.paper_jam") | {"subject": "document_printer"})
    again = state_of(office, number)
    assert (again.state, again.revision, again.ends - again.begins) == ("open", 2, timedelta(hours=8))
    assert again.begins == office.clock.now()
    with office.store.read() as session:
        assert session.get(Alarm, ("K0001", "order.reopened", f"{number}/2")) is not None


def test_after_seven_days_a_fault_is_a_new_one(office, side, clock):
    number = opened(office)
    send(office, side, "maintenance", entry(order=number))
    clock.advance(7 * 86400 + 1)
    send(office, side, "alarm", alarm_body("device.paper_jam") | {"subject": "document_printer"})
    assert state_of(office, number).state == "closed"


async def test_a_reopened_order_opens_the_machine_again_though_it_was_closed_there(office, side, tmp_path, clock):
    number = opened(office)
    terminal = Orders(tmp_path, "K0001", office.keys.receipt_keys)
    await terminal.take(signed(office))
    await terminal.close(terminal.open(number, "T-0042", Role.TECHNICIAN, START))
    send(office, side, "maintenance", entry(order=number))
    send(office, side, "alarm", alarm_body("device.paper_jam") | {"subject": "document_printer"})
    await terminal.take(signed(office))
    assert terminal.open(number, "T-0042", Role.TECHNICIAN, office.clock.now()).revision == 2


def test_an_entry_put_twice_is_kept_once(office, side):
    for _ in range(2):
        assert send(office, side, "maintenance", entry(n=7, kind="test")) is wire.Verdict.ACCEPTED
    send(office, side, "maintenance", entry(n=7, kind="test", at=(START + timedelta(days=1)).isoformat()))
    assert count(office, MaintenanceEntry) == 2  # a book that began anew counts from 1 again


def test_a_dry_run_is_taken_into_custody_and_makes_no_case(office, side):
    body = {
        "person": "dry-run",
        "service": CERTIFICATE,
        "version": 1,
        "visit": "v1",
        "local_number": "TEST-K0001-1",
        "at": START.isoformat(),
    }
    assert send(office, side, "dry_run", body) is wire.Verdict.ACCEPTED
    assert (count(office, DryRun), count(office, Case), count(office, Rating)) == (1, 0, 0)
    assert office.worker.walk() is None
    for person in ("测试·张老伯", "dry-run "):
        assert send(office, side, "dry_run", body | {"person": person}) is wire.Verdict.REJECTED
    assert count(office, Case) == 0


def test_of_two_reports_the_later_one_counts_whichever_comes_first(office, side):
    def report(hours: int, colour: str) -> dict[str, Any]:
        sections = [{"id": "devices", "colour": colour, "rows": []}]
        return {"readiness": {"at": (START + timedelta(hours=hours)).isoformat(), "sections": sections}}

    send(office, side, "maintenance", report(2, "red"))
    send(office, side, "maintenance", report(1, "green"))
    with office.store.read() as session:
        held = session.get_one(Readiness, "K0001")
    assert json.loads(held.sections)[0]["colour"] == "red"


@pytest.mark.parametrize(
    "body", [{}, {"entry": None}, entry() | {"readiness": {"at": START.isoformat(), "sections": []}}]
)
def test_a_message_that_says_nothing_or_two_things_is_rejected(office, side, body):
    assert send(office, side, "maintenance", body) is wire.Verdict.REJECTED


def test_a_card_certified_here_is_a_technicians_until_it_is_revoked(office, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    root = technicians.authority(office.data, START)
    with office.store.write() as session:
        made = technicians.issue(session, root, "T-0042", "supervisor", public_pem=pem(key).encode(), now=START)
    der = load_pem_x509_certificate(made).public_bytes(Encoding.DER)
    authority = Authority(office.enrolment.folder("K0001") / "technician_ca.pem", tmp_path)
    found = authority.judge(der, START)
    assert (found.id, found.role) == ("T-0042", Role.SUPERVISOR)
    with office.store.write() as session:
        assert technicians.revoke(session, "T-0042", START) == 1
        fresh = technicians.revocation_list(session, root, START)
    assert authority.take_list(fresh)
    with pytest.raises(AccessRefused) as refused:
        authority.judge(der, START)
    assert refused.value.problem is AccessProblem.REVOKED


def test_a_key_of_another_kind_is_not_certified(office):
    root = technicians.authority(office.data, START)
    public = pem(ec.generate_private_key(ec.SECP384R1())).encode()
    with office.store.write() as session, pytest.raises(ValueError, match="P-256"):
        technicians.issue(session, root, "T-0042", "technician", public_pem=public, now=START)


async def test_a_terminal_fetches_its_own_orders_and_the_list_over_the_wire(start_central, tmp_path):
    with start_central() as running:
        data = running.terminal.parent
        assert run(["order", "open", "--kiosk", "K0001", "--technician", "T-0042", "--data", str(data)]) == 0
        folder = running.folder("K0001")
        gateway = HttpGateway(
            running.url,
            kiosk="K0001",
            token=(folder / "token").read_text,
            tls_ca=str(folder / "tls_ca.pem"),
            tls_client=str(folder / "tls_client.pem"),
        )
        orders, revoked = await gateway.work_orders(), await gateway.revoked_technicians()
        await gateway.close()
        keys = running.anchors()["receipt_keys"].items()
        public = {name: Ed25519PublicKey.from_public_bytes(base64.b64decode(key)) for name, key in keys}
        held = Orders(tmp_path, "K0001", public)
        assert await held.take(orders) == 1
        assert held.all()[0].technician == "T-0042"
        assert Authority(folder / "technician_ca.pem", tmp_path).take_list(revoked)
        assert running.call("GET", "/v1/kiosks/K0002/work-orders").status_code == 403
        assert running.get("/v1/kiosks/K0002/work-orders", "K0002") == {"orders": []}


def test_a_dispatcher_works_at_a_shell(office, side, tmp_path, capsys):
    data = ["--data", str(office.data)]
    ask = ["order", "open", "--kiosk", "K0001", "--technician", "T-0042", "--fault", "device.paper_jam", *data]
    assert run(ask) == 0
    number = capsys.readouterr().out.split()[1].rstrip(":")
    run(["order", "list", *data])
    assert number in capsys.readouterr().out
    send(office, side, "maintenance", entry(order=number))
    with pytest.raises(LookupError):
        run(["order", "close", number, *data])
    public = tmp_path / "card.pem"
    public.write_text(pem(ec.generate_private_key(ec.SECP256R1())))
    out = tmp_path / "card.crt"
    run(["technician", "issue", "T-0042", "--public-key", str(public), "--out", str(out), *data])
    assert load_pem_x509_certificate(out.read_bytes())
    run(["technician", "revoke", "T-0042", *data])
    run(["technician", "list", *data])
    assert "revoked" in capsys.readouterr().out
    sections = [{"id": "devices", "colour": "red", "rows": [{"id": "camera", "colour": "red", "state": "absent"}]}]
    send(office, side, "maintenance", {"readiness": {"at": START.isoformat(), "sections": sections}})
    run(["machine", "list", *data])
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in listed] == [["K0001", "red"], ["K0002", "unknown"]]
    run(["machine", "show", "K0001", "--json", *data])
    assert json.loads(capsys.readouterr().out)["sections"] == sections
    run(["machine", "book", "K0001", *data])
    assert "returned" in capsys.readouterr().out


def test_the_first_terminals_folder_has_the_authority_of_the_cards(office):
    assert b"BEGIN CERTIFICATE" in Path(office.enrolment.folder("K0001") / "technician_ca.pem").read_bytes()
