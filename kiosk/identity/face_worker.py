"""The process that sees one visitor's face: ``python -m kiosk.identity.face_worker FD PARENT_PID``.

It talks over one socket and nothing else: it writes no file, logs no data, and ends when the socket closes or its
parent dies. A request is a head and a payload. Replies have a fixed size: a parent that stopped waiting can skip them.

    request   little-endian  u32 number, u8 operation, u32 length, payload
    reply     little-endian  u32 number, u8 status, u8 value, f64 score
"""

from __future__ import annotations

import ctypes
import enum
import importlib.util
import io
import os
import resource
import signal
import socket
import struct
import sys
import warnings
from typing import TYPE_CHECKING, Any

from kiosk.identity.face import Look

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]  # height x width x 3, RGB
    Template = NDArray[np.float64]  # 128 numbers
    Box = tuple[int, int, int, int]  # top, right, bottom, left in pixels, as face_recognition gives them

REQUEST = struct.Struct("<IBI")
REPLY = struct.Struct("<IBBd")
FRAME_HEAD = struct.Struct("<HH")  # width, height; RGB rows without padding follow
PAYLOAD_LIMIT = 64_000_000  # seven pictures of 1920 x 1080: more is a broken head

NICENESS = 5  # the screen comes first
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
PR_SET_DUMPABLE = 4

# The recipe the limits in face_local.py were measured for: change one and the other is worth nothing.
CARD_JITTERS = 10
LIVE_JITTERS = 1
LIVE_FRAMES = 3  # the best of those handed over
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


class Operation(enum.IntEnum):
    """What the parent asks for."""

    CARD = 1  # payload: an encoded picture; value: 1 usable, 0 not
    LOOK = 2  # payload: one frame; value: index in LOOKS
    COMPARE = 3  # payload: frames; value: how many were used; score: distance, infinite with none


class Status(enum.IntEnum):
    """How it went. The first reply, number 0, is sent unasked when the models are loaded."""

    DONE = 0
    REFUSED = 1  # the payload makes no sense, or there is no card to compare with
    NO_LIBRARY = 2  # only as the first reply
    NO_MODELS = 3  # only as the first reply


LOOKS = tuple(Look)
MODELS = ("shape_predictor_5_face_landmarks.dat", "dlib_face_recognition_resnet_model_v1.dat")


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
    """The recipe. Holds the card's template; forgets each live picture at once."""

    def __init__(self, library: Any) -> None:
        self._faces = library
        self._card: Template | None = None

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
        return judge(boxes, grey.shape[1], grey.shape[0], float(grey[top:bottom, left:right].mean()))

    def compare(self, pictures: list[Picture]) -> tuple[int, float]:
        """Return how many pictures were used and their distance to the card; infinite when they are not one person."""
        import numpy as np  # noqa: PLC0415

        if self._card is None:
            raise ValueError("no card")
        best = sorted(filter(None, map(self._usable, pictures)), key=lambda found: found[0], reverse=True)
        templates = [self._template(picture, box, LIVE_JITTERS) for _, box, picture in best[:LIVE_FRAMES]]
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

    def _template(self, picture: Picture, box: Box, jitters: int) -> Template:
        """Average the template of a face and of its mirror image."""
        import numpy as np  # noqa: PLC0415

        top, right, bottom, left = box
        width = picture.shape[1]
        mirrored = np.ascontiguousarray(picture[:, ::-1])
        sides = ((picture, box), (mirrored, (top, width - left, bottom, width - right)))
        both = [self._faces.face_encodings(side, [where], jitters, model="small")[0] for side, where in sides]
        return np.asarray(np.mean(both, axis=0), dtype=np.float64)


def load() -> tuple[Status, Any]:
    """Import the library. It calls ``quit()`` when a part is missing, so look for the parts first."""
    found = importlib.util.find_spec("face_recognition_models")
    if found is None or found.origin is None or importlib.util.find_spec("pkg_resources") is None:
        return Status.NO_LIBRARY, None
    folder = os.path.join(os.path.dirname(found.origin), "models")  # noqa: PTH118, PTH120 - pathlib costs the start 5 ms
    if not all(os.path.isfile(os.path.join(folder, name)) for name in MODELS):  # noqa: PTH113, PTH118
        return Status.NO_MODELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pkg_resources announces its own end on standard error
            import cv2  # noqa: F401, PLC0415 - loaded now, not while somebody waits
            import face_recognition  # noqa: PLC0415
            import PIL.Image  # noqa: F401, PLC0415
    except (ImportError, SystemExit):
        return Status.NO_LIBRARY, None
    except RuntimeError:  # dlib's word for a model file that is none
        return Status.NO_MODELS, None
    return Status.DONE, face_recognition


def confine(parent: int) -> None:
    """Die with the parent, leave no core dump, let nobody of the same user read the memory, stand back."""
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((PR_SET_PDEATHSIG, signal.SIGKILL), (PR_SET_DUMPABLE, 0)):
        if libc.prctl(option, value, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # it died before the first line above
        raise SystemExit(0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the parent, which then closes the socket
    os.nice(NICENESS)


def serve(line: socket.socket, matcher: Matcher) -> None:
    """Answer requests until the parent closes the line."""
    while head := _receive(line, REQUEST.size):
        number, operation, length = REQUEST.unpack(head)
        if length > PAYLOAD_LIMIT:
            return
        payload = _receive(line, length)
        try:
            value, score = _work(matcher, Operation(operation), payload)
            reply = REPLY.pack(number, Status.DONE, value, score)
        except Exception:  # noqa: BLE001 - whatever a picture does to a decoder: the parent is told, with no data in it
            reply = REPLY.pack(number, Status.REFUSED, 0, 0.0)
        line.sendall(reply)


def _work(matcher: Matcher, operation: Operation, payload: bytearray) -> tuple[int, float]:
    if operation is Operation.CARD:
        return int(matcher.use_card(bytes(payload))), 0.0
    pictures = _pictures(payload)
    if operation is Operation.LOOK:
        return LOOKS.index(matcher.look(pictures[0])), 0.0
    return matcher.compare(pictures)


def _pictures(payload: bytearray) -> list[Picture]:
    """Split a payload into its frames. Raises ``ValueError`` or ``struct.error`` when it does not add up."""
    import numpy as np  # noqa: PLC0415

    pictures: list[Picture] = []
    at = 0
    while at < len(payload):
        width, height = FRAME_HEAD.unpack_from(payload, at)
        at += FRAME_HEAD.size
        flat = np.frombuffer(payload, np.uint8, count=width * height * 3, offset=at)
        pictures.append(flat.reshape(height, width, 3))
        at += flat.size
    return pictures


def _receive(line: socket.socket, length: int) -> bytearray:
    """Read exactly ``length`` bytes; nothing when the parent has closed the line."""
    data = bytearray(length)
    view = memoryview(data)
    while view:
        count = line.recv_into(view)
        if not count:
            return bytearray()
        view = view[count:]
    return data


def main() -> None:
    """Load, say so, serve."""
    line = socket.socket(fileno=int(sys.argv[1]))
    confine(int(sys.argv[2]))
    status, library = load()
    try:
        line.sendall(REPLY.pack(0, status, 0, 0.0))
        if status is Status.DONE:
            serve(line, Matcher(library))
    except ConnectionError:  # the parent did not wait for the answer
        return


if __name__ == "__main__":
    main()
