"""Who is let in, over real TLS: client certificates, tokens that end, keys, terminals that are shut out."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from sqlalchemy import update

from central.__main__ import main
from central.authority import Identity, new_client, new_root
from central.office import database_in
from central.store.database import Store
from central.store.schema import Kiosk
from offline_queue import wire
from offline_queue.wire import Verdict
from tests.central.terminal_side import new_key, pem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def own(start_central: Callable[..., Any]) -> Iterator[Any]:
    """Run a central of the test's own: what is done to terminals here would trouble the others."""
    with start_central() as running:
        yield running
        assert running.stop() == 0


@contextmanager
def stored(central: Any) -> Iterator[Store]:
    store = Store(database_in(central.terminal.parent))
    yield store
    store.close()


def code(reply: requests.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["detail"]["code"]


def command(central: Any, *words: str) -> None:
    assert main([*words, "--data", str(central.terminal.parent)]) == 0


PROTECTED = [
    ("GET", "/v1/catalogue"),
    ("POST", "/v1/kiosks/K0001/batches"),
    ("POST", "/v1/kiosks/K0001/key"),
    ("POST", "/v1/kiosks/K0001/token"),
    ("GET", "/v1/kiosks/keys"),
    ("POST", "/v1/carried"),
    ("POST", "/v1/lookups"),
    ("GET", "/v1/progress/x"),
    ("GET", "/v1/ratings"),
    ("GET", "/v1/documents/x"),
    ("GET", "/v1/kiosks/K0001/work-orders"),
    ("GET", "/v1/technicians/revoked"),
]


@pytest.mark.parametrize(("method", "path"), PROTECTED)
@pytest.mark.parametrize("shown", ["", "K0002"])
def test_nothing_of_a_terminal_s_is_open_without_its_certificate(
    central: Any, method: str, path: str, shown: str
) -> None:
    cert = str(central.folder(shown) / "tls_client.pem") if shown else None
    with central.session() as session:
        session.cert = cert
        reply = session.request(method, central.url + path, json={}, timeout=30)
    assert code(reply) == (403, "certificate_refused")


def test_every_route_below_v1_that_is_not_public_is_in_the_list_above(central: Any) -> None:
    public = {"/v1/health", "/v1/certificates/{code}"}
    routes = {path for path in central.get("/openapi.json")["paths"] if path.startswith("/v1/")} - public
    seen = [re.sub(r"\{[^}]*\}", "[^/]+", route) for route in sorted(routes)]
    covered = {pattern for pattern in seen if any(re.fullmatch(pattern, path) for _, path in PROTECTED)}
    by_the_same_rule = {
        "/v1/catalogue/[^/]+",
        "/v1/sms-challenges",
        "/v1/sms-challenges/[^/]+/answers",
        "/v1/kiosks/[^/]+/cases/[^/]+/[^/]+/decision",
    }
    assert set(seen) - covered == by_the_same_rule


def test_residents_reach_the_public_pages_without_a_certificate(central: Any) -> None:
    with central.session() as session:
        session.cert = None
        for path in ("/v1/health", "/verify", "/v1/certificates/XXXX", "/docs"):
            assert session.get(central.url + path, timeout=30).status_code == 200


def test_a_certificate_of_a_foreign_authority_does_not_even_connect(central: Any, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    forged = new_client(new_root("Tongban DEMO connection root", now), "K0001", now)
    (tmp_path / "forged.pem").write_bytes(forged.to_pem())
    with central.session() as session:
        session.cert = str(tmp_path / "forged.pem")
        with pytest.raises(requests.ConnectionError):
            session.get(central.url + "/v1/health", timeout=30)


def test_a_server_s_certificate_of_our_own_authority_is_none_of_a_terminal_s(central: Any) -> None:
    with central.session() as session:
        session.cert = str(central.terminal.parent / "keys" / "tls.pem")
        with pytest.raises(requests.ConnectionError):
            session.get(central.url + "/v1/catalogue", timeout=30)


def test_development_can_do_without_certificates(start_central: Callable[..., Any]) -> None:
    with start_central(options=["--no-client-certificates"]) as plain, plain.session() as session:
        session.cert = None
        assert session.get(plain.url + "/v1/catalogue", timeout=30).status_code == 200
        wrong = session.post(plain.url + "/v1/kiosks/K0001/token", headers={"Authorization": "Bearer x"}, timeout=30)
        assert code(wrong) == (401, "token_refused")
        renewed = session.post(plain.url + "/v1/kiosks/K0001/token", timeout=30).json()["token"]
        assert code(session.get(plain.url + "/v1/catalogue", timeout=30)) == (401, "token_refused")
        session.headers["Authorization"] = f"Bearer {renewed}"
        assert session.get(plain.url + "/v1/catalogue", timeout=30).status_code == 200


def test_fault_28_a_token_that_ends_between_two_batches_is_renewed_and_the_same_batch_goes_again(own: Any) -> None:
    """Fault 28. Expired: 401; the certificate gets a new token; the same bytes are taken once."""
    side = own.side()
    raw = side.batch(side.alarm())
    with stored(own) as store, store.write() as session:
        session.execute(update(Kiosk).values(token_expires=datetime.now(UTC) - timedelta(seconds=1)))
    assert code(own.send(raw)) == (401, "token_expired")
    with own.session() as session:
        session.headers["Authorization"] = ""
        renewed = session.post(own.url + "/v1/kiosks/K0001/token", timeout=30)
        assert renewed.status_code == 200
        assert datetime.fromisoformat(renewed.json()["expires"]) > datetime.now(UTC) + timedelta(days=29)
        session.headers.update(
            {"Authorization": f"Bearer {renewed.json()['token']}", "Content-Type": "application/json"}
        )
        for expected in (Verdict.ACCEPTED, Verdict.DUPLICATE):
            reply = session.post(own.url + "/v1/kiosks/K0001/batches", data=raw, timeout=30)
            assert [word.verdict for word in wire.decode_reply(reply.content).words] == [expected]
    other = own.call("POST", "/v1/kiosks/K0001/token", "K0002")
    assert code(other) == (403, "kiosk_mismatch")


def test_a_renewed_token_outlives_central_s_restart(start_central: Callable[..., Any], tmp_path: Path) -> None:
    with start_central(tmp_path) as first:
        renewed = first.post("/v1/kiosks/K0001/token", {})["token"]
        assert first.stop() == 0
    with start_central(tmp_path) as second:
        headers = {"Authorization": f"Bearer {renewed}"}
        assert second.call("GET", "/v1/catalogue", headers=headers).status_code == 200


def test_a_key_is_registered_over_the_wire(own: Any) -> None:
    key = {"public_key_pem": pem(new_key())}
    first, again = (own.call("POST", "/v1/kiosks/K0001/key", json=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = own.call("POST", "/v1/kiosks/K0001/key", json={"public_key_pem": pem(new_key())})
    assert code(other) == (409, "key_conflict")
    assert code(own.call("POST", "/v1/kiosks/K0001/key", json={"public_key_pem": "x"})) == (422, "key_unusable")
    assert own.call("POST", "/v1/kiosks/K0001/key", json={"public_key_pem": "x" * 2000}).status_code == 422
    published = own.get("/v1/kiosks/keys", "K0002")
    assert published == {first.json()["key_id"]: {"kiosk": "K0001", **key}}
    assert "intake.key_conflict" in {alarm["code"] for alarm in own.get("/sim/state")["alarms"]}


def test_a_batch_carried_to_another_terminal_is_taken_there(own: Any) -> None:
    side = own.side()
    raw = side.batch(side.alarm("one"), side.alarm("two"))
    headers = {"Content-Type": "application/json"}
    for expected in (Verdict.ACCEPTED, Verdict.DUPLICATE):
        reply = own.call("POST", "/v1/carried", "K0002", data=raw, headers=headers)
        assert reply.status_code == 200, reply.text
        assert [word.verdict for word in wire.decode_reply(reply.content).words] == [expected] * 2
    assert own.call("POST", "/v1/carried", "K0002", data=raw).status_code == 415


def test_fault_29_a_revoked_kiosk_is_shut_out_while_central_runs(own: Any) -> None:
    """Fault 29. Revoked by whoever runs central: every route says so, until it is cleared; its items come then."""
    side = own.side()
    raw = side.batch(side.alarm())
    command(own, "kiosk", "revoke", "K0001")
    assert code(own.send(raw)) == (403, "kiosk_revoked")
    assert code(own.call("GET", "/v1/catalogue")) == (403, "kiosk_revoked")
    assert code(own.call("POST", "/v1/kiosks/K0001/token")) == (403, "kiosk_revoked")
    assert own.call("GET", "/v1/catalogue", "K0002").status_code == 200
    command(own, "kiosk", "clear", "K0001")
    (receipt,) = own.receipts(raw)
    assert receipt.word.verdict is Verdict.ACCEPTED


def test_a_terminal_is_revoked_and_cleared_from_the_demo_s_window(own: Any) -> None:
    for state in ("kiosk_revoked", "enrolled"):
        assert own.post("/sim/kiosks/K0001/state", {"state": state}) == {"state": state}
        assert own.get("/sim/state")["kiosks"]["K0001"] == state
    assert own.call("POST", "/sim/kiosks/K0009/state", json={"state": "enrolled"}).status_code == 404
    assert own.call("POST", "/sim/kiosks/K0001/state", json={"state": "x"}).status_code == 422


def test_a_terminal_enrolled_again_needs_what_it_was_given_then(own: Any, tmp_path: Path) -> None:
    root = Identity.from_pem((own.terminal.parent / "keys" / "tls_ca.pem").read_bytes())
    stolen = tmp_path / "stolen.pem"
    stolen.write_bytes(new_client(root, "K0001", datetime.now(UTC) - timedelta(minutes=1)).to_pem())
    old_token = (own.terminal / "token").read_text()
    own.side()

    def with_stolen(method: str, path: str) -> requests.Response:
        with own.session() as session:
            session.cert = str(stolen)
            return session.request(method, own.url + path, timeout=30)

    assert with_stolen("GET", "/v1/catalogue").status_code == 200
    command(own, "kiosk", "enrol-again", "K0001")
    assert own.call("GET", "/v1/catalogue").status_code == 200
    assert own.call("GET", "/v1/catalogue", "K0002").status_code == 200
    assert code(with_stolen("POST", "/v1/kiosks/K0001/token")) == (403, "certificate_refused")
    old = own.call("GET", "/v1/catalogue", headers={"Authorization": f"Bearer {old_token}"})
    assert code(old) == (401, "token_refused")
    assert code(own.send(own.side().batch())) == (403, "key_missing")


def test_the_list_of_terminals_says_how_they_stand(own: Any, capsys: pytest.CaptureFixture[str]) -> None:
    side = own.side()
    own.receipts(side.batch())
    command(own, "kiosk", "revoke", "K0002")
    capsys.readouterr()
    command(own, "kiosk", "list")
    one, two = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"K0001  enrolled  kiosk-[0-9a-f]{16}  heard \S+", one)
    assert two == "K0002  kiosk_revoked  no key  never heard"
    assert main(["kiosk", "revoke", "K0009", "--data", str(own.terminal.parent)]) == 78
    assert "K0009" in capsys.readouterr().err
