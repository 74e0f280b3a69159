"""The recipe of the built-in engine: which pictures are good, and how the card and the live face become templates.

The limits in ``face_local.py`` were measured for exactly this: change one and the other is worth nothing. Runs in the
face process only; importable without its libraries.
"""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

from kiosk.identity.face import Look

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]  # height x width x 3, RGB
    Template = NDArray[np.float64]  # 128 numbers
    Box = tuple[int, int, int, int]  # top, right, bottom, left in pixels, as face_recognition gives them

CARD_JITTERS = 10
LIVE_JITTERS = 1
LIVE_FRAMES = 3  # the best of those handed over
PREPARED_LIMIT = 12  # two seconds of good pictures
CARD_ENLARGED = (3, 4, 2)  # tried in turn: at its own size one card picture in 160 shows no face to the detector
CARD_SMALL_WIDTH = 213  # enlarged below this; passport pictures are large enough
CARD_PIXELS_LIMIT = 4_000_000
SAME_PERSON = 0.50  # between two live pictures of one capture; those of one person lie below 0.2 (measured here)

DETECT_HEIGHT = 480  # larger pictures are scaled down: the smallest face found is then a sixth of the height
DARK_BELOW = 30.0  # mean brightness of the picture, or of the face, of 255
FAR_BELOW = 0.20  # height of the face's box, of the picture's height
NEAR_ABOVE = 0.66
CENTRE_X = (0.30, 0.70)  # where the middle of the box may be
CENTRE_Y = (0.22, 0.72)
SECOND_FACE = 0.5  # of the first one's width


def judge(boxes: list[Box], width: int, height: int, brightness: float) -> Look:
    """Tell what a picture lacks. ``brightness`` is the mean of the largest face, or of the picture without one."""
    if brightness < DARK_BELOW:
        return Look.TOO_DARK
    if not boxes:
        return Look.NO_FACE
    widths = sorted((right - left for _, right, _, left in boxes), reverse=True)
    if len(widths) > 1 and widths[1] >= SECOND_FACE * widths[0]:
        return Look.TWO_FACES
    top, right, bottom, left = max(boxes, key=area)
    share = (bottom - top) / height
    if share < FAR_BELOW:
        return Look.TOO_FAR
    if share > NEAR_ABOVE:
        return Look.TOO_NEAR
    centred = CENTRE_X[0] <= (left + right) / 2 / width <= CENTRE_X[1]
    centred &= CENTRE_Y[0] <= (top + bottom) / 2 / height <= CENTRE_Y[1]
    return Look.OK if centred else Look.OFF_CENTRE


def area(box: Box) -> int:
    """Return the size of a box in pixels."""
    top, right, bottom, left = box
    return (right - left) * (bottom - top)


class Matcher:
    """The recipe. Keeps the card's template and those of the last good pictures."""

    def __init__(self, library: Any) -> None:
        self._faces = library
        self._card: Template | None = None
        self._good: Picture | None = None  # judged good just now, its template not made yet
        self._made: dict[bytes, Template] = {}  # of good pictures, by their digest

    def use_card(self, content: bytes) -> bool:
        """Make the template of the card's picture, straight and mirrored, ten jitters each."""
        import numpy as np  # noqa: PLC0415 - this module must be importable without the libraries
        from PIL import Image  # noqa: PLC0415

        self._card = None
        with Image.open(io.BytesIO(content)) as picture:
            if picture.width * picture.height > CARD_PIXELS_LIMIT:
                return False
            flat = picture.convert("RGB")
        for factor in CARD_ENLARGED if flat.width < CARD_SMALL_WIDTH else (1,):
            large = np.asarray(flat.resize((flat.width * factor, flat.height * factor), Image.Resampling.BICUBIC))
            if boxes := self._faces.face_locations(large, 0, model="hog"):
                self._card = self._template(large, max(boxes, key=area), CARD_JITTERS)
                return True
        return False

    def look(self, picture: Picture) -> Look:
        """Judge one picture."""
        import cv2  # noqa: PLC0415
        import numpy as np  # noqa: PLC0415

        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        scale = DETECT_HEIGHT / grey.shape[0]
        if scale < 1:
            grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        boxes: list[Box] = self._faces.face_locations(grey, 0, model="hog")
        top, right, bottom, left = max(boxes, key=area, default=(0, grey.shape[1], grey.shape[0], 0))
        look = judge(boxes, grey.shape[1], grey.shape[0], float(grey[top:bottom, left:right].mean()))
        self._good = picture if look is Look.OK else None
        if look is not Look.OK:
            self._made.clear()  # whoever comes next begins from nothing
        return look

    def prepare(self) -> None:
        """Make the template of the picture judged good just now: what is made while nobody waits is not waited for."""
        picture, self._good = self._good, None
        if picture is not None and (found := self._usable(picture)) is not None:
            self._made_template(picture, found[1])

    def compare(self, pictures: list[Picture]) -> tuple[int, float]:
        """Return how many pictures were used and their distance to the card; infinite when they are not one person."""
        import numpy as np  # noqa: PLC0415

        if self._card is None:
            raise ValueError("no card")
        best = sorted(filter(None, map(self._usable, pictures)), key=lambda found: found[0], reverse=True)
        templates = [self._made_template(picture, box) for _, box, picture in best[:LIVE_FRAMES]]
        apart = [float(np.linalg.norm(a - b)) for at, a in enumerate(templates) for b in templates[:at]]
        if not templates or max(apart, default=0.0) > SAME_PERSON:
            return 0, float("inf")
        return len(templates), float(np.linalg.norm(np.mean(templates, axis=0) - self._card))

    def _usable(self, picture: Picture) -> tuple[float, Box, Picture] | None:
        """Find the one face in a picture and tell how sharp it is; ``None`` with none, or with a second one near."""
        import cv2  # noqa: PLC0415

        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        boxes: list[Box] = self._faces.face_locations(grey, 0, model="hog")
        widths = sorted((right - left for _, right, _, left in boxes), reverse=True)
        if not boxes or (len(boxes) > 1 and widths[1] >= SECOND_FACE * widths[0]):
            return None
        box = top, right, bottom, left = max(boxes, key=area)
        return float(cv2.Laplacian(grey[top:bottom, left:right], cv2.CV_64F).var()), box, picture

    def _made_template(self, picture: Picture, box: Box) -> Template:
        """Return the template of a live picture; a picture that was prepared costs nothing."""
        digest = hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
        if digest not in self._made:
            while len(self._made) >= PREPARED_LIMIT:
                del self._made[next(iter(self._made))]
            self._made[digest] = self._template(picture, box, LIVE_JITTERS)
        return self._made[digest]

    def _template(self, picture: Picture, box: Box, jitters: int) -> Template:
        """Average the template of a face and of its mirror image."""
        import numpy as np  # noqa: PLC0415

        top, right, bottom, left = box
        width = picture.shape[1]
        mirrored = np.ascontiguousarray(picture[:, ::-1])
        sides = ((picture, box), (mirrored, (top, width - left, bottom, width - right)))
        both = [self._faces.face_encodings(side, [where], jitters, model="small")[0] for side, where in sides]
        return np.asarray(np.mean(both, axis=0), dtype=np.float64)
