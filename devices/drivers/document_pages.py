"""Finds the paper in a picture of a document camera's glass, and cuts it out straight. Pure functions on arrays.

The ground (a mat, dark or light, of one colour) is what most of the picture's rim shows; the paper is what differs
from it. The rim's light may change across the picture, so its lightness is taken as a plane. Tuned on the pictures of
``benchmarks/devices/pages.py``, which prints what is found and missed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # height x width x 3, BGR
Points = NDArray[np.float64]  # n x 2, x and y
Floats = NDArray[np.float32]

SEARCHED: Final = 480  # longer side of the picture the paper is looked for in: 1.5 mm a pixel on a view of 0.7 m
LIT: Final = 160.0  # levels: the lightest part of a picture is brought up to this
GAIN: Final = 6.0  # at most: more would only show noise
RIM_SHARE: Final = 0.03  # of a side: where the ground is looked for
RIM_NEAR: Final = 12.0  # lightness levels from the commonest: still the same ground
LIGHTNESS_WEIGHT: Final = 0.7  # shadows change lightness and leave the colour
DIFFERS: Final = 7.0  # least distance in Lab from the ground; white paper on a white mat has 9, noise below 4
DIFFERS_MOST: Final = 12.0  # ... and all that is asked for, however light something else there is: a lamp's image
SMALLEST: Final = 0.012  # of the picture: an ID-1 card on a view of A3 has 0.035, half of one half of it
THINNEST: Final = 0.05  # of the picture's longer side: a pen and a cable are thinner
FILLED: Final = 0.90  # of its quadrangle a paper covers: a hand, a cable, crumpled paper cover less
SIDE_PART: Final = 0.84  # of a side, its middle: corners may be round
SIDE_NEAR: Final = 0.03  # of its length: what is farther from the rough side is a finger or another paper
SIDE_POINTS: Final = 10  # of the outline; fewer say nothing
CORNER: Final = 0.2  # sine of the angle between two sides: flatter is no corner
RIM_TOUCH: Final = 0.03  # of the rim's length: the paper goes on outside the picture
DETAIL_CELLS: Final = 10  # of 16 parts of a picture without ground: writing everywhere is a paper too near
DETAIL_SHARE: Final = 0.02  # of a part's pixels: edges
ASPECTS: Final = (2**0.5, 85.60 / 53.98)  # ISO 216 sheets and booklets of them (also ISO/IEC 7810 ID-3); ID-1 cards
ASPECT_NEAR: Final = 0.06  # paper that is this near to one of them has it
LONGEST_MM: Final = (297.0, 85.6)  # taken for the longer side of each; other papers count as A4
LARGEST: Final = 3508  # pixels of the longer side of what is cut out: A4 at 300 a inch (ISO 216, 25.4 mm)


@dataclass(frozen=True, slots=True)
class Found:
    """Where the paper is: corners clockwise from the picture's top left one, in pixels of the whole picture."""

    corners: Points
    cut_off: bool


def reduced(picture: Picture, longest: int) -> Picture:
    """Return the picture no longer than ``longest`` on its longer side."""
    scale = longest / max(picture.shape[:2])
    if scale >= 1:
        return picture
    # In two steps where much is thrown away: every second pixel is enough for the first, and much cheaper.
    step = max(1, int(0.5 / scale))
    return np.asarray(
        cv2.resize(picture[::step, ::step], None, fx=scale * step, fy=scale * step, interpolation=cv2.INTER_AREA),
        np.uint8,
    )


def find_page(picture: Picture) -> Found | None:
    """Return where the paper lies; ``None``: there is none, or nothing with four sides."""
    small = reduced(picture, SEARCHED)
    scale = picture.shape[1] / small.shape[1]
    mask = _foreground(_lightened(small))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    best = max(outlines, key=cv2.contourArea, default=None)
    if best is not None and cv2.contourArea(best) >= SMALLEST * mask.size:
        quad, cut_off = _quadrangle(best), _touches_rim(mask)
        # What is seen of a paper that lies half outside has up to six corners.
        shape = cv2.convexHull(best) if cut_off else quad.astype(np.float32)
        thick = min(cv2.minAreaRect(best)[1]) >= THINNEST * SEARCHED
        if thick and cv2.contourArea(best) >= FILLED * cv2.contourArea(shape):
            return Found(_clockwise(quad * scale), cut_off)
    return Found(_frame(picture), cut_off=True) if _written_everywhere(small) else None


def straighten(picture: Picture, corners: Points) -> Picture:
    """Cut the paper out, with its own aspect ratio, at the resolution it was taken with."""
    ratio = _aspect(corners)
    longest = min(LARGEST, max(_sides(corners)))
    size = (longest, longest / ratio) if ratio >= 1 else (longest * ratio, longest)
    width, height = (max(1, round(side)) for side in size)
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    return np.asarray(cv2.warpPerspective(picture, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)


def pixels_a_mm(page: Picture) -> float:
    """Return the resolution of a straightened paper, by what its shape says it is."""
    longest, shortest = max(page.shape[:2]), min(page.shape[:2])
    ratio = longest / shortest
    card = abs(ratio / ASPECTS[1] - 1) < abs(ratio / ASPECTS[0] - 1)
    return longest / LONGEST_MM[card]


def _lightened(small: Picture) -> Floats:
    """Return the picture in Lab, in the dark as light as it would be in the day: paper differs there as well."""
    soft = cv2.GaussianBlur(small, (0, 0), 1.0)
    gain = min(GAIN, max(1.0, LIT / max(1.0, float(np.quantile(np.asarray(soft), 0.99)))))
    return np.asarray(cv2.cvtColor(cv2.convertScaleAbs(soft, alpha=gain), cv2.COLOR_BGR2LAB), np.float32)


def _foreground(lab: Floats) -> Picture:
    """Return a mask, 255 where something lies on the ground."""
    height, width = lab.shape[:2]
    rim = max(2, round(RIM_SHARE * min(height, width)))
    inside = np.ones((height, width), bool)
    inside[rim:-rim, rim:-rim] = False
    rows, columns = np.nonzero(inside)
    samples = lab[rows, columns]
    common = float(np.argmax(np.bincount(samples[:, 0].astype(np.int64) // 8, minlength=32)) * 8 + 4)
    near = np.abs(samples[:, 0] - common) < 2 * RIM_NEAR
    plane = np.zeros(3)
    for _ in range(3):  # what is not ground leaves step by step
        spots = np.column_stack([columns[near] / width, rows[near] / height, np.ones(int(near.sum()))])
        plane = np.linalg.lstsq(spots, samples[near, 0], rcond=None)[0]
        expected = columns / width * plane[0] + rows / height * plane[1] + plane[2]
        near = np.abs(samples[:, 0] - expected) < RIM_NEAR
        if not near.any():
            break
    colour = np.median(samples[near] if near.any() else samples, axis=0)
    ys, xs = np.arange(height)[:, None] / height, np.arange(width)[None, :] / width
    lightness = LIGHTNESS_WEIGHT * (lab[..., 0] - (xs * plane[0] + ys * plane[1] + plane[2]))
    away = np.sqrt(lightness**2 + (lab[..., 1] - colour[1]) ** 2 + (lab[..., 2] - colour[2]) ** 2)
    levels = np.clip(away * 3, 0, 255).astype(np.uint8)
    parted, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    mask = np.where(levels > max(DIFFERS * 3, min(parted * 0.6, DIFFERS_MOST * 3)), 255, 0).astype(np.uint8)
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)), np.uint8)
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)), np.uint8)


def _quadrangle(outline: NDArray[Any]) -> Points:
    """Return the four corners that fit an outline best: its hull with fewer and fewer points, then lines along it."""
    hull = cv2.convexHull(outline)
    length = cv2.arcLength(hull, closed=True)
    rough: Points | None = None
    for share in np.arange(0.01, 0.12, 0.005):
        points = cv2.approxPolyDP(hull, float(share) * length, closed=True)
        if len(points) == 4:  # noqa: PLR2004 - corners
            rough = np.asarray(points.reshape(4, 2), np.float64)
            break
    if rough is None:
        rough = np.asarray(cv2.boxPoints(cv2.minAreaRect(hull)), np.float64)
    return _refined(_clockwise(rough), np.asarray(outline.reshape(-1, 2), np.float64))


def _refined(corners: Points, outline: Points) -> Points:
    """Lay a line along each side through the outline's own points, and cut the lines with each other."""
    lines = []
    for at in range(4):
        begin, end = corners[at], corners[(at + 1) % 4]
        along = end - begin
        length = float(np.hypot(*along)) or 1.0
        along /= length
        offset = outline - begin
        share = (offset @ along) / length
        away = np.abs(offset @ np.array([-along[1], along[0]]))
        mine = outline[(np.abs(share - 0.5) < SIDE_PART / 2) & (away < SIDE_NEAR * length + 2)]
        if len(mine) < SIDE_POINTS:
            return corners
        vx, vy, x, y = cv2.fitLine(mine.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel()
        lines.append((np.array([x, y]), np.array([vx, vy])))
    refined = []
    for at in range(4):
        (p, u), (q, v) = lines[at - 1], lines[at]
        cross = u[0] * v[1] - u[1] * v[0]
        if abs(cross) < CORNER:
            return corners
        refined.append(p + u * ((q - p)[0] * v[1] - (q - p)[1] * v[0]) / cross)
    return np.array(refined)


def _touches_rim(mask: Picture) -> bool:
    """Tell whether the paper goes on outside."""
    rim = (mask[1], mask[-2], mask[:, 1], mask[:, -2])
    return any(np.count_nonzero(line) > RIM_TOUCH * line.size for line in rim)


def _written_everywhere(small: Picture) -> bool:
    """Tell whether a picture without any ground shows a paper from too near."""
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    edges = cv2.Canny(cv2.GaussianBlur(grey, (0, 0), 1.0), 40, 100) > 0
    parts = [part for row in np.array_split(edges, 4, axis=0) for part in np.array_split(row, 4, axis=1)]
    return sum(float(part.mean()) > DETAIL_SHARE for part in parts) >= DETAIL_CELLS


def _frame(picture: Picture) -> Points:
    height, width = picture.shape[:2]
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)


def _clockwise(corners: Points) -> Points:
    """Begin at the corner nearest to the picture's top left and go clockwise (the y axis points down)."""
    middle = corners.mean(axis=0)
    ordered = corners[np.argsort(np.arctan2(corners[:, 1] - middle[1], corners[:, 0] - middle[0]))]
    return np.roll(ordered, -int(np.argmin(ordered.sum(axis=1))), axis=0)


def _sides(corners: Points) -> tuple[float, float, float, float]:
    """Return the lengths of top, right, bottom and left; none is nothing."""
    top, right, bottom, left = np.maximum(1.0, np.hypot(*(np.roll(corners, -1, axis=0) - corners).T))
    return float(top), float(right), float(bottom), float(left)


def _aspect(corners: Points) -> float:
    """Return width to height of the paper itself: as its sides look, or one of the known shapes when near.

    A camera straight above sees the shape as it is. Seen aslant, the mean of opposite sides is off by less than the
    known shapes are apart, for a tilt that a document camera can have.
    """
    top, right, bottom, left = _sides(corners)
    ratio = (top + bottom) / (left + right)
    upright = ratio < 1
    seen = 1 / ratio if upright else ratio
    known = min(ASPECTS, key=lambda aspect: abs(aspect / seen - 1))
    if abs(known / seen - 1) < ASPECT_NEAR:
        seen = known
    return 1 / seen if upright else seen
