"""Where OpenCV gets its pictures: a V4L2 device by number or path, a stream by its URL, a film by its path."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import cv2

from devices.errors import DeviceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN_LIMIT_MS = 1500  # a stream that connects and sends nothing
READ_LIMIT_MS = 800  # the same in the middle; stop() waits for one such read at most
CONNECT_LIMIT_S = 1.0  # a host on the terminal's own network that does not answer is unplugged

# Read once by OpenCV at the first opening. FFmpeg would write every refused connection to standard error;
# V4L2 waits ten seconds for a picture unless told otherwise.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")  # seconds
# OpenCV warns on standard error about each missing device; what matters is raised.
cv2.setLogLevel(0)


# Values of V4L2_CID_EXPOSURE_AUTO (kernel, V4L2 camera controls); UVC cameras know these two.
MANUAL: Final = 1
APERTURE_PRIORITY: Final = 3
EXPOSURE_UNIT_US: Final = 100  # of V4L2_CID_EXPOSURE_ABSOLUTE
DEVICES: Final = "/dev/"
UNPACKED_PIXELS: Final = 1280 * 720  # more do not fit through USB 2.0 at a useful pace, unless packed


class Kind(enum.Enum):
    """How the source is reached."""

    SENSOR = enum.auto()
    URL = enum.auto()
    FILM = enum.auto()


@dataclass(frozen=True, slots=True)
class Controls:
    """What a V4L2 camera shall be set to; 0: its own automatic."""

    exposure_us: int = 0
    white_balance_k: int = 0

    def __bool__(self) -> bool:
        return bool(self.exposure_us or self.white_balance_k)

    def apply(self, capture: cv2.VideoCapture) -> list[str]:
        """Set them; return what the camera did not take. A driver says yes to much: what counts is what it has then.

        What is not asked for is set to automatic, because a camera keeps what another program chose; one that has no
        automatic does well without.
        """
        if not self.exposure_us:
            capture.set(cv2.CAP_PROP_AUTO_EXPOSURE, APERTURE_PRIORITY)
        if not self.white_balance_k:
            capture.set(cv2.CAP_PROP_AUTO_WB, 1)
        return [
            f"{name}: asked {wanted}, has {has:g}"
            for name, prop, wanted in self._wanted()
            if abs((has := _set(capture, prop, wanted)) - wanted) > _STEP * wanted
        ]

    def _wanted(self) -> Iterator[tuple[str, int, int]]:
        """Return name, property and value; the automatics first: they lock what they govern."""
        if self.exposure_us:
            yield "auto exposure", cv2.CAP_PROP_AUTO_EXPOSURE, MANUAL
            exposure = round(self.exposure_us / EXPOSURE_UNIT_US)
            yield f"exposure (of {EXPOSURE_UNIT_US} us)", cv2.CAP_PROP_EXPOSURE, exposure
        if self.white_balance_k:
            yield "auto white balance", cv2.CAP_PROP_AUTO_WB, 0
            yield "white balance (K)", cv2.CAP_PROP_WB_TEMPERATURE, self.white_balance_k


AUTOMATIC: Final = Controls()
_STEP: Final = 0.05  # cameras have steps: what is this near was taken


def _set(capture: cv2.VideoCapture, prop: int, value: float) -> float:
    capture.set(prop, value)
    return capture.get(prop)


class Source:
    """Where pictures come from, and whether it is there."""

    def __init__(self, source: str | int) -> None:
        self.text = str(source)
        if self.text.isdecimal() or self.text.startswith(DEVICES):
            self.kind = Kind.SENSOR
        elif self.text.startswith(("http://", "https://", "rtsp://")):
            self.kind = Kind.URL
        else:
            self.kind = Kind.FILM
        self._parts = urlsplit(self.text) if self.kind is Kind.URL else None

    @property
    def address(self) -> str:
        """The source for technicians: without the password a URL may carry."""
        if self._parts is None:
            return f"/dev/video{self.text}" if self.text.isdecimal() else self.text
        return self._parts._replace(netloc=self._parts.netloc.rpartition("@")[2], query="").geturl()

    @property
    def model(self) -> str:
        """What the kernel calls the device; empty for other kinds."""
        with contextlib.suppress(OSError):
            if self.kind is Kind.SENSOR:
                return (self._sysfs() / "name").read_text(encoding="utf-8", errors="replace").strip()
        return ""

    def is_loopback(self) -> bool:
        """Tell whether the device is one of the kernel's virtual ones: pictures of a program, not of a sensor."""
        return self.kind is Kind.SENSOR and "/devices/virtual/" in os.path.realpath(self._sysfs())

    async def check(self) -> None:
        """Raise ``DeviceUnavailable`` when it is not there. Switches no sensor on."""
        try:
            if self._parts is not None:
                async with asyncio.timeout(CONNECT_LIMIT_S):
                    port = self._parts.port or {"https": 443, "rtsp": 554}.get(self._parts.scheme, 80)
                    _, writer = await asyncio.open_connection(self._parts.hostname, port)
                writer.transport.abort()
            else:
                # Opening a V4L2 node starts nothing; O_NONBLOCK because a film's path may be a pipe.
                os.close(os.open(self.address, os.O_RDONLY | os.O_NONBLOCK))
        except (OSError, ValueError) as error:
            raise DeviceUnavailable(f"{self.address} is not there: {type(error).__name__}") from error

    def open(self, width: int, height: int) -> cv2.VideoCapture:
        """Open for reading, in the grabber's thread. The answer may be closed: ask ``isOpened``."""
        if self.kind is Kind.SENSOR:
            wanted = [cv2.CAP_PROP_FRAME_WIDTH, width, cv2.CAP_PROP_FRAME_HEIGHT, height]
            if width * height > UNPACKED_PIXELS:
                wanted = [cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"), *wanted]
            return cv2.VideoCapture(self.address, cv2.CAP_V4L2, wanted)
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_LIMIT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_LIMIT_MS]
        # One decoding thread: several keep as many pictures back.
        return cv2.VideoCapture(self.text, cv2.CAP_FFMPEG, [*limits, cv2.CAP_PROP_N_THREADS, 1])

    def _sysfs(self) -> Path:
        """Return the kernel's folder of the device; its path may be a link that stays the same over replugging."""
        return Path("/sys/class/video4linux") / Path(self.address).resolve().name
