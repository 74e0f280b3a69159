"""Simulated identity cards: the 256-byte text block, written from plain values by rules of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

TEXT_CHARS = 128
PHOTO_SIZE = 1024
LATIN_FIRST_CHARS = 35


@dataclass(frozen=True, slots=True)
class SimCard:
    """One card; nothing of it prints.

    Fields that are too long are refused with ``ValueError``, as the personalisation machine would. Numbers are
    written as given, right or wrong: a card with a wrong check digit is a case to test.
    """

    text: bytes = field(repr=False)
    photo: bytes = field(default=bytes(PHOTO_SIZE), repr=False)

    @classmethod
    def resident(
        cls,
        *,
        name: str,
        sex: str,
        birth: date,
        number: str,
        valid_from: date,
        valid_until: date | None,
        ethnic_group: str = "01",
        address: str = "",
        authority: str = "",
        photo: bytes = b"",
    ) -> SimCard:
        """Build a citizen's card. ``sex``: GB/T 2261.1; ``ethnic_group``: GB/T 3304; ``valid_until`` None: for life."""
        return cls._make(
            photo,
            (0, 15, name),
            (15, 1, sex),
            (16, 2, ethnic_group),
            (18, 8, _day(birth)),
            (26, 35, address),
            (61, 18, number),
            (79, 15, authority),
            (94, 8, _day(valid_from)),
            (102, 8, _day(valid_until)),
        )

    @classmethod
    def hmt_permit(
        cls,
        *,
        name: str,
        sex: str,
        birth: date,
        number: str,
        valid_from: date,
        valid_until: date | None,
        permit_number: str,
        issue_count: str = "01",
        address: str = "",
        authority: str = "",
        photo: bytes = b"",
    ) -> SimCard:
        """Build a Hong Kong, Macau or Taiwan residence permit (letter J)."""
        return cls._make(
            photo,
            (0, 15, name),
            (15, 1, sex),
            (18, 8, _day(birth)),
            (26, 35, address),
            (61, 18, number),
            (79, 15, authority),
            (94, 8, _day(valid_from)),
            (102, 8, _day(valid_until)),
            (110, 9, permit_number),
            (119, 2, issue_count),
            (124, 1, "J"),
        )

    @classmethod
    def foreign_2017(
        cls,
        *,
        latin_name: str,
        sex: str,
        birth: date,
        number: str,
        nationality: str,
        valid_from: date,
        valid_until: date | None,
        name: str = "",
        version: str = "01",
        authority: str = "",
        photo: bytes = b"",
    ) -> SimCard:
        """Build a foreigner's permanent residence card of 2017 (letter I)."""
        return cls._make(
            photo,
            (0, 60, latin_name),
            (60, 1, sex),
            (61, 15, number),
            (76, 3, nationality),
            (79, 15, name),
            (94, 8, _day(valid_from)),
            (102, 8, _day(valid_until)),
            (110, 8, _day(birth)),
            (118, 2, version),
            (120, 4, authority),
            (124, 1, "I"),
        )

    @classmethod
    def foreign_2023(
        cls,
        *,
        latin_name: str,
        sex: str,
        birth: date,
        number: str,
        nationality: str,
        valid_from: date,
        valid_until: date | None,
        name: str = "",
        renewals: str = "00",
        old_number_link: str = "",
        photo: bytes = b"",
    ) -> SimCard:
        """Build a foreigner's permanent residence card of 2023 (letter Y)."""
        return cls._make(
            photo,
            (0, 15, name),
            (15, 1, sex),
            (16, 2, renewals),
            (18, 8, _day(birth)),
            (26, 35, latin_name[:LATIN_FIRST_CHARS]),
            (61, 18, number),
            (94, 8, _day(valid_from)),
            (102, 8, _day(valid_until)),
            (110, 11, latin_name[LATIN_FIRST_CHARS:]),
            (121, 3, nationality),
            (124, 1, "Y"),
            (125, 3, old_number_link),
        )

    def with_letter(self, letter: str) -> SimCard:
        """Return the same card with another type letter: a kind nobody knows yet."""
        at = 124 * 2
        return replace(self, text=self.text[:at] + letter.encode("utf-16-le") + self.text[at + 2 :])

    @classmethod
    def _make(cls, photo: bytes, *fields: tuple[int, int, str]) -> SimCard:
        """Write ``fields`` (first character, characters, text) over blanks."""
        if len(photo) > PHOTO_SIZE:
            raise ValueError(f"photo of {len(photo)} bytes does not fit the card's {PHOTO_SIZE}")
        text = bytearray(" ".encode("utf-16-le") * TEXT_CHARS)
        for first, chars, content in fields:
            encoded = content.encode("utf-16-le")
            if len(encoded) > chars * 2:
                raise ValueError(f"field at character {first} holds {chars} characters, not {len(encoded) // 2}")
            text[first * 2 : first * 2 + len(encoded)] = encoded
        return cls(bytes(text), photo.ljust(PHOTO_SIZE, b"\0"))


def _day(day: date | None) -> str:
    return "长期" if day is None else day.strftime("%Y%m%d")
