"""Pages on the glass: found where they lie, cut out in their own shape, and refused for the right reason."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmarks.devices.pages import FAULTS, GOOD, RIGHT_SHARE, count
from devices.document_camera import PageFault
from devices.drivers.document_faults import MOVED_LONGEST, blur_mm, examine, moved
from devices.drivers.document_pages import find_page, pixels_a_mm, reduced, straighten
from devices.sim.pages import Kind, Scene, _paper, corners, picture

DRAWN = 6  # of each sort; benchmarks/devices/pages.py draws a hundred
GOAL = (GOOD, *PageFault)
SIZE = (1200, 900)
DARK_MAT, LIGHT_MAT = (48, 45, 44), (190, 192, 191)


def faults(scene: Scene) -> frozenset[PageFault]:
    return examine(picture(scene, SIZE)).faults


@pytest.mark.parametrize("name", [name for name in FAULTS if name in GOAL])
def test_drawn_scenes_are_told_as_what_they_are(name: str) -> None:
    told = count(name, DRAWN, seed=2)
    assert told.share(name) >= RIGHT_SHARE - 1 / DRAWN, f"{name} was told as {dict(told.told)}"
    assert all(off < 3 for off in told.corner_mm)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("ground", [DARK_MAT, LIGHT_MAT])
@pytest.mark.parametrize("turn_deg", [0.0, 7.0, 45.0, -80.0])
def test_corners_are_found_on_dark_and_light_ground_however_it_is_turned(
    kind: Kind, ground: tuple[int, int, int], turn_deg: float
) -> None:
    if kind is Kind.A4:  # only lying across does it fit under the camera
        turn_deg = 90 + turn_deg / 6
    scene = Scene(kind=kind, ground=ground, turn_deg=turn_deg)
    found = find_page(picture(scene, SIZE))
    assert found is not None
    assert not found.cut_off
    real = np.array(corners(scene, SIZE))
    assert max(min(np.hypot(*(point - corner)) for corner in real) for point in found.corners) < 6  # 2 mm


def test_first_corner_is_the_one_at_the_top_left_and_the_rest_follow_clockwise() -> None:
    found = find_page(picture(Scene(turn_deg=85), SIZE))
    assert found is not None
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = found.corners
    assert ax < bx
    assert by < cy
    assert dx < cx
    assert ay < dy


@pytest.mark.parametrize(("kind", "aspect"), [(Kind.A4, 2**0.5), (Kind.ID1, 85.6 / 53.98), (Kind.SPREAD, 250 / 176)])
def test_page_seen_aslant_is_cut_out_in_its_own_shape(kind: Kind, aspect: float) -> None:
    scene = Scene(kind=kind, turn_deg=90 if kind is Kind.A4 else 5, tilt=0.1)
    page = examine(picture(scene, SIZE)).page
    assert page is not None
    assert page.shape[1] / page.shape[0] == pytest.approx(aspect, rel=0.02)


def test_paper_of_no_known_shape_keeps_its_own() -> None:
    scene = np.full((900, 1200, 3), 40, np.uint8)
    scene[200:700, 350:850] = 230
    page = examine(scene).page
    assert page is not None
    assert page.shape[1] / page.shape[0] == pytest.approx(1.0, rel=0.03)


def test_what_is_cut_out_is_no_larger_than_a_scan() -> None:
    large = np.zeros((6000, 8000, 3), np.uint8)
    page = straighten(large, np.array([(0, 0), (8000, 0), (8000, 5657), (0, 5657)], np.float64))
    assert max(page.shape) == 3508
    assert pixels_a_mm(page) == pytest.approx(300 / 25.4, rel=0.01)


@pytest.mark.parametrize("ground", [DARK_MAT, LIGHT_MAT, (40, 90, 50)])
def test_things_that_are_no_paper_are_none(ground: tuple[int, int, int]) -> None:
    for seed in range(4):
        assert faults(Scene(kind=None, litter=True, ground=ground, seed=seed)) == {PageFault.NO_PAGE}


def test_paper_so_near_that_no_ground_is_seen_is_cut_off() -> None:
    inside = _paper(Kind.SPREAD, 1, blank=False)[150:900, 110:1000]
    assert PageFault.CUT_OFF in examine(np.ascontiguousarray(inside)).faults


@pytest.mark.parametrize("centre", [(0.05, 0.5), (0.95, 0.5), (0.5, 0.05), (0.5, 0.95)])
def test_paper_half_outside_is_cut_off_on_each_side(centre: tuple[float, float]) -> None:
    assert faults(Scene(centre=centre)) == {PageFault.CUT_OFF}


def test_blur_is_measured_in_millimetres_whatever_the_camera() -> None:
    """Sharp by one camera is sharp by another; both add their own pixels to what the lens does."""
    for size in ((1600, 1200), (2400, 1800)):
        sharp, soft = (
            blur_mm(found.page, 200)
            for found in (examine(picture(Scene(blur_mm=sigma), size)) for sigma in (0.0, 0.6))
            if found.page is not None
        )
        assert sharp < 0.35
        assert soft == pytest.approx(np.hypot(0.6, sharp), rel=0.25)


def test_well_lit_paper_that_is_white_all_over_is_no_glare() -> None:
    """Automatic exposure looks at the dark mat and leaves the paper white; what is written stays readable."""
    for kind in (Kind.A4, Kind.SPREAD):
        assert faults(Scene(kind=kind, turn_deg=90 if kind is Kind.A4 else 0, light=1.3)) == frozenset()


def test_few_words_are_not_blank_and_specks_are() -> None:
    page = np.full((1200, 850, 3), 225, np.uint8)
    ground = np.full((1500, 1200, 3), 45, np.uint8)
    words, specks = page.copy(), page.copy()
    cv2.putText(words, "received with thanks", (150, 600), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (30, 30, 30), 3, cv2.LINE_AA)
    specks[400:403, 300:303] = 60
    results = []
    for paper in (words, specks):
        scene = ground.copy()
        scene[150:1350, 175:1025] = paper
        results.append(PageFault.BLANK in examine(scene).faults)
    assert results == [False, True]


def test_movement_is_told_from_noise_and_from_a_lamp_that_flickers() -> None:
    def small(scene: Scene) -> np.ndarray:
        return reduced(picture(scene, SIZE), MOVED_LONGEST)

    still = Scene(noise=4)
    assert not moved(small(still), small(replace(still, seed=1, light=1.04)))
    assert not moved(small(still), small(still))
    assert moved(small(still), small(replace(still, centre=(0.505, 0.5))))
    assert moved(small(still), small(replace(still, turn_deg=91)))
    assert moved(small(Scene(kind=None)), small(still))
