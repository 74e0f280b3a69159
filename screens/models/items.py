"""Lists for QML, and the small things in them, each with its words already in the resident's language.

A list keeps an item whose identity stays, so that an update of the same question changes words in place: what was
typed, the place scrolled to and the focus stay (see :class:`kiosk.views.Scene`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from PySide6.QtCore import (
    Property,
    QAbstractListModel,
    QByteArray,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtQml import QmlElement, QQmlEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kiosk.views import Fact, Option, Text

    Say = Callable[[Text], str]

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1

ITEM_ROLE = int(Qt.ItemDataRole.UserRole)
NO_INDEX = QModelIndex()

Shown = TypeVar("Shown")
Shown_contra = TypeVar("Shown_contra", contravariant=True)


class Item(Protocol[Shown_contra]):
    """One thing in a list: a QObject that can take over new words for the same thing."""

    def put(self, shown: Shown_contra, say: Say) -> None:
        """Take over what is shown now."""
        ...

    def deleteLater(self) -> None:
        """Go once QML has let go."""
        ...


@QmlElement
class ItemList(QAbstractListModel):
    """A list of items under the role ``item``."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.held: list[QObject] = []

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = NO_INDEX) -> int:
        """Return how many items the list holds."""
        return 0 if parent.isValid() else len(self.held)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = ITEM_ROLE) -> QObject | None:
        """Return the item of a row."""
        return self.held[index.row()] if role == ITEM_ROLE and 0 <= index.row() < len(self.held) else None

    def roleNames(self) -> dict[int, QByteArray]:
        """Return the one role."""
        return {ITEM_ROLE: QByteArray(b"item")}

    @Property(int, notify=changed)
    def count(self) -> int:
        return len(self.held)


class Filler(Generic[Shown]):
    """Keeps an :class:`ItemList` equal to a sequence: same identity, same item; others come and go."""

    def __init__(
        self,
        target: ItemList,
        make: Callable[[QObject], Item[Shown]],
        identify: Callable[[Shown], str] | None = None,
    ) -> None:
        self._target = target
        self._make = make
        self._identify = identify
        self._keys: list[str] = []
        self._items: list[Item[Shown]] = []

    def fill(self, shown: Sequence[Shown], say: Say) -> None:
        """Make the list show exactly ``shown``."""
        wanted = [self._identify(one) if self._identify else str(place) for place, one in enumerate(shown)]
        for row in reversed(range(len(self._keys))):
            if self._keys[row] not in wanted:
                self._remove(row)
        if self._keys != [key for key in wanted if key in self._keys]:  # the order changed: begin afresh
            self.clear()
        for row, (key, one) in enumerate(zip(wanted, shown, strict=True)):
            if row < len(self._keys) and self._keys[row] == key:
                self._items[row].put(one, say)
            else:
                self._insert(row, key, one, say)
        self._target.changed.emit()

    def clear(self) -> None:
        """Forget everything."""
        for row in reversed(range(len(self._keys))):
            self._remove(row)
        self._target.changed.emit()

    def _insert(self, row: int, key: str, one: Shown, say: Say) -> None:
        item = self._make(self._target)
        QQmlEngine.setObjectOwnership(item, QQmlEngine.ObjectOwnership.CppOwnership)  # type: ignore[arg-type]  # every Item is a QObject
        item.put(one, say)
        self._target.beginInsertRows(NO_INDEX, row, row)
        self._keys.insert(row, key)
        self._items.insert(row, item)
        self._target.held.insert(row, item)  # type: ignore[arg-type]  # every Item is a QObject
        self._target.endInsertRows()

    def _remove(self, row: int) -> None:
        self._target.beginRemoveRows(NO_INDEX, row, row)
        del self._keys[row]
        gone = self._items.pop(row)
        del self._target.held[row]
        self._target.endRemoveRows()
        gone.deleteLater()


@QmlElement
class LineItem(QObject):
    """A paragraph."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._words = ""

    def put(self, shown: Text, say: Say) -> None:
        """Take over what is shown now."""
        self._words = say(shown)
        self.changed.emit()

    @Property(str, notify=changed)
    def words(self) -> str:
        return self._words


@QmlElement
class FactItem(QObject):
    """A labelled line."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._label = self._value = ""

    def put(self, shown: Fact, say: Say) -> None:
        """Take over what is shown now."""
        self._label, self._value = say(shown.label), say(shown.value)
        self.changed.emit()

    @Property(str, notify=changed)
    def label(self) -> str:
        return self._label

    @Property(str, notify=changed)
    def value(self) -> str:
        return self._value


@QmlElement
class OptionItem(QObject):
    """Something to tap, or the reason why not."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._key = self._title = self._detail = self._reason = self._icon = ""
        self._usable = True

    def put(self, shown: Option, say: Say) -> None:
        """Take over what is shown now."""
        self._key, self._icon, self._usable = shown.id, shown.icon, shown.enabled
        self._title, self._detail, self._reason = say(shown.title), say(shown.detail), say(shown.reason)
        self.changed.emit()

    @Property(str, notify=changed)
    def key(self) -> str:
        return self._key

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def detail(self) -> str:
        return self._detail

    @Property(str, notify=changed)
    def reason(self) -> str:
        return self._reason

    @Property(str, notify=changed)
    def icon(self) -> str:
        return self._icon

    @Property(bool, notify=changed)
    def usable(self) -> bool:
        return self._usable
