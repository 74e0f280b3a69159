"""Which sheets a job gets: never another size, another tray or one side less than asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.drivers.ipp_codec import Attribute, GroupTag, Operation, Tag, decode, encode
from devices.drivers.ipp_media import SheetWish
from devices.values import PrintJob, Sides, Slip

if TYPE_CHECKING:
    from devices.drivers.ipp_codec import Attributes

A4, LETTER = "iso_a4_210x297mm", "na_letter_8.5x11in"
WISH = SheetWish(A4, Sides.ONE)


def tray(media: str, across: int, along: int, source: str = "main") -> Attributes:
    return {
        "media-size-name": (media,),
        "media-size": ({"x-dimension": (across,), "y-dimension": (along,)},),
        "media-source": (source,),
    }


@pytest.mark.parametrize(
    ("now", "fine"),
    [
        ({}, True),  # it does not tell
        ({"media-ready": (A4,)}, True),
        ({"media-ready": (LETTER,)}, False),
        ({"media-col-ready": (tray(A4, 21000, 29700),)}, True),
        ({"media-col-ready": (tray("custom_1", 21000, 29700),)}, True),
        ({"media-col-ready": (tray("custom_1", 29690, 21010),)}, True),  # long edge first, rounded
        ({"media-col-ready": (tray(LETTER, 21590, 27940),)}, False),
        ({"media-col-ready": (tray(LETTER, 21590, 27940), tray(A4, 21000, 29700, "tray-2"))}, True),
        ({"media-col-ready": ({"media-size": ({"x-dimension": (b"range",), "y-dimension": (29700,)},)},)}, False),
    ],
)
def test_paper_of_another_size_is_none(now: Attributes, fine: bool) -> None:
    assert (WISH.not_loaded(now) == "") is fine


def test_right_paper_in_another_tray_is_none() -> None:
    now: Attributes = {"media-col-ready": (tray(A4, 21000, 29700, "tray-2"), tray(LETTER, 21590, 27940, "main"))}
    assert SheetWish(A4, Sides.ONE, "tray-2").not_loaded(now) == ""
    assert "in tray main" in SheetWish(A4, Sides.ONE, "main").not_loaded(now)


def test_job_says_more_than_the_settings() -> None:
    job = PrintJob("t", Slip(()), sides=Sides.BOTH, media=LETTER, tray="by-pass")
    assert WISH.of(job) == SheetWish(LETTER, Sides.BOTH, "by-pass")
    assert WISH.of(PrintJob("t", Slip(()))) == WISH
    assert (WISH.sheets(3), SheetWish(A4, Sides.BOTH).sheets(3)) == (3, 2)


@pytest.mark.parametrize("media", ["A4", "", "iso_a4", "iso_a4_210x297"])
def test_name_that_does_not_say_its_size_is_refused(media: str) -> None:
    with pytest.raises(ValueError, match="iso_a4_210x297mm"):
        SheetWish(media, Sides.ONE)


def test_what_the_printer_can_never_do_is_said_before_anything_is_sent() -> None:
    assert "both sides" in SheetWish(A4, Sides.BOTH).impossible({"sides-supported": ("one-sided",)})
    assert "both sides" in SheetWish(A4, Sides.BOTH).impossible({})
    assert not SheetWish(A4, Sides.BOTH).impossible({"sides-supported": ("one-sided", "two-sided-long-edge")})
    assert "main, manual" in SheetWish(A4, Sides.ONE, "top").impossible({"media-source-supported": ("main", "manual")})


def test_printer_of_one_side_that_has_no_word_for_sides_is_not_asked_for_it() -> None:
    assert [attribute.name for attribute in WISH.template({})] == ["media"]
    assert [attribute.name for attribute in WISH.template({"sides-supported": ("one-sided",)})] == ["media", "sides"]


def test_tray_is_asked_for_together_with_the_size_as_an_independent_reader_sees_it() -> None:
    """RFC 8010 section 3.1.6: members inside members."""
    template = SheetWish(LETTER, Sides.ONE, "main").template({})
    request = encode(Operation.PRINT_JOB, 1, [(GroupTag.JOB, template)])
    assert decode(request).first_of(GroupTag.JOB) == {
        "media-col": ({"media-size": ({"x-dimension": (21590,), "y-dimension": (27940,)},), "media-source": ("main",)},)
    }
    assert request.endswith(b"\x44\x00\x00\x00\x04main\x37\x00\x00\x00\x00\x03")


def test_several_values_inside_a_collection_stay_together() -> None:
    member = Attribute(Tag.KEYWORD, "a", ("x", "y"))
    collection = Attribute(Tag.COLLECTION, "c", ((member,), (member,)))
    request = encode(Operation.PRINT_JOB, 1, [(GroupTag.JOB, [collection, Attribute(Tag.INTEGER, "after", (7,))])])
    assert decode(request).first_of(GroupTag.JOB) == {"c": ({"a": ("x", "y")}, {"a": ("x", "y")}), "after": (7,)}
