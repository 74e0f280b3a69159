"""Pictures of the demo's people: a card photograph of 1,024 bytes and a short loop of camera pictures for each.

The portraits are official ones in the public domain, fetched by ``packaging/fetch_faces.py`` and never shipped. People
are cut out along a drawn outline, so that the room stands still while they move. ``face_a`` has two photographs: the
card shows another one than the camera. ``face_b`` and ``face_c`` have one each: their card matches more easily than a
real one would.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from devices.sim import face_outlines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Picture = NDArray[np.uint8]  # height x width x 3, BGR as OpenCV wants it
Mask = NDArray[np.float32]  # height x width x 1, 1.0 where the person is

WIDTH, HEIGHT = 640, 480
CARD_WIDTH, CARD_HEIGHT = 102, 126  # the picture on a resident identity card
CARD_BYTES = 1024  # its place in the card's photo block
LOOP_FRAMES = 80  # four seconds at 20 pictures a second
NOBODY = "nobody"

CARD_FACE_DOWN = 0.47  # centre of the face, of the card's height
# Clothes and hair are softened before packing, so that the few bytes go to the face: distance to the camera's pictures
# of face_a 0.33 instead of 0.37 (kiosk/identity/face_local.py says "match" below 0.41).
CARD_SOFT = 1.5
HALF = 127  # of a mask's 255
LIVE_CENTRE = (320.0, 228.0)  # of the face's box


class FacesMissing(FileNotFoundError):
    """The portraits are not there: run ``make setup`` (or ``python packaging/fetch_faces.py``)."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """One photograph. The box is what a frontal face detector draws: a square, in pixels of the file."""

    file: str
    left: int
    top: int
    size: int
    outline: face_outlines.Outline
    gamma: float = 1.0  # below 1 lightens: some were taken against the light


@dataclass(frozen=True, slots=True)
class _Person:
    live: Portrait
    card: Portrait
    live_px: float  # size of the face's box in the camera's picture
    card_px: float  # and on the card, which shows the whole head and the collar


_PEOPLE = {
    "face_a": _Person(
        Portrait("obama.jpg", 366, 136, 259, face_outlines.A_LIVE),
        Portrait("obama3.jpg", 646, 302, 310, face_outlines.A_CARD, 0.68),
        165,
        60,
    ),
    "face_b": _Person(
        Portrait("biden.jpg", 439, 233, 310, face_outlines.B, 0.85),
        Portrait("biden.jpg", 439, 233, 310, face_outlines.B, 0.75),
        165,
        58,
    ),
    "face_c": _Person(
        Portrait("astronaut.png", 179, 83, 88, face_outlines.C),
        Portrait("astronaut.png", 179, 83, 88, face_outlines.C),
        140,
        54,
    ),
}
FACE_KEYS = (*_PEOPLE, NOBODY)


@dataclass(frozen=True, slots=True)
class _CutOut:
    """A person without the background; ``centre`` is the middle of the face's box in it, ``size`` the box's height."""

    picture: Picture
    mask: Mask
    centre: tuple[float, float]
    size: float


class Faces:
    """The pictures made from the portraits in one folder. Slow (half a second) at the first use of each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def available(self) -> bool:
        """Tell whether every portrait is there."""
        return all((self._folder / p.file).is_file() for who in _PEOPLE.values() for p in (who.live, who.card))

    def card_photo(self, face: str) -> bytes:
        """Return the picture on the card as WebP: 102 x 126, at most 1,024 bytes; trailing bytes may be added.

        Raises ``KeyError`` for a face without a card, ``FacesMissing``.
        """
        person = _PEOPLE[face]
        cut = _cut_out(self._read(person.card), person.card, 4 * person.card_px, reach=(0.7, 1.3, 0.7, 0.8))
        return _pack(_card_picture(cut, person.card.gamma))

    def clip(self, face: str, frames: int = LOOP_FRAMES) -> Iterator[Picture]:
        """Yield one loop of camera pictures, 640 x 480 BGR, whose end meets its beginning.

        ``nobody`` is the empty room. Raises ``KeyError`` for an unknown face, ``FacesMissing``.
        """
        cut = None
        if face != NOBODY:
            person = _PEOPLE[face]
            cut = _cut_out(self._read(person.live), person.live, person.live_px, reach=(2.0, 1.2, 2.2, 1.6))
            cut = _CutOut(_lighten(cut.picture, person.live.gamma), cut.mask, cut.centre, cut.size)
        dice = np.random.default_rng(7)
        grain = dice.normal(0.0, 1.6, (2 * HEIGHT, 2 * WIDTH, 1)).astype(np.float32)
        for index in range(frames):
            picture = _room().astype(np.float32)
            if cut is not None:
                picture = _put(picture, cut, _motion(index / frames))
            down, right = dice.integers(0, HEIGHT), dice.integers(0, WIDTH)  # as with any sensor, no two are equal
            picture += grain[down : down + HEIGHT, right : right + WIDTH]
            yield np.clip(picture, 0, 255).astype(np.uint8)

    def _read(self, portrait: Portrait) -> Picture:
        path = self._folder / portrait.file
        try:
            with Image.open(path) as picture:  # not OpenCV: it complains about the colour profile of one of them
                rgb = np.asarray(picture.convert("RGB"))
        except FileNotFoundError as error:
            raise FacesMissing(f"{portrait.file} is not there: run make setup") from error
        return np.ascontiguousarray(rgb[..., ::-1])


def _cut_out(picture: Picture, portrait: Portrait, size: float, reach: tuple[float, float, float, float]) -> _CutOut:
    """Scale the face's box to ``size``, keep ``reach`` times that around it (left, up, right, down), find the mask."""
    box = portrait.size
    left, top = max(0, int(portrait.left - reach[0] * box)), max(0, int(portrait.top - reach[1] * box))
    right, bottom = int(portrait.left + (1 + reach[2]) * box), int(portrait.top + (1 + reach[3]) * box)
    part = picture[top:bottom, left:right]
    scale = size / box
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    part = np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=method), dtype=np.uint8)
    corner = ((portrait.left - left) * scale, (portrait.top - top) * scale)
    points = np.array([(corner[0] + x * size / 100, corner[1] + y * size / 100) for x, y in portrait.outline])
    points[[0, -1], 1] += size  # down to the picture's edge
    mask = _refine(part, points, round(size * 0.05))
    return _CutOut(part, mask, (corner[0] + size / 2, corner[1] + size / 2), size)


def _refine(picture: Picture, points: NDArray[np.float64], band: int) -> Mask:
    """Follow hair and cloth within ``band`` pixels of the drawn outline, then soften the edge."""
    drawn = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(drawn, [np.round(points * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    labels = np.full(drawn.shape, cv2.GC_BGD, np.uint8)
    labels[cv2.dilate(drawn, kernel) > HALF] = cv2.GC_PR_BGD
    labels[drawn > HALF] = cv2.GC_PR_FGD
    labels[cv2.erode(drawn, kernel) > HALF] = cv2.GC_FGD
    cv2.setRNGSeed(1)  # the same picture every time
    models: Any = [np.zeros((1, 65)), np.zeros((1, 65))]
    cv2.grabCut(picture, labels, (0, 0, 1, 1), models[0], models[1], 3, cv2.GC_INIT_WITH_MASK)
    person = np.where((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)
    square = np.ones((3, 3), np.uint8)
    person = np.asarray(cv2.erode(cv2.morphologyEx(person, cv2.MORPH_OPEN, square), square), dtype=np.uint8)
    soft = cv2.GaussianBlur(person.astype(np.float32) / 255, (0, 0), 1.3)
    return soft.astype(np.float32)[..., None]


def _lighten(picture: Picture, gamma: float) -> Picture:
    return np.clip(255 * (picture / 255.0) ** gamma, 0, 255).astype(np.uint8)


def _card_picture(cut: _CutOut, gamma: float) -> Picture:
    """Head and collar before white, as on a card."""
    white = _lighten((cut.picture * cut.mask + 255 * (1 - cut.mask)).astype(np.uint8), gamma)
    # Cut out four times too large: INTER_AREA then averages properly.
    face, shift = cut.size / 4, (2 * CARD_WIDTH - cut.centre[0], 4 * CARD_HEIGHT * CARD_FACE_DOWN - cut.centre[1])
    turn = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    large = cv2.warpAffine(white, turn, (4 * CARD_WIDTH, 4 * CARD_HEIGHT), borderValue=(255, 255, 255))
    small = cv2.resize(large, (CARD_WIDTH, CARD_HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)
    spot = np.zeros((CARD_HEIGHT, CARD_WIDTH), np.float32)
    axes = (round(face * 0.47), round(face * 0.62))
    cv2.ellipse(spot, (CARD_WIDTH // 2, int(CARD_HEIGHT * CARD_FACE_DOWN)), axes, 0, 0, 360, (1.0,), -1)
    sharp = cv2.GaussianBlur(spot, (0, 0), 4)[..., None]
    soft = cv2.GaussianBlur(small, (0, 0), CARD_SOFT)
    return np.clip(small * sharp + soft * (1 - sharp), 0, 255).astype(np.uint8)


def _pack(picture: Picture) -> bytes:
    """Return the best WebP that fits the card."""
    image = Image.fromarray(np.ascontiguousarray(picture[..., ::-1]))
    for quality in range(95, -1, -1):
        out = io.BytesIO()
        image.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= CARD_BYTES:
            return out.getvalue()
    raise ValueError(f"no quality brings the picture down to {CARD_BYTES} bytes")


@lru_cache(maxsize=1)
def _room() -> Picture:
    """Paint a plain room out of focus: a lit wall, a door frame, a skirting."""
    across = np.linspace(1.0, 0.0, WIDTH, dtype=np.float32)[None, :, None]
    down = np.linspace(0.0, 1.0, HEIGHT, dtype=np.float32)[:, None, None]
    wall: NDArray[np.float32] = np.array([186, 196, 200], np.float32) + 26 * across - 22 * down
    wall[:, 505:600] -= np.array([26, 20, 16], np.float32)
    for edge in (500, 598):
        wall[:, edge : edge + 7] += 12
    wall[402:, :505] -= 12
    wall[398:403, :505] += 10
    return np.clip(cv2.GaussianBlur(wall, (0, 0), 7), 0, 255).astype(np.uint8)


def _motion(phase: float) -> tuple[float, float, float, float]:
    """Return shift right and down (pixels), scale and turn (degrees) of somebody standing still as people do."""
    turn = 2 * math.pi * phase
    right = 7 * math.sin(turn) + 3 * math.sin(3 * turn + 1)
    down = 3 * math.sin(2 * turn + 0.5) + 1.2 * math.sin(5 * turn)
    return right, down, 1 + 0.018 * math.sin(turn + 2), 1.3 * math.sin(2 * turn + 1.2)


def _put(room: NDArray[np.float32], cut: _CutOut, motion: tuple[float, float, float, float]) -> NDArray[np.float32]:
    """Place the person before the room."""
    right, down, scale, degrees = motion
    turn = np.asarray(cv2.getRotationMatrix2D(cut.centre, degrees, scale), dtype=np.float64)
    turn[:, 2] += (LIVE_CENTRE[0] + right - cut.centre[0], LIVE_CENTRE[1] + down - cut.centre[1])
    person = cv2.warpAffine(cut.picture, turn, (WIDTH, HEIGHT)).astype(np.float32)
    mask = cv2.warpAffine(cut.mask, turn, (WIDTH, HEIGHT))[..., None]
    return (person * mask + room * (1 - mask)).astype(np.float32)
