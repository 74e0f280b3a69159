"""The search for people finds them however they were written, and not where they are not."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from devices.sim.canaries import needles, scan
from devices.sim.personas import P1, P3

if TYPE_CHECKING:
    from pathlib import Path

PHOTO = bytes(range(256)) * 4
WANTED = needles(P1, PHOTO)


@pytest.mark.parametrize(
    "content",
    [
        P1.name.encode(),
        P1.name.encode("utf-16-le"),
        json.dumps({"name": P1.name}).encode(),
        f'{{"who": "{P1.number}"}}'.encode(),
        base64.b64encode(b"x" + P1.number.encode() + b"rest"),
        base64.b64encode(b"xy" + P1.number.encode() + b"rest"),
        base64.b64encode(b"xyz" + P1.name.encode() + b"rest"),
        P1.number.encode().hex().encode(),
        PHOTO[300:800],
        base64.b64encode(b"head" + PHOTO),
    ],
)
def test_person_is_found_in_every_writing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"before " * 1000 + content + b" after" * 1000)
    assert scan(tmp_path, WANTED)


def test_person_is_found_across_the_edge_of_two_blocks(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"." * ((1 << 20) - 10) + P1.number.encode())
    assert scan(tmp_path / "file", WANTED)


def test_somebody_else_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(P3.name.encode() + P3.number.encode() + bytes(5000))
    assert scan(tmp_path, WANTED) == []
