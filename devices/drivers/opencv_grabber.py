"""The thread of one switched-on sensor: it takes pictures as fast as they come and keeps the newest.

It is not a ``BlockingWorker``: that one answers calls, this one delivers unasked. FFmpeg and V4L2 get read limits of
their own, so the thread can always be ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from devices.drivers.opencv_source import AUTOMATIC, OPEN_LIMIT_MS, Controls, Kind, Source
from devices.drivers.opencv_watch import FROZEN_S, PictureWatch
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable
from devices.health import Condition
from devices.values import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NO_FRAMES_S = 2.0  # the port's promise: silent for this long is a fault
RETRY_S = 0.2
REOPEN_S = 5.0  # a camera that hangs may come back when it is opened anew
FILM_FRAMES_PER_S = 25.0  # when a film does not say
FILM_FRAMES_PER_S_MAX = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Look:
    """How pictures are taken, and shown: scaled to fit inside ``shown``.

    ``frozen_s`` 0: nobody minds when they repeat. ``frames_per_s`` 0: all that come.
    """

    shown: tuple[int, int]
    mirror: bool = False
    frozen_s: float = FROZEN_S
    controls: Controls = AUTOMATIC
    frames_per_s: float = 0


class Grabber:
    """The thread of one switched-on sensor, and what it leaves on the loop's side."""

    def __init__(self, name: str, source: Source, size: tuple[int, int], look: Look) -> None:
        self._name = name
        self._source = source
        self._size = size
        self._look = look
        # A film is no sensor: it stands still and begins again, and nobody takes it for a person.
        self._watch = PictureWatch(0 if source.kind is Kind.FILM else look.frozen_s)
        self._taker: Callable[[NDArray[np.uint8]], bool] | None = None
        self._taken: asyncio.Future[None] | None = None
        self._looked = 0.0  # when a picture was decoded last
        self._missed: list[str] = []  # controls the camera did not take
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._newest: Frame | None = None
        self._arrived = asyncio.Event()
        self._heard = time.monotonic()
        self.failure: DeviceError | None = None
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self._buffers: list[NDArray[np.uint8]] = []  # the thread's own, overwritten at the end
        # A daemon: a driver that never returns must not keep the terminal from ending.
        self._thread = threading.Thread(target=self._run, name=f"dev-{name}", daemon=True)

    # --- on the loop -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Take no more pictures and drop the newest; does not wait."""
        self._stop.set()
        self._newest = None

    def silent_s(self) -> float:
        """Return how long nothing has come."""
        return time.monotonic() - self._heard

    def conditions(self) -> frozenset[Condition]:
        """Return what is wrong with the pictures now."""
        return frozenset({Condition.NO_FRAMES}) if self.silent_s() >= NO_FRAMES_S else self._watch.conditions

    async def take(self) -> Frame:
        """Return a picture not returned before. Raises ``DeviceError``."""
        while self._newest is None or self._frozen():
            await self._next()
        frame, self._newest = self._newest, None
        return frame

    async def show(self, taker: Callable[[NDArray[np.uint8]], bool]) -> None:
        """Show ``taker`` every picture from now on, as it is, in the thread, until it has enough.

        It may not keep the picture: the next one is written over it. Raises ``DeviceError``.
        """
        self._taken = taken = self._loop.create_future()
        self._taker = taker
        try:
            while not taken.done():
                await self._next()
            taken.result()
        finally:
            self._taker = None

    def _frozen(self) -> bool:
        return Condition.FROZEN in self._watch.conditions

    async def _next(self) -> None:
        """Wait for something to happen. Raises what makes waiting idle."""
        if self.failure is not None:
            raise self.failure
        if self._stop.is_set():
            raise DeviceUnavailable("the sensor was switched off", code=DeviceCode.CLOSED, device=self._name)
        if self._frozen():
            raise DeviceFault("the camera repeats its pictures", code=DeviceCode.FROZEN, device=self._name)
        patience = NO_FRAMES_S - self.silent_s()
        if patience <= 0:
            detail = f"no picture for {NO_FRAMES_S:.0f} s"
            raise DeviceFault(detail, code=DeviceCode.NO_FRAMES, device=self._name)
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._arrived.wait()

    def _tell(self, what: Frame | DeviceError | None) -> None:
        """Take a picture, the end, or the word that the source is open."""
        if isinstance(what, Frame):
            self._heard = what.taken
            self._newest = None if self._stop.is_set() else what
        elif isinstance(what, DeviceError):
            self.failure = what
        if not self.opened.done():
            if isinstance(what, DeviceError):
                self.opened.set_exception(what)
                self.opened.exception()  # start() may have been cancelled: then nobody asks
            else:
                self._heard = time.monotonic()
                self.opened.set_result(None)
        self._arrived.set()

    def _finish(self) -> None:
        self._thread.join()  # only its return is left
        self._newest = None
        if not self.opened.done():
            self.opened.cancel()
        self._arrived.set()
        self.gone.set_result(None)

    # --- in the thread ---------------------------------------------------------------------------------------------

    def _offer(self, picture: NDArray[np.uint8]) -> None:
        """Show a picture to who asked for it."""
        taker, taken = self._taker, self._taken
        if taker is None or taken is None:
            return
        error: Exception | None = None
        try:
            if not taker(picture):
                return
        except Exception as problem:  # noqa: BLE001 - not swallowed: raised again at the one who asked
            error = problem
        self._taker = None
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody is left to hear it
            self._loop.call_soon_threadsafe(self._settle, taken, error)

    def _settle(self, taken: asyncio.Future[None], error: Exception | None) -> None:
        if not taken.done():
            if error is None:
                taken.set_result(None)
            else:
                taken.set_exception(error)
        self._arrived.set()

    def _post(self, what: Frame | DeviceError | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody is left to hear it
            self._loop.call_soon_threadsafe(self._tell, what)

    def _run(self) -> None:
        try:
            while not self._stop.is_set() and self._one_opening():
                self._stop.wait(RETRY_S)
        except cv2.error as error:
            self._post(DeviceFault(f"OpenCV gave up: {error.err}", device=self._name))
        finally:
            for buffer in self._buffers:
                buffer.fill(0)
            self._watch.wipe()
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._finish)

    def _one_opening(self) -> bool:
        """Read until the source breaks off; tell whether opening it again makes sense."""
        began = time.monotonic()
        capture = self._source.open(*self._size)
        try:
            if not capture.isOpened():
                return self._not_opened(time.monotonic() - began)
            if self._source.kind is Kind.SENSOR:
                self._set(capture)
            self._post(None)
            self._read(capture)
        finally:
            capture.release()
        return True

    def _set(self, capture: cv2.VideoCapture) -> None:
        missed = self._look.controls.apply(capture)
        if missed and missed != self._missed:  # once, not at every opening
            _log.warning("camera %s: not taken: %s", self._name, "; ".join(missed))
        self._missed = missed

    def _not_opened(self, took_s: float) -> bool:
        """Tell a silent source, worth waiting for, from one that is gone."""
        if self._source.kind is Kind.URL and took_s * 1000 >= OPEN_LIMIT_MS:
            self._post(None)
            return True
        detail = f"{self._source.address} cannot be opened: gone, in use, or no pictures there"
        self._post(DeviceUnavailable(detail, device=self._name))
        return False

    def _read(self, capture: cv2.VideoCapture) -> None:
        pace_s = self._pace_s(capture)
        due = time.monotonic()
        raw: NDArray[np.uint8] | None = None
        while not self._stop.is_set():
            if self._skipped(capture):
                continue
            there, picture = capture.read(raw)
            if not there:
                return
            if raw is None:
                raw = np.asarray(picture, dtype=np.uint8)
                self._buffers = [raw]
            self._looked = time.monotonic()
            self._watch.push(raw, self._looked)
            self._offer(raw)
            self._post(self._frame(raw))
            if self._watch.stuck_s(time.monotonic()) >= REOPEN_S:
                self._watch.reopened(time.monotonic())
                return
            if pace_s:
                due = max(due + pace_s, time.monotonic())
                self._stop.wait(due - time.monotonic())

    def _skipped(self, capture: cv2.VideoCapture) -> bool:
        """Pass over a picture nobody needs: taken from the camera, and not decoded, where that can be had apart."""
        rate = self._look.frames_per_s
        if not rate or self._source.kind is not Kind.SENSOR or self._taker is not None:
            return False
        return time.monotonic() - self._looked < 1 / rate and capture.grab()

    def _frame(self, picture: NDArray[np.uint8]) -> Frame:
        scale = min(self._look.shown[0] / picture.shape[1], self._look.shown[1] / picture.shape[0])
        shown = picture
        if scale < 1:
            shown = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        rgb = cv2.cvtColor(shown[:, ::-1] if self._look.mirror else shown, cv2.COLOR_BGR2RGB)
        return Frame(width=rgb.shape[1], height=rgb.shape[0], rgb=rgb.tobytes(), taken=time.monotonic())

    def _pace_s(self, capture: cv2.VideoCapture) -> float:
        """Return the pause between the pictures of a film; cameras set their own pace."""
        if self._source.kind is not Kind.FILM:
            return 0.0
        rate = capture.get(cv2.CAP_PROP_FPS)
        return 1 / (rate if 1 <= rate <= FILM_FRAMES_PER_S_MAX else FILM_FRAMES_PER_S)
