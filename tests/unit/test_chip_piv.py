"""Technicians' cards: the key is there, the PIN is known, and three wrong ones are the end."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.chip.piv import PinBlocked, PivProof, WrongPin, certificate, prove
from devices.errors import DeviceCode, DeviceProtocolError, MediumError
from devices.sim.emv_chip import obj
from devices.sim.piv_chip import PivChip
from devices.values import Pii
from tests.unit.chip_talk import talk

CHALLENGE = b"terminal K0001, 2026-05-01T08:00:00Z, 9f3a"
PIN = Pii("123456")
WRONG = Pii("654321")
CHIP = PivChip.personalised()


@pytest.fixture
def chip() -> PivChip:
    return PivChip(CHIP.key, CHIP.certificate)


def test_card_proves_that_it_has_its_certificates_key(chip):
    proof = talk(prove(CHALLENGE, PIN), chip.answer)
    key = x509.load_der_x509_certificate(proof.certificate_der).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(proof.signature, CHALLENGE, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(proof.signature, CHALLENGE + b"!", ec.ECDSA(hashes.SHA256()))


def test_certificate_is_read_without_a_pin(chip):
    assert talk(certificate(), chip.answer) == chip.certificate
    assert not chip.proved


def test_commands_are_those_of_the_standard(chip):
    asked = []

    def answer(apdu: bytes) -> bytes:
        asked.append(apdu.hex().upper())
        return chip.answer(apdu)

    talk(prove(CHALLENGE, PIN), answer)
    assert asked[0] == "00A404000BA00000030800001000010000"
    assert asked[1] == "00CB3FFF055C035FC10500"
    assert asked[2] == "0020008008313233343536FFFF"
    assert asked[3].startswith("0087119A267C2482008120")
    assert len(asked) == 4


def test_wrong_pin_tells_the_tries_left_and_the_last_one_shuts_the_card(chip):
    for left in (2, 1):
        with pytest.raises(WrongPin) as caught:
            talk(prove(CHALLENGE, WRONG), chip.answer)
        assert caught.value.tries_left == left
        assert caught.value.code is DeviceCode.CARD_REFUSED
    for pin in (WRONG, PIN):
        with pytest.raises(PinBlocked) as blocked:
            talk(prove(CHALLENGE, pin), chip.answer)
        assert blocked.value.code is DeviceCode.CARD_BLOCKED
    assert talk(certificate(), chip.answer) == chip.certificate


def test_right_pin_gives_the_tries_back(chip):
    with pytest.raises(WrongPin):
        talk(prove(CHALLENGE, WRONG), chip.answer)
    talk(prove(CHALLENGE, PIN), chip.answer)
    assert chip.tries == 3


@pytest.mark.parametrize("pin", ["", "12345", "123456789", "12345a", "１２３４５６"])
def test_pin_that_no_card_can_have_costs_no_try(chip, pin):
    with pytest.raises(ValueError, match="6 to 8 digits"):
        prove(CHALLENGE, Pii(pin))
    assert chip.tries == 3


@pytest.mark.parametrize(
    ("instruction", "answer", "code"),
    [
        (0xA4, "6A82", DeviceCode.CARD_UNKNOWN_KIND),
        (0xCB, "6A82", DeviceCode.CARD_INVALID),
        (0xCB, "6982", DeviceCode.CARD_UNREADABLE),
        (0xCB, "5300 9000", DeviceCode.CARD_INVALID),
        (0xCB, "5307 70023000 710101 9000", DeviceCode.CARD_INVALID),
        (0xCB, "5307 7002FFFF 710100 9000", DeviceCode.CARD_UNREADABLE),
        (0xCB, "5400 9000", DeviceCode.CARD_UNREADABLE),
        (0x20, "6A81", DeviceCode.CARD_REFUSED),
        (0x20, "63C0", DeviceCode.CARD_BLOCKED),
        (0x87, "6982", DeviceCode.CARD_REFUSED),
        (0x87, "7C02 8200 9000", DeviceCode.CARD_UNREADABLE),
        (0x87, "7C02 8100 9000", DeviceCode.CARD_UNREADABLE),
    ],
)
def test_what_the_card_refuses_or_garbles_is_told_by_its_code(chip, instruction, answer, code):
    def wrong(apdu: bytes) -> bytes:
        whole = chip.answer(apdu)
        return bytes.fromhex(answer) if apdu[1] == instruction else whole

    with pytest.raises(MediumError) as caught:
        talk(prove(CHALLENGE, PIN), wrong)
    assert caught.value.code is code


def test_neither_pin_nor_proof_prints(chip):
    proof = talk(prove(CHALLENGE, PIN), chip.answer)
    assert repr(proof) == "PivProof()"
    assert isinstance(proof, PivProof)
    assert "123456" not in repr(chip)


@settings(max_examples=50)  # each signs
@given(st.data())
def test_no_damaged_card_brings_the_proof_down(data):
    chip = PivChip(CHIP.key, CHIP.certificate)

    def answer(apdu: bytes) -> bytes:
        if data.draw(st.integers(0, 3)) == 0:
            return data.draw(st.one_of(st.binary(max_size=40), st.just(obj("53", b"\x70") + b"\x90\x00")))
        whole = bytearray(chip.answer(apdu))
        if data.draw(st.integers(0, 3)) == 0:
            at = data.draw(st.integers(0, 2**16))  # signatures differ in length: no bound may depend on them
            whole[at % len(whole)] = data.draw(st.integers(0, 255))
        return bytes(whole)

    try:
        talk(prove(CHALLENGE, PIN), answer)
    except (MediumError, DeviceProtocolError):
        return
