"""Rows that carry a state: of a review, of something that runs, of what to take along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QmlElement

from kiosk.views import text

if TYPE_CHECKING:
    from kiosk.views import Belonging, ProgressStage, ReviewRow
    from screens.models.items import Say

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class ReviewItem(QObject):
    """One line of what will be sent."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._label = self._value = self._edit = ""

    def put(self, shown: ReviewRow, say: Say) -> None:
        """Take over what is shown now."""
        self._label, self._value, self._edit = say(shown.label), say(shown.value), shown.edit
        self.changed.emit()

    @Property(str, notify=changed)
    def label(self) -> str:
        return self._label

    @Property(str, notify=changed)
    def value(self) -> str:
        return self._value

    @Property(str, notify=changed)
    def edit(self) -> str:
        return self._edit


@QmlElement
class StageItem(QObject):
    """One step of something that runs, with a word for its state."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._label = self._state = self._state_word = ""

    def put(self, shown: ProgressStage, say: Say) -> None:
        """Take over what is shown now."""
        self._label, self._state = say(shown.label), shown.state.value
        self._state_word = say(text(f"stage.{shown.state.value}"))
        self.changed.emit()

    @Property(str, notify=changed)
    def label(self) -> str:
        return self._label

    @Property(str, notify=changed)
    def state(self) -> str:
        return self._state

    @Property(str, notify=changed)
    def stateWord(self) -> str:
        return self._state_word


@QmlElement
class BelongingItem(QObject):
    """One thing to take along, and whether it has been."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._label = self._slot = self._state_word = ""
        self._taken = False

    def put(self, shown: Belonging, say: Say) -> None:
        """Take over what is shown now."""
        self._label, self._slot, self._taken = say(shown.label), shown.slot.value, shown.taken
        self._state_word = say(text("goodbye.taken" if shown.taken else "goodbye.not_taken"))
        self.changed.emit()

    @Property(str, notify=changed)
    def label(self) -> str:
        return self._label

    @Property(str, notify=changed)
    def slot(self) -> str:
        return self._slot

    @Property(bool, notify=changed)
    def taken(self) -> bool:
        return self._taken

    @Property(str, notify=changed)
    def stateWord(self) -> str:
        return self._state_word
