"""Codes out of what scanners send: whole ones only, whichever way the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.scan_codes import MAX_CODE, Arrival, CodeText
from devices.drivers.scan_lines import LineFrames
from devices.drivers.scan_reports import ReportFrames

UTF_8 = CodeText("utf-8")


def frames(framing: str = "line", *, aim: bool = False, answers: tuple[bytes, ...] = ()) -> LineFrames:
    return LineFrames(UTF_8, framing=framing, aim=aim, answers=answers)


def told(arrivals: list[Arrival]) -> list[str]:
    return [arrival.code.text.reveal() if arrival.code else f"refused: {arrival.problem}" for arrival in arrivals]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_line_ends_as_its_maker_likes(end: bytes) -> None:
    assert told(frames().feed(b"1" + end + b"2" + end)) == ["1", "2"]


def test_code_between_marks_may_have_lines_of_its_own() -> None:
    assert told(frames("stx-etx").feed(b"\x02a\r\nb\x03\r\n\x02c\x03")) == ["a\r\nb", "c"]


def test_code_that_lost_its_beginning_is_refused() -> None:
    assert told(frames("stx-etx").feed(b"99\x03\x02c\x03")) == ["refused: code without its beginning", "c"]
    assert told(frames(aim=True).feed(b"99\r]Q1c\r")) == ["refused: code without its AIM identifier", "c"]


def test_answers_to_commands_are_no_codes() -> None:
    line = frames(answers=(b"\x06", b"\x02\x00\r"))
    assert told(line.feed(b"\x06\x061\r\x062\r\x06\x02\x00\r")) == ["1", "2"]
    assert line.unfinished == 0


@pytest.mark.parametrize(("framing", "before", "after"), [("line", b"", b"\r"), ("stx-etx", b"\x02", b"\x03")])
def test_endless_code_is_refused_once_and_forgotten(framing: str, before: bytes, after: bytes) -> None:
    line = frames(framing)
    arrivals = [arrival for _ in range(9) for arrival in line.feed(before + b"9" * (MAX_CODE // 4))]
    assert told(arrivals) == [f"refused: code of more than {MAX_CODE} bytes"]
    assert told(line.feed(b"9" + after + before + b"1" + after)) == ["1"]


def test_code_too_long_by_its_last_bytes_is_refused() -> None:
    assert told(frames().feed(b"9" * (MAX_CODE + 1) + b"\r")) == [f"refused: code of more than {MAX_CODE} bytes"]
    assert len(told(frames().feed(b"9" * MAX_CODE + b"\r"))[0]) == MAX_CODE


@given(
    codes=st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20), max_size=5),
    cuts=st.lists(st.integers(0, 500), max_size=10),
    marks=st.sampled_from([("line", b"", b"\r"), ("stx-etx", b"\x02", b"\x03")]),
)
def test_where_the_line_cuts_changes_nothing(
    codes: list[str], cuts: list[int], marks: tuple[str, bytes, bytes]
) -> None:
    framing, before, after = marks
    stream = b"".join(before + code.encode() + after for code in codes)
    line, got = frames(framing), []
    edges = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    for start, end in pairwise(edges):
        got += line.feed(stream[start:end])
    assert told(got) == codes
    assert line.unfinished == 0


@given(st.binary(max_size=200), st.booleans())
def test_noise_never_breaks_the_parser(noise: bytes, aim: bool) -> None:
    for framing, next_code in (("line", b"]Q1ok\r"), ("stx-etx", b"\x02]Q1ok\x03")):
        line = frames(framing, aim=aim)
        line.feed(noise)
        line.drop()
        assert line.unfinished == 0
        assert told(line.feed(next_code)) == ["ok" if aim else "]Q1ok"]


@pytest.mark.parametrize(
    ("encoding", "content", "text"),
    [
        ("utf-8", "通办𬱖".encode(), "通办𬱖"),
        ("gb18030", "通办𬱖".encode("gb18030"), "通办𬱖"),
        ("auto", "通办".encode(), "通办"),
        ("auto", "通办".encode("gb18030"), "通办"),
        ("utf-8", b"01\x1d21\x1e\x04", "01\x1d21\x1e\x04"),
    ],
)
def test_text_is_decoded_as_the_settings_say(encoding: str, content: bytes, text: str) -> None:
    assert told([CodeText(encoding).arrival(content)]) == [text]


@pytest.mark.parametrize("content", [b"\xff\xff", b"a\x00b", b"a\x7f", "a\x85".encode()])
def test_what_is_no_text_is_refused_without_being_quoted(content: bytes) -> None:
    (said,) = told([CodeText("auto").arrival(b"999999" + content)])
    assert said.startswith("refused")
    assert "999999" not in said


def report(data: bytes, *, goes_on: bool = False, aim: bytes = b"]Q1", length: int | None = None) -> bytes:
    return bytes([len(data) if length is None else length]) + aim + data.ljust(56, b"\0") + b"s\0" + bytes([goes_on])


def test_code_of_two_reports_is_one() -> None:
    """The worked example of a maker's manual: 60 bytes in two reports."""
    first = b"M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23  "
    reports = ReportFrames(UTF_8)
    assert reports.feed(report(first, goes_on=True)) == []
    assert reports.unfinished > 0
    (arrival,) = reports.feed(report(b"1234"))
    assert arrival.code is not None
    assert (arrival.code.text.reveal(), arrival.code.symbology) == (first.decode() + "1234", "]Q1")
    assert reports.unfinished == 0


@pytest.mark.parametrize("bad", [b"", report(b"1")[:-1], report(b"1") + b"\0", report(b"1", length=57)])
def test_report_that_cannot_be_spoils_its_code_and_no_other(bad: bytes) -> None:
    reports = ReportFrames(UTF_8)
    reports.feed(report(b"1" * 56, goes_on=True))
    (arrival,) = reports.feed(bad)
    assert arrival.code is None
    assert told(reports.feed(report(b"2"))) == ["2"]


def test_endless_reports_are_refused_at_their_end() -> None:
    reports = ReportFrames(UTF_8)
    for _ in range(MAX_CODE):
        assert reports.feed(report(b"9" * 56, goes_on=True)) == []
        assert reports.unfinished <= MAX_CODE + 1
    assert told(reports.feed(report(b"9"))) == [f"refused: code of more than {MAX_CODE} bytes"]
    assert told(reports.feed(report(b"1"))) == ["1"]


def test_empty_report_is_no_code() -> None:
    assert ReportFrames(UTF_8).feed(report(b"")) == []
