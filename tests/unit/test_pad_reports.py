"""Keys out of keyboard reports: pressed once, told once."""

from __future__ import annotations

import pytest

from devices.drivers.hid_pad_reports import KeyReports
from devices.pin_pad import PadKey

ONE, TWO, THREE = PadKey.ONE, PadKey.TWO, PadKey.THREE


def down(*usages: int, modifiers: int = 0) -> bytes:
    return bytes([modifiers, 0]) + bytes(usages).ljust(6, b"\0")


def typed(*reports: bytes, arrows: bool = True) -> list[PadKey]:
    keys = KeyReports(arrows=arrows)
    return [key for report in reports for key in keys.pressed(report)]


def test_key_is_told_when_it_goes_down_and_not_while_it_is_held() -> None:
    assert typed(down(0x59), down(0x59), down(), down(0x59)) == [ONE, ONE]


def test_keys_that_overlap_are_told_in_their_order() -> None:
    assert typed(down(0x59), down(0x59, 0x5A), down(0x5A), down(0x5B, 0x5A)) == [ONE, TWO, THREE]


def test_keys_down_at_once_are_each_told() -> None:
    assert typed(down(0x59, 0x5A, 0x59)) == [ONE, TWO]


def test_too_many_keys_at_once_tell_nothing_and_forget_nothing() -> None:
    rollover = bytes([0, 0]) + b"\x01" * 6
    assert typed(down(0x59), rollover, down(0x59), rollover, down(0x59, 0x5A)) == [ONE, TWO]


@pytest.mark.parametrize("number", range(10))
def test_digits_of_both_rows_are_known(number: int) -> None:
    key = PadKey(str(number))
    offset = (number - 1) % 10
    assert typed(down(0x59 + offset), down(), down(0x1E + offset)) == [key, key]


def test_num_lock_itself_is_no_key() -> None:
    """Some pads press it around each digit."""
    assert typed(down(0x53), down(), down(0x59), down(), down(0x53), down(0x53, 0x5A)) == [ONE, TWO]


def test_arrows_are_arrows_or_digits_as_the_settings_say() -> None:
    usages = (0x52, 0x51, 0x50, 0x4F, 0x4A, 0x4D, 0x4B, 0x4E, 0x49, 0x4C)
    reports = [report for usage in usages for report in (down(usage), down())]
    assert typed(*reports) == [PadKey.UP, PadKey.DOWN, PadKey.LEFT, PadKey.RIGHT, PadKey.CLEAR]
    assert "".join(typed(*reports, arrows=False)) == "824671930."


def test_report_that_is_too_short_tells_nothing() -> None:
    assert typed(b"", b"\0\0\x59", down(0x5A)) == [TWO]


def test_letters_are_no_keys() -> None:
    assert typed(down(0x04), down(0x1D), down(modifiers=0xFF)) == []
