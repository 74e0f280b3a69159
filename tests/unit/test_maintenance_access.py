from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from devices.errors import DeviceCode, DeviceUnavailable, MediumError
from devices.values import Pii, PiiWipedError
from kiosk.clock import ManualClock
from kiosk.maintenance.access import Access, AccessProblem, AccessRefused, Authority
from kiosk.maintenance.lockout import Lockout
from kiosk.maintenance.orders import OrderProblem, OrderRefused, Orders, Role
from tests.unit.technicians import KIOSK, NOW, NUMBER, PIN, PIV, Centre, Operator, TechnicianReader


class Door:
    """A terminal's entrance."""

    def __init__(self, folder, operator):
        self.clock = ManualClock()
        self.folder = folder
        self.operator = operator
        self.boot = "boot-1"
        self.reader = TechnicianReader()
        self.start()

    def start(self):
        self.authority = Authority(self.operator.write_root(self.folder), self.folder)
        self.lockout = Lockout(self.folder, self.clock, boot=lambda: self.boot)
        self.access = Access(self.authority, self.lockout, PIV, self.clock.now)

    async def refused(self, pin=PIN):
        with pytest.raises(AccessRefused) as caught:
            await self.access.prove(self.reader, Pii(pin))
        return caught.value


@pytest.fixture(scope="module")
def operator():
    return Operator()


@pytest.fixture
def door(tmp_path, operator):
    made = Door(tmp_path, operator)
    made.reader.card = operator.card()
    return made


async def test_a_technician_with_card_and_pin_is_let_in_and_the_pin_is_gone(door):
    pin = Pii(PIN)
    found = await door.access.prove(door.reader, pin)
    assert (found.id, found.role) == ("T-0042", Role.TECHNICIAN)
    with pytest.raises(PiiWipedError):
        pin.reveal()


async def test_each_proof_is_over_a_challenge_of_its_own(door):
    for _ in range(3):
        await door.access.prove(door.reader, Pii(PIN))
    assert len({*door.reader.card.asked}) == 3


async def test_a_card_of_another_operator_opens_nothing(door):
    door.reader.card = Operator("Example operator").card()  # same name, other key
    assert (await door.refused()).problem is AccessProblem.UNTRUSTED


async def test_a_certificate_of_an_authority_is_no_card(door):
    door.reader.card.certificate = door.operator.root
    door.reader.card.key = door.operator.key
    assert (await door.refused()).problem is AccessProblem.UNTRUSTED


@pytest.mark.parametrize("begins", [NOW - timedelta(days=30), NOW + timedelta(days=30)])
async def test_a_card_out_of_its_term_opens_nothing(door, begins):
    door.reader.card = door.operator.card(begins=begins, days=2)
    assert (await door.refused()).problem is AccessProblem.NOT_VALID_NOW


async def test_a_card_without_role_or_with_a_persons_number_is_no_technicians(door):
    for who, role in (("T-0042", "cleaner"), ("999999195203070019", "technician")):
        door.reader.card = door.operator.card(who, role)
        assert (await door.refused()).problem is AccessProblem.NO_TECHNICIAN_CARD
        await door.clock.advance(86400)


async def test_a_revoked_card_opens_nothing_also_after_a_restart_and_offline(door):
    fresh = door.operator.revoking(door.reader.card)
    assert door.authority.take_list(fresh)
    assert (await door.refused()).problem is AccessProblem.REVOKED
    (door.folder / "technicians.crl").write_bytes(fresh)
    door.start()
    await door.clock.advance(60)
    assert (await door.refused()).problem in {AccessProblem.REVOKED, AccessProblem.LOCKED_OUT}


def test_an_older_or_foreign_revocation_list_does_not_bring_a_card_back(door):
    assert door.authority.take_list(door.operator.revoking(door.reader.card, at=NOW))
    assert not door.authority.take_list(door.operator.revoking(at=NOW - timedelta(days=1)))
    assert not door.authority.take_list(Operator("Example operator").revoking(at=NOW + timedelta(days=1)))
    assert not door.authority.take_list(b"no list")
    assert door.authority.list_of == NOW


def test_the_list_of_one_authority_does_not_bring_back_the_revoked_cards_of_another(tmp_path):
    """While a new authority follows the old one both are trusted, and each lists its own cards alone."""
    old, new = Operator("Old operator"), Operator("New operator")
    roots = tmp_path / "both.pem"
    roots.write_bytes(b"".join(each.root.public_bytes(Encoding.PEM) for each in (old, new)))
    card = old.card().certificate.public_bytes(Encoding.DER)
    authority = Authority(roots, tmp_path)
    for fresh in (old.revoking(old.card(), at=NOW), new.revoking(at=NOW + timedelta(hours=1))):
        (tmp_path / authority.take_list(fresh)).write_bytes(fresh)
    assert authority.judge(card, NOW).id == "T-0042"
    revoked = old.card()
    fresh = old.revoking(revoked, at=NOW)
    (tmp_path / authority.take_list(fresh)).write_bytes(fresh)
    assert authority.take_list(new.revoking(at=NOW + timedelta(hours=2)))
    for one in (authority, Authority(roots, tmp_path)):
        with pytest.raises(AccessRefused) as caught:
            one.judge(revoked.certificate.public_bytes(Encoding.DER), NOW)
        assert caught.value.problem is AccessProblem.REVOKED


def test_no_certificate_that_a_card_may_show_ends_the_watch_for_cards(door):
    """A version no library knows used to leave ``judge`` as an error of the library, and the terminal ended."""
    der = door.reader.card.certificate.public_bytes(Encoding.DER)
    unknown_version = der.replace(bytes.fromhex("A003020102"), bytes.fromhex("A003020126"), 1)
    unknown_algorithm = der.replace(bytes.fromhex("2A8648CE3D040302"), bytes.fromhex("2A8648CE3D040309"))
    for shown in (unknown_version, unknown_algorithm, der[:-1], b"\x30\x00", b""):
        with pytest.raises(AccessRefused):
            door.authority.judge(shown, NOW)


async def test_a_signature_over_something_else_is_a_forgery(door):
    other = door.operator.card("T-0042")
    door.reader.card.key = other.key  # signs with a key that is not the certificate's
    assert (await door.refused()).problem is AccessProblem.FORGED


async def test_the_lock_doubles_and_a_right_pin_frees_it(door):
    waits = []
    for _ in range(4):
        door.reader.card.tries = 3
        waits.append((await door.refused("000000")).wait_s)
        assert (await door.refused()).problem is AccessProblem.LOCKED_OUT
        await door.clock.advance(waits[-1])
    assert waits == [60, 120, 240, 480]
    await door.access.prove(door.reader, Pii(PIN))
    assert (await door.refused("000000")).wait_s == 60


async def test_setting_the_clock_does_not_shorten_the_lock(door):
    await door.refused("000000")
    door.clock.jump(86400 * 365 * -1)
    door.clock.jump(86400 * 366)
    assert (await door.refused()).problem is AccessProblem.LOCKED_OUT


async def test_a_restart_of_the_program_does_not_shorten_the_lock(door):
    await door.refused("000000")
    await door.clock.advance(20)
    door.start()
    assert door.lockout.wait_s() == pytest.approx(40)


async def test_a_restart_of_the_machine_begins_the_wait_anew(door):
    await door.refused("000000")
    await door.clock.advance(59)
    door.boot = "boot-2"
    door.start()
    assert door.lockout.wait_s() == pytest.approx(60)


async def test_a_power_cut_in_the_middle_of_a_try_gives_no_free_guess(door):
    door.reader.trouble = KeyboardInterrupt()  # the machine dies between the question and its answer
    with pytest.raises(KeyboardInterrupt):
        await door.access.prove(door.reader, Pii("000000"))
    door.start()
    assert door.lockout.failures == 1
    assert door.lockout.wait_s() > 0


async def test_a_lifted_card_or_a_dead_reader_is_no_wrong_pin(door):
    for trouble in (MediumError("lifted", code=DeviceCode.CARD_LIFTED), DeviceUnavailable("gone")):
        door.reader.trouble = trouble
        with pytest.raises(type(trouble)):
            await door.access.prove(door.reader, Pii(PIN))
        assert door.lockout.wait_s() == 0
    door.reader.trouble = None
    await door.access.prove(door.reader, Pii(PIN))


async def test_a_card_that_shut_itself_says_so(door):
    door.reader.card.tries = 0
    assert (await door.refused()).problem is AccessProblem.CARD_BLOCKED


async def test_a_disk_that_refuses_the_count_lets_nobody_guess(door, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kiosk.maintenance.lockout.keep", full)
    with pytest.raises(OSError, match="No space"):
        await door.access.prove(door.reader, Pii(PIN))
    assert not door.reader.card.asked


@pytest.fixture
def orders(tmp_path):
    centre = Centre()
    return centre, Orders(tmp_path, KIOSK, centre.keys)


def opening(orders, number=NUMBER, who="T-0042", role=Role.TECHNICIAN, now=NOW):
    with pytest.raises(OrderRefused) as caught:
        orders.open(number, who, role, now)
    return caught.value.problem


async def test_an_order_works_offline_after_a_restart(orders, tmp_path):
    centre, held = orders
    await held.take([centre.order()])
    again = Orders(tmp_path, KIOSK, centre.keys)
    assert again.open(NUMBER, "T-0042", Role.TECHNICIAN, NOW).subject == "document_printer"


async def test_an_order_opens_nothing_outside_its_window_machine_person_and_role(orders):
    centre, held = orders
    await held.take([centre.order(), centre.order("260002", kiosk="K0002"), centre.order("260003", role="supervisor")])
    assert opening(held, now=NOW - timedelta(hours=2)) is OrderProblem.EARLY
    assert opening(held, now=NOW + timedelta(hours=8)) is OrderProblem.LATE
    assert opening(held, who="T-0043") is OrderProblem.OTHER_TECHNICIAN
    assert opening(held, "260002") is OrderProblem.OTHER_MACHINE
    assert opening(held, "260003") is OrderProblem.OTHER_ROLE
    assert opening(held, "999999") is OrderProblem.UNKNOWN


async def test_an_order_changed_on_the_disk_opens_nothing(orders, tmp_path):
    centre, held = orders
    await held.take([centre.order(technician="T-0099")])
    path = tmp_path / "orders.json"
    path.write_text(path.read_text().replace("T-0099", "T-0042"))
    assert opening(Orders(tmp_path, KIOSK, centre.keys)) is OrderProblem.UNKNOWN


async def test_an_order_nobody_signed_is_not_taken_and_a_broken_answer_takes_none_away(orders):
    centre, held = orders
    await held.take([centre.order()])
    assert await held.take([Centre().order(), {"order": 1}, "no"]) == 0
    assert held.open(NUMBER, "T-0042", Role.TECHNICIAN, NOW)


async def test_a_withdrawn_order_is_gone_and_a_closed_one_stays_closed_after_a_restart(orders, tmp_path):
    centre, held = orders
    await held.take([centre.order(), centre.order("260002")])
    await held.close(held.open(NUMBER, "T-0042", Role.TECHNICIAN, NOW))
    again = Orders(tmp_path, KIOSK, centre.keys)
    assert opening(again) is OrderProblem.CLOSED
    await again.take([centre.order(), centre.order("260002")])  # central has not heard yet
    assert opening(again) is OrderProblem.CLOSED
    await again.take([centre.order(revision=2), centre.order("260002")])  # opened again at central
    assert again.open(NUMBER, "T-0042", Role.TECHNICIAN, NOW).revision == 2
    await again.take([centre.order("260002")])
    assert opening(again) is OrderProblem.UNKNOWN
    await again.take([])
    assert not again.all()
