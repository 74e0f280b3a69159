"""View models of rows 18 and 19, of a fault and of a machine that serves nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QmlElement

from kiosk.views import text
from screens.models.items import FactItem, Filler, ItemList, OptionItem
from screens.models.rows import BelongingItem

if TYPE_CHECKING:
    from kiosk.views import Belonging, Fact, Fault, Goodbye, Option, OutOfService
    from screens.models.items import Say

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class GoodbyeModel(QObject):
    """What is still in; then: the data are gone."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._body = self._done = self._tone = self._slot = ""
        self._cleared = False
        self._belongings = ItemList(self)
        self._fill_belongings: Filler[Belonging] = Filler(self._belongings, BelongingItem)

    def put(self, view: Goodbye, say: Say) -> None:
        """Show ``view``."""
        self._title = say(view.title)
        self._body = say(view.body)
        self._done = say(view.done)
        self._tone = view.tone.value
        self._slot = next((thing.slot.value for thing in view.belongings if not thing.taken), "none")
        self._cleared = view.cleared
        self._fill_belongings.fill(view.belongings, say)
        self.changed.emit()

    def forget(self) -> None:
        """Forget what was shown."""
        self._title = self._body = self._done = self._tone = self._slot = ""
        self._fill_belongings.clear()
        self.changed.emit()

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def body(self) -> str:
        return self._body

    @Property(str, notify=changed)
    def done(self) -> str:
        return self._done

    @Property(str, notify=changed)
    def tone(self) -> str:
        return self._tone

    @Property(str, notify=changed)
    def slot(self) -> str:
        return self._slot

    @Property(bool, notify=changed)
    def cleared(self) -> bool:
        return self._cleared

    @Property(ItemList, constant=True)
    def belongings(self) -> ItemList:
        return self._belongings


@QmlElement
class FaultModel(QObject):
    """What happened, what it means, what to do, one number to quote."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._happened = self._means = self._what = self._number = self._means_label = self._do_label = (
            self._number_label
        ) = self._slot = ""
        self._options = ItemList(self)
        self._fill_options: Filler[Option] = Filler(self._options, OptionItem, lambda option: option.id)

    def put(self, view: Fault, say: Say) -> None:
        """Show ``view``."""
        self._title = say(view.title)
        self._happened = say(view.happened)
        self._means = say(view.means)
        self._what = say(view.do)
        self._number = view.number
        self._means_label = say(text("fault.means"))
        self._do_label = say(text("fault.do"))
        self._number_label = say(text("fault.number"))
        self._slot = view.slot.value
        self._fill_options.fill(view.options, say)
        self.changed.emit()

    def forget(self) -> None:
        """Forget what was shown."""
        self._title = self._happened = self._means = self._what = self._number = self._means_label = self._do_label = (
            self._number_label
        ) = self._slot = ""
        self._fill_options.clear()
        self.changed.emit()

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def happened(self) -> str:
        return self._happened

    @Property(str, notify=changed)
    def means(self) -> str:
        return self._means

    @Property(str, notify=changed)
    def what(self) -> str:
        return self._what

    @Property(str, notify=changed)
    def number(self) -> str:
        return self._number

    @Property(str, notify=changed)
    def meansLabel(self) -> str:
        return self._means_label

    @Property(str, notify=changed)
    def doLabel(self) -> str:
        return self._do_label

    @Property(str, notify=changed)
    def numberLabel(self) -> str:
        return self._number_label

    @Property(str, notify=changed)
    def slot(self) -> str:
        return self._slot

    @Property(ItemList, constant=True)
    def options(self) -> ItemList:
        return self._options


@QmlElement
class OutOfServiceModel(QObject):
    """The machine serves nobody."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._body = self._since = self._elsewhere_label = ""
        self._elsewhere = ItemList(self)
        self._fill_elsewhere: Filler[Fact] = Filler(self._elsewhere, FactItem)

    def put(self, view: OutOfService, say: Say) -> None:
        """Show ``view``."""
        self._title = say(view.title)
        self._body = say(view.body)
        self._since = say(view.since)
        self._elsewhere_label = say(text("out_of_service.elsewhere"))
        self._fill_elsewhere.fill(view.elsewhere, say)
        self.changed.emit()

    def forget(self) -> None:
        """Nothing here names a person."""

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def body(self) -> str:
        return self._body

    @Property(str, notify=changed)
    def since(self) -> str:
        return self._since

    @Property(str, notify=changed)
    def elsewhereLabel(self) -> str:
        return self._elsewhere_label

    @Property(ItemList, constant=True)
    def elsewhere(self) -> ItemList:
        return self._elsewhere
