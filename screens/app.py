"""The terminal with a screen: Qt on the main thread, the core on its own, one bridge between them.

The end has one order: stop intents → cancel the core → join it → delete the engine → delete the models → quit. QML that
is evaluated while its models die is the classic crash of such programs (docs/threading.md).
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import shiboken6
from PySide6.QtCore import QObject, QSize, QSocketNotifier, Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtQml import QQmlApplicationEngine
from PySide6.QtQuick import QQuickWindow

from kiosk.clock import SystemClock
from kiosk.errors import JourneyError, SettingsError
from kiosk.event_log import EventLog
from kiosk.views import Fault, Language, Mode, Scene, plain, text
from screens import keyboard_setup
from screens.bridge import Bridge
from screens.core_thread import JOIN_LIMIT_S, CoreThread
from screens.crash import EXIT_CRASH, CrashPolicy
from screens.models.screen_model import ScreenModel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kiosk.settings import Settings
    from kiosk.stage import Screen
    from screens.core_thread import RunningTerminal

    Build = Callable[[Settings, Screen], Awaitable[RunningTerminal]]

QML = Path(__file__).parent / "qml"
PORTRAIT = QSize(1080, 1920)
APOLOGY_MS = 3000  # long enough to be read; the service manager needs a moment anyway
SCREEN_SHARE = 0.9  # of the desktop's height, for a window on a developer's machine


@dataclass(frozen=True, slots=True)
class Display:
    """How the screen is shown. ``size`` in pixels; without one the window fills the machine's screen."""

    size: QSize | None = None
    windowed: bool = False
    offscreen: bool = False


class Attendant(Protocol):
    """Somebody who is there for one run, such as the player of visits."""

    def close(self) -> None:
        """Let go of the window; it is about to be deleted."""
        ...


class App(QObject):
    """One run of the terminal with its screen; ``build`` makes the terminal, on the core's thread."""

    def __init__(self, settings: Settings, display: Display, build: Build) -> None:
        self._qt = _application(settings, display)
        super().__init__()
        self._settings = settings
        self._display = display
        self._result = 0
        self._apologising = False
        self.crash = CrashPolicy(EventLog(SystemClock(), sys.stdout), self._crashed)
        self.bridge = Bridge(self)
        self.model = ScreenModel(self.bridge.send, self)
        self.core = CoreThread(lambda: build(settings, self.bridge), self.bridge, self.crash)
        self._engine = QQmlApplicationEngine()
        self.window = self._load()
        self.bridge.wipe_asked.connect(self._wipe)
        self.bridge.core_ended.connect(self._core_ended)

    def run(self, attend: Callable[[App], Attendant] | None = None) -> int:
        """Serve until told to stop; return the exit status. Raises ``SettingsError`` found while building.

        ``attend`` gets the app before the core starts and hears of each scene before it is shown.
        """
        self.crash.install()
        signals = _Signals(self.stop)
        try:
            attendant = attend(self) if attend else None
            self.bridge.scene_arrived.connect(self._show)
            self._show_window()
            self.core.start()
            self._qt.exec()
            self._end(attendant)
        finally:
            signals.close()
            self.crash.uninstall()
        if self.core.refused is not None:
            raise self.core.refused
        return EXIT_CRASH if self.crash.crashed else self._result

    @Slot()
    def stop(self, result: int = 0) -> None:
        """End in order, with this exit status."""
        self._result = result
        self._qt.exit()

    def _load(self) -> QQuickWindow:
        self.bridge.picture_arrived.connect(self.model.frames.put)
        self._engine.addImageProvider("cam", self.model.frames.provider())
        self._engine.addImportPath(str(QML))
        self._engine.setInitialProperties({"screenModel": self.model, "motion": not self._display.offscreen})
        self._engine.load(QUrl.fromLocalFile(str(QML / "Tongban" / "Main.qml")))
        roots = self._engine.rootObjects()
        if not roots or not isinstance(roots[0], QQuickWindow):
            raise JourneyError("Main.qml did not load: see the warnings above")
        return roots[0]

    def _show_window(self) -> None:
        if self._display.windowed:
            available = self._qt.primaryScreen().availableSize() * SCREEN_SHARE
            self.window.resize(self._display.size or PORTRAIT.scaled(available, Qt.AspectRatioMode.KeepAspectRatio))
            self.window.show()
        elif self._display.offscreen:
            self.window.resize(self._display.size or PORTRAIT)
            self.window.show()
        else:
            # Without a window manager a full-screen request changes nothing: the size is set as well.
            self.window.resize(self._display.size or self._qt.primaryScreen().size())
            self.window.showFullScreen()

    @Slot(object)
    def _show(self, scene: Scene) -> None:
        if not self._apologising:
            self.model.show(scene)

    @Slot()
    def _wipe(self) -> None:
        self.model.wipe()
        keyboard_setup.wipe(self.window)

    def _crashed(self) -> None:
        """Cross over from the thread that crashed."""
        self.bridge.ended(failed=True)

    @Slot(bool)
    def _core_ended(self, failed: bool) -> None:
        if not failed:
            self._qt.exit()
        elif not self._apologising:
            self._apologising = True
            self.bridge.stop()
            self.core.end()
            self._wipe()
            self.model.show(_apology(self._settings))
            QTimer.singleShot(APOLOGY_MS, self._qt.exit)

    def _end(self, attendant: Attendant | None) -> None:
        if attendant is not None:
            attendant.close()
        self.bridge.stop()
        self.core.end()
        self.core.join(JOIN_LIMIT_S)
        if self.core.is_alive():
            os._exit(EXIT_CRASH)  # a device that does not let go: the service manager starts a fresh process
        self.window.close()
        shiboken6.delete(self._engine)
        shiboken6.delete(self.model)


def _application(settings: Settings, display: Display) -> QGuiApplication:
    run_dir = Path(os.environ.get("RUNTIME_DIRECTORY") or Path(settings.terminal.state_dir) / "run")
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError([f"terminal.state_dir: {run_dir}: cannot be made: {error.strerror}"]) from None
    keyboard_setup.prepare_environment(run_dir)
    if display.offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        os.environ["QT_QUICK_BACKEND"] = "software"
        os.environ["QT_SCALE_FACTOR"] = "1"
    application = QGuiApplication(sys.argv[:1])
    application.setApplicationName("tongban")
    QAccessible.setActive(True)  # screen readers of the machine, and whoever looks for a control by its name
    return application


def _apology(settings: Settings) -> Scene:
    return Scene(
        turn=-1,
        language=Language(settings.terminal.language),
        mode=Mode.NORMAL,
        view=Fault(
            title=text("apology.title"),
            happened=text("apology.happened"),
            means=text("apology.means"),
            do=text("apology.do"),
            number=settings.terminal.help_phone,
            options=(),
        ),
        banner=plain(""),
    )


class _Signals(QObject):
    """SIGTERM and SIGINT as a call on the main thread: Python's own handlers would wait for Qt."""

    def __init__(self, stop: Callable[[], None]) -> None:
        super().__init__()
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self._before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
        self._wakeup = signal.set_wakeup_fd(self._far.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._near.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(lambda *_: stop())

    def close(self) -> None:
        """Give the signals back."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._wakeup)
        for number, before in self._before.items():
            signal.signal(number, before)
        self._near.close()
        self._far.close()
