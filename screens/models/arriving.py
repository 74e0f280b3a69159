"""View models of rows 0 to 3: the attract screen, a choice, a guide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QmlElement

from screens.models.items import FactItem, Filler, ItemList, LineItem, OptionItem

if TYPE_CHECKING:
    from kiosk.views import Attract, Choice, Fact, Guide, Option, Text
    from screens.models.items import Say

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class AttractModel(QObject):
    """Nobody is served."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._status = self._place_name = ""
        self._whole = True
        self._entries = ItemList(self)
        self._notices = ItemList(self)
        self._fill_entries: Filler[Option] = Filler(self._entries, OptionItem, lambda option: option.id)
        self._fill_notices: Filler[Text] = Filler(self._notices, LineItem)

    def put(self, view: Attract, say: Say) -> None:
        """Show ``view``."""
        self._title, self._status, self._place_name = say(view.title), say(view.status), say(view.place_name)
        self._whole = view.whole
        self._fill_entries.fill(view.entries, say)
        self._fill_notices.fill(view.notices, say)
        self.changed.emit()

    def forget(self) -> None:
        """Nothing here names a person."""

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def status(self) -> str:
        return self._status

    @Property(str, notify=changed)
    def placeName(self) -> str:
        return self._place_name

    @Property(bool, notify=changed)
    def whole(self) -> bool:
        return self._whole

    @Property(ItemList, constant=True)
    def entries(self) -> ItemList:
        return self._entries

    @Property(ItemList, constant=True)
    def notices(self) -> ItemList:
        return self._notices


@QmlElement
class ChoiceModel(QObject):
    """A question with options, with a search where there are many."""

    changed = Signal()
    queryChanged = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._lead = self._query = ""
        self._given: str | None = None
        self._searchable = False
        self._options = ItemList(self)
        self._fill_options: Filler[Option] = Filler(self._options, OptionItem, lambda option: option.id)

    def put(self, view: Choice, say: Say) -> None:
        """Show ``view``; what is being typed stays unless the core changed the query."""
        self._title, self._lead, self._searchable = say(view.title), say(view.lead), view.searchable
        self._fill_options.fill(view.options, say)
        self.changed.emit()
        if view.query != self._given:
            self._given = view.query
            self._write_query(view.query)

    def forget(self) -> None:
        """Forget what was shown and typed."""
        self._title = self._lead = ""
        self._given = None
        self._fill_options.clear()
        self._write_query("")
        self.changed.emit()

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def lead(self) -> str:
        return self._lead

    @Property(bool, notify=changed)
    def searchable(self) -> bool:
        return self._searchable

    @Property(ItemList, constant=True)
    def options(self) -> ItemList:
        return self._options

    def _read_query(self) -> str:
        return self._query

    def _write_query(self, query: str) -> None:
        if query != self._query:
            self._query = query
            self.queryChanged.emit()

    query = Property(str, _read_query, _write_query, notify=queryChanged)


@QmlElement
class GuideModel(QObject):
    """What a service needs and gives."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._lead = self._notice = self._start = ""
        self._facts = ItemList(self)
        self._fill_facts: Filler[Fact] = Filler(self._facts, FactItem)

    def put(self, view: Guide, say: Say) -> None:
        """Show ``view``."""
        self._title, self._lead = say(view.title), say(view.lead)
        self._notice, self._start = say(view.notice), say(view.start)
        self._fill_facts.fill(view.facts, say)
        self.changed.emit()

    def forget(self) -> None:
        """Nothing here names a person."""

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def lead(self) -> str:
        return self._lead

    @Property(str, notify=changed)
    def notice(self) -> str:
        return self._notice

    @Property(str, notify=changed)
    def start(self) -> str:
        return self._start

    @Property(ItemList, constant=True)
    def facts(self) -> ItemList:
        return self._facts
