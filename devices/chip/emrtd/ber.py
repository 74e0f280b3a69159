"""Data objects as travel documents nest them: strict, flat, of any length a file has, and written as well as read.

What cannot be read raises ``MediumError`` (``CARD_UNREADABLE``). Work and memory grow with the bytes given, no faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.chip.tlv import read_tag, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = 0x80  # a length of its own octets follows
LENGTH_OCTETS = 4


def header(data: bytes, at: int = 0) -> tuple[int, int, int]:
    """Return tag, length of the value and where the value begins; the value may lie beyond the end."""
    try:
        tag, _, begin = read_tag(data, at)
        length, begin = data[begin], begin + 1
    except IndexError:
        raise unreadable("object ends within its header") from None
    if length >= LONG:
        octets = length & ~LONG
        if not 0 < octets <= LENGTH_OCTETS or begin + octets > len(data):
            raise unreadable("length of an object is indefinite, too long or cut short")
        length, begin = int.from_bytes(data[begin : begin + octets]), begin + octets
    return tag, length, begin


def items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and value of one object after the other."""
    at = 0
    while at < len(data):
        tag, length, begin = header(data, at)
        at = begin + length
        if at > len(data):
            raise unreadable("object is longer than what holds it")
        yield tag, data[begin:at]


def find(data: bytes, *path: int) -> bytes:
    """Return the value at the end of a path of tags, the first of each."""
    for wanted in path:
        for tag, value in items(data):
            if tag == wanted:
                data = value
                break
        else:
            raise unreadable(f"object {wanted:X} is missing")
    return data


def encode(tag: int, value: bytes) -> bytes:
    """Return one object."""
    return b"".join((_octets(tag), _length(len(value)), value))


def _octets(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8))


def _length(length: int) -> bytes:
    if length < LONG:
        return bytes((length,))
    octets = _octets(length)
    return bytes((LONG | len(octets),)) + octets
