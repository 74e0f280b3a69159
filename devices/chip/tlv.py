"""BER-TLV as chip cards write it (ISO/IEC 7816-4 clause 5.2.2, EMV Book 3 annex B). Strict; the work is bounded.

What cannot be read raises ``MediumError`` (``CARD_UNREADABLE``); no byte of the card reaches the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from devices.errors import DeviceCode, MediumError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH: Final = 8  # the deepest template of EMV, PIV and their like has four
MAX_OBJECTS: Final = 1000  # in one answer; a card that says more is not one of ours
_FILLER: Final = frozenset({0x00, 0xFF})  # allowed before, between and after objects
_MORE_TAG: Final = 0x1F
_CONSTRUCTED: Final = 0x20
_LONG: Final = 0x80
_MAX_TAG_SIZE: Final = 3
_MAX_LENGTH_SIZE: Final = 2  # 82 xxxx: no answer of a card is longer


@dataclass(frozen=True, slots=True)
class Tlv:
    """One data object. ``inside`` holds the objects of a constructed one; ``value`` never prints."""

    tag: int
    value: bytes = field(repr=False)
    inside: tuple[Tlv, ...] = ()

    def walk(self) -> Iterator[Tlv]:
        """Yield this object and all inside it, in the order of the card."""
        yield self
        for each in self.inside:
            yield from each.walk()

    def find(self, tag: int) -> bytes | None:
        """Return the value of the first object with this tag, here or inside."""
        return next((each.value for each in self.walk() if each.tag == tag), None)


class _Reader:
    """One pass over one answer, counting what it finds."""

    def __init__(self, *, deep: bool) -> None:
        self._left = MAX_OBJECTS
        self._deep = deep

    def objects(self, data: bytes, depth: int) -> tuple[Tlv, ...]:
        found = []
        at = 0
        while at < len(data):
            if data[at] in _FILLER:
                at += 1
                continue
            tag, first, at = read_tag(data, at)
            length, at = _read_length(data, at)
            if at + length > len(data):
                raise unreadable("object is longer than what holds it")
            self._left -= 1
            if self._left < 0:
                raise unreadable(f"more than {MAX_OBJECTS} objects")
            value = data[at : at + length]
            at += length
            found.append(Tlv(tag, value, self._inside(value, depth) if self._deep and first & _CONSTRUCTED else ()))
        return tuple(found)

    def _inside(self, value: bytes, depth: int) -> tuple[Tlv, ...]:
        if depth == MAX_DEPTH:
            raise unreadable(f"objects are nested deeper than {MAX_DEPTH}")
        return self.objects(value, depth + 1)


def parse(data: bytes, *, deep: bool = True) -> tuple[Tlv, ...]:
    """Take ``data`` apart into its objects; not ``deep``: constructed ones are left whole, whatever they hold."""
    return _Reader(deep=deep).objects(bytes(data), 1)


def parse_one(data: bytes, tag: int) -> Tlv:
    """Take ``data`` apart that has to be one object of this tag."""
    found = parse(data)
    if len(found) != 1 or found[0].tag != tag:
        raise unreadable(f"not one object {tag:X}")
    return found[0]


def parse_list(data: bytes) -> tuple[tuple[int, int], ...]:
    """Take a list of tags and lengths without values apart (a DOL, EMV Book 3 clause 5.4)."""
    entries = []
    at = 0
    while at < len(data):
        tag, _, at = read_tag(data, at)
        if at == len(data):
            raise unreadable("list ends after a tag")
        entries.append((tag, data[at]))
        at += 1
    return tuple(entries)


def read_tag(data: bytes, at: int) -> tuple[int, int, int]:
    """Return the tag that begins at ``at``, its first byte, and where it ends."""
    first = data[at]
    end = at + 1
    if first & _MORE_TAG == _MORE_TAG:
        while True:
            if end == len(data) or end - at == _MAX_TAG_SIZE:
                raise unreadable("tag breaks off, or has no end")
            end += 1
            if not data[end - 1] & _LONG:
                break
    return int.from_bytes(data[at:end], "big"), first, end


def unreadable(detail: str) -> MediumError:
    """Say that the card's data make no sense; ``detail`` names none of them."""
    return MediumError(f"chip data: {detail}", code=DeviceCode.CARD_UNREADABLE)


def _read_length(data: bytes, at: int) -> tuple[int, int]:
    if at == len(data):
        raise unreadable("object has no length")
    first = data[at]
    if first < _LONG:
        return first, at + 1
    size = first & ~_LONG
    if not 1 <= size <= _MAX_LENGTH_SIZE or at + 1 + size > len(data):
        raise unreadable("length of an object makes no sense")
    return int.from_bytes(data[at + 1 : at + 1 + size], "big"), at + 1 + size
