"""What makes a picture of a page useless: measured on the straightened page. Pure functions on arrays.

Every bar is in millimetres or shares of the paper, never in pixels, so that it holds for any camera. They were set
between the good and the bad pictures of ``benchmarks/devices/pages.py``, which prints how many fall on the wrong side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from devices.document_camera import PageFault
from devices.drivers.document_pages import SEARCHED, find_page, pixels_a_mm, reduced, straighten

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from devices.drivers.document_pages import Picture, Points

    Floats = NDArray[np.float32]

MARGIN_SHARE: Final = 0.03  # of a side: the paper's edge and the ground beside it are no writing

PAPER_PART: Final = 0.75  # quantile of lightness that is paper: writing covers less than a quarter
LIGHTEST: Final = 0.98  # quantile of a picture: a paper as small as a card is lighter than this part
NO_LIGHT: Final = 12.0  # levels of 255: below it not even white paper can be made out; an empty dark mat has 30
DARK: Final = 70.0  # levels of 255: paper that is no lighter; automatic exposure gives 200

JUDGED: Final = 1000  # longer side, for what is large: glare, writing
WHITE: Final = 250  # a sensor that can take no more light
WHITER: Final = 12.0  # than the paper around: else the whole paper is white, and that is no mirror image
INK_LIGHTEST: Final = 140  # levels: darker is written
GREY_SHARE: Final = 0.1  # of the paper: it is not white all over
GLARE_SHARE: Final = 0.0025  # of the paper: a spot of 14 mm across on A4

INK_SHADE: Final = 0.14  # darker than the paper around it, of the paper: writing; what shines through is less
INK_SHARE: Final = 0.0004  # of the paper: a dozen letters on A4
GROUND_SHARE: Final = 0.04  # of the longer side: more than a letter, less than a lamp's shade

SHARP_LONGEST: Final = 1700  # pixels: finer edges say nothing more
EDGE_SHADE: Final = 0.3  # of the paper: edges of writing, not of shadows
EDGE_MM: Final = 2.0  # around a point: a stroke, its edges and paper beside it
STEEP: Final = 0.7  # of the steepest slope around: the middle of an edge, not its feet
EDGES_LEAST: Final = 200  # pixels on such edges; fewer cannot be judged
EDGE_PART: Final = 0.6  # quantile: strokes thinner than the blur look sharper than they are
BLUR_MM: Final = 0.42  # sigma: letters of 3 mm run together
_HALF: Final = 0.5
_GAUSS: Final = 2.5066  # sqrt(2 pi): a blurred step's height over its steepest slope is this many sigmas

MOVED_LONGEST: Final = 480
MOVED_LEVELS: Final = 14.0
MOVED_SHARE: Final = 0.003  # of the picture


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in one picture; ``page`` is the paper cut out, ``None`` where there is none to be seen."""

    faults: frozenset[PageFault]
    page: Picture | None = None
    corners: Points | None = None


def examine(picture: Picture) -> Examined:
    """Find the page in a picture of the glass, cut it out and judge it. The caller wipes both."""
    found = find_page(picture)
    if found is None:
        grey = _grey(reduced(picture, SEARCHED))
        dark = float(np.quantile(grey, LIGHTEST)) < NO_LIGHT
        return Examined(frozenset({PageFault.DARK if dark else PageFault.NO_PAGE}))
    page = straighten(picture, found.corners)
    faults = page_faults(page)
    if found.cut_off:  # a part says nothing about the paper's size, and so nothing about what is sharp on it
        faults = faults - {PageFault.BLURRED} | {PageFault.CUT_OFF}
    return Examined(faults, page, found.corners)


def page_faults(page: Picture) -> frozenset[PageFault]:
    """Return what is wrong with a straightened page. In the dark nothing else can be told."""
    paper = float(np.quantile(_grey(page)[::4, ::4], PAPER_PART))
    if paper < DARK:
        return frozenset({PageFault.DARK})
    faults: set[PageFault] = set()
    small = _longest(page, JUDGED)
    if glare_share(small) > GLARE_SHARE:
        faults.add(PageFault.GLARE)
    if ink_share(small) < INK_SHARE:
        faults.add(PageFault.BLANK)
    # A lamp's mirror image has soft edges of its own.
    elif not faults and blur_mm(page, paper) > BLUR_MM:
        faults.add(PageFault.BLURRED)
    return frozenset(faults)


def glare_share(page: Picture) -> float:
    """Return the share of the paper that is white with light; 0 where all paper is, which only is well lit.

    Then there is no paper but white paper; beside a lamp's mirror image there is.
    """
    lightest = page.min(axis=2)
    paper = _without_ink(lightest)
    grey = (paper > INK_LIGHTEST) & (paper < WHITE - WHITER)
    if float(np.median(lightest)) > WHITE - WHITER and float(grey.mean()) < GREY_SHARE:
        return 0.0
    white = (lightest >= WHITE).astype(np.uint8)
    spots = cv2.morphologyEx(white, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))  # specks of a decoder are no mirror
    return float(spots.mean())


def ink_share(page: Picture) -> float:
    """Return the share of the paper that is written on, its margin left out."""
    grey = cv2.GaussianBlur(_inner(_grey(page)), (0, 0), 1.0)
    shade = 1 - np.asarray(grey, np.float32) / np.maximum(_without_ink(np.asarray(grey, np.uint8)), 1)
    return float((shade > INK_SHADE).mean())


def _without_ink(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the paper as it would be without what is written on it."""
    window = round(GROUND_SHARE * max(grey.shape)) | 1
    return np.asarray(cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((window, window), np.uint8)), np.uint8)


def blur_mm(page: Picture, paper: float) -> float:
    """Return the blur's sigma on the paper, the sensor's own included: from how steep the edges of the writing are."""
    page = _longest(page, SHARP_LONGEST)
    scale = pixels_a_mm(page)
    grey = _inner(_grey(page))
    window = max(3, round(EDGE_MM * scale)) | 1
    around = np.ones((window, window), np.uint8)
    height = cv2.subtract(cv2.dilate(grey, around), cv2.erode(grey, around))
    across, down = cv2.Scharr(grey, cv2.CV_32F, 1, 0), cv2.Scharr(grey, cv2.CV_32F, 0, 1)
    # The operator's weights add up to 32; halves of a level are fine enough, and bytes are quick.
    slope = cv2.convertScaleAbs(cv2.magnitude(across, down), alpha=1 / 32 / _HALF)
    edges = (np.asarray(height) > EDGE_SHADE * paper) & (slope > STEEP * np.asarray(cv2.dilate(slope, around)))
    if int(edges.sum()) < EDGES_LEAST:
        return EDGE_MM  # something is written, and nothing of it has an edge
    steepness = np.asarray(slope, np.float32)[edges] / np.asarray(height, np.float32)[edges]
    steep = _HALF * float(np.quantile(steepness, EDGE_PART))
    return 1 / (_GAUSS * steep) / scale


def moved(before: Picture, after: Picture) -> bool:
    """Tell whether something moved between two pictures, both ``MOVED_LONGEST`` long; other light is no movement."""
    change = _soft(after) - _soft(before)
    change -= float(np.median(change))
    return float((np.abs(change) > MOVED_LEVELS).mean()) > MOVED_SHARE


def _soft(picture: Picture) -> Floats:
    return np.asarray(cv2.GaussianBlur(_grey(picture), (0, 0), 1.0), np.float32)


def _grey(picture: Picture) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def _longest(page: Picture, longest: int) -> Picture:
    scale = longest / max(page.shape[:2])
    if scale >= 1:
        return page
    return np.asarray(cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _inner(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    down, across = (max(1, round(MARGIN_SHARE * side)) for side in grey.shape[:2])
    return grey[down:-down, across:-across]
