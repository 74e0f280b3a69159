"""Where a row lies in a database file: SQLite's file format, sections 1.6 and 2.1 (leaf pages of tables)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PAGE = 4096
_LEAF = 0x0D


@dataclass(frozen=True)
class Row:
    """One cell: where it begins and ends in the file, and where each column's bytes and type are."""

    start: int
    end: int
    types: range
    columns: dict[str, range]

    def column_of(self, at: int) -> str:
        """Name what the byte at ``at`` belongs to: ``cell``, ``header``, or a column."""
        if at in self.types:
            return "header"
        return next((name for name, where in self.columns.items() if at in where), "cell")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(1, 10):
        byte = data[at]
        at += 1
        if count == 9:
            return value << 8 | byte, at
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return value, at


def _size(kind: int) -> int:
    return (kind - 12) // 2 if kind >= 12 else (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind]


def find_row(path: Path, body: bytes) -> Row:
    """Find the row of ``outbox`` whose body is stored as ``body`` (on one leaf page, without overflow)."""
    data = path.read_bytes()
    at = data.index(body)
    page = at - at % PAGE
    head = 100 if page == 0 else 0
    assert data[page + head] == _LEAF
    count = int.from_bytes(data[page + 3 : page + 5], "big")
    cells = [int.from_bytes(data[page + 8 + 2 * n : page + 10 + 2 * n], "big") for n in range(count)]
    start = page + max(cell for cell in cells if page + cell <= at)
    length, payload = _varint(data, start)
    _, payload = _varint(data, payload)
    header, cursor = _varint(data, payload)
    kinds, end = [], payload + header
    while cursor < end:
        kind, cursor = _varint(data, cursor)
        kinds.append(kind)
    connection = sqlite3.connect(path)
    names = [column[1] for column in connection.execute("PRAGMA table_info(outbox)")]
    connection.close()
    columns, value = {}, end
    for name, kind in zip(names, kinds, strict=True):
        columns[name] = range(value, value + _size(kind))
        value += _size(kind)
    assert value == payload + length
    return Row(start, value, range(payload, end), columns)


def flip(path: Path, at: int, bits: int) -> None:
    """Change one byte of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ bits]))
