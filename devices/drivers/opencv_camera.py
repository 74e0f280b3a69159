"""Driver: any camera OpenCV can open: a V4L2 device by its number, an MJPEG stream by its URL, a film by its path.

One thread per switched-on sensor takes pictures as fast as they come and keeps the newest. It is not a
``BlockingWorker``: that one answers calls, this one delivers unasked. FFmpeg and V4L2 get read limits of their own, so
the thread can always be ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING

import cv2
import numpy as np

from devices.camera import Camera
from devices.device import DeviceInfo
from devices.drivers.opencv_source import OPEN_LIMIT_MS, Kind, Source
from devices.errors import DeviceCode, DeviceError, DeviceFault, DeviceUnavailable
from devices.health import READY, Condition, Health
from devices.values import Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_FRAMES_S = 2.0  # the port's promise: silent for this long is a fault
STOP_WAIT_S = 2.0  # a device that hangs is given up within two seconds
RETRY_S = 0.2
FILM_FRAMES_PER_S = 25.0  # when a film does not say
FILM_FRAMES_PER_S_MAX = 60.0

_log = logging.getLogger(__name__)


class OpencvCamera(Camera):
    """A camera, a stream or a film. Pictures of another size than ``width`` x ``height`` are scaled to fit inside.

    ``mirror`` flips left and right. A virtual device of the kernel is refused unless ``allow_virtual``: what looks
    into the room must be a sensor.
    """

    def __init__(
        self,
        name: str,
        source: str | int,
        width: int = 640,
        height: int = 480,
        *,
        mirror: bool = False,
        allow_virtual: bool = False,
    ) -> None:
        self.name = name
        self._source = Source(source)
        self._size = (width, height)
        self._mirror = mirror
        self._allow_virtual = allow_virtual
        self._opened = False
        self._grabber: _Grabber | None = None

    def info(self) -> DeviceInfo:
        """Return the name plate."""
        return DeviceInfo(driver="opencv_camera", address=self._source.address, model=self._source.model)

    async def open(self) -> None:
        """Make sure that the source is there."""
        if self._source.is_loopback() and not self._allow_virtual:
            raise DeviceFault(f"{self._source.address} is a virtual camera", device=self.name)
        await self._check()
        self._opened = True

    async def close(self) -> None:
        """Switch the sensor off and end its thread."""
        await self.stop()
        self._opened = False

    async def probe(self) -> Health:
        """Report silence while the sensor is on; otherwise only look whether the source is there."""
        if not self._opened:
            raise DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self.name)
        grabber = self._grabber
        if grabber is None:
            await self._check()
            return READY
        if grabber.failure is not None:
            raise grabber.failure
        return Health.of(frozenset({Condition.NO_FRAMES})) if grabber.silent_s() >= NO_FRAMES_S else READY

    async def start(self) -> None:
        """Switch the sensor on and return when pictures can be expected."""
        if not self._opened:
            raise DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self.name)
        if self._grabber is not None:
            if self._grabber.failure is None:
                return
            await self.stop()
        await self._check()
        self._grabber = grabber = _Grabber(self.name, self._source, self._size, mirror=self._mirror)
        grabber.start()
        try:
            await grabber.opened
        except DeviceError:
            await self.stop()
            raise
        except asyncio.CancelledError:
            grabber.end()
            self._grabber = None
            raise

    async def stop(self) -> None:
        """Switch the sensor off; waits ``STOP_WAIT_S`` at most."""
        grabber, self._grabber = self._grabber, None
        if grabber is not None:
            grabber.end()
            await asyncio.wait({grabber.gone}, timeout=STOP_WAIT_S)
            if not grabber.gone.done():
                _log.error("camera %s: a read did not return; its thread ends when it does", self.name)

    async def frame(self) -> Frame:
        """Return the newest picture, or wait for the next."""
        if self._grabber is None:
            raise DeviceUnavailable("the sensor is off: call start() first", code=DeviceCode.CLOSED, device=self.name)
        return await self._grabber.take()

    async def _check(self) -> None:
        try:
            await self._source.check()
        except DeviceUnavailable as error:
            error.device = self.name
            raise


class _Grabber:
    """The thread of one switched-on sensor, and what it leaves on the loop's side."""

    def __init__(self, name: str, source: Source, size: tuple[int, int], *, mirror: bool) -> None:
        self._name = name
        self._source = source
        self._size = size
        self._mirror = mirror
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

    async def take(self) -> Frame:
        """Return a picture not returned before. Raises ``DeviceError``."""
        while self._newest is None:
            if self.failure is not None:
                raise self.failure
            if self._stop.is_set():
                raise DeviceUnavailable("the sensor was switched off", code=DeviceCode.CLOSED, device=self._name)
            patience = NO_FRAMES_S - self.silent_s()
            if patience <= 0:
                detail = f"no picture for {NO_FRAMES_S:.0f} s"
                raise DeviceFault(detail, code=DeviceCode.NO_FRAMES, device=self._name)
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._arrived.wait()
        frame, self._newest = self._newest, None
        return frame

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
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._finish)

    def _one_opening(self) -> bool:
        """Read until the source breaks off; tell whether opening it again makes sense."""
        began = time.monotonic()
        capture = self._source.open(*self._size)
        try:
            if not capture.isOpened():
                return self._not_opened(time.monotonic() - began)
            self._post(None)
            self._read(capture)
        finally:
            capture.release()
        return True

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
            there, picture = capture.read(raw)
            if not there:
                return
            if raw is None:
                raw = np.asarray(picture, dtype=np.uint8)
                self._buffers = [raw]
            self._post(self._frame(raw))
            if pace_s:
                due = max(due + pace_s, time.monotonic())
                self._stop.wait(due - time.monotonic())

    def _frame(self, picture: NDArray[np.uint8]) -> Frame:
        scale = min(self._size[0] / picture.shape[1], self._size[1] / picture.shape[0])
        shown = picture
        if scale < 1:
            shown = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        rgb = cv2.cvtColor(shown[:, ::-1] if self._mirror else shown, cv2.COLOR_BGR2RGB)
        return Frame(width=rgb.shape[1], height=rgb.shape[0], rgb=rgb.tobytes(), taken=time.monotonic())

    def _pace_s(self, capture: cv2.VideoCapture) -> float:
        """Return the pause between the pictures of a film; cameras set their own pace."""
        if self._source.kind is not Kind.FILM:
            return 0.0
        rate = capture.get(cv2.CAP_PROP_FPS)
        return 1 / (rate if 1 <= rate <= FILM_FRAMES_PER_S_MAX else FILM_FRAMES_PER_S)
