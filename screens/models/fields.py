"""The fields of a form: what was typed lives here, so that an update of the same form never loses a character."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QmlElement

from kiosk.views import text
from screens.models.items import Filler, ItemList, OptionItem

if TYPE_CHECKING:
    from kiosk.views import Field, KnownField, Option
    from screens.models.items import Say

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class KnownItem(QObject):
    """A field somebody else has filled."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._label = self._value = self._source = ""

    def put(self, shown: KnownField, say: Say) -> None:
        """Take over what is shown now."""
        self._label, self._value = say(shown.label), shown.value
        self._source = say(shown.source)
        self.changed.emit()

    @Property(str, notify=changed)
    def label(self) -> str:
        return self._label

    @Property(str, notify=changed)
    def value(self) -> str:
        return self._value

    @Property(str, notify=changed)
    def source(self) -> str:
        return self._source


@QmlElement
class FieldItem(QObject):
    """One open field. ``draft`` is what stands in it; a new value of the core's wins only if the core changed it."""

    changed = Signal()
    draftChanged = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._key = self._label = self._kind = self._hint = self._error = self._draft = ""
        self._minimum = self._maximum = self._mark = ""
        self._max_length = 0
        self._secret = False
        self._given: str | None = None
        self._options = ItemList(self)
        self._filler: Filler[Option] = Filler(self._options, OptionItem, lambda option: option.id)

    def put(self, shown: Field, say: Say) -> None:
        """Take over what is shown now."""
        self._key, self._kind, self._max_length = shown.id, shown.kind.value, shown.max_length
        self._minimum, self._maximum = shown.minimum, shown.maximum
        self._label, self._hint, self._error = say(shown.label), say(shown.hint), say(shown.error)
        self._mark = "" if shown.required else say(text("form.optional"))
        self._filler.fill(shown.options, say)
        self.changed.emit()
        if shown.value != self._given:
            self._given = shown.value
            self._write_draft(shown.value)

    def _read_draft(self) -> str:
        return self._draft

    def _write_draft(self, draft: str) -> None:
        if draft != self._draft:
            self._draft = draft
            self.draftChanged.emit()

    def keep_secret(self, *, secret: bool) -> None:
        """Show what is typed as dots, or plainly."""
        if secret != self._secret:
            self._secret = secret
            self.changed.emit()

    draft = Property(str, _read_draft, _write_draft, notify=draftChanged)

    @Property(str, notify=changed)
    def key(self) -> str:
        return self._key

    @Property(str, notify=changed)
    def label(self) -> str:
        return self._label

    @Property(str, notify=changed)
    def kind(self) -> str:
        return self._kind

    @Property(str, notify=changed)
    def hint(self) -> str:
        return self._hint

    @Property(str, notify=changed)
    def error(self) -> str:
        return self._error

    @Property(str, notify=changed)
    def mark(self) -> str:
        """A word beside the label, e.g. "may be left empty"."""
        return self._mark

    @Property(str, notify=changed)
    def minimum(self) -> str:
        return self._minimum

    @Property(str, notify=changed)
    def maximum(self) -> str:
        return self._maximum

    @Property(int, notify=changed)
    def maxLength(self) -> int:
        return self._max_length

    @Property(bool, notify=changed)
    def secret(self) -> bool:
        """What is typed is drawn as dots and never read out."""
        return self._secret

    @Property(ItemList, constant=True)
    def options(self) -> ItemList:
        return self._options

    def content(self) -> tuple[str, str]:
        """Return what the field would send: its id and what stands in it."""
        return self._key, self._draft
