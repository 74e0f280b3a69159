"""Identity cards out of their text blocks: all kinds, all vectors, and no card that contradicts itself."""

from __future__ import annotations

import json
import traceback
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.sdt_records import check_character, parse_identity, split_blocks
from devices.errors import DeviceCode, DeviceProtocolError, MediumError
from devices.sim.sdt_card import SimCard
from devices.values import CardKind, IdentityCard, Pii, Sex

FRAMES = {
    frame["name"]: frame
    for frame in json.loads((Path(__file__).parent / "vectors/sdt-frames.json").read_text(encoding="utf-8"))["frames"]
}
CARDS = [name for name in FRAMES if name.startswith("read.rsp.") and isinstance(FRAMES[name].get("expect"), dict)]
KINDS = {None: CardKind.RESIDENT, "J": CardKind.HMT_PERMIT, "I": CardKind.FOREIGN_2017, "Y": CardKind.FOREIGN_2023}
PHOTO = bytes(range(256)) * 4
GOOD: dict[str, Any] = {
    "name": "李明测",
    "sex": "1",
    "birth": date(1990, 3, 7),
    "number": "11000019900307001X",
    "valid_from": date(2020, 6, 1),
    "valid_until": date(2040, 6, 1),
    "address": "虚构路1号",
    "authority": "虚构分局",
}
FOREIGNER: dict[str, Any] = {
    "latin_name": "TESTER, INVENTED",
    "sex": "1",
    "birth": date(1978, 9, 3),
    "nationality": "AUS",
    "valid_from": date(2023, 12, 1),
    "valid_until": date(2033, 12, 1),
}


def card_of(name: str) -> IdentityCard:
    data = bytearray.fromhex(FRAMES[name]["hex"])[10:-1]
    blocks = split_blocks(data)
    assert bytes(blocks.photo) == PHOTO
    return parse_identity(blocks.text, blocks.photo)


def day(digits: str) -> date | None:
    return None if digits == "长期" else date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))


def shown(value: Pii[Any] | None) -> Any:
    return None if value is None else value.reveal()


def refused(text: bytes) -> MediumError:
    with pytest.raises(MediumError) as caught:
        parse_identity(text, PHOTO)
    return caught.value


@pytest.mark.parametrize("name", CARDS)
def test_vector_is_read_as_expected(name: str) -> None:
    card, expect = card_of(name), FRAMES[name]["expect"]
    assert card.kind is KINDS[expect["type"]]
    assert shown(card.name) == expect.get("name", expect.get("chinese_name"))
    assert shown(card.number) == expect.get("id_number", expect.get("number"))
    assert shown(card.birth) == day(expect["birth"])
    assert shown(card.latin_name) == expect.get("english_name")
    assert shown(card.address) == expect.get("address")
    assert shown(card.permit_number) == expect.get("pass_number")
    assert bytes(shown(card.photo)) == PHOTO
    assert (card.sex, card.ethnic_group, card.nationality, card.authority) == (
        Sex(expect["sex"]),
        expect.get("ethnic"),
        expect.get("nationality"),
        expect.get("authority"),
    )
    assert (card.valid_from, card.valid_until) == (day(expect["valid_from"]), day(expect["valid_to"]))
    assert card.warnings == frozenset()


@pytest.mark.parametrize("name", [name for name in CARDS if name.startswith("read.")])
def test_text_block_of_each_vector_is_the_one_in_its_frame(name: str) -> None:
    blocks = split_blocks(bytearray.fromhex(FRAMES[name]["hex"])[10:-1])
    assert bytes(blocks.text).hex().upper() == FRAMES[name]["text_hex"]


@pytest.mark.parametrize("name", ["readfp.rsp.resident.limited", "readfp.rsp.resident.limited.nofp"])
def test_fingerprint_that_nobody_asked_for_is_refused_whole(name: str) -> None:
    with pytest.raises(DeviceProtocolError):
        split_blocks(bytearray.fromhex(FRAMES[name]["hex"])[10:-1])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01\x00\x04",
        b"\x01\x00\x04\x00" + bytes(1279),
        b"\x01\x00\x04\x00" + bytes(1281),
        b"\x00\xfe\x04\x00" + bytes(254 + 1024),
        b"\x01\x00\x04\x01" + bytes(256 + 1025),
    ],
)
def test_blocks_that_do_not_add_up_are_refused(data: bytes) -> None:
    with pytest.raises(DeviceProtocolError):
        split_blocks(bytearray(data))


def test_simulated_cards_are_the_vectors_byte_for_byte() -> None:
    """The simulator writes blocks by rules of its own: the vectors hold it to the truth as they hold the driver."""
    made = {
        "read.rsp.resident.longterm": SimCard.resident(
            name="阿依努尔·虚构",
            sex="2",
            ethnic_group="05",
            birth=date(1958, 9, 21),
            number="650000195809210023",
            address="新疆维吾尔自治区乌鲁木齐市虚构街88号",
            authority="乌鲁木齐市公安局",
            valid_from=date(2015, 3, 10),
            valid_until=None,
        ),
        "read.rsp.hmt.J": SimCard.hmt_permit(
            name="陈虚构",
            sex="2",
            birth=date(1985, 6, 15),
            number="810000198506150004",
            address="广东省深圳市南山区虚构大道5号",
            authority="深圳市公安局",
            valid_from=date(2019, 1, 1),
            valid_until=date(2024, 1, 1),
            permit_number="H00000000",
        ),
        "read.rsp.foreign2017.I": SimCard.foreign_2017(
            name="测试员",
            latin_name="TESTER, INVENTED MIDDLE",
            sex="1",
            birth=date(1978, 9, 3),
            number="AUS110178090302",
            nationality="AUS",
            valid_from=date(2019, 5, 20),
            valid_until=date(2029, 5, 20),
            authority="1100",
        ),
        "read.rsp.foreign2023.Y": SimCard.foreign_2023(
            name="测试员",
            latin_name="TESTER, INVENTED MIDDLE NAME LONGER THAN 35",
            sex="1",
            birth=date(1978, 9, 3),
            number="911036197809030014",
            nationality="AUS",
            valid_from=date(2023, 12, 1),
            valid_until=date(2033, 12, 1),
            renewals="01",
            old_number_link="010",
        ),
    }
    for name, card in made.items():
        assert card.text.hex().upper() == FRAMES[name]["text_hex"], name


@pytest.mark.parametrize("letter", ["X", "j", "0", "Ｊ"])
def test_unknown_kind_is_refused_and_never_read_as_a_resident(letter: str) -> None:
    assert refused(SimCard.resident(**GOOD).with_letter(letter).text).code is DeviceCode.CARD_UNKNOWN_KIND


def test_fields_padded_with_zeros_are_tolerated() -> None:
    text = bytearray(SimCard.resident(**GOOD).text)
    text[6:30] = bytes(24)
    text[248:250] = bytes(2)
    card = parse_identity(text, PHOTO)
    assert (shown(card.name), card.kind) == ("李明测", CardKind.RESIDENT)


def test_private_use_characters_of_old_cards_survive() -> None:
    name = "王\ue863\U0002b2d6"
    assert shown(parse_identity(SimCard.resident(**GOOD | {"name": name}).text, PHOTO).name) == name


def test_half_a_character_is_refused_instead_of_replaced() -> None:
    text = bytearray(SimCard.resident(**GOOD).text)
    text[4:6] = b"\x00\xd8"
    assert refused(text).code is DeviceCode.CARD_INVALID


def test_latin_name_keeps_the_blank_where_the_card_cuts_it() -> None:
    name = "A" * 34 + " BLANK"
    card = SimCard.foreign_2023(**FOREIGNER | {"latin_name": name}, number="911036197809030014")
    assert shown(parse_identity(card.text, PHOTO).latin_name) == name


def test_foreigner_without_a_chinese_name_goes_by_the_latin_one() -> None:
    for card in (
        SimCard.foreign_2023(**FOREIGNER, number="911036197809030014"),
        SimCard.foreign_2017(**FOREIGNER, number="AUS110178090302"),
    ):
        assert shown(parse_identity(card.text, PHOTO).name) == "TESTER, INVENTED"


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": "110000199003070011"},  # check digit
        {"number": "110000199003080018"},  # right check digit, other birth date
        {"number": "1100001990030700"},
        {"number": "11000019900307001x"},
        {"number": "１１０００019900307001X"},  # digits that are not ASCII
        {"number": ""},
        {"sex": "3"},
        {"sex": "男"},
        {"sex": ""},
        {"name": ""},
    ],
)
def test_resident_card_that_contradicts_itself_is_refused_without_its_values(wrong: dict[str, str]) -> None:
    error = refused(SimCard.resident(**GOOD | wrong).text)
    assert error.code is DeviceCode.CARD_INVALID
    said = "".join(traceback.format_exception(error)) + repr(error.__context__)
    assert not any(value in said for value in (wrong.get("number"), "19900307", "李明测") if value)


@pytest.mark.parametrize(
    ("at", "digits"), [(36, "19900230"), (188, "2020061 "), (204, "长久      "), (204, "20401301")]
)
def test_date_that_is_none_is_refused(at: int, digits: str) -> None:
    text = bytearray(SimCard.resident(**GOOD).text)
    text[at : at + 16] = digits.ljust(8).encode("utf-16-le")
    assert refused(text).code is DeviceCode.CARD_INVALID


def test_sex_that_does_not_fit_the_number_is_only_a_warning() -> None:
    card = parse_identity(SimCard.resident(**GOOD | {"sex": "2"}).text, PHOTO)
    assert card.warnings == {"sex_parity"}
    assert card.sex is Sex.FEMALE


def test_permit_number_of_another_area_is_refused() -> None:
    card = SimCard.hmt_permit(**GOOD, permit_number="H00000000")
    assert refused(card.text).code is DeviceCode.CARD_INVALID


def test_2023_number_must_begin_with_nine() -> None:
    body = "81103619780903001"
    card = SimCard.foreign_2023(**FOREIGNER, number=body + check_character(body))
    assert refused(card.text).code is DeviceCode.CARD_INVALID


def test_2017_number_with_another_birth_date_is_refused_but_its_check_digit_only_warns() -> None:
    assert refused(SimCard.foreign_2017(**FOREIGNER, number="AUS110178090412").text).code is DeviceCode.CARD_INVALID
    card = parse_identity(SimCard.foreign_2017(**FOREIGNER, number="AUS110178090309").text, PHOTO)
    assert card.warnings == {"number_2017_check"}


def test_nothing_of_a_card_prints() -> None:
    card = card_of("read.rsp.resident.limited")
    assert not any(secret in repr(card) for secret in ("李明测", "11000019900307001X", "1990", "虚构路"))


def test_simulated_card_refuses_what_its_chip_could_not_hold() -> None:
    with pytest.raises(ValueError, match="15"):
        SimCard.resident(**GOOD | {"name": "名" * 16})
    with pytest.raises(ValueError, match="1024"):
        SimCard.resident(**GOOD, photo=bytes(1025))


@given(st.binary(min_size=256, max_size=256))
def test_arbitrary_block_is_refused_as_a_medium(text: bytes) -> None:
    refused(text)


@given(st.integers(0, 255), st.integers(0, 255), st.sampled_from(["resident", "permit", "2017", "2023"]))
def test_card_with_one_wrong_byte_is_read_or_refused_and_nothing_else(at: int, byte: int, kind: str) -> None:
    cards = {
        "resident": SimCard.resident(**GOOD),
        "permit": SimCard.hmt_permit(**GOOD | {"number": "810000199003070015"}, permit_number="H00000000"),
        "2017": SimCard.foreign_2017(**FOREIGNER, number="AUS110178090302"),
        "2023": SimCard.foreign_2023(**FOREIGNER, number="911036197809030014"),
    }
    text = bytearray(cards[kind].text)
    text[at] = byte
    try:
        parse_identity(text, PHOTO)
    except MediumError as error:
        assert error.code in {DeviceCode.CARD_INVALID, DeviceCode.CARD_UNKNOWN_KIND}  # noqa: PT017 - both ends are right
