"""One answer to everything that must never happen: say so in the log, apologise, wipe, exit 70.

Four ways lead here: ``sys.excepthook`` (slots, the main thread), ``threading.excepthook``, the core's loop and Qt's
message handler. The first call decides; later ones are the same wreck. The text of an unknown exception may quote
personal values, so only its type and place are written, unless the error is one of ours: those promise to be clean.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from devices.errors import DeviceError
from kiosk.errors import KioskError
from kiosk.events import TerminalCrashed
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from kiosk.event_log import EventLog

EXIT_CRASH = 70  # <sysexits.h> EX_SOFTWARE: the service manager starts the terminal anew
LAST_RESORT_S = 8.0  # the apology and an orderly end take less; a blocked main thread must not keep data on the glass
OUR_ERRORS = (DeviceError, KioskError, QueueError)
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class QtWarning:
    """Something Qt or QML complained about. The message stays in memory: QML may quote a value in it."""

    category: str
    place: str
    message: str


def _places(trace: TracebackType | None) -> list[str]:
    """Return file, line and function of each frame, without any value."""
    found = []
    for frame in traceback.extract_tb(trace, limit=-12):
        path = Path(frame.filename)
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(path.name)
        found.append(f"{name}:{frame.lineno} {frame.name}")
    return found


def _innermost(error: BaseException) -> BaseException:
    """Return the first error inside groups: the group itself says nothing."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class CrashPolicy:
    """Installed once; ``on_crash`` is called once, on whatever thread crashed, and must not block."""

    def __init__(self, log: EventLog, on_crash: Callable[[], None]) -> None:
        self._log = log
        self._on_crash = on_crash
        self._once = threading.Lock()
        self._last_resort: threading.Timer | None = None
        self.warnings: list[QtWarning] = []

    @property
    def crashed(self) -> bool:
        """Tell whether the terminal is going down because of an error."""
        return self._once.locked()

    def install(self) -> None:
        """Take the three process-wide hooks; the core's loop calls :meth:`report` itself."""
        sys.excepthook = lambda _kind, error, _trace: self.report("screen", error)
        threading.excepthook = lambda fell: self.report(
            fell.thread.name if fell.thread else "thread", fell.exc_value or RuntimeError()
        )
        qInstallMessageHandler(self._from_qt)

    def uninstall(self) -> None:
        """Give the hooks back."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        qInstallMessageHandler(None)
        if self._last_resort is not None:
            self._last_resort.cancel()

    def report(self, where: str, error: BaseException) -> None:
        """Begin the end because of ``error``. Safe on every thread, any number of times."""
        if isinstance(error, KeyboardInterrupt) or not self._once.acquire(blocking=False):
            return
        cause = _innermost(error)
        said = str(cause) if isinstance(cause, OUR_ERRORS) else type(cause).__name__
        places = _places(cause.__traceback__)
        self._fall(where, said, places)

    def _fall(self, where: str, said: str, places: list[str]) -> None:
        self._last_resort = threading.Timer(LAST_RESORT_S, os._exit, (EXIT_CRASH,))
        self._last_resort.daemon = True
        self._last_resort.start()
        try:
            self._log.emit(TerminalCrashed(where=" < ".join([where, *reversed(places)]), error=said))
        finally:
            self._on_crash()

    def _from_qt(self, kind: QtMsgType, context: QMessageLogContext, message: str | None) -> None:
        place = f"{Path(context.file).name}:{context.line}" if context.file else ""
        category = context.category or "qt"
        if kind in {QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg}:
            if self._once.acquire(blocking=False):
                self._fall("qt", f"{category} {kind.name}", [place])
        elif kind is QtMsgType.QtWarningMsg:
            self.warnings.append(QtWarning(category, place, message or ""))
            with contextlib.suppress(OSError, ValueError):  # a closed or full log is no reason to end
                sys.stderr.write(f"{category}: warning at {place}\n")
