"""The only crossing between the core's thread and Qt's.

Core to screen: one queued signal that carries one frozen message at a time, in order. Screen to core:
``loop.call_soon_threadsafe``. Camera pictures are the exception in volume, not in way: a picture waits in one place, a
newer one replaces it, and one message says that there is one.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

from kiosk.views import Scene

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from devices.values import Frame
    from kiosk.intents import Intent


@dataclass(frozen=True, slots=True)
class PictureWaits:
    """A camera picture is there to be fetched."""


@dataclass(frozen=True, slots=True)
class Wipe:
    """Forget everything personal now."""


@dataclass(frozen=True, slots=True)
class CoreEnded:
    """The core's thread has nothing more to say; ``failed`` when it crashed."""

    failed: bool


class Bridge(QObject):
    """A :class:`kiosk.stage.Screen` for the core, two signals and :meth:`send` for the screen.

    Made on the main thread and belonging to it; ``show``, ``frame``, ``wipe`` and ``ended`` are called from the core's.
    """

    _crossing = Signal(object)
    scene_arrived = Signal(object)  # kiosk.views.Scene
    picture_arrived = Signal(object)  # devices.values.Frame
    wipe_asked = Signal()
    core_ended = Signal(bool)
    intent_sent = Signal(object, float)  # the intent, monotonic seconds

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._picture: Frame | None = None
        self._core: tuple[asyncio.AbstractEventLoop, Callable[[Intent], None]] | None = None
        self._crossing.connect(self._arrive, Qt.ConnectionType.QueuedConnection)

    # --- called on the core's thread -------------------------------------------------------------------------------

    def show(self, scene: Scene) -> None:
        """Show a scene."""
        self._crossing.emit(scene)

    def frame(self, frame: Frame) -> None:
        """Show a camera picture; one that waits is replaced, so a slow screen never falls behind."""
        with self._lock:
            waiting, self._picture = self._picture, frame
        if waiting is None:
            self._crossing.emit(PictureWaits())

    def wipe(self) -> None:
        """Drop the waiting picture at once and have the screen forget the rest."""
        with self._lock:
            self._picture = None
        self._crossing.emit(Wipe())

    def ended(self, *, failed: bool) -> None:
        """Say that the core's thread is over."""
        self._crossing.emit(CoreEnded(failed))

    # --- called on the main thread ---------------------------------------------------------------------------------

    def lead_to(self, loop: asyncio.AbstractEventLoop, post: Callable[[Intent], None]) -> None:
        """Send intents to ``post`` on ``loop`` from now on. Called on the core's thread before its first scene."""
        with self._lock:
            self._core = (loop, post)

    def send(self, intent: Intent) -> None:
        """Carry what the resident did to the core. After :meth:`stop` it goes nowhere: the core is being ended."""
        with self._lock:
            core = self._core
            if core is None:
                return
            loop, post = core
            try:
                loop.call_soon_threadsafe(post, intent)
            except RuntimeError:
                if not loop.is_closed():
                    raise
                return  # a tap between the core's end and stop(): there is nobody left to hear it
        self.intent_sent.emit(intent, time.monotonic())

    def stop(self) -> None:
        """Let no further intent through; afterwards the loop may close."""
        with self._lock:
            self._core = None

    @Slot(object)
    def _arrive(self, message: object) -> None:
        match message:
            case Scene():
                self.scene_arrived.emit(message)
            case PictureWaits():
                with self._lock:
                    picture, self._picture = self._picture, None
                if picture is not None:  # None: wiped meanwhile
                    self.picture_arrived.emit(picture)
            case Wipe():
                self.wipe_asked.emit()
            case CoreEnded(failed):
                self.core_ended.emit(failed)
            case _:
                raise TypeError(f"{type(message).__name__} does not cross the bridge")
