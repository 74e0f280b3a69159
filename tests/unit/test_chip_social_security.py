"""Social security cards: each generation shows what it may, and the rest is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.chip.social_security import Closed, SocialSecurityCard, read_public_part
from devices.errors import DeviceCode, DeviceProtocolError, MediumError
from devices.sim.social_security_chip import SocialSecurityChip
from tests.unit.chip_talk import talk

OK = b"\x90\x00"


def read(chip: SocialSecurityChip) -> SocialSecurityCard:
    chip.reset()
    return talk(read_public_part(), chip.answer)


@pytest.mark.parametrize("version", ["1.00", "2.00"])
def test_older_generations_show_holder_and_city(version):
    card = read(SocialSecurityChip(version=version, name="测试㼆𠮷"))
    assert (card.city_code, card.version, card.card_class) == ("999999", version, "01")
    assert card.holder_name is not None
    assert card.holder_name.reveal() == "测试㼆𠮷"
    assert card.holder_number is not None
    assert card.holder_number.reveal() == "999999199003070012"
    assert card.needs_psam == frozenset()


def test_third_generation_says_what_needs_a_security_module_and_is_not_asked_for_it():
    chip = SocialSecurityChip(version="3.00")
    asked = []

    def answer(apdu: bytes) -> bytes:
        asked.append(apdu.hex().upper())
        return chip.answer(apdu)

    card = talk(read_public_part(), answer)
    assert (card.city_code, card.version) == ("999999", "3.00")
    assert card.holder_name is None
    assert card.holder_number is None
    assert card.needs_psam == frozenset(Closed)
    assert asked == ["00A404000F7378312E73682EC9E7BBE1B1A3D5CF00", "00B2012C12", "00B2022C03", "00B2032C06"]


def test_older_card_of_a_closed_city_says_so():
    card = read(SocialSecurityChip(guarded=True))
    assert card.holder_name is None
    assert card.needs_psam == {Closed.HOLDER_NAME, Closed.HOLDER_NUMBER}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("6A82", DeviceCode.CARD_UNKNOWN_KIND),
        ("6D00", DeviceCode.CARD_UNKNOWN_KIND),
        ("6283", DeviceCode.CARD_BLOCKED),
        ("9303", DeviceCode.CARD_BLOCKED),
        ("6A81", DeviceCode.CARD_BLOCKED),
    ],
)
def test_other_cards_and_blocked_ones_are_told_apart(status, code):
    with pytest.raises(MediumError) as caught:
        talk(read_public_part(), lambda _: bytes.fromhex(status))
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("record", "wrong"),
    [
        ((5, 1), "0110" + "FF" * 16),
        ((5, 1), "010F" + "99" * 15),
        ((5, 2), "0301AA"),
        ((5, 3), "0304332E3041"),
        ((5, 3), "0304332E30FF"),
        ((6, 1), "0812" + "2D" * 18),
        ((6, 2), "091E" + "FF" * 30),
        ((6, 2), "091E" + "00" * 30),
        ((6, 2), "091E" + "0A" * 30),
        ((6, 2), ""),
    ],
)
def test_wrong_record_is_refused_and_not_quoted(record, wrong):
    chip = SocialSecurityChip()

    def answer(apdu: bytes) -> bytes:
        here = apdu[1] == 0xB2 and (apdu[3] >> 3, apdu[2]) == record
        return bytes.fromhex(wrong) + OK if here else chip.answer(apdu)

    with pytest.raises(MediumError) as caught:
        talk(read_public_part(), answer)
    assert caught.value.code is DeviceCode.CARD_UNREADABLE
    assert "999999" not in str(caught.value)


def test_person_never_shows_and_is_wiped():
    card = read(SocialSecurityChip())
    assert "199003" not in repr(card)
    assert "测试" not in repr(card)
    card.wipe()
    assert "wiped" in repr(card)


@given(st.data())
def test_no_damaged_card_brings_the_reading_down(data):
    chip = SocialSecurityChip()

    def answer(apdu: bytes) -> bytes:
        if data.draw(st.booleans()):
            return data.draw(st.binary(max_size=60))
        whole = bytearray(chip.answer(apdu))
        if data.draw(st.booleans()):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        return bytes(whole)

    try:
        talk(read_public_part(), answer)
    except (MediumError, DeviceProtocolError):
        return
