"""Status bytes of receipt printers: the manual's table, and what must never be taken for paper."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.escpos_status import (
    ANSWERS,
    AUTOMATIC,
    FULL_STATUS,
    QUESTIONS,
    SAID,
    SAID_WITH_FULL_STATUS,
    Bits,
    Note,
    PrinterStatus,
    StatusStream,
    read_answers,
    read_asb,
)
from devices.health import Condition

TABLES = {f"DLE EOT {n}": bits for n, bits in ANSWERS.items()}
TABLES |= {f"ASB {index}": bits for index, bits in enumerate(AUTOMATIC, 1)}
TABLES |= {f"full {index}": bits for index, bits in enumerate(FULL_STATUS, 3)}
IDLE = {1: 0x12, 2: 0x12, 3: 0x12, 4: 0x12}


@pytest.mark.parametrize("bits", TABLES.values(), ids=TABLES.keys())
def test_every_bit_of_every_status_byte_means_something_or_is_named_as_ignored(bits: Bits) -> None:
    masks = [mask for mask, _ in bits]
    assert sum(masks) == 0xFF
    assert all(one & other == 0 for index, one in enumerate(masks) for other in masks[index + 1 :])


def test_tables_cover_all_questions_and_frames() -> None:
    assert (tuple(ANSWERS), len(AUTOMATIC), len(FULL_STATUS)) == (QUESTIONS, 4, 4)


@pytest.mark.parametrize("name", [name for name in TABLES if not name.startswith("full")])
def test_each_bit_alone_says_its_condition_or_none(name: str) -> None:
    kind, _, number = name.rpartition(" ")
    for mask, meaning in TABLES[name]:
        for bit in (1 << shift for shift in range(8)):
            if not bit & mask or meaning is Note.FIXED:
                continue
            if kind == "ASB":
                frame = bytearray(b"\x10\0\0\0")
                frame[int(number) - 1] |= bit
                said = read_asb(bytes(frame)).conditions
            else:
                said = read_answers(IDLE | {int(number): 0x12 | bit}).conditions
            if isinstance(meaning, Condition):
                assert meaning in said
            else:
                assert said == ({Condition.NOT_ACCEPTING} if meaning in {Note.OFFLINE, Note.ERROR} else set())


@pytest.mark.parametrize(
    ("frame", "conditions"),
    [
        ("100f00000000", set()),
        ("100f05000000", {Condition.PAPER_OUT}),
        ("100f40000000", {Condition.PAPER_LOW}),
        ("100f20000000", {Condition.OUTPUT_NEARLY_FULL}),
        ("100f00010000", {Condition.COVER_OPEN}),
        ("100f00004100", {Condition.PAPER_JAM, Condition.HEAD_HOT}),
        ("100f00000800", {Condition.NOT_ACCEPTING}),
        ("100f00000001", {Condition.CUTTER_ERROR}),
        ("100f00000004", {Condition.UNRECOVERABLE}),
        ("100f9a6c2200", set()),
    ],
)
def test_full_status_of_kiosk_printers_means_what_their_makers_say(frame: str, conditions: set[Condition]) -> None:
    (full,) = StatusStream().feed(bytes.fromhex(frame)).full
    assert read_answers(IDLE, full).conditions == conditions
    assert conditions <= SAID | SAID_WITH_FULL_STATUS


def test_name_is_told_apart_from_everything_else_and_a_lost_end_costs_no_answer_for_ever() -> None:
    stream = StatusStream()
    arrivals = stream.feed(b"\x12_TM-T88\0\x00\x12")
    assert (arrivals.texts, arrivals.real_time, arrivals.markers) == (["TM-T88"], [0x12, 0x12], [0])
    assert not stream.feed(b"_TM").texts
    stream.reset()
    assert stream.feed(b"\x12").real_time == [0x12]
    assert stream.feed(b"_" + b"x" * 100 + b"\x12").real_time == [0x12]


def test_stop_sign_inside_an_automatic_status_does_not_spoil_it() -> None:
    assert StatusStream().feed(bytes.fromhex("10 13 00 0c 11 00")).asb == [b"\x10\x00\x0c\x00"]


def test_automatic_status_that_broke_off_costs_neither_the_next_nor_an_answer() -> None:
    arrivals = StatusStream().feed(bytes.fromhex("10 00 12 10 00 10 00 03 00"))
    assert (arrivals.real_time, arrivals.asb) == ([0x12], [b"\x10\x00\x03\x00"])


@pytest.mark.parametrize(
    ("changes", "conditions"),
    [
        ({}, set()),
        ({4: 0x1E}, {Condition.PAPER_LOW}),
        ({4: 0x7E}, {Condition.PAPER_OUT}),
        ({4: 0x72}, {Condition.PAPER_OUT}),
        ({1: 0x1A, 2: 0x32, 4: 0x7E}, {Condition.PAPER_OUT}),
        ({1: 0x1A, 2: 0x16}, {Condition.COVER_OPEN}),
        ({1: 0x1A, 2: 0x52, 3: 0x1A}, {Condition.CUTTER_ERROR}),
        ({1: 0x1A, 2: 0x52, 3: 0x16}, {Condition.PAPER_JAM}),
        ({1: 0x1A, 2: 0x52, 3: 0x32}, {Condition.UNRECOVERABLE}),
        ({1: 0x1A, 2: 0x52, 3: 0x52}, {Condition.HEAD_HOT}),
        ({1: 0x1A}, {Condition.NOT_ACCEPTING}),  # offline and does not say why
        ({2: 0x52}, {Condition.NOT_ACCEPTING}),  # an error it does not name
        ({1: 0x1A, 4: 0x1E}, {Condition.NOT_ACCEPTING, Condition.PAPER_LOW}),
        ({1: 0x16}, set()),  # the drawer's pin
    ],
)
def test_answers_mean_what_the_manual_says(changes: dict[int, int], conditions: set[Condition]) -> None:
    assert read_answers(IDLE | changes) == PrinterStatus(frozenset(conditions))


def test_printer_that_waits_to_be_told_to_go_on_has_no_fault_of_its_own() -> None:
    assert read_answers(IDLE | {1: 0x3A}) == PrinterStatus(frozenset(), waiting=True)


@pytest.mark.parametrize(
    ("frame", "conditions"),
    [
        ("10000000", set()),
        ("38000000", {Condition.COVER_OPEN}),
        ("18000f00", {Condition.PAPER_OUT}),
        ("10000300", {Condition.PAPER_LOW}),
        ("18080000", {Condition.CUTTER_ERROR}),
        ("18200000", {Condition.UNRECOVERABLE}),
        ("18000000", {Condition.NOT_ACCEPTING}),
    ],
)
def test_automatic_status_agrees_with_the_answers(frame: str, conditions: set[Condition]) -> None:
    assert read_asb(bytes.fromhex(frame)).conditions == conditions


def test_answers_markers_and_automatic_status_on_one_stream_are_told_apart() -> None:
    stream = StatusStream()
    arrivals = stream.feed(bytes.fromhex("12 00 10000300 11 7e 0f 13"))
    assert (arrivals.real_time, arrivals.markers, arrivals.asb) == ([0x12, 0x7E], [0x00, 0x0F], [b"\x10\x00\x03\x00"])
    assert not arrivals.nonsense


def test_automatic_status_in_two_pieces_is_one() -> None:
    stream = StatusStream()
    assert not stream.feed(b"\x10\x00").asb
    arrivals = stream.feed(b"\x0c\x00\x12")
    assert (arrivals.asb, arrivals.real_time) == ([b"\x10\x00\x0c\x00"], [0x12])


def test_bytes_of_something_else_are_counted_and_never_taken_for_an_answer() -> None:
    arrivals = StatusStream().feed(bytes([0x92, 0xFF, 0x80]))
    assert arrivals.nonsense == 3
    assert not arrivals.real_time


@given(st.lists(st.binary(max_size=9), max_size=6))
def test_pieces_do_not_change_what_is_read(pieces: list[bytes]) -> None:
    whole, split = StatusStream(), StatusStream()
    expected = whole.feed(b"".join(pieces))
    found = [split.feed(piece) for piece in pieces]
    assert [byte for each in found for byte in each.real_time] == expected.real_time
    assert [byte for each in found for byte in each.markers] == expected.markers
    assert [frame for each in found for frame in each.asb] == expected.asb
