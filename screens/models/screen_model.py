"""The screen's whole knowledge: the scene shown now, in words, and the way back for what the resident does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk import texts
from kiosk.intents import (
    Agreed,
    AskedHelp,
    Chose,
    Declined,
    Submitted,
    SwitchedLanguage,
    SwitchedMode,
    Touched,
    WentBack,
    WentHome,
)
from kiosk.views import Language, Mode
from screens.models.camera_frames import CameraFrames
from screens.models.frame import BarModel, FrameModel, OverlayModel
from screens.models.views import ViewModels
from screens.models.words import ControlWords

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kiosk.intents import Intent
    from kiosk.views import Scene, Text

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class ScreenModel(QObject):
    """Main thread only. :meth:`show` takes scenes in; the slots send intents with the turn of the scene shown."""

    viewKindChanged = Signal()

    def __init__(self, send: Callable[[Intent], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._send = send
        self._scene: Scene | None = None
        self._language, self._mode = Language.ZH_CN, Mode.NORMAL
        self._view_kind = ""
        self._frame, self._bar, self._overlay = FrameModel(self), BarModel(self), OverlayModel(self)
        self._views, self._words, self._frames = ViewModels(self), ControlWords(self), CameraFrames(self)

    def show(self, scene: Scene) -> None:
        """Show ``scene``: an update in place when its turn is that of the scene before, else a fresh view.

        A fresh view first takes the old one down, so that nothing of it is ever drawn with new content, and makes all
        view models forget.
        """
        fresh = self._scene is None or self._scene.turn != scene.turn or type(self._scene.view) is not type(scene.view)
        self._scene, self._language, self._mode = scene, scene.language, scene.mode
        if fresh:
            self._set_kind("")
            self._views.forget()
        self._resolve()

    def wipe(self) -> None:
        """Take everything off the glass and forget it: views, what was typed, the camera's picture."""
        self._scene = None
        self._set_kind("")
        self._views.forget()
        self._overlay.put(None, self._say)
        self._frames.wipe()

    @property
    def frames(self) -> CameraFrames:
        """Where the camera's pictures go in: ``put`` and ``wipe`` from any thread, ``provider`` for the engine."""
        return self._frames

    def _resolve(self) -> None:
        scene = self._scene
        if scene is None:
            return
        self._words.put(self._language)
        self._frame.put(scene, self._language, self._mode, self._say)
        self._bar.put(scene.keys, self._language, self._mode, self._say)
        kind = self._views.put(scene.view, self._say)
        self._overlay.put(scene.overlay, self._say)
        self._set_kind(kind)

    def _say(self, words: Text) -> str:
        return texts.resolve(words, self._language)

    def _set_kind(self, kind: str) -> None:
        if kind != self._view_kind:
            self._view_kind = kind
            self.viewKindChanged.emit()

    @Property(str, notify=viewKindChanged)
    def viewKind(self) -> str:
        """Which view stands: ``attract``, ``choice`` ... ``out_of_service``; empty between two views."""
        return self._view_kind

    @Property(ViewModels, constant=True)
    def views(self) -> ViewModels:
        return self._views

    @Property(FrameModel, constant=True)
    def frame(self) -> FrameModel:
        return self._frame

    @Property(BarModel, constant=True)
    def bar(self) -> BarModel:
        return self._bar

    @Property(OverlayModel, constant=True)
    def overlay(self) -> OverlayModel:
        return self._overlay

    @Property(ControlWords, constant=True)
    def words(self) -> ControlWords:
        return self._words

    @Property(CameraFrames, constant=True)
    def camera(self) -> CameraFrames:
        return self._frames

    def _answer(self, make: _MakeIntent) -> None:
        if self._scene is not None:
            self._send(make(self._scene.turn))

    @Slot()
    def touched(self) -> None:
        """Say that the glass was touched."""
        self._answer(Touched)

    @Slot(str)
    def choose(self, option: str) -> None:
        """Choose an option, an entry, an action, a row to edit."""
        self._answer(lambda turn: Chose(turn, option))

    @Slot("QVariantMap", bool)
    def submit(self, values: Mapping[str, object], complete: bool) -> None:
        """Send values by field id; ``complete`` when the resident says so."""
        pairs = tuple((str(field), str(value)) for field, value in values.items())
        self._answer(lambda turn: Submitted(turn, pairs, complete))

    @Slot()
    def agree(self) -> None:
        """Press the view's primary key."""
        self._answer(Agreed)

    @Slot()
    def decline(self) -> None:
        """No, or skip."""
        self._answer(Declined)

    @Slot()
    def back(self) -> None:
        """返回."""
        self._answer(WentBack)

    @Slot()
    def leave(self) -> None:
        """退出."""
        self._answer(WentHome)

    @Slot()
    def help(self) -> None:
        """求助."""
        self._answer(AskedHelp)

    @Slot(str)
    def setLanguage(self, language: str) -> None:
        """Speak another language at once; the core hears of it too."""
        self._language = Language(language)
        self._resolve()
        self._answer(lambda turn: SwitchedLanguage(turn, self._language))

    @Slot(bool)
    def setElder(self, elder: bool) -> None:
        """Large type on or off at once; the core hears of it too."""
        self._mode = Mode.ELDER if elder else Mode.NORMAL
        self._resolve()
        self._answer(lambda turn: SwitchedMode(turn, self._mode))


class _MakeIntent(Protocol):
    def __call__(self, turn: int, /) -> Intent: ...
