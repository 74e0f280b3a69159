"""The machine-readable zone: all shapes, every check digit, and errors that name a field and never its content."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.chip.emrtd import MrzKey, mrz
from devices.chip.emrtd.mrz import Years
from devices.errors import DeviceCode, MediumError
from devices.sim.emrtd_traveller import Traveller
from devices.values import Sex

VECTORS = json.loads((Path(__file__).parent / "vectors" / "emrtd.json").read_text(encoding="utf-8"))
PASSPORT = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C<3UTO6908061F9406236ZE184226B<<<<<14")
CARD = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
LONG_CARD = ("I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<<<<<<<<<<<<<<")
TWO_LINES = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
IN_1992, IN_2010 = date(1992, 1, 1), date(2010, 1, 1)


def refusal(lines: tuple[str, ...], today: date = IN_2010) -> str:
    with pytest.raises(MediumError) as error:
        mrz.parse(lines, today=today)
    assert error.value.code is DeviceCode.CARD_INVALID
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None
    return error.value.detail


@pytest.mark.parametrize("vector", VECTORS["check_digits"], ids=lambda vector: vector["s"])
def test_check_digits_are_those_of_the_standard(vector: dict[str, str]) -> None:
    assert mrz.check_digit(vector["s"]) == vector["digit"]


def test_passport_of_the_standard_is_read() -> None:
    zone = mrz.parse(PASSPORT, today=IN_1992)
    assert (zone.document_code, zone.issuing_state, zone.nationality) == ("P", "UTO", "UTO")
    assert (zone.surname.reveal(), zone.given_names.reveal()) == ("ERIKSSON", "ANNA MARIA")
    assert zone.number.reveal() == "L898902C"
    assert zone.birth is not None
    assert (zone.birth.reveal(), zone.expiry, zone.sex) == (date(1969, 8, 6), date(1994, 6, 23), Sex.FEMALE)
    assert zone.key.reveal() == VECTORS["bac"]["mrz_information"]
    assert MrzKey.from_mrz(zone).secret().hex().upper().startswith(VECTORS["bac"]["k_seed"])


@pytest.mark.parametrize("lines", [CARD, TWO_LINES])
def test_cards_of_the_standard_are_read(lines: tuple[str, ...]) -> None:
    zone = mrz.parse(lines, today=IN_2010)
    assert (zone.document_code, zone.number.reveal(), zone.sex) == ("I", "D23145890", Sex.FEMALE)
    assert zone.expiry == date(2012, 4, 15)
    assert zone.surname.reveal() == "ERIKSSON"


def test_long_number_goes_on_in_the_optional_field_and_opens_the_chip_whole() -> None:
    zone = mrz.parse(LONG_CARD, today=IN_1992)
    assert zone.number.reveal() == "D23145890734"
    assert zone.key.reveal() == "D23145890734934071279507122"
    assert zone.birth is not None
    assert zone.birth.reveal() == date(1934, 7, 12)


def test_no_repr_shows_a_person() -> None:
    shown = repr(mrz.parse(PASSPORT, today=IN_1992))
    assert not re.search("ERIKSSON|ANNA|L898902C|1969", shown)


@pytest.mark.parametrize(
    ("at", "field"),
    [(0, "document number"), (13, "date of birth"), (21, "date of expiry"), (28, "optional"), (43, "composite")],
)
def test_one_wrong_character_is_found_by_its_check_digit_and_named(at: int, field: str) -> None:
    changed = PASSPORT[1][:at] + ("7" if PASSPORT[1][at] != "7" else "8") + PASSPORT[1][at + 1 :]
    assert field in refusal((PASSPORT[0], changed), IN_1992)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), "neither two"),
        (PASSPORT[:1], "neither two"),
        ((PASSPORT[0], PASSPORT[1][:-1]), "neither two"),
        ((PASSPORT[0].lower(), PASSPORT[1]), "a character that"),
        ((PASSPORT[0][:-1] + "汉", PASSPORT[1]), "a character that"),
        (("P<UT0" + PASSPORT[0][5:], PASSPORT[1]), "issuing state"),
        (("P<UTO" + "<" * 39, PASSPORT[1]), "name"),
        (("P<UTOERIKSS0N" + PASSPORT[0][13:], PASSPORT[1]), "name"),
        ((PASSPORT[0], PASSPORT[1].replace("F", "B", 1)), "sex"),
        ((CARD[0][:14] + "<" * 16, *CARD[1:]), "document number"),
    ],
)
def test_what_the_standard_does_not_write_is_refused(lines: tuple[str, ...], said: str) -> None:
    assert said in refusal(lines, IN_1992)


def test_day_that_no_calendar_has_is_refused() -> None:
    """Its check digit is right: such zones exist on forgeries and misprints."""
    for birth, expiry, said in (("690230", "940623", "birth"), ("690806", "941301", "expiry")):
        assert said in refusal((PASSPORT[0], _second_line(birth, expiry)), IN_1992)


def test_birth_without_a_day_is_none_and_still_opens_the_chip() -> None:
    zone = mrz.parse((PASSPORT[0], _second_line("69<<<<", "940623")), today=IN_1992)
    assert zone.birth is None
    assert zone.key.reveal() == "L898902C<369<<<<99406236"


def test_two_digits_become_the_latest_year_past_and_the_nearest_expiry() -> None:
    today = date(2026, 11, 21)
    for birth, expiry, born, expires in (
        ("261121", "360101", 2026, 2036),
        ("261122", "160101", 1926, 2016),
        ("000229", "460101", 2000, 2046),
    ):
        zone = mrz.parse((PASSPORT[0], _second_line(birth, expiry)), today=today)
        assert zone.birth is not None
        assert (zone.birth.reveal().year, zone.expiry.year) == (born, expires)
    assert "expiry" in refusal((PASSPORT[0], _second_line("690806", "150101")), today)
    zone = mrz.parse((PASSPORT[0], _second_line("690806", "980101")), today=today, years=Years(expired_at_most=30))
    assert zone.expiry.year == 1998


@given(
    st.builds(
        Traveller,
        number=st.from_regex(r"[A-Z0-9]{1,9}", fullmatch=True),
        surname=st.from_regex(r"[A-Z]{1,12}(?:<[A-Z]{1,5})?", fullmatch=True),
        birth=st.dates(date(1927, 1, 1), date(2026, 11, 20)),
        expiry=st.dates(date(2017, 1, 1), date(2045, 12, 31)),
        card=st.booleans(),
    )
)
@settings(deadline=None)
def test_every_zone_that_is_written_is_read_back(traveller: Traveller) -> None:
    zone = mrz.parse(traveller.lines(), today=date(2026, 11, 21))
    assert zone.number.reveal() == traveller.number
    assert zone.surname.reveal() == traveller.surname.replace("<", " ")
    assert zone.birth is not None
    assert (zone.birth.reveal(), zone.expiry) == (traveller.birth, traveller.expiry)
    assert zone.key.reveal() == traveller.key()
    assert MrzKey.of(traveller.number, traveller.birth, traveller.expiry) == MrzKey.from_mrz(zone)


@given(st.lists(st.text(st.sampled_from("ABZ019<"), min_size=28, max_size=46), max_size=4))
@settings(deadline=None)
def test_any_lines_are_read_or_refused(lines: list[str]) -> None:
    with contextlib.suppress(MediumError):
        assert mrz.parse(lines, today=IN_2010).expiry.year >= 2000


def _second_line(birth: str, expiry: str) -> str:
    number, optional = "L898902C<3", "ZE184226B<<<<<1"
    proven = birth + mrz.check_digit(birth), expiry + mrz.check_digit(expiry)
    return f"{number}UTO{proven[0]}F{proven[1]}{optional}" + mrz.check_digit(number + proven[0] + proven[1] + optional)
