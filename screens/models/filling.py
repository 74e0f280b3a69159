"""View models of rows 7 and 11: the form and the review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.views import text
from screens.models.fields import FieldItem, KnownItem
from screens.models.items import Filler, ItemList, OptionItem
from screens.models.rows import ReviewItem

if TYPE_CHECKING:
    from kiosk.views import Field, Form, KnownField, Option, Review, ReviewRow
    from screens.models.items import Say

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class FormModel(QObject):
    """Open fields, and what is known already."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._lead = self._submit = self._known_title = ""
        self._known = ItemList(self)
        self._fields = ItemList(self)
        self._options = ItemList(self)
        self._fill_known: Filler[KnownField] = Filler(self._known, KnownItem)
        self._fill_fields: Filler[Field] = Filler(self._fields, FieldItem, lambda field: field.id)
        self._fill_options: Filler[Option] = Filler(self._options, OptionItem, lambda option: option.id)

    def put(self, view: Form, say: Say) -> None:
        """Show ``view``."""
        self._title = say(view.title)
        self._lead = say(view.lead)
        self._submit = say(view.submit)
        self._known_title = say(text("form.known", count=len(view.known))) if view.known else ""
        self._fill_known.fill(view.known, say)
        self._fill_fields.fill(view.fields, say)
        self._fill_options.fill(view.options, say)
        self.changed.emit()

    def forget(self) -> None:
        """Forget what was shown."""
        self._title = self._lead = self._submit = self._known_title = ""
        self._fill_known.clear()
        self._fill_fields.clear()
        self._fill_options.clear()
        self.changed.emit()

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def lead(self) -> str:
        return self._lead

    @Property(str, notify=changed)
    def submit(self) -> str:
        return self._submit

    @Property(str, notify=changed)
    def knownTitle(self) -> str:
        return self._known_title

    @Property(ItemList, constant=True)
    def known(self) -> ItemList:
        return self._known

    @Property(ItemList, constant=True)
    def fields(self) -> ItemList:
        return self._fields

    @Property(ItemList, constant=True)
    def options(self) -> ItemList:
        return self._options

    @Slot(result="QVariantMap")
    def values(self) -> dict[str, str]:
        """Return what stands in the open fields, by field id."""
        return dict(field.content() for field in self._fields.held if isinstance(field, FieldItem))


@QmlElement
class ReviewModel(QObject):
    """Everything that will be sent."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._promise = self._submit = self._edit_word = ""
        self._rows = ItemList(self)
        self._fill_rows: Filler[ReviewRow] = Filler(self._rows, ReviewItem)

    def put(self, view: Review, say: Say) -> None:
        """Show ``view``."""
        self._title = say(view.title)
        self._promise = say(view.promise)
        self._submit = say(view.submit)
        self._edit_word = say(text("review.edit"))
        self._fill_rows.fill(view.rows, say)
        self.changed.emit()

    def forget(self) -> None:
        """Forget what was shown."""
        self._title = self._promise = self._submit = self._edit_word = ""
        self._fill_rows.clear()
        self.changed.emit()

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def promise(self) -> str:
        return self._promise

    @Property(str, notify=changed)
    def submit(self) -> str:
        return self._submit

    @Property(str, notify=changed)
    def editWord(self) -> str:
        return self._edit_word

    @Property(ItemList, constant=True)
    def rows(self) -> ItemList:
        return self._rows
