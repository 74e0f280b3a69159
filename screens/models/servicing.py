"""View model of the technician's service mode, and the lines its pages are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement

from kiosk.views import Colour, FieldKind, MaintenancePage, MaintenanceRow, text
from screens.models.fields import FieldItem
from screens.models.items import FactItem, Filler, ItemList, OptionItem
from screens.models.rows import StageItem

if TYPE_CHECKING:
    from kiosk.views import Fact, Field, Maintenance, MaintenanceSection, Option, ProgressStage
    from screens.models.items import Say

QML_IMPORT_NAME = "Tongban.Models"
QML_IMPORT_MAJOR_VERSION = 1

DEVICES: Final = "devices"  # stands in full on the first page
DO: Final = "do."  # before an action's name
WAYS_OUT: Final = frozenset({f"{DO}return", f"{DO}leave"})  # stand apart from the work
# The shape that stands for a colour.
SHAPES: Final = {Colour.GREEN: "good", Colour.YELLOW: "attention", Colour.RED: "sorry", Colour.GREY: "unknown"}


@QmlElement
class ServiceRow(QObject):
    """One line of a section: what it is, how it is, in words and as a shape."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._key = self._label = self._value = self._detail = self._shape = self._word = ""
        self._opens = False

    def put(self, shown: MaintenanceRow, say: Say) -> None:
        """Take over what is shown now."""
        self._key, self._opens, self._shape = shown.id, shown.opens, SHAPES[shown.colour]
        self._label, self._value, self._detail = say(shown.label), say(shown.value), say(shown.detail)
        self._word = say(text(f"colour.{shown.colour.value}"))
        self.changed.emit()

    @Property(str, notify=changed)
    def key(self) -> str:
        return self._key

    @Property(str, notify=changed)
    def label(self) -> str:
        return self._label

    @Property(str, notify=changed)
    def value(self) -> str:
        return self._value

    @Property(str, notify=changed)
    def detail(self) -> str:
        return self._detail

    @Property(str, notify=changed)
    def shape(self) -> str:
        return self._shape

    @Property(str, notify=changed)
    def word(self) -> str:
        """What the shape means."""
        return self._word

    @Property(bool, notify=changed)
    def opens(self) -> bool:
        return self._opens


@QmlElement
class ServiceSection(QObject):
    """A heading with its lines; as a key it says the worst of them, and all of them to a screen reader."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._key = self._title = self._shape = self._word = self._spoken = ""
        self._rows = ItemList(self)
        self._fill_rows: Filler[MaintenanceRow] = Filler(self._rows, ServiceRow, lambda row: row.id)

    def put(self, shown: MaintenanceSection, say: Say) -> None:
        """Take over what is shown now."""
        self._key, self._title, self._shape = shown.id, say(shown.title), SHAPES[shown.colour]
        self._word = say(text(f"colour.{shown.colour.value}" if shown.rows else "service.nothing"))
        self._spoken = "; ".join(f"{say(row.label)}: {say(row.value)} {say(row.detail)}".strip() for row in shown.rows)
        self._fill_rows.fill(shown.rows, say)
        self.changed.emit()

    @Property(str, notify=changed)
    def key(self) -> str:
        return self._key

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def shape(self) -> str:
        return self._shape

    @Property(str, notify=changed)
    def word(self) -> str:
        return self._word

    @Property(str, notify=changed)
    def spoken(self) -> str:
        return self._spoken

    @Property(ItemList, constant=True)
    def rows(self) -> ItemList:
        return self._rows


@QmlElement
class MaintenanceModel(QObject):
    """One page of the service mode."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._page = self._title = self._lead = self._tone = self._tone_word = self._who = self._submit = ""
        self._picture = self._slot = self._promised = self._elsewhere_label = self._first_field = ""
        self._running = -1
        self._sections, self._others = ItemList(self), ItemList(self)
        self._stages, self._fields, self._options = ItemList(self), ItemList(self), ItemList(self)
        self._ways_out, self._elsewhere = ItemList(self), ItemList(self)
        self._fill_sections: Filler[MaintenanceSection] = Filler(self._sections, ServiceSection, lambda one: one.id)
        self._fill_others: Filler[MaintenanceSection] = Filler(self._others, ServiceSection, lambda one: one.id)
        self._fill_stages: Filler[ProgressStage] = Filler(self._stages, StageItem)
        self._fill_fields: Filler[Field] = Filler(self._fields, FieldItem, lambda field: field.id)
        self._fill_options: Filler[Option] = Filler(self._options, OptionItem, lambda option: option.id)
        self._fill_ways_out: Filler[Option] = Filler(self._ways_out, OptionItem, lambda option: option.id)
        self._fill_elsewhere: Filler[Fact] = Filler(self._elsewhere, FactItem)

    def put(self, view: Maintenance, say: Say) -> None:
        """Show ``view``."""
        self._page, self._tone = view.page.value, view.tone.value
        self._title, self._lead, self._submit = say(view.title), say(view.lead), say(view.submit)
        self._tone_word = say(text(f"tone.{view.tone.value}"))
        self._promised = say(text("maintenance.waiting.back", at=view.promised)) if view.promised else ""
        self._who = "" if view.page is MaintenancePage.WAITING else say(view.who)  # no business of residents
        self._picture, self._slot = view.picture, view.slot.value
        self._elsewhere_label = say(text("out_of_service.elsewhere"))
        self._running = next((at for at, one in enumerate(view.stages) if one.state.value == "running"), -1)
        self._put_lists(view, say)
        self.changed.emit()

    def _put_lists(self, view: Maintenance, say: Say) -> None:
        first = view.page is MaintenancePage.OVERVIEW
        self._fill_sections.fill([one for one in view.sections if not first or one.id == DEVICES], say)
        self._fill_others.fill([one for one in view.sections if first and one.id != DEVICES], say)
        self._fill_stages.fill(view.stages, say)
        self._fill_fields.fill(view.fields, say)
        for item in self._fields.held:
            if isinstance(item, FieldItem):
                item.keep_secret(secret=item.content()[0] in view.secret)
        digits = [one for one in view.fields if one.kind is FieldKind.DIGITS]
        self._first_field = next((one.id for one in digits if not one.value), digits[0].id if digits else "")
        self._fill_options.fill([one for one in view.options if one.id not in WAYS_OUT], say)
        self._fill_ways_out.fill([one for one in view.options if one.id in WAYS_OUT], say)
        self._fill_elsewhere.fill(view.elsewhere, say)

    def forget(self) -> None:
        """Forget what was shown and typed."""
        self._page = self._title = self._lead = self._tone = self._tone_word = self._who = self._submit = ""
        self._picture = self._slot = self._promised = self._elsewhere_label = self._first_field = ""
        self._running = -1
        for filler in (self._fill_sections, self._fill_others):
            filler.clear()
        for options in (self._fill_options, self._fill_ways_out):
            options.clear()
        self._fill_stages.clear()
        self._fill_fields.clear()
        self._fill_elsewhere.clear()
        self.changed.emit()

    @Property(str, notify=changed)
    def page(self) -> str:
        """Which page it is: ``waiting``, ``sign_on``, ``overview`` ... ``done``."""
        return self._page

    @Property(str, notify=changed)
    def title(self) -> str:
        return self._title

    @Property(str, notify=changed)
    def lead(self) -> str:
        return self._lead

    @Property(str, notify=changed)
    def tone(self) -> str:
        return self._tone

    @Property(str, notify=changed)
    def toneWord(self) -> str:
        return self._tone_word

    @Property(str, notify=changed)
    def who(self) -> str:
        """Staff number, role and order; nothing where residents stand before the screen."""
        return self._who

    @Property(str, notify=changed)
    def promised(self) -> str:
        return self._promised

    @Property(str, notify=changed)
    def submit(self) -> str:
        return self._submit

    @Property(str, notify=changed)
    def picture(self) -> str:
        return self._picture

    @Property(str, notify=changed)
    def slot(self) -> str:
        return self._slot

    @Property(str, notify=changed)
    def elsewhereLabel(self) -> str:
        return self._elsewhere_label

    @Property(str, notify=changed)
    def firstField(self) -> str:
        """The field whose pad is open to begin with: the first number that is still to be typed."""
        return self._first_field

    @Property(int, notify=changed)
    def running(self) -> int:
        """The place of the step that runs, from 0; -1: none does."""
        return self._running

    @Property(ItemList, constant=True)
    def sections(self) -> ItemList:
        return self._sections

    @Property(ItemList, constant=True)
    def others(self) -> ItemList:
        """The first page's sections that stand there as keys only."""
        return self._others

    @Property(ItemList, constant=True)
    def stages(self) -> ItemList:
        return self._stages

    @Property(ItemList, constant=True)
    def fields(self) -> ItemList:
        return self._fields

    @Property(ItemList, constant=True)
    def options(self) -> ItemList:
        return self._options

    @Property(ItemList, constant=True)
    def waysOut(self) -> ItemList:
        """Back into service, and leaving."""
        return self._ways_out

    @Property(ItemList, constant=True)
    def elsewhere(self) -> ItemList:
        return self._elsewhere

    @Slot(result="QVariantMap")
    def values(self) -> dict[str, str]:
        """Return what stands in the fields, by field id."""
        return dict(field.content() for field in self._fields.held if isinstance(field, FieldItem))
