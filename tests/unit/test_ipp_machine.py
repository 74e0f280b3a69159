"""The parts of the simulated A4 printer that need no printer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devices.sim.ippeve.build import ToolMissingError, build_stub, require
from devices.sim.ippeve.paper_path import count_pages

if TYPE_CHECKING:
    from pathlib import Path


def test_program_that_is_not_installed_is_named_with_its_package() -> None:
    with pytest.raises(ToolMissingError, match="apt-get install cups-ipp-utils"):
        require("no-such-ippeveprinter", "cups-ipp-utils")


async def test_stub_is_built_once(tmp_path: Path) -> None:
    first = await build_stub(tmp_path / "build")
    built = first.stat().st_mtime_ns
    assert await build_stub(tmp_path / "build") == first
    assert first.stat().st_mtime_ns == built
    assert list((tmp_path / "build").iterdir()) == [first]


@pytest.mark.parametrize(
    ("pdf", "pages"),
    [
        (b"1 0 obj<</Type /Pages /Kids [2 0 R] /Count 1>>endobj", 1),
        (b"1 0 obj\n<</Count 12\n/Type/Pages>>\nendobj", 12),
        # A tree of two levels, and a later revision of its root.
        (b"1 0 obj<</Type/Pages/Count 3>>endobj 2 0 obj<</Type/Pages/Count 2>>endobj", 3),
        (b"1 0 obj<</Type/Pages/Count 1>>endobj 1 0 obj<</Type/Pages/Count 2>>endobj", 2),
        (b"no tree to be seen", 1),
    ],
)
def test_sheets_are_counted_from_the_page_tree(pdf: bytes, pages: int) -> None:
    assert count_pages(pdf) == pages
