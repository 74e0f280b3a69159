"""View models of rows 4 and 5: something asked for at the machine, consent, the camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QmlElement

from screens.models.items import Filler, ItemList, LineItem, OptionItem

if TYPE_CHECKING:
    from kiosk.views import Camera, Consent, Option, Prompt, Text
    from screens.models.items import Say

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class PromptModel(QObject):
    """Asks for something to be done at the machine."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._body = self._slot = self._tone = self._tries = ""
        self._options = ItemList(self)
        self._fill_options: Filler[Option] = Filler(self._options, OptionItem, lambda option: option.id)

    def put(self, view: Prompt, say: Say) -> None:
        """Show ``view``."""
        self._title = say(view.title)
        self._body = say(view.body)
        self._slot = view.slot.value
        self._tone = view.tone.value
        self._tries = say(view.tries)
        self._fill_options.fill(view.options, say)
        self.changed.emit()

    def forget(self) -> None:
        """Forget what was shown."""
        self._title = self._body = self._slot = self._tone = self._tries = ""
        self._fill_options.clear()
        self.changed.emit()

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def body(self) -> str:
        return self._body

    @Property(str, notify=changed)
    def slot(self) -> str:
        return self._slot

    @Property(str, notify=changed)
    def tone(self) -> str:
        return self._tone

    @Property(str, notify=changed)
    def tries(self) -> str:
        return self._tries

    @Property(ItemList, constant=True)
    def options(self) -> ItemList:
        return self._options


@QmlElement
class ConsentModel(QObject):
    """What happens and why; yes and no."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._agree = self._decline = self._slot = ""
        self._paragraphs = ItemList(self)
        self._fill_paragraphs: Filler[Text] = Filler(self._paragraphs, LineItem)

    def put(self, view: Consent, say: Say) -> None:
        """Show ``view``."""
        self._title = say(view.title)
        self._agree = say(view.agree)
        self._decline = say(view.decline)
        self._slot = view.slot.value
        self._fill_paragraphs.fill(view.paragraphs, say)
        self.changed.emit()

    def forget(self) -> None:
        """Forget what was shown."""
        self._title = self._agree = self._decline = self._slot = ""
        self._fill_paragraphs.clear()
        self.changed.emit()

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def agree(self) -> str:
        return self._agree

    @Property(str, notify=changed)
    def decline(self) -> str:
        return self._decline

    @Property(str, notify=changed)
    def slot(self) -> str:
        return self._slot

    @Property(ItemList, constant=True)
    def paragraphs(self) -> ItemList:
        return self._paragraphs


@QmlElement
class CameraModel(QObject):
    """The live picture with one hint."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._hint = self._tone = ""
        self._busy = False
        self._options = ItemList(self)
        self._fill_options: Filler[Option] = Filler(self._options, OptionItem, lambda option: option.id)

    def put(self, view: Camera, say: Say) -> None:
        """Show ``view``."""
        self._title = say(view.title)
        self._hint = say(view.hint)
        self._tone = view.tone.value
        self._busy = view.busy
        self._fill_options.fill(view.options, say)
        self.changed.emit()

    def forget(self) -> None:
        """Forget what was shown."""
        self._title = self._hint = self._tone = ""
        self._fill_options.clear()
        self.changed.emit()

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def hint(self) -> str:
        return self._hint

    @Property(str, notify=changed)
    def tone(self) -> str:
        return self._tone

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        return self._busy

    @Property(ItemList, constant=True)
    def options(self) -> ItemList:
        return self._options
