"""View models of rows 13 to 17: work in progress, paper, the result, the rating."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QmlElement

from kiosk.views import text
from screens.models.items import FactItem, Filler, ItemList, LineItem, OptionItem
from screens.models.rows import StageItem

if TYPE_CHECKING:
    from kiosk.views import Document, Fact, Option, Progress, ProgressStage, Rating, Result, Text
    from screens.models.items import Say

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1


@QmlElement
class ProgressModel(QObject):
    """The machine works."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._waiting_for = ""
        self._stages = ItemList(self)
        self._options = ItemList(self)
        self._fill_stages: Filler[ProgressStage] = Filler(self._stages, StageItem)
        self._fill_options: Filler[Option] = Filler(self._options, OptionItem, lambda option: option.id)

    def put(self, view: Progress, say: Say) -> None:
        """Show ``view``."""
        self._title = say(view.title)
        self._waiting_for = say(view.waiting_for)
        self._fill_stages.fill(view.stages, say)
        self._fill_options.fill(view.options, say)
        self.changed.emit()

    def forget(self) -> None:
        """Forget what was shown."""
        self._title = self._waiting_for = ""
        self._fill_stages.clear()
        self._fill_options.clear()
        self.changed.emit()

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def waitingFor(self) -> str:
        return self._waiting_for

    @Property(ItemList, constant=True)
    def stages(self) -> ItemList:
        return self._stages

    @Property(ItemList, constant=True)
    def options(self) -> ItemList:
        return self._options


@QmlElement
class DocumentModel(QObject):
    """Paper on its way or waiting."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._body = self._slot = self._tone = self._count = self._done = ""
        self._ready = False
        self._options = ItemList(self)
        self._fill_options: Filler[Option] = Filler(self._options, OptionItem, lambda option: option.id)

    def put(self, view: Document, say: Say) -> None:
        """Show ``view``."""
        self._title = say(view.title)
        self._body = say(view.body)
        self._slot = view.slot.value
        self._tone = view.tone.value
        self._ready = view.ready
        self._count = say(text("document.count", sheet=view.sheet, sheets=view.sheets)) if view.sheets > 1 else ""
        self._done = say(view.done)
        self._fill_options.fill(view.options, say)
        self.changed.emit()

    def forget(self) -> None:
        """Forget what was shown."""
        self._title = self._body = self._slot = self._tone = self._count = self._done = ""
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

    @Property(bool, notify=changed)
    def ready(self) -> bool:
        return self._ready

    @Property(str, notify=changed)
    def count(self) -> str:
        return self._count

    @Property(str, notify=changed)
    def done(self) -> str:
        return self._done

    @Property(ItemList, constant=True)
    def options(self) -> ItemList:
        return self._options


@QmlElement
class ResultModel(QObject):
    """The end of a service in words."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._tone = self._tone_word = self._done = ""
        self._body = ItemList(self)
        self._facts = ItemList(self)
        self._options = ItemList(self)
        self._fill_body: Filler[Text] = Filler(self._body, LineItem)
        self._fill_facts: Filler[Fact] = Filler(self._facts, FactItem)
        self._fill_options: Filler[Option] = Filler(self._options, OptionItem, lambda option: option.id)

    def put(self, view: Result, say: Say) -> None:
        """Show ``view``."""
        self._title = say(view.title)
        self._tone = view.tone.value
        self._tone_word = say(text(f"tone.{view.tone.value}"))
        self._done = say(view.done)
        self._fill_body.fill(view.body, say)
        self._fill_facts.fill(view.facts, say)
        self._fill_options.fill(view.options, say)
        self.changed.emit()

    def forget(self) -> None:
        """Forget what was shown."""
        self._title = self._tone = self._tone_word = self._done = ""
        self._fill_body.clear()
        self._fill_facts.clear()
        self._fill_options.clear()
        self.changed.emit()

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def tone(self) -> str:
        return self._tone

    @Property(str, notify=changed)
    def toneWord(self) -> str:
        return self._tone_word

    @Property(str, notify=changed)
    def done(self) -> str:
        return self._done

    @Property(ItemList, constant=True)
    def body(self) -> ItemList:
        return self._body

    @Property(ItemList, constant=True)
    def facts(self) -> ItemList:
        return self._facts

    @Property(ItemList, constant=True)
    def options(self) -> ItemList:
        return self._options


@QmlElement
class RatingModel(QObject):
    """Five grades with words."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._title = self._lead = self._submit = self._skip = self._why = ""
        self._grades = ItemList(self)
        self._reasons = ItemList(self)
        self._fill_grades: Filler[Option] = Filler(self._grades, OptionItem, lambda option: option.id)
        self._fill_reasons: Filler[Option] = Filler(self._reasons, OptionItem, lambda option: option.id)

    def put(self, view: Rating, say: Say) -> None:
        """Show ``view``."""
        self._title = say(view.title)
        self._lead = say(view.lead)
        self._submit = say(view.submit)
        self._skip = say(view.skip)
        self._why = say(text("rating.why"))
        self._fill_grades.fill(view.grades, say)
        self._fill_reasons.fill(view.reasons, say)
        self.changed.emit()

    def forget(self) -> None:
        """Forget what was shown."""
        self._title = self._lead = self._submit = self._skip = self._why = ""
        self._fill_grades.clear()
        self._fill_reasons.clear()
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
    def skip(self) -> str:
        return self._skip

    @Property(str, notify=changed)
    def why(self) -> str:
        return self._why

    @Property(ItemList, constant=True)
    def grades(self) -> ItemList:
        return self._grades

    @Property(ItemList, constant=True)
    def reasons(self) -> ItemList:
        return self._reasons
