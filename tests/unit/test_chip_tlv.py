"""BER-TLV: strict, and never more work than the bytes are worth."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.chip import tlv
from devices.errors import DeviceCode, MediumError


def test_objects_are_found_at_any_depth_in_the_cards_order():
    root = tlv.parse_one(bytes.fromhex("6F0C84025031A506BF0C039F4D00"), 0x6F)
    assert root.find(0x84) == b"\x50\x31"
    assert root.find(0x9F4D) == b""
    assert root.find(0x50) is None
    assert [each.tag for each in root.walk()] == [0x6F, 0x84, 0xA5, 0xBF0C, 0x9F4D]


def test_filler_between_objects_is_skipped():
    assert [each.tag for each in tlv.parse(bytes.fromhex("0000500141FF00870101FF"))] == [0x50, 0x87]


def test_long_lengths_are_read():
    assert tlv.parse(b"\x50\x81\x80" + bytes(128))[0].value == bytes(128)
    assert tlv.parse(b"\x50\x82\x01\x00" + bytes(256))[0].value == bytes(256)


def test_left_whole_a_constructed_object_may_hold_anything():
    assert tlv.parse(bytes.fromhex("7003FFFF84"), deep=False)[0].value == bytes.fromhex("FFFF84")
    with pytest.raises(MediumError):
        tlv.parse(bytes.fromhex("7003FFFF84"))


@pytest.mark.parametrize(
    "wrong",
    ["50", "5002AA", "9F", "9F80", "9F8080800101", "5080", "5083000001AA", "5081", "508201", "7001 50"],
)
def test_what_breaks_off_is_refused_by_name(wrong):
    with pytest.raises(MediumError) as caught:
        tlv.parse(bytes.fromhex(wrong))
    assert caught.value.code is DeviceCode.CARD_UNREADABLE


def test_nesting_and_numbers_have_an_end():
    nested = b"\x50\x00"
    for _ in range(tlv.MAX_DEPTH):
        nested = b"\x70" + bytes([len(nested)]) + nested
    with pytest.raises(MediumError, match="nested"):
        tlv.parse(nested)
    with pytest.raises(MediumError, match="objects"):
        tlv.parse(b"\x50\x00" * (tlv.MAX_OBJECTS + 1))


def test_lists_of_tags_and_lengths():
    assert tlv.parse_list(bytes.fromhex("9F66049C01")) == ((0x9F66, 4), (0x9C, 1))
    with pytest.raises(MediumError):
        tlv.parse_list(bytes.fromhex("9F66"))


@given(st.binary(max_size=600))
def test_any_bytes_are_objects_or_refused_by_name(data):
    for take in (tlv.parse, tlv.parse_list):
        with contextlib.suppress(MediumError):
            take(data)


def test_value_never_prints():
    assert "41" not in repr(tlv.parse(bytes.fromhex("500141"))[0]).replace("tag=80", "")
