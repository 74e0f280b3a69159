"""Each fixture looks as it looked when somebody last looked at it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops

from screens.fixtures import FIXTURES
from screens.gallery import GOLDEN_SETS, GOLDENS, save

if TYPE_CHECKING:
    from screens.gallery import Gallery

WRONG = Path("build") / "goldens"
LARGEST = 150_000  # bytes of a picture in the repository


@pytest.mark.parametrize("golden_set", GOLDEN_SETS)
@pytest.mark.parametrize("name", FIXTURES)
def test_looks_as_before(gallery: Gallery, name: str, golden_set: str) -> None:
    language, size = GOLDEN_SETS[golden_set]
    golden = GOLDENS / golden_set / f"{name}.png"
    WRONG.mkdir(parents=True, exist_ok=True)
    now = WRONG / f"{golden_set}-{name}.png"
    save(gallery.picture(FIXTURES[name], language, size), now)

    with Image.open(golden) as wanted, Image.open(now) as found:
        difference = ImageChops.difference(wanted.convert("RGB"), found.convert("RGB"))
    box = difference.getbbox()
    if box:
        mark = now.with_suffix(".difference.png")
        difference.point(lambda level: min(255, level * 4)).save(mark)
        pytest.fail(f"{golden_set}/{name} differs within {box}: see {now} and {mark}; `make goldens` if it is meant")
    now.unlink()


@pytest.mark.parametrize("golden_set", GOLDEN_SETS)
def test_no_picture_is_large_and_none_is_left_over(golden_set: str) -> None:
    pictures = list((GOLDENS / golden_set).glob("*.png"))

    assert {picture.stem for picture in pictures} == FIXTURES.keys()
    assert [picture.name for picture in pictures if picture.stat().st_size > LARGEST] == []
