"""Pictures of papers on a document camera's glass, painted at run time: what lies there, how, and in what light.

Nothing on them is real: the words are drawn by lot. Lengths are millimetres on the paper.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]  # height x width x 3, BGR
Point = tuple[float, float]

FONT: Final = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
FACE_SC: Final = 2  # of the collection
PX_A_MM: Final = 8.0  # of the painted paper
SENSOR: Final = (1600, 1200)  # pixels
VIEW_MM: Final = 400.0  # what the sensor's width sees: a sheet of A4 lying across, and some ground
PAPER: Final = (224, 227, 226)  # as automatic exposure leaves white paper
_WORDS: Final = "申请人姓名住址户籍登记社会保险参保证明出具机关日期编号有效材料附件说明本人承诺所填内容真实完整特此"


class Kind(enum.Enum):
    """What lies there: its size in mm, across and down."""

    A4 = (210.0, 297.0)
    ID1 = (85.6, 53.98)  # ISO/IEC 7810: a bank or identity card
    SPREAD = (250.0, 176.0)  # a booklet of B6 lying open


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture of the glass. The defaults are a good sheet on a dark mat."""

    kind: Kind | None = Kind.A4  # None: the glass is empty
    seed: int = 1
    turn_deg: float = 90.0  # a sheet lies across
    centre: Point = (0.5, 0.5)  # of the view
    tilt: float = 0.0  # perspective: the far side is shorter by this share
    ground: tuple[int, int, int] = (48, 45, 44)
    blank: bool = False
    litter: bool = False  # a pen, a ring, a cable
    blur_mm: float = 0.0  # sigma
    glare_mm: float = 0.0  # radius of the spot
    shade: float = 0.0  # light that is missing at one side, of 1
    light: float = 1.0
    noise: float = 1.5  # sigma, levels
    quality: int = 90  # JPEG


def picture(scene: Scene, size: tuple[int, int] = SENSOR) -> Picture:
    """Paint what the sensor sees, ``size`` across and down."""
    dice = np.random.default_rng(scene.seed)
    seen = _on_the_glass(scene, size)
    scale = size[0] / VIEW_MM
    if scene.litter:
        _litter(seen, dice, scale)
    if scene.blur_mm:
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), scene.blur_mm * scale), np.uint8)
    light = np.linspace(1.0, 1.0 - scene.shade, size[0], dtype=np.float32)[None, :, None] * scene.light
    lit = seen.astype(np.float32) * light
    if scene.glare_mm:
        lit += _glare(scene, size, scale)
    lit += dice.normal(0, scene.noise, lit.shape[:2]).astype(np.float32)[..., None]
    return np.clip(lit, 0, 255).astype(np.uint8)


def jpeg(scene: Scene, size: tuple[int, int] = SENSOR) -> bytes:
    """Return the picture as the sensor sends it."""
    done, data = cv2.imencode(".jpg", picture(scene, size), [cv2.IMWRITE_JPEG_QUALITY, scene.quality])
    if not done:
        raise ValueError("the picture could not be packed as JPEG")
    return data.tobytes()


def corners(scene: Scene, size: tuple[int, int] = SENSOR) -> list[Point]:
    """Return where the paper's corners are in the picture, clockwise from the paper's own top left."""
    if scene.kind is None:
        return []
    across, down = scene.kind.value
    scale = size[0] / VIEW_MM
    turn = np.deg2rad(scene.turn_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    flat = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * np.array([across, down]) / 2 * scale
    placed = flat @ rotation.T
    # What is farther up in the picture is farther away: it is drawn together towards the middle.
    height = size[1] / 2
    shrink = 1 - scene.tilt * (height - placed[:, 1]) / (2 * height)
    placed = placed * shrink[:, None] + np.array([scene.centre[0] * size[0], scene.centre[1] * size[1]])
    return [(float(x), float(y)) for x, y in placed]


def _on_the_glass(scene: Scene, size: tuple[int, int]) -> Picture:
    seen = np.empty((size[1], size[0], 3), np.uint8)
    seen[:] = scene.ground
    if scene.kind is None:
        return seen
    paper = _paper(scene.kind, scene.seed, blank=scene.blank)
    height, width = paper.shape[:2]
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, np.array(corners(scene, size), np.float32))
    ratio = size[0] / VIEW_MM / PX_A_MM
    if ratio < 1:  # a lens averages; the warp below only picks
        paper = np.asarray(cv2.GaussianBlur(paper, (0, 0), max(0.3, 0.45 / ratio)), np.uint8)
    cv2.warpPerspective(paper, matrix, size, seen, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
    return seen


def _litter(seen: Picture, dice: np.random.Generator, scale: float) -> None:
    """Leave things on the glass that are no paper."""

    def spot() -> tuple[int, int]:
        return int(dice.integers(seen.shape[1])), int(dice.integers(seen.shape[0]))

    def colour() -> tuple[int, int, int]:
        return int(dice.integers(256)), int(dice.integers(256)), int(dice.integers(256))

    x, y = spot()
    cv2.line(seen, (x, y), (x + round(130 * scale), y + round(60 * scale)), colour(), round(9 * scale))
    cv2.circle(seen, spot(), round(22 * scale), colour(), round(4 * scale))
    cable = np.array([spot() for _ in range(4)], np.int32)
    cv2.polylines(seen, [cable], isClosed=False, color=colour(), thickness=round(5 * scale))


def _glare(scene: Scene, size: tuple[int, int], scale: float) -> NDArray[np.float32]:
    """Return the light of a lamp's mirror image: white in the middle, gone at the edge of the spot."""
    spot = corners(scene, size)
    x, y = (spot[0][0] * 2 + spot[2][0] * 3) / 5, (spot[0][1] * 2 + spot[2][1] * 3) / 5
    across, down = np.arange(size[0], dtype=np.float32)[None, :] - x, np.arange(size[1], dtype=np.float32)[:, None] - y
    away = np.sqrt(across**2 + down**2) / (scene.glare_mm * scale)
    return (400 * np.clip(1.25 - away, 0, 1)).astype(np.float32)[..., None]


@functools.lru_cache(maxsize=8)
def _paper(kind: Kind, seed: int, *, blank: bool) -> Picture:
    """Paint the paper itself, straight, ``PX_A_MM`` pixels a millimetre."""
    across, down = (round(side * PX_A_MM) for side in kind.value)
    sheet = Image.new("RGB", (across, down), PAPER[::-1])
    if not blank:
        _Pen(sheet, np.random.default_rng(seed)).fill(kind)
    return np.ascontiguousarray(np.asarray(sheet)[..., ::-1])


class _Pen:
    """Writes and draws on one paper."""

    def __init__(self, sheet: Image.Image, dice: np.random.Generator) -> None:
        self._sheet = sheet
        self._pen = ImageDraw.Draw(sheet)
        self._dice = dice

    def fill(self, kind: Kind) -> None:
        """Write what belongs on such a paper."""
        across, down = kind.value
        if kind is Kind.A4:
            self._line(60, 22, 8.0, 9)
            self._lines((22, 45, across - 20, float(self._dice.uniform(90, down - 40))), 4.2)
            self._stamp(across - 60, down - 50, 20)
        elif kind is Kind.ID1:
            self._tint((205, 222, 236))
            self._box(across - 30, 8, across - 6, 38, (120, 140, 165))
            self._lines((6, 8, across - 34, down - 10), 3.0)
        else:
            self._lines((12, 14, across / 2 - 10, down - 20), 3.8)
            self._lines((across / 2 + 10, 14, across - 12, down - 60), 3.8)
            self._box(across / 2 - 0.4, 0, across / 2 + 0.4, down, (190, 190, 190))
            self._stamp(across - 50, down - 40, 18)

    def _lines(self, box: tuple[float, float, float, float], letter_mm: float) -> None:
        left, top, right, bottom = box
        while top + letter_mm < bottom:
            room = int((right - left) / letter_mm)
            self._line(left, top, letter_mm, int(self._dice.integers(max(1, room // 2), room + 1)))
            top += 1.7 * letter_mm

    def _line(self, left: float, top: float, letter_mm: float, letters: int) -> None:
        words = "".join(self._dice.choice(list(_WORDS), letters))
        place = (left * PX_A_MM, top * PX_A_MM)
        self._pen.text(place, words, font=_font(round(letter_mm * PX_A_MM)), fill=(28, 26, 30))

    def _stamp(self, x: float, y: float, radius: float) -> None:
        box = [(x - radius) * PX_A_MM, (y - radius) * PX_A_MM, (x + radius) * PX_A_MM, (y + radius) * PX_A_MM]
        self._pen.ellipse(box, outline=(200, 40, 45), width=round(PX_A_MM))

    def _box(self, left: float, top: float, right: float, bottom: float, colour: tuple[int, int, int]) -> None:
        self._pen.rectangle([side * PX_A_MM for side in (left, top, right, bottom)], fill=colour)

    def _tint(self, colour: tuple[int, int, int]) -> None:
        self._pen.rectangle([0, 0, *self._sheet.size], fill=colour)


@functools.lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size, index=FACE_SC)
