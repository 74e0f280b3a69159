"""Looks for an invented person in everything a visit leaves behind, in every form a program may have written them.

A scan that finds nothing proves nothing by itself: callers first plant the person in the very place and see them found.
"""

from __future__ import annotations

import base64
import json
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from devices.sim.personas import Persona

PIECE = 48  # bytes of a picture that are looked for; chance does not repeat them
PIECES = 8  # taken at equal distances, so that a picture cut short is found as well
OVERLAP = 4096  # longer than any needle: one that lies over two blocks is found
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Trace:
    """Something of a person, found in a file."""

    file: str
    what: str


def needles(persona: Persona, photo: bytes) -> dict[str, bytes]:
    """Return what to look for: name and number in every usual writing, and pieces of the card's picture."""
    found: dict[str, bytes] = {}
    for what, value in (("name", persona.name), ("number", persona.number)):
        found |= {f"{what} as {writing}": needle for writing, needle in _writings(value)}
    for index in range(PIECES):
        start = index * (len(photo) - PIECE) // PIECES
        piece = photo[start : start + PIECE]
        if len(set(piece)) > PIECE // 4:  # padding is no picture
            found[f"picture at {start}"] = piece
            found[f"picture at {start} as hex"] = piece.hex().encode()
            for shift, needle in _base64(piece):
                found[f"picture at {start} as base64, shifted by {shift}"] = needle
    return found


def _writings(value: str) -> Iterator[tuple[str, bytes]]:
    raw = value.encode()
    yield "UTF-8", raw
    yield "UTF-16, little end first", value.encode("utf-16-le")
    yield "UTF-16, big end first", value.encode("utf-16-be")
    yield "GB 18030", value.encode("gb18030")
    yield "JSON", json.dumps(value)[1:-1].encode()
    yield "hex", raw.hex().encode()
    yield "hex in capitals", raw.hex().upper().encode()
    yield "hex of UTF-16", value.encode("utf-16-le").hex().encode()
    yield "part of an address", urllib.parse.quote(value).encode()
    for shift, needle in _base64(raw):
        yield f"base64, shifted by {shift}", needle


def _base64(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield what base64 makes of ``raw`` at each of the three places in its groups, without the uncertain ends."""
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + raw)
        yield shift, encoded[4 if shift else 0 : len(encoded) - 4]


def scan(place: Path, wanted: Mapping[str, bytes]) -> list[Trace]:
    """Return every trace below ``place``, a file or a folder. Links are not followed; sockets and pipes are passed."""
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    return [
        Trace(str(path), what) for path in files if not path.is_symlink() for what in sorted(_in_file(path, wanted))
    ]


def _in_file(path: Path, wanted: Mapping[str, bytes]) -> set[str]:
    found: set[str] = set()
    with path.open("rb") as file:
        tail = b""
        while block := file.read(BLOCK):
            text = tail + block
            found |= {what for what, needle in wanted.items() if needle in text}
            tail = text[-OVERLAP:]
    return found
