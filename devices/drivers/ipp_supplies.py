"""What an IPP printer tells of paper, toner and parts, and what it counts (PWG 5100.13, RFC 3805; marker-* of CUPS)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devices.drivers.ipp_status import number
from devices.printer import PrinterCounters, Supply, SupplyKind, SupplyState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from devices.drivers.ipp_codec import Attributes, Value

SUPPLY_ATTRIBUTES: Final = (
    *("marker-names", "marker-types", "marker-levels", "marker-low-levels", "marker-high-levels"),
    *("printer-supply", "printer-supply-description", "printer-input-tray"),
)
COUNTER_ATTRIBUTES: Final = ("printer-impressions-completed", "printer-media-sheets-completed")
PERCENT: Final = 100
LOW_SHARE: Final = 0.1  # where a printer names no limit of its own: what printers themselves warn at
FILLED: Final = "receptacleThatIsFilled"  # prtMarkerSuppliesClass: its level is what is in it, not what is left
NO_TRAY: Final = frozenset({"auto", "manual"})  # ways of feeding, not places with paper

# prtMarkerSuppliesType (RFC 3805) and the same with dashes in marker-types; others are parts that wear.
KINDS: Final[Mapping[str, SupplyKind]] = {
    **dict.fromkeys(("toner", "tonercartridge", "developer", "solidwax"), SupplyKind.TONER),
    **dict.fromkeys(("ink", "inkcartridge", "inkribbon", "ribbonwax", "matteink"), SupplyKind.TONER),
    **dict.fromkeys(("wastetoner", "wasteink", "wastewax", "wastewater", "wastepaper"), SupplyKind.WASTE),
    "opc": SupplyKind.DRUM,
}


def read_supplies(attributes: Attributes) -> tuple[Supply, ...]:
    """Return the supplies a printer tells of: markers by its richer list where it has both, then paper trays."""
    markers = tuple(_printer_supplies(attributes)) or tuple(_markers(attributes))
    return (*markers, *_trays(attributes))


def read_counters(attributes: Attributes) -> PrinterCounters:
    """Return what the printer counts; a negative number is its word for not knowing."""
    sides, sheets = (_known(number(attributes, name)) for name in COUNTER_ATTRIBUTES)
    return PrinterCounters(sheets=sheets, sides=sides)


def _markers(attributes: Attributes) -> Iterator[Supply]:
    columns = ("names", "types", "levels", "low-levels", "high-levels")
    names, types, levels, lows, highs = (attributes.get(f"marker-{column}", ()) for column in columns)
    for index, name in enumerate(names):
        kind = _kind(str(_at(types, index) or ""))
        level, low, high = (_known(_at(column, index)) for column in (levels, lows, highs))
        left = None if level is None else min(level, PERCENT) / PERCENT
        limit = None if low is None else low / PERCENT
        if kind is SupplyKind.WASTE:
            left = None if left is None else 1 - left
            limit = None if high is None else 1 - high / PERCENT
        yield _supply(kind, str(name), left, limit)


def _printer_supplies(attributes: Attributes) -> Iterator[Supply]:
    descriptions = attributes.get("printer-supply-description", ())
    for index, value in enumerate(attributes.get("printer-supply", ())):
        words = _words(value)
        level, most = _integer(words.get("level")), _integer(words.get("maxcapacity"))
        if words.get("unit") == "percent":
            most = PERCENT
        left = None if level is None or not most else min(level / most, 1.0)
        if words.get("class") == FILLED and left is not None:
            left = 1 - left
        kind = _kind(words.get("type", ""))
        name = str(_at(descriptions, index) or words.get("colorantname") or words.get("type", ""))
        yield _supply(kind, name, left, None)


def _trays(attributes: Attributes) -> Iterator[Supply]:
    for value in attributes.get("printer-input-tray", ()):
        words = _words(value)
        name = words.get("name", "")
        if name in NO_TRAY:
            continue
        level, most = _integer(words.get("level")), _integer(words.get("maxcapacity"))
        left = None if level is None or not most else min(level / most, 1.0)
        yield _supply(SupplyKind.PAPER, name, 0.0 if level == 0 else left, None)


def _supply(kind: SupplyKind, name: str, left: float | None, limit: float | None) -> Supply:
    if left is None:
        return Supply(kind, name)
    left = round(left, 3)
    low = left <= (LOW_SHARE if limit is None else limit)
    return Supply(kind, name, left, SupplyState.EMPTY if left == 0 else SupplyState.LOW if low else SupplyState.GOOD)


def _kind(word: str) -> SupplyKind:
    return KINDS.get(word.replace("-", "").lower(), SupplyKind.PART)


def _words(value: Value) -> dict[str, str]:
    """Read ``key=value;`` pairs; they come as an octet string."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return dict(pair.split("=", 1) for pair in text.split(";") if "=" in pair)


def _integer(text: str | None) -> int | None:
    try:
        return _known(int(text or ""))
    except ValueError:
        return None


def _known(value: object) -> int | None:
    """Return a number that is none of the negative words for "cannot tell" (RFC 3805: -1, -2, -3)."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _at(column: tuple[Value, ...], index: int) -> Value | None:
    return column[index] if index < len(column) else None
