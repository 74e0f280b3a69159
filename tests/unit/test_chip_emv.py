"""Bank cards: what is read, what is refused, and what must never leave."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.chip.emv import BankCard, Scheme, read_bank_card
from devices.errors import DeviceCode, DeviceProtocolError, MediumError
from devices.sim.emv_chip import PAN, EmvChip, obj
from tests.unit.chip_talk import talk

TODAY = date(2026, 5, 1)
OK = b"\x90\x00"


def read(chip: EmvChip, **options) -> BankCard:
    chip.reset()
    return talk(read_bank_card(options.pop("today", TODAY), **options), chip.answer)


def code_of(chip: EmvChip) -> DeviceCode:
    with pytest.raises(MediumError) as caught:
        read(chip)
    return caught.value.code


class Changed(EmvChip):
    """A card that gives this answer to this command, and its own to all others."""

    def __init__(self, instruction: int, answer: str, **more) -> None:
        super().__init__(**more)
        self.instruction = instruction
        self.instead = bytes.fromhex(answer)

    def answer(self, apdu: bytes) -> bytes:
        whole = super().answer(apdu)
        return self.instead if apdu[1] == self.instruction else whole


@pytest.mark.parametrize("contactless", [True, False])
@pytest.mark.parametrize("directory", [True, False])
def test_card_is_read_by_its_directory_or_by_the_known_names(contactless, directory):
    card = read(EmvChip(directory=directory), contactless=contactless)
    assert card == BankCard(Scheme.UNIONPAY, PAN[-4:], expired=False)


@pytest.mark.parametrize(
    ("aid", "scheme"),
    [
        ("A0000000031010", Scheme.VISA),
        ("A0000000041010", Scheme.MASTERCARD),
        ("A00000002501", Scheme.AMEX),
        ("A0000000651010", Scheme.JCB),
        ("A0000001523010", Scheme.DISCOVER),
        ("A000000333010102", Scheme.UNIONPAY),
        ("A0000009990101", Scheme.OTHER),
    ],
)
def test_scheme_is_told_by_the_provider(aid, scheme):
    assert read(EmvChip(aid=bytes.fromhex(aid))).scheme is scheme


@pytest.mark.parametrize(
    ("today", "expired"), [(date(2030, 12, 31), False), (date(2031, 1, 1), True), (date(2026, 1, 1), False)]
)
def test_card_is_good_to_the_end_of_its_last_day(today, expired):
    assert read(EmvChip(), today=today).expired is expired


def test_year_of_the_last_century_is_long_past():
    assert read(EmvChip(expiry="991231")).expired is True


def test_track_alone_gives_number_and_month():
    record = obj("70", obj("57", bytes.fromhex(PAN + "D3102" + "22" + "00000000")))
    assert read(Changed(0xB2, record.hex() + "9000", directory=False), today=date(2031, 2, 28)).expired is False
    assert read(Changed(0xB2, record.hex() + "9000", directory=False), today=date(2031, 3, 1)).expired is True


def test_card_that_is_silent_about_its_expiry_is_not_called_valid():
    record = obj("70", obj("5A", bytes.fromhex(PAN + "F")))
    assert read(Changed(0xB2, record.hex() + "9000", directory=False)).expired is None


def test_blocked_card_is_told_apart_from_one_that_is_no_bank_card():
    assert code_of(EmvChip(blocked=True)) is DeviceCode.CARD_BLOCKED
    assert code_of(Changed(0xA4, "6A82")) is DeviceCode.CARD_UNKNOWN_KIND
    assert code_of(Changed(0xA4, "9303")) is DeviceCode.CARD_BLOCKED
    assert code_of(Changed(0xA8, "6985")) is DeviceCode.CARD_UNKNOWN_KIND


@pytest.mark.parametrize(
    ("instruction", "answer"),
    [
        (0xA4, "6F0184 9000"),
        (0xA8, "8001FF 9000"),
        (0xA8, "80057C00080101 9000"),
        (0xA8, "80067C0008020100 9000"),
        (0xA8, "80067C00F8010100 9000"),
        (0xA8, "80067C0008014100 9000"),
        (0xA8, "5000 9000"),
        (0xA8, "9000"),
        (0xB2, "7003 5A0162 9000"),
        (0xB2, "7004 5A02ABCD 9000"),
        (0xB2, "7005 5F2402AA 9000"),
        (0xB2, "8000 9000"),
    ],
)
def test_nonsense_is_refused_by_name_and_quotes_nothing(instruction, answer):
    with pytest.raises(MediumError) as caught:
        read(Changed(instruction, answer.replace(" ", ""), directory=False))
    assert caught.value.code is DeviceCode.CARD_UNREADABLE
    assert not any(quoted in str(caught.value) for quoted in ("ABCD", "abcd", PAN[:6]))


def test_number_never_shows():
    card = read(EmvChip())
    assert PAN[-4:] not in repr(card)
    assert set(BankCard.__slots__) == {"scheme", "last_four", "expired"}


def test_terminal_data_are_filled_in_as_asked():
    pdol = obj("9F38", bytes.fromhex("9F66045F2A029A039F37049F02069F1A02"))
    asked = []

    def answer(apdu: bytes) -> bytes:
        if apdu[1] == 0xA4:
            known = apdu[5:13] == bytes.fromhex("A000000333010101")
            return (obj("6F", obj("84", apdu[5:13]), obj("A5", pdol)) + OK) if known else b"\x6a\x82"
        asked.append(apdu)
        return b"\x69\x85"

    with pytest.raises(MediumError):
        talk(read_bank_card(TODAY), answer)
    filled = asked[0][7:-1]
    assert filled[:9] == bytes.fromhex("26000000 0156 260501".replace(" ", ""))
    assert filled[13:] == bytes(6) + bytes.fromhex("0156")


def test_card_that_wants_to_know_too_much_is_refused():
    pdol = obj("9F38", bytes.fromhex("9F66FF"))
    fci = obj("6F", obj("84", bytes(7)), obj("A5", pdol)) + OK
    with pytest.raises(MediumError) as caught:
        talk(read_bank_card(TODAY), lambda apdu: fci if len(apdu) < 19 else b"\x6a\x82")
    assert caught.value.code is DeviceCode.CARD_UNREADABLE


@given(st.lists(st.binary(max_size=80).map(lambda data: data + OK), min_size=1, max_size=12), st.booleans())
def test_no_card_brings_the_reading_down_or_keeps_it_for_ever(answers, contactless):
    _fuzz(answers, contactless)


@given(st.data())
def test_no_damaged_card_brings_the_reading_down(data):
    chip = EmvChip()

    def answer(apdu: bytes) -> bytes:
        whole = bytearray(chip.answer(apdu))
        if data.draw(st.booleans()):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        return bytes(whole)

    try:
        talk(read_bank_card(TODAY), answer)
    except (MediumError, DeviceProtocolError):
        return


def _fuzz(answers: list[bytes], contactless: bool) -> None:
    turn = iter(range(10**6))
    try:
        talk(read_bank_card(TODAY, contactless=contactless), lambda _: answers[next(turn) % len(answers)])
    except (MediumError, DeviceProtocolError):
        return
