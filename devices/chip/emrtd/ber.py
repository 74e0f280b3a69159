"""BER-TLV as chips write it (ISO/IEC 7816-4 clause 6.3): bounded, definite lengths only, nothing copied twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.errors import DeviceProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_TAG = 0x1F  # all low bits of the first octet set: the number goes on in the next ones
MORE = 0x80
TAG_OCTETS = 3  # as ISO/IEC 7816-4 allows
LENGTH_OCTETS = 4  # after the first
SHORT_LENGTH = 0x7F


def header(data: bytes | bytearray, at: int = 0) -> tuple[int, int, int]:
    """Return tag, length of the value and where the value begins. Raises ``DeviceProtocolError``."""
    try:
        begin, tag = at + 1, data[at]
        if tag & LONG_TAG == LONG_TAG:
            while True:
                octet, begin = data[begin], begin + 1
                tag = tag << 8 | octet
                if not octet & MORE:
                    break
                if begin - at >= TAG_OCTETS:
                    raise DeviceProtocolError("data object: tag is too long")
        length, begin = data[begin], begin + 1
    except IndexError:
        raise DeviceProtocolError("data object: ends within its header") from None
    if length > SHORT_LENGTH:
        octets = length & SHORT_LENGTH
        if not 0 < octets <= LENGTH_OCTETS or begin + octets > len(data):
            raise DeviceProtocolError("data object: length is indefinite, too long or cut short")
        length, begin = int.from_bytes(data[begin : begin + octets]), begin + octets
    return tag, length, begin


def items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and value of one object after the other. Raises ``DeviceProtocolError``."""
    at = 0
    while at < len(data):
        tag, length, begin = header(data, at)
        at = begin + length
        if at > len(data):
            raise DeviceProtocolError("data object: longer than what holds it")
        yield tag, data[begin:at]


def find(data: bytes, *path: int) -> bytes:
    """Return the value at the end of a path of tags, the first of each. Raises ``DeviceProtocolError``."""
    for wanted in path:
        for tag, value in items(data):
            if tag == wanted:
                data = value
                break
        else:
            raise DeviceProtocolError(f"data object {wanted:X} is missing")
    return data


def encode(tag: int, value: bytes) -> bytes:
    """Return one object."""
    return b"".join((_octets(tag), _length(len(value)), value))


def _octets(number: int) -> bytes:
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8))


def _length(length: int) -> bytes:
    if length <= SHORT_LENGTH:
        return bytes((length,))
    octets = _octets(length)
    return bytes((MORE | len(octets),)) + octets
