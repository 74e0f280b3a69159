"""IPP bytes against an independent codec (pyipp), against RFC 8010's own layout, and against damage."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyipp.parser import parse as pyipp_parse

from devices.drivers.ipp_codec import Answer, Attribute, GroupTag, Operation, Tag, decode, encode
from devices.errors import DeviceProtocolError

HEADER = b"\x02\x00" + struct.pack(">HI", 0, 7)
CHARSET = b"\x47\x00\x12attributes-charset\x00\x05utf-8"


def attribute(tag: int, name: str, value: bytes) -> bytes:
    return struct.pack(">BH", tag, len(name)) + name.encode() + struct.pack(">H", len(value)) + value


def answer(*groups: bytes) -> Answer:
    return decode(HEADER + b"\x01" + CHARSET + b"".join(groups) + b"\x03")


def test_request_reads_the_same_in_an_independent_parser() -> None:
    request = encode(
        Operation.PRINT_JOB,
        42,
        [
            (
                GroupTag.OPERATION,
                [
                    Attribute(Tag.CHARSET, "attributes-charset", ("utf-8",)),
                    Attribute(Tag.NAME, "job-name", ("票据-1",)),
                    Attribute(Tag.KEYWORD, "requested-attributes", ("job-id", "job-state")),
                    Attribute(Tag.INTEGER, "job-id", (-5,)),
                    Attribute(Tag.BOOLEAN, "last-document", (True,)),
                ],
            ),
            (GroupTag.JOB, [Attribute(Tag.KEYWORD, "media", ("iso_a4_210x297mm",))]),
        ],
    )
    read = pyipp_parse(request)
    assert (read["version"], read["status-code"], read["request-id"]) == ((2, 0), Operation.PRINT_JOB, 42)
    assert read["operation-attributes"] == {
        "attributes-charset": "utf-8",
        "job-name": "票据-1",
        "requested-attributes": ["job-id", "job-state"],
        "job-id": -5,
        "last-document": True,
    }
    assert read["jobs"] == [{"media": "iso_a4_210x297mm"}]


def test_jobs_of_one_answer_are_kept_apart() -> None:
    read = answer(
        b"\x02" + attribute(0x21, "job-id", b"\0\0\0\1") + attribute(0x42, "job-name", b"a"),
        b"\x02" + attribute(0x21, "job-id", b"\0\0\0\2") + attribute(0x42, "job-name", b"b"),
    )
    assert read.request_id == 7
    assert read.all_of(GroupTag.JOB) == [
        {"job-id": (1,), "job-name": ("a",)},
        {"job-id": (2,), "job-name": ("b",)},
    ]
    assert read.first_of(GroupTag.PRINTER) == {}


def test_several_values_stay_together_and_a_missing_value_is_no_value() -> None:
    reasons = attribute(0x44, "printer-state-reasons", b"media-low") + attribute(0x44, "", b"media-jam-error")
    read = answer(b"\x04" + reasons + attribute(0x13, "time-at-completed", b""))
    assert read.first_of(GroupTag.PRINTER) == {
        "printer-state-reasons": ("media-low", "media-jam-error"),
        "time-at-completed": (),
    }


def test_collection_is_read_and_what_follows_is_too() -> None:
    inner = attribute(0x4A, "", b"x-dimension") + attribute(0x21, "", b"\0\0\0\x09")
    nested = attribute(0x4A, "", b"size") + attribute(0x34, "", b"") + inner + attribute(0x37, "", b"")
    media = attribute(0x34, "media-col", b"") + nested + attribute(0x37, "", b"")
    read = answer(b"\x04" + media + attribute(0x23, "printer-state", b"\0\0\0\4"))
    assert read.first_of(GroupTag.PRINTER)["printer-state"] == (4,)
    assert read.first_of(GroupTag.PRINTER)["media-col"] == ({"size": ({"x-dimension": (9,)},)},)


def test_collections_without_an_end_or_a_bottom_are_refused() -> None:
    deep = attribute(0x34, "c", b"") + (attribute(0x4A, "", b"m") + attribute(0x34, "", b"")) * 2000
    for damaged in (attribute(0x34, "c", b""), attribute(0x34, "c", b"") + attribute(0x4A, "", b"m"), deep):
        with pytest.raises(DeviceProtocolError):
            answer(b"\x04" + damaged)


def test_enum_value_nobody_knows_does_not_spoil_the_answer() -> None:
    read = answer(b"\x04" + attribute(0x23, "operations-supported", struct.pack(">I", 0x4027)))
    assert read.first_of(GroupTag.PRINTER) == {"operations-supported": (0x4027,)}


@pytest.mark.parametrize("cut", range(len(HEADER + CHARSET) + 1))
def test_answer_that_breaks_off_is_an_error_wherever_it_does(cut: int) -> None:
    with pytest.raises(DeviceProtocolError):
        decode((HEADER + b"\x01" + CHARSET + b"\x03")[:cut])


def test_length_that_points_backwards_cannot_hold_the_reader() -> None:
    """0xFFF0 read as a signed number would be -16: the reader would go round for ever."""
    with pytest.raises(DeviceProtocolError):
        decode(HEADER + b"\x04" + b"\x44\x00\x01a\xff\xf0" + b"x" * 40 + b"\x03")


@given(st.binary(max_size=300))
def test_garbage_ends_in_an_answer_or_one_error(data: bytes) -> None:
    with contextlib.suppress(DeviceProtocolError):
        decode(data)


@given(st.binary(min_size=1, max_size=120))
def test_garbage_after_a_good_header_does_too(data: bytes) -> None:
    with contextlib.suppress(DeviceProtocolError):
        decode(HEADER + b"\x04" + data)
