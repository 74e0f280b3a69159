"""Row 11: everything to be sent, before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.catalogue import values
from kiosk.catalogue.model import FieldDef, FieldType
from kiosk.intents import Agreed, Chose, WentBack
from kiosk.journey import Outcome, Step
from kiosk.masking import MASKS, masked_id
from kiosk.views import Review as ReviewView
from kiosk.views import ReviewRow, Text, plain, text

if TYPE_CHECKING:
    from kiosk.visit import Visit


class Review(Step):
    """Shows every value in words; editing one returns exactly here."""

    name = "review"
    section = "review"
    outcomes = frozenset({Outcome.DONE, Outcome.BACK, Outcome.EDIT})

    async def run(self, visit: Visit) -> Outcome:
        """Wait for the send key."""
        service = visit.service
        view = ReviewView(
            title=text("review.title"),
            rows=tuple(_rows(visit)),
            promise=service.promise.text() if visit.online else text("review.promise_offline"),
            submit=text("review.submit" if visit.online else "review.submit_offline"),
        )
        editable = {row.edit for row in view.rows if row.edit}
        while True:
            intent = await visit.stage.ask(view, back=True)
            if isinstance(intent, Agreed):
                return Outcome.DONE
            if isinstance(intent, WentBack):
                return Outcome.BACK
            if isinstance(intent, Chose) and intent.option in editable:
                visit.edit = intent.option
                return Outcome.EDIT


def _rows(visit: Visit) -> list[ReviewRow]:
    rows = [ReviewRow(label=text("review.service"), value=visit.service.title.text())]
    card = visit.session.card
    if card is not None:
        rows.append(ReviewRow(label=text("review.name"), value=plain(card.name.reveal())))
        rows.append(ReviewRow(label=text("review.id_no"), value=plain(masked_id(card.number.reveal()))))
    answers = {name: value.reveal() for name, value in visit.session.values.items()}
    rows += [
        ReviewRow(label=field.label.text(), value=_said(field, answers.get(field.id, "")), edit=field.id)
        for field in values.applicable(visit.service.fields, answers)
    ]
    return rows


def _said(field: FieldDef, value: str) -> Text:
    """Return a value in words."""
    if not value:
        return text("review.nothing")
    if field.mask:
        return plain(MASKS[field.mask](value))
    if field.type is FieldType.BOOL:
        return text(f"review.{value}")
    if field.type is FieldType.MONTH_RANGE:
        first, _, last = value.partition("/")
        return text("review.months", first=first, last=last)
    if field.options:
        chosen = [option.text() for option in field.options if option.id in value.split(",")]
        joined = chosen[0]
        for option in chosen[1:]:
            joined = text("review.and", one=joined, other=option)
        return joined
    return plain(value)
