"""What printers tell of paper, toner and parts: levels that mean the opposite, words for not knowing, and nonsense."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.ipp_supplies import read_counters, read_supplies
from devices.printer import PrinterCounters, Supply, SupplyKind, SupplyState

if TYPE_CHECKING:
    from devices.drivers.ipp_codec import Attributes

MARKERS: Attributes = {
    "marker-names": ("Black Cartridge", "Waste Box", "Drum", "Fuser", "Cyan"),
    "marker-types": ("toner-cartridge", "waste-toner", "opc", "fuser", "toner"),
    "marker-levels": (12, 97, 0, -1, -3),
    "marker-low-levels": (15, 0, 5, 1, 1),
    "marker-high-levels": (100, 95, 100, 100, 100),
}


def test_waste_box_that_is_full_is_low_and_a_full_cartridge_is_not() -> None:
    assert read_supplies(MARKERS) == (
        Supply(SupplyKind.TONER, "Black Cartridge", 0.12, SupplyState.LOW),
        Supply(SupplyKind.WASTE, "Waste Box", 0.03, SupplyState.LOW),
        Supply(SupplyKind.DRUM, "Drum", 0.0, SupplyState.EMPTY),
        Supply(SupplyKind.PART, "Fuser", None, SupplyState.UNKNOWN),
        Supply(SupplyKind.TONER, "Cyan", None, SupplyState.UNKNOWN),
    )


def test_columns_of_different_length_leave_the_rest_unknown() -> None:
    short: Attributes = {"marker-names": ("A", "B"), "marker-types": ("toner",), "marker-levels": (50,)}
    first, second = read_supplies(short)
    assert (first.state, second.state) == (SupplyState.GOOD, SupplyState.UNKNOWN)


@pytest.mark.parametrize(
    ("words", "level", "state"),
    [
        ("class=supplyThatIsConsumed;type=toner;unit=percent;maxcapacity=100;level=75;", 0.75, SupplyState.GOOD),
        ("class=supplyThatIsConsumed;type=toner;unit=impressions;maxcapacity=3000;level=150;", 0.05, SupplyState.LOW),
        ("class=receptacleThatIsFilled;type=wasteToner;unit=percent;maxcapacity=100;level=100;", 0, SupplyState.EMPTY),
        ("class=receptacleThatIsFilled;type=wasteToner;maxcapacity=-2;level=-3;", None, SupplyState.UNKNOWN),
        ("type=toner;maxcapacity=0;level=0;", None, SupplyState.UNKNOWN),
        ("type=toner;maxcapacity=100;level=lots;", None, SupplyState.UNKNOWN),
        ("nothing of the kind", None, SupplyState.UNKNOWN),
    ],
)
def test_supply_says_what_is_left_or_nothing(words: str, level: float | None, state: SupplyState) -> None:
    (supply,) = read_supplies({"printer-supply": (words.encode(),), "printer-supply-description": ("It",)})
    assert (supply.name, supply.level, supply.state) == ("It", level, state)


def test_tray_that_is_empty_is_so_even_when_nobody_knows_its_size() -> None:
    trays = (
        b"type=sheetFeedAuto;maxcapacity=-2;level=0;name=tray-1;",
        b"level=-3;maxcapacity=250;name=tray-2",
        b"name=auto",
    )
    first, second = read_supplies({"printer-input-tray": trays})
    assert first == Supply(SupplyKind.PAPER, "tray-1", 0.0, SupplyState.EMPTY)
    assert second == Supply(SupplyKind.PAPER, "tray-2", None, SupplyState.UNKNOWN)


def test_printer_that_tells_nothing_has_no_supplies_and_no_counts() -> None:
    assert read_supplies({}) == ()
    assert read_counters({}) == PrinterCounters()
    assert read_counters({"printer-impressions-completed": (7,), "printer-media-sheets-completed": (-2,)}) == (
        PrinterCounters(sides=7)
    )


@given(
    st.dictionaries(
        st.sampled_from([*MARKERS, "printer-supply", "printer-input-tray"]),
        st.lists(st.integers() | st.text() | st.binary() | st.booleans()).map(tuple),
    )
)
def test_nonsense_never_fails_and_is_never_more_than_full(attributes: Attributes) -> None:
    for supply in read_supplies(attributes):
        assert supply.level is None or 0 <= supply.level <= 1
        assert supply.level is not None or supply.state is SupplyState.UNKNOWN
