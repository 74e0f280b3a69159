"""A real central over TLS on loopback, from the first byte to the sealed sheet."""

from __future__ import annotations

import itertools
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from devices.values import Pii
from kiosk.documents.guard import WrongPerson, check_subject
from kiosk.documents.seal import SealCode, SealRefused, Verifier
from kiosk.session import Person
from offline_queue.wire import ItemId, Verdict, decode_reply
from tests.central.terminal_side import CERTIFICATE, COMPLAINT, take_in, visits


def test_the_terminal_s_folder_holds_what_it_needs_and_is_private(central: Any) -> None:
    files = sorted(path.name for path in central.terminal.iterdir())
    assert files == [
        "central.json", "document_ca.pem", "technician_ca.pem", "tls_ca.pem", "tls_client.pem", "token"
    ]  # fmt: skip
    assert stat.S_IMODE(central.terminal.stat().st_mode) == 0o700
    keys = central.terminal.parent / "keys"
    for path in [*central.terminal.iterdir(), *keys.iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    assert central.anchors()["url"] == central.url
    private = [path.name for path in central.terminal.iterdir() if b"PRIVATE" in path.read_bytes()]
    assert private == ["tls_client.pem"]


def test_nobody_who_does_not_pin_the_authority_can_be_fooled_to_connect(central: Any) -> None:
    with requests.Session() as stranger:
        stranger.trust_env = False
        with pytest.raises(requests.exceptions.SSLError):
            stranger.get(central.url + "/v1/health", timeout=5)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": ""},
        {"X-Kiosk": "K9999"},
    ],
)
def test_a_wrong_token_is_refused(central: Any, headers: dict[str, str]) -> None:
    assert central.call("GET", "/v1/catalogue", headers=headers).status_code == 401


def test_no_terminal_speaks_for_another(central: Any) -> None:
    assert central.call("GET", f"/v1/kiosks/K0002/cases/{'0' * 32}/1/decision").status_code == 403


def test_the_interface_describes_itself_without_fetching_anything(central: Any) -> None:
    assert "/v1/kiosks/{kiosk}/batches" in central.get("/openapi.json")["paths"]
    page = central.call("GET", "/docs").text
    assert "<script" not in page
    assert "://" not in page


def test_a_mistaken_request_is_not_quoted_back(central: Any, people: Any) -> None:
    person = {**people[0], "extra": "x"}
    reply = central.call(
        "POST",
        "/v1/lookups",
        json={"visit": "v", "service": CERTIFICATE, "version": 1, "purpose": "c.data", "person": person},
    )
    assert reply.status_code == 422
    assert people[0]["id_no"] not in reply.text
    assert people[0]["name"] not in reply.text


def test_the_register_answers_for_a_purpose_only(central: Any, people: Any) -> None:
    asked = {"visit": "v", "service": CERTIFICATE, "version": 1, "purpose": "c.data", "person": people[0]}
    found = central.post("/v1/lookups", asked)
    assert found == {
        "known": True,
        "record": True,
        "other_regions": [],
        "fields": {},
        "sms_masked": "138****0019",
    }
    elsewhere = central.post("/v1/lookups", {**asked, "person": people[2]})
    assert (elsewhere["known"], elsewhere["record"], len(elsewhere["other_regions"])) == (True, False, 2)
    stranger = central.post("/v1/lookups", {**asked, "person": {**people[0], "name": "测试无名"}})
    assert (stranger["known"], stranger["sms_masked"]) == (False, None)
    for wrong in ({"purpose": "curiosity"}, {"service": COMPLAINT}):
        assert central.call("POST", "/v1/lookups", json={**asked, **wrong}).status_code == 403


def test_a_resident_gets_the_certificate_and_anyone_can_check_it(central: Any, bodies: Any, people: Any) -> None:
    side, seq = take_in(central, bodies, people[0])
    decision = central.decision(side, seq)
    assert decision["state"] == "approved"
    reference = decision["document"]
    pdf = central.call("GET", f"/v1/documents/{reference['id']}").content
    verifier = Verifier([central.terminal / "document_ca.pem"])
    document = verifier.verify(pdf, reference["sha256"], datetime.now(UTC))
    assert document.pages == reference["pages"]
    person = Person(Pii(people[0]["name"]), Pii(people[0]["id_no"]))
    check_subject(document, person, ItemId("K0001", side.epoch, seq))
    code = document.subject.code.reveal()
    checked = central.get(f"/v1/certificates/{code[:4].lower()}-{code[4:8]} {code[8:]}")
    assert (checked["state"], checked["holder_masked"]) == ("valid", "测****伯")
    page = central.call("GET", f"/verify?code={code}").text
    assert "有效" in page
    assert people[0]["name"] not in page
    assert central.call("GET", f"/v1/documents/{reference['id']}", "K0002").status_code == 404
    progress = central.get("/v1/progress/0001-261121-0001-4821")
    assert set(progress) == {"state", "updated"}


def test_a_code_on_the_verify_page_cannot_inject(central: Any) -> None:
    page = central.call("GET", '/verify?code="><script>alert(1)</script>').text
    assert "<script" not in page.lower()
    assert "查无此证明" in page


def test_a_complaint_is_filed_with_its_ticket_and_promised_day(central: Any, bodies: Any) -> None:
    side = central.side()
    item = side.item("case", bodies(COMPLAINT))
    central.receipts(side.batch(item))
    decision = central.decision(side, item.seq)
    assert decision["state"] == "filed"
    assert decision["case_number"].startswith("DEMO-GF-")
    assert decision["first_reply"] < decision["promise"]
    assert central.get(f"/v1/progress/{decision['case_number']}")["state"] == "filed"


@pytest.mark.parametrize(
    "changes",
    [
        {"level": "card"},
        {"level": "card+face"},
        {"face": None},
        {"face": {"engine": "sim", "engine_version": "1", "verdict": "unsure", "score": 0.45, "liveness": "sim"}},
        {"sms": None},
        {"sms": {"challenge": "f" * 32}},
        {"card": {"kind": "resident", "name": "测试李梅", "id_no": "999999198808150023"}},  # not who answered the code
    ],
)
def test_a_certificate_is_refused_when_identity_was_not_proved(
    central: Any, bodies: Any, people: Any, changes: dict[str, Any]
) -> None:
    visit = next(visits)
    body = bodies(person=people[0], challenge=central.challenge(people[0], visit), visit=visit)
    body["identity"] |= changes
    side = central.side()
    item = side.item("case", body)
    central.receipts(side.batch(item))
    decision = central.decision(side, item.seq)
    assert (decision["state"], decision["reason_code"]) == ("refused", "identity_insufficient")
    assert set(decision["reason"]) == {"zh_CN", "en"}
    assert decision["document"] is None


def test_a_code_answered_in_another_visit_proves_nothing(central: Any, bodies: Any, people: Any) -> None:
    side, seq = take_in(central, bodies, people[0], answered_in=next(visits))
    assert central.decision(side, seq)["reason_code"] == "identity_insufficient"


def test_without_the_consent_nothing_is_certified(central: Any, bodies: Any, people: Any) -> None:
    side, seq = take_in(central, bodies, people[0], consents=[])
    assert central.decision(side, seq)["reason_code"] == "consent_missing"


def test_a_person_without_a_record_here_is_told_so(central: Any, bodies: Any, people: Any) -> None:
    side, seq = take_in(central, bodies, people[2])
    assert central.decision(side, seq)["reason_code"] == "no_record"


def test_fault_30_a_reply_lost_after_the_commit_leaves_one_effect(central: Any, bodies: Any) -> None:
    """Fault 30. Central fails after its commit: the same batch again is a duplicate with the first result."""
    side = central.side()
    raw = side.batch(side.item("case", bodies(COMPLAINT)))
    before = central.get("/sim/state")
    central.faults(fail_next_batches=1)
    assert central.send(raw).status_code == 500
    (receipt,) = central.receipts(raw)
    assert (receipt.word.verdict, receipt.outcome) == (Verdict.DUPLICATE, Verdict.ACCEPTED)
    after = central.get("/sim/state")
    assert after["items"] - before["items"] == 1
    assert after["duplicates"] - before["duplicates"] == 1


def test_twenty_senders_of_one_batch_store_it_once(central: Any, bodies: Any) -> None:
    side = central.side()
    raw = side.batch(*(side.item("case", bodies(COMPLAINT, local_number=f"n-{n}")) for n in range(5)))
    before = central.get("/sim/state")
    start = threading.Barrier(20)

    def send(_: int) -> list[Verdict]:
        start.wait(10)
        while (reply := central.send(raw)).status_code == 409:  # the first is still in work
            assert reply.headers["Retry-After"] == "1"
        return [word.verdict for word in decode_reply(reply.content).words]

    with ThreadPoolExecutor(20) as pool:
        verdicts = list(itertools.chain(*pool.map(send, range(20))))
    after = central.get("/sim/state")
    assert after["items"] - before["items"] == 5
    assert after["cases"][COMPLAINT] - before["cases"].get(COMPLAINT, 0) == 5
    assert (verdicts.count(Verdict.ACCEPTED), verdicts.count(Verdict.DUPLICATE)) == (5, 95)


def test_a_document_altered_on_the_way_is_refused_by_the_terminal(central: Any, bodies: Any, people: Any) -> None:
    side, seq = take_in(central, bodies, people[0])
    reference = central.decision(side, seq)["document"]
    central.faults(tamper_document="flip_byte")
    pdf = central.call("GET", f"/v1/documents/{reference['id']}").content
    with pytest.raises(SealRefused) as caught:
        Verifier([central.terminal / "document_ca.pem"]).verify(pdf, reference["sha256"], datetime.now(UTC))
    assert caught.value.seal is SealCode.HASH


def test_a_genuine_document_of_somebody_else_is_refused_by_the_terminal(central: Any, bodies: Any, people: Any) -> None:
    central.faults(tamper_document="swap_subject")
    side, seq = take_in(central, bodies, people[0])
    reference = central.decision(side, seq)["document"]
    pdf = central.call("GET", f"/v1/documents/{reference['id']}").content
    document = Verifier([central.terminal / "document_ca.pem"]).verify(pdf, reference["sha256"], datetime.now(UTC))
    with pytest.raises(WrongPerson):
        check_subject(
            document, Person(Pii(people[0]["name"]), Pii(people[0]["id_no"])), ItemId("K0001", side.epoch, seq)
        )


def test_a_case_waits_for_a_register_that_is_down(central: Any, bodies: Any, people: Any) -> None:
    challenge_visit = next(visits)
    challenge = central.challenge(people[1], challenge_visit)
    central.faults(register="down")
    states = {one["code"]: one["state"] for one in central.get("/v1/catalogue")["services"]}
    assert states == {CERTIFICATE: "paused", COMPLAINT: "open"}
    asked = {"visit": "v", "service": CERTIFICATE, "version": 1, "purpose": "c.data", "person": people[1]}
    assert central.call("POST", "/v1/lookups", json=asked).status_code == 503
    side = central.side()
    item = side.item("case", bodies(person=people[1], challenge=challenge, visit=challenge_visit))
    central.receipts(side.batch(item))
    assert central.decision(side, item.seq, 0)["state"] == "pending"
    central.faults(register="up")
    assert central.decision(side, item.seq)["state"] == "approved"


def test_a_paused_service_says_why(central: Any, people: Any) -> None:
    central.faults(pause_service=CERTIFICATE)
    services = {one["code"]: one for one in central.get("/v1/catalogue")["services"]}
    assert services[CERTIFICATE]["state"] == "paused"
    assert services[CERTIFICATE]["reason"]["zh_CN"]
    asked = {"visit": "v", "service": CERTIFICATE, "version": 1, "purpose": "c.data", "person": people[1]}
    reply = central.call("POST", "/v1/lookups", json=asked)
    assert (reply.status_code, reply.json()["detail"]["code"]) == (409, "service_paused")


def test_guessing_slip_numbers_is_slowed_down(central: Any) -> None:
    statuses = [central.call("GET", f"/v1/progress/guess-{n}", "K0002").status_code for n in range(11)]
    assert statuses == [404] * 10 + [429]
    reply = central.call("GET", "/v1/progress/guess", "K0002")
    assert 1 <= int(reply.headers["Retry-After"]) <= 61
    assert central.call("GET", "/v1/progress/guess").status_code == 404  # the others are not slowed


def test_ratings_are_summed_up(central: Any) -> None:
    before = central.get("/v1/ratings")["count"]
    side = central.side()
    for grade in (5, 4):
        body = {"case": None, "service": COMPLAINT, "version": 1, "grade": grade, "reasons": ["fast"]}
        central.receipts(side.batch(side.item("rating", body)))
    after = central.get("/v1/ratings")
    assert after["count"] - before == 2
    assert after["services"][COMPLAINT]["average"] == 4.5


def test_nothing_personal_reaches_the_log(central: Any, bodies: Any, people: Any) -> None:
    side, seq = take_in(central, bodies, people[1])
    central.decision(side, seq)
    codes = [message["code"] for message in central.get("/sim/sms")]
    log = central.log.read_text()
    assert "lookup" in log or "Application startup" in log
    for person in people:
        assert person["name"] not in log
        assert person["id_no"] not in log
    assert "1380000" not in log
    assert not [code for code in codes if f" {code} " in log]
