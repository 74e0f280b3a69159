"""View models of what surrounds every view: place in the flow, banner, the keys that never move, overlays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QmlElement

from kiosk.views import Key, Language, Mode, text
from screens.models.items import Filler, ItemList, LineItem, OptionItem

if TYPE_CHECKING:
    from kiosk.views import Option, Overlay, Scene, Text
    from screens.models.items import Say

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class FrameModel(QObject):
    """Place in the flow, banner, language, mode."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._language, self._mode = Language.ZH_CN, Mode.NORMAL
        self._place = self._banner = self._product = ""
        self._step = self._steps = 0

    def put(self, scene: Scene, language: Language, mode: Mode, say: Say) -> None:
        """Show what surrounds the view of ``scene``."""
        self._language, self._mode = language, mode
        self._step, self._steps = scene.place or (0, 0)
        self._place = say(text("frame.place", step=self._step, steps=self._steps)) if scene.place else ""
        self._banner, self._product = say(scene.banner), say(text("frame.product"))
        self.changed.emit()

    @Property(str, notify=changed)
    def language(self) -> str:
        return self._language.value

    @Property(bool, notify=changed)
    def elder(self) -> bool:
        return self._mode is Mode.ELDER

    @Property(str, notify=changed)
    def product(self) -> str:
        return self._product

    @Property(str, notify=changed)
    def place(self) -> str:
        """The place in the flow in words, e.g. "Step 3 of 7"; empty outside a flow."""
        return self._place

    @Property(int, notify=changed)
    def step(self) -> int:
        return self._step

    @Property(int, notify=changed)
    def steps(self) -> int:
        return self._steps

    @Property(str, notify=changed)
    def banner(self) -> str:
        return self._banner


@QmlElement
class BarKeyModel(QObject):
    """One key of the bar: its word, and whether it works now. Its place stays empty when it does not."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._label = ""
        self._shown = self._chosen = False

    def put(self, label: str, *, shown: bool, chosen: bool = False) -> None:
        """Show the key with ``label``; ``chosen`` marks the language that is on."""
        self._label, self._shown, self._chosen = label, shown, chosen
        self.changed.emit()

    @Property(str, notify=changed)
    def label(self) -> str:
        return self._label

    @Property(bool, notify=changed)
    def shown(self) -> bool:
        return self._shown

    @Property(bool, notify=changed)
    def chosen(self) -> bool:
        return self._chosen


@QmlElement
class BarModel(QObject):
    """The keys that are always in the same place."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._back, self._leave, self._help, self._mode, self._chinese, self._english = (
            BarKeyModel(self) for _ in range(6)
        )

    def put(self, keys: frozenset[Key], language: Language, mode: Mode, say: Say) -> None:
        """Show the keys that work now."""
        self._back.put(say(text("key.back")), shown=Key.BACK in keys)
        self._leave.put(say(text("key.leave")), shown=Key.LEAVE in keys)
        self._help.put(say(text("key.help")), shown=Key.HELP in keys)
        mode_word = text("key.normal_type" if mode is Mode.ELDER else "key.large_type")
        self._mode.put(say(mode_word), shown=Key.MODE in keys, chosen=mode is Mode.ELDER)
        for key, own in ((self._chinese, Language.ZH_CN), (self._english, Language.EN)):
            key.put(say(text(f"language.{own.value}")), shown=Key.LANGUAGE in keys, chosen=language is own)

    @Property(BarKeyModel, constant=True)
    def back(self) -> BarKeyModel:
        return self._back

    @Property(BarKeyModel, constant=True)
    def leave(self) -> BarKeyModel:
        return self._leave

    @Property(BarKeyModel, constant=True)
    def help(self) -> BarKeyModel:
        return self._help

    @Property(BarKeyModel, constant=True)
    def mode(self) -> BarKeyModel:
        return self._mode

    @Property(BarKeyModel, constant=True)
    def chinese(self) -> BarKeyModel:
        return self._chinese

    @Property(BarKeyModel, constant=True)
    def english(self) -> BarKeyModel:
        return self._english


@QmlElement
class OverlayModel(QObject):
    """A question over the view."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._kind = self._title = self._countdown = ""
        self._lines = ItemList(self)
        self._actions = ItemList(self)
        self._fill_lines: Filler[Text] = Filler(self._lines, LineItem)
        self._fill_actions: Filler[Option] = Filler(self._actions, OptionItem, lambda option: option.id)

    def put(self, overlay: Overlay | None, say: Say) -> None:
        """Show ``overlay``, or nothing."""
        if overlay is None:
            self._kind = self._title = self._countdown = ""
            self._fill_lines.clear()
            self._fill_actions.clear()
        else:
            self._kind, self._title = overlay.kind.value, say(overlay.title)
            self._countdown = "" if overlay.seconds is None else say(text("frame.seconds", seconds=overlay.seconds))
            self._fill_lines.fill(overlay.lines, say)
            self._fill_actions.fill(overlay.actions, say)
        self.changed.emit()

    @Property(str, notify=changed)
    def kind(self) -> str:
        return self._kind

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def countdown(self) -> str:
        return self._countdown

    @Property(ItemList, constant=True)
    def lines(self) -> ItemList:
        return self._lines

    @Property(ItemList, constant=True)
    def actions(self) -> ItemList:
        return self._actions
