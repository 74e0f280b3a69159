"""What a picture lacks, judged from the boxes a detector drew: no library is needed for that."""

from __future__ import annotations

import pytest

from kiosk.identity.face import Look
from kiosk.identity.face_recipe import judge
from kiosk.identity.face_worker import LOOKS

WIDTH, HEIGHT = 640, 480
BRIGHT = 120.0


def box(size: int, x: int = 320, y: int = 215) -> tuple[int, int, int, int]:
    """Return a box of ``size`` around a middle: top, right, bottom, left."""
    half = size // 2
    return y - half, x + half, y + half, x - half


@pytest.mark.parametrize(
    ("boxes", "brightness", "expected"),
    [
        ([box(160)], BRIGHT, Look.OK),
        ([], BRIGHT, Look.NO_FACE),
        ([], 5.0, Look.TOO_DARK),
        ([box(160)], 20.0, Look.TOO_DARK),
        ([box(80)], BRIGHT, Look.TOO_FAR),
        ([box(340)], BRIGHT, Look.TOO_NEAR),
        ([box(160, x=90)], BRIGHT, Look.OFF_CENTRE),
        ([box(160, x=560)], BRIGHT, Look.OFF_CENTRE),
        ([box(160, y=400)], BRIGHT, Look.OFF_CENTRE),
        ([box(160), box(120, x=520)], BRIGHT, Look.TWO_FACES),
        ([box(160), box(60, x=520)], BRIGHT, Look.OK),
        ([box(60, x=100), box(160)], BRIGHT, Look.OK),
    ],
    ids=[
        "good", "nobody", "lens covered", "face in the dark", "far away", "too near", "left", "right", "low",
        "somebody looks over the shoulder", "passer-by far behind", "order of the boxes does not matter",
    ],
)  # fmt: skip
def test_picture_is_judged_by_its_faces(
    boxes: list[tuple[int, int, int, int]], brightness: float, expected: Look
) -> None:
    assert judge(boxes, WIDTH, HEIGHT, brightness) is expected


def test_every_look_fits_into_the_one_byte_of_a_reply() -> None:
    assert len(LOOKS) == len(Look) < 256
