"""The camera's picture on its way to the glass: latest wins, and it can be wiped."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Property, QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QColor, QImage
from PySide6.QtQml import QmlElement
from PySide6.QtQuick import QQuickImageProvider

if TYPE_CHECKING:
    from collections.abc import Callable

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1

BYTES_PER_PIXEL = 3  # rgb


class Picture(Protocol):
    """A camera frame as the device layer has it: ``rgb`` row by row, three bytes a pixel."""

    @property
    def width(self) -> int:
        """Pixels across."""
        ...

    @property
    def height(self) -> int:
        """Pixels down."""
        ...

    @property
    def rgb(self) -> bytes | bytearray | memoryview:
        """``width * height * 3`` bytes."""
        ...


class _Provider(QQuickImageProvider):
    """``image://cam/<anything>``; the engine owns it."""

    def __init__(self, current: Callable[[], QImage]) -> None:
        super().__init__(QQuickImageProvider.ImageType.Image)
        self._current = current

    def requestImage(self, _id: str, size: QSize, _wanted: QSize) -> QImage:
        image = self._current()
        size.setWidth(image.width())
        size.setHeight(image.height())
        return image


@QmlElement
class CameraFrames(QObject):
    """Holds the newest frame. :meth:`put` and :meth:`wipe` from any thread, the rest on the main thread."""

    ticked = Signal()
    _arrived = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._rgb = bytearray()
        self._width = self._height = 0
        self._announced = False
        self._tick = 0
        self._arrived.connect(self._advance, Qt.ConnectionType.QueuedConnection)

    def put(self, frame: Picture) -> None:
        """Take ``frame`` as the newest; one announcement is under way at most. Raises ``ValueError`` on a short one."""
        if len(frame.rgb) != frame.width * frame.height * BYTES_PER_PIXEL:
            raise ValueError(f"a frame of {frame.width} x {frame.height} cannot have {len(frame.rgb)} bytes")
        with self._lock:
            if len(self._rgb) == len(frame.rgb):
                self._rgb[:] = frame.rgb
            else:
                self._overwrite()
                self._rgb = bytearray(frame.rgb)
            self._width, self._height = frame.width, frame.height
        self._announce()

    def wipe(self) -> None:
        """Overwrite the newest frame; the glass shows none from the next picture on."""
        with self._lock:
            self._overwrite()
            self._rgb = bytearray()
            self._width = self._height = 0
        self._announce()

    def provider(self) -> QQuickImageProvider:
        """Return what ``engine.addImageProvider("cam", ...)`` wants."""
        return _Provider(self.image)

    def image(self) -> QImage:
        """Return the newest frame as a picture of its own; a single clear pixel when there is none."""
        with self._lock:
            if not self._rgb:
                nothing = QImage(1, 1, QImage.Format.Format_RGB32)
                nothing.fill(QColor("white"))
                return nothing
            line = self._width * BYTES_PER_PIXEL
            return QImage(self._rgb, self._width, self._height, line, QImage.Format.Format_RGB888).copy()

    @Property(str, notify=ticked)
    def source(self) -> str:
        """The picture's address; changes with each frame."""
        return f"image://cam/{self._tick}" if self._tick else ""

    def _overwrite(self) -> None:
        self._rgb[:] = bytes(len(self._rgb))

    def _announce(self) -> None:
        with self._lock:
            if self._announced:
                return
            self._announced = True
        self._arrived.emit()

    @Slot()
    def _advance(self) -> None:
        with self._lock:
            self._announced = False
            self._tick = self._tick + 1 if self._rgb else 0
        self.ticked.emit()
