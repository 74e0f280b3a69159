"""Row 7: the form, made from the package. A wrong value says what is right and keeps the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.values import Pii
from kiosk.catalogue import values
from kiosk.catalogue.model import FieldDef, FieldType
from kiosk.intents import Submitted, WentBack
from kiosk.journey import Outcome, Step
from kiosk.masking import MASKS
from kiosk.views import NOTHING, Field, FieldKind, Form, KnownField, Mode, Option, Text, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kiosk.visit import Visit

KINDS: Mapping[FieldType, FieldKind] = {
    FieldType.TEXT: FieldKind.TEXT,
    FieldType.NAME_CN: FieldKind.TEXT,
    FieldType.RESIDENT_ID: FieldKind.TEXT,
    FieldType.LONG_TEXT: FieldKind.LONG_TEXT,
    FieldType.MOBILE_CN: FieldKind.DIGITS,
    FieldType.ENUM: FieldKind.CHOICE,
    FieldType.MULTI_ENUM: FieldKind.MULTI_CHOICE,
    FieldType.BOOL: FieldKind.YES_NO,
    FieldType.DATE: FieldKind.DATE,
    FieldType.MONTH_RANGE: FieldKind.MONTH_RANGE,
}
PAGE_WEIGHT = 6  # what a portrait page holds without scrolling, in rows of about 200 px at 1080 wide
WEIGHTS: Mapping[FieldKind, int] = {
    FieldKind.YES_NO: 1,
    FieldKind.CHOICE: 2,
    FieldKind.MULTI_CHOICE: 2,
    FieldKind.DATE: 3,
    FieldKind.MONTH_RANGE: 3,
    FieldKind.TEXT: 4,  # the keyboard takes the rest
    FieldKind.DIGITS: 5,  # so does the number pad
    FieldKind.LONG_TEXT: PAGE_WEIGHT,
}
MOBILE_DIGITS = 11


class FillForm(Step):
    """Asks the open fields page by page; one question a page in elder mode."""

    name = "fill_form"
    section = "fill_form"
    outcomes = frozenset({Outcome.DONE, Outcome.BACK})

    async def run(self, visit: Visit) -> Outcome:
        """Fill every page; going back keeps what was typed. Pages are found by field: their cut may change."""
        form = _Answers(visit)
        editing, visit.edit = visit.edit, ""
        page = form.page_of(editing) if editing else 0
        while True:
            shown = await self._page(visit, form, page)
            if shown is None and editing:
                return Outcome.DONE  # nothing changed: back to where it was asked from
            if shown is None and page == 0:
                return Outcome.BACK
            if shown is None:
                page -= 1
                continue
            page = form.page_of(shown[-1].id) + 1
            if editing or page >= len(form.pages()):
                wrong = form.faults(form.open_fields())
                if not wrong:
                    form.store()
                    return Outcome.DONE
                page = form.page_of(next(iter(wrong)))

    async def _page(self, visit: Visit, form: _Answers, page: int) -> list[FieldDef] | None:
        """Ask one page; return its fields once they are right, ``None`` when the resident goes back."""
        again = False
        faults: dict[str, Text] = {}
        anchor = form.pages()[min(page, len(form.pages()) - 1)][0].id
        while True:
            page = form.page_of(anchor)
            fields = form.pages()[page]
            view = form.view(fields, faults, page, len(form.pages()))
            intent = await visit.stage.ask(view, back=True, again=again)
            again = True
            if isinstance(intent, WentBack):
                return None
            if not isinstance(intent, Submitted):
                continue
            form.take(dict(intent.values))
            if not intent.complete:
                faults = {name: fault for name, fault in faults.items() if name not in dict(intent.values)}
                continue
            now = form.pages()[form.page_of(anchor)]
            faults = form.faults(now)
            unseen = {field.id for field in now} - {field.id for field in fields}
            if not faults and not unseen:
                return now
            faults = {name: fault for name, fault in faults.items() if name not in unseen}


class _Answers:
    """The values of one form while it is filled in."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._today = visit.today()
        self._fields = visit.service.fields
        self.answers = {field.id: self._begin(field) for field in self._fields}

    def _begin(self, field: FieldDef) -> str:
        stored = self._visit.session.values.get(field.id) or self._visit.session.known.get(field.id)
        return stored.reveal() if stored is not None else values.default(field, self._today)

    def open_fields(self) -> list[FieldDef]:
        """Return the fields that apply to the answers so far."""
        return [field for field in values.applicable(self._fields, self.answers) if field.source == "user"]

    def pages(self) -> list[list[FieldDef]]:
        """Return the open fields, page by page."""
        limit = 1 if self._visit.stage.mode is Mode.ELDER else PAGE_WEIGHT
        pages: list[list[FieldDef]] = []
        weight = limit
        for field in self.open_fields():
            own = min(limit, WEIGHTS[KINDS[field.type]])
            if weight + own > limit:
                pages.append([])
                weight = 0
            pages[-1].append(field)
            weight += own
        return pages

    def page_of(self, name: str) -> int:
        """Return the page a field stands on."""
        return next((at for at, page in enumerate(self.pages()) if any(field.id == name for field in page)), 0)

    def take(self, given: Mapping[str, str]) -> None:
        """Take over what the screen sent; fields it does not know are ignored."""
        by_id = {field.id: field for field in self._fields}
        for name, value in given.items():
            if name in by_id:
                self.answers[name] = values.normalised(by_id[name], value)

    def faults(self, fields: Sequence[FieldDef]) -> dict[str, Text]:
        """Return what would be right, by field, for every value that is not."""
        found = {field.id: values.fault(field, self.answers[field.id], self._today) for field in fields}
        return {name: fault for name, fault in found.items() if fault}

    def store(self) -> None:
        """Move the answers that apply into the session; what no longer applies is forgotten."""
        session = self._visit.session
        applies = {field.id for field in values.applicable(self._fields, self.answers)}
        for field in self._fields:
            old = session.values.pop(field.id, None)
            if old is not None:
                old.wipe()
            if field.id in applies and self.answers[field.id]:
                session.values[field.id] = Pii(self.answers[field.id])

    def view(self, fields: Sequence[FieldDef], faults: Mapping[str, Text], page: int, pages: int) -> Form:
        """Return the page as a view."""
        return Form(
            title=self._visit.service.title.text(),
            lead=text("form.page", page=page + 1, pages=pages) if pages > 1 else NOTHING,
            known=self._known() if page == 0 else (),
            fields=tuple(self._field(field, faults.get(field.id, NOTHING)) for field in fields),
            submit=text("form.next"),
        )

    def _field(self, field: FieldDef, fault: Text) -> Field:
        kind = KINDS[field.type]
        most = field.max if isinstance(field.max, int) else MOBILE_DIGITS if kind is FieldKind.DIGITS else 0
        dated = kind in {FieldKind.DATE, FieldKind.MONTH_RANGE}
        return Field(
            id=field.id,
            label=field.label.text(),
            kind=kind,
            value=self.answers[field.id],
            required=field.required,
            options=tuple(Option(id=option.id, title=option.text()) for option in field.options),
            hint=text(f"form.hint.{field.type}") if field.type is FieldType.LONG_TEXT else NOTHING,
            error=fault,
            max_length=most,
            minimum=values.bound(field.min, self._today) if dated else "",
            maximum=values.bound(field.max, self._today) if dated else "",
        )

    def _known(self) -> tuple[KnownField, ...]:
        """Return what the card and the registers said, masked by class."""
        session = self._visit.session
        catalogue = self._visit.tools.catalogue
        known: list[KnownField] = []
        for name in self._visit.service.use:
            definition = catalogue.dictionary_field(name)
            value = None
            if session.card is not None and name in {"p.name", "p.id_no"}:
                value = (session.card.name if name == "p.name" else session.card.number).reveal()
            elif name in session.known:
                value = session.known[name].reveal()
            if value is not None:
                shown = MASKS[definition.mask](value) if definition.mask else value
                known.append(
                    KnownField(label=definition.label.text(), value=shown, source=text(f"source.{definition.source}"))
                )
        return tuple(known)
