"""The process that sees one visitor's face: ``python -m kiosk.identity.face_worker FD PARENT_PID``.

It talks over one socket and nothing else: it writes no file, logs no data, and ends when the socket closes or its
parent dies. A request is a head and a payload. Replies have a fixed size: a parent that stopped waiting can skip them.

    request   little-endian  u32 number, u8 operation, u32 length, payload
    reply     little-endian  u32 number, u8 status, u8 value, f64 score
"""

from __future__ import annotations

import contextlib
import ctypes
import enum
import importlib.util
import os
import resource
import select
import signal
import socket
import struct
import sys
import warnings
from typing import TYPE_CHECKING, Any

from kiosk.identity.face import Look
from kiosk.identity.face_recipe import Matcher

if TYPE_CHECKING:
    from kiosk.identity.face_recipe import Picture

REQUEST = struct.Struct("<IBI")
REPLY = struct.Struct("<IBBd")
FRAME_HEAD = struct.Struct("<HH")  # width, height; RGB rows without padding follow
PAYLOAD_LIMIT = 64_000_000  # seven pictures of 1920 x 1080: more is a broken head

NICENESS = 2  # the screen comes first, but on a busy machine somebody waits for this one as well
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
PR_SET_DUMPABLE = 4


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
        if not select.select([line], [], [], 0)[0]:
            with contextlib.suppress(Exception):  # compare() makes what is missing, and tells what fails
                matcher.prepare()


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
