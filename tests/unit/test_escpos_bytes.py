"""Slips to bytes: the manual's examples, an independent builder (python-escpos), and what must never be sent."""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from devices.drivers.escpos_bytes import (
    BLOCK,
    FEED_AND_CUT,
    MARKER,
    QR_FIRST,
    QR_HOLDS,
    QR_STEP,
    compose,
    raster,
    without_commands,
)
from devices.drivers.escpos_raster import SlipFont
from devices.drivers.escpos_text import GETA, columns, printer_bytes, wrap
from devices.values import Align, Slip, SlipCode, SlipRule, SlipText

if TYPE_CHECKING:
    from pathlib import Path

WIDTH = 576
NARROW = 384  # 58 mm paper


@pytest.fixture(scope="module")
def font() -> SlipFont:
    return SlipFont()


@pytest.fixture
def builder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return python-escpos' byte collector; its import writes files, which land in ``tmp_path``."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setitem(os.environ, "ESCPOS_CAPABILITIES_PICKLE_DIR", str(tmp_path))
    from escpos.printer import Dummy  # noqa: PLC0415 - only where its side effects are caught

    return Dummy()


def printed(font: SlipFont, *lines: SlipText | SlipCode) -> bytes:
    return b"".join(compose(Slip(lines), WIDTH, font))


def test_hanzi_go_out_as_gb18030_in_kanji_mode(font: SlipFont) -> None:
    assert bytes.fromhex("1c26") + b"\x1c\x21\x00" + bytes.fromhex("bed3d7a1") in printed(font, SlipText("居住"))


def test_picture_matches_the_manuals_example() -> None:
    assert b"".join(raster(Image.new("1", (16, 2), 1))).hex() == "1d76300002000200ffffffff"


def test_picture_matches_an_independent_builder(builder: Any) -> None:
    picture = Image.linear_gradient("L").resize((64, 20)).convert("1")
    builder.image(Image.eval(picture.convert("L"), lambda ink: 255 - ink))
    assert b"".join(raster(picture)) == builder.output


def test_code_matches_an_independent_builder(builder: Any, font: SlipFont) -> None:
    payload = "https://example.cn/查询?k=1"
    builder.qr(payload, ec=1, size=6, native=True)  # 1: level M
    assert builder.output in printed(font, SlipCode(payload))


@pytest.mark.parametrize("text", ["居住证，编号：A-1。", "张三·买买提", "— … “” ￥ ℃ Ⅳ ①", "abc"])
def test_what_printers_have_in_their_font_is_sent_as_text(font: SlipFont, text: str) -> None:
    encoded = printer_bytes(text)
    assert encoded == text.encode("gb18030")
    assert len(encoded) == sum(columns(char) for char in text)
    assert encoded in printed(font, SlipText(text))


@pytest.mark.parametrize("text", ["㛃", "𠮷", "〇", "張", "한", "ñ", "😀"])
def test_everything_else_is_a_picture_and_never_a_question_mark(font: SlipFont, text: str) -> None:
    sent = printed(font, SlipText(text))
    assert printer_bytes(text) is None
    assert b"\x1d\x76\x30" in sent
    assert text.encode("gb18030") not in sent


def test_character_in_no_font_is_shown_as_missing_and_not_left_out(font: SlipFont) -> None:
    unknown, geta = (font.draw(SlipText(text), text, WIDTH) for text in ("𠀀", GETA))
    assert not font.has("𠀀")
    assert unknown.tobytes() == geta.tobytes()
    assert any(unknown.tobytes())


@given(st.text(max_size=60))
def test_text_from_afar_carries_no_command(text: str) -> None:
    for line in wrap(text, 48):
        assert all(char >= " " for char in line)


@given(st.text(alphabet="政务a bC1，。；(é㛃", max_size=80), st.integers(4, 48))
def test_no_line_is_wider_than_the_paper_and_nothing_is_lost(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(sum(columns(char) for char in line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_line_breaks_between_words_and_not_before_punctuation() -> None:
    assert wrap("凭 residence permit 办理", 16) == ["凭 residence", "permit 办理"]
    assert wrap("政务服务，大厅", 8) == ["政务服", "务，大厅"]
    assert wrap("a\nb\r\nc", 8) == ["a", "b", "c"]


@given(st.binary(max_size=200))
def test_picture_bytes_never_read_as_a_real_time_command(bits: bytes) -> None:
    safe = without_commands(bits)
    assert not any(bytes([0x10, second]) in safe for second in (0x04, 0x05, 0x14))
    assert all(before & after == before for before, after in zip(bits, safe, strict=True))  # dots are only added


def test_blocks_fit_a_small_buffer_and_the_cut_stands_alone(font: SlipFont) -> None:
    lines = [SlipText("㛃" * 24, size=1 + index % 2, align=Align.CENTRE) for index in range(30)]
    blocks = compose(Slip((*lines, SlipCode("x" * 300))), WIDTH, font)
    assert all(len(block) <= BLOCK + len(MARKER) for block in blocks)
    assert all(block.endswith(MARKER) for block in blocks)
    assert blocks[-1] == FEED_AND_CUT + MARKER
    assert FEED_AND_CUT not in b"".join(blocks[:-1])


@pytest.mark.parametrize("length", [14, 15, 106, 107, 331, 666, 1370, 2331])
def test_room_of_a_code_agrees_with_an_independent_builder(length: int) -> None:
    payload = "\x7f" * length  # in no smaller alphabet than bytes
    drawn = segno.make_qr(payload, error="m", encoding="utf-8", boost_error=False)
    assert QR_FIRST + QR_STEP * bisect_left(QR_HOLDS, length) == len(drawn.matrix)


@pytest.mark.parametrize("block", [480, 1152, BLOCK])
def test_blocks_for_a_slow_line_are_as_short_as_it_is_slow(font: SlipFont, block: int) -> None:
    lines = [SlipText("政务服务" * 6), SlipText("㛃" * 24), SlipRule()] * 10
    blocks = compose(Slip((*lines, SlipCode("x" * 80))), WIDTH, font, block)
    assert max(map(len, blocks)) <= block + len(MARKER)


def test_code_too_large_for_the_paper_is_refused(font: SlipFont) -> None:
    with pytest.raises(ValueError, match="short"):
        compose(Slip((SlipCode("x" * 2300),)), NARROW, font)
