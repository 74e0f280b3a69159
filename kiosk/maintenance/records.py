"""What a technician types into a record: refills, jammed sheets, found items and their hand-over, seals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kiosk.maintenance.book import EntryKind
from kiosk.maintenance.found_items import BAG, FoundKind, FoundProblem
from kiosk.maintenance.glass import chosen, typed
from kiosk.maintenance.supplies import ROLES, SupplyKind, full_of
from kiosk.views import FieldKind, Option, Text, Tone, text

if TYPE_CHECKING:
    from kiosk.maintenance.shift import Shift, SignOn

MOST: Final = 1_000_000
SHEET: Final = re.compile(r"[A-Za-z0-9-]{1,17}")  # a sheet's printed number; a person's has eighteen characters
MOST_SHEETS: Final = 200
NEW: Final = "new"


async def refill(shift: Shift) -> None:
    """Record how much is in now. Raises ``LeftAlone``, ``OSError``."""
    glass, workshop = shift.glass, shift.workshop
    fitted = [kind for kind in SupplyKind if ROLES[kind] in workshop.tools.devices.names()]
    options = [Option(id=kind.value, title=text(f"maintenance.supply.{kind}")) for kind in fitted]
    answer = await glass.choose(text("maintenance.refill.title"), options)
    if answer not in {kind.value for kind in fitted}:
        return
    kind = SupplyKind(answer)
    full = full_of(workshop.tools.settings.maintenance)[kind]
    errors: dict[str, Text] = {}
    while True:
        field = typed("amount", text("maintenance.refill.amount"), FieldKind.DIGITS, value=str(full), most=7)
        given = await glass.form(
            text(f"maintenance.supply.{kind}"), text("maintenance.refill.lead"), [field], errors=errors
        )
        if given is None:
            return
        amount = given.get("amount", "")
        if amount.isascii() and amount.isdigit() and 0 < int(amount) <= MOST:
            break
        errors = {"amount": text("maintenance.refill.amount_wrong")}
    await workshop.supplies.refilled(kind, int(amount))
    await shift.note(EntryKind.REFILLED, subject=kind.value, amount=int(amount))
    await glass.done(text("maintenance.refill.noted", what=text(f"maintenance.supply.{kind}"), amount=int(amount)))


async def void(shift: Shift) -> None:
    """Record jammed sheets: how many, and the numbered ones with their bag. Raises ``LeftAlone``, ``OSError``."""
    errors: dict[str, Text] = {}
    begin = {"count": "1", "numbers": "", "bag": ""}
    while True:
        fields = [
            typed("count", text("maintenance.void.count"), FieldKind.DIGITS, value=begin["count"], most=3),
            typed("numbers", text("maintenance.void.numbers"), value=begin["numbers"], most=400),
            typed("bag", text("maintenance.void.bag"), value=begin["bag"], most=14),
        ]
        given = await shift.glass.form(
            text("maintenance.void.title"), text("maintenance.void.lead"), fields, errors=errors
        )
        if given is None:
            return
        count, bag = given.get("count", ""), given.get("bag", "").strip().upper()
        numbers = given.get("numbers", "").split()
        counted = count.isascii() and count.isdigit() and len(numbers) <= int(count) <= MOST_SHEETS and int(count) > 0
        bagged = not numbers or (BAG.fullmatch(bag) and all(SHEET.fullmatch(one) for one in numbers))
        if counted and bagged:
            break
        errors = {"numbers" if counted else "count": text("maintenance.void.wrong")}
        begin = {"count": count, "numbers": given.get("numbers", ""), "bag": given.get("bag", "")}
    await shift.note(EntryKind.VOIDED, subject="document_printer", sheets=int(count), numbers=numbers, bag=bag)
    await shift.glass.done(text("maintenance.void.noted", count=int(count)))


async def found(shift: Shift, sign_on: SignOn) -> None:
    """Record a found item, or hand an open one over. Raises ``LeftAlone``, ``OSError``."""
    items = shift.workshop.found.open()
    options = [Option(id=NEW, title=text("maintenance.found.title"))]
    for one in items:
        what = text("maintenance.found.item", number=one.number, what=text(f"maintenance.found.{one.kind}"))
        options.append(Option(id=str(one.number), title=what, detail=text("maintenance.found.hand_over")))
    answer = await shift.glass.choose(text("maintenance.do.found"), options)
    if answer == NEW:
        await _record(shift)
    elif answer in {str(one.number) for one in items}:
        await _hand_over(shift, sign_on, int(answer))


async def _record(shift: Shift) -> None:
    workshop = shift.workshop
    kinds = [(kind.value, text(f"maintenance.found.{kind}")) for kind in FoundKind]
    places = [(role, text(f"device.{role}")) for role in workshop.tools.devices.names()]
    errors: dict[str, Text] = {}
    while True:
        fields = [
            chosen("kind", text("maintenance.found.kind"), kinds),
            chosen("place", text("maintenance.found.place"), places),
            typed("bag", text("maintenance.found.bag"), most=14),
        ]
        given = await shift.glass.form(
            text("maintenance.found.title"), text("maintenance.found.lead"), fields, errors=errors
        )
        if given is None:
            return
        at = workshop.tools.clock.now().isoformat(timespec="seconds")
        place = given.get("place", "")
        try:
            item = await workshop.found.record(
                FoundKind(given.get("kind", "")),
                given.get("bag", ""),
                place if place in dict(places) else "",
                at=at,
                by=shift.technician.id,
            )
        except FoundProblem as problem:
            errors = {"bag": text(problem.key)}
        except ValueError:
            continue  # a kind the screen does not offer
        else:
            break
    await shift.note(EntryKind.FOUND, subject=str(item.number), outcome=item.kind.value, bag=item.bag, place=item.place)
    await shift.glass.done(text("maintenance.found.recorded", number=item.number))


async def _hand_over(shift: Shift, sign_on: SignOn, number: int) -> None:
    receiver = await sign_on.receiver(shift)
    if not receiver:
        return
    # The book first: an item that is in both is handed over once more, one that is in neither is lost.
    await shift.note(EntryKind.HANDED_OVER, subject=str(number), outcome=receiver)
    await shift.workshop.found.close(number)
    await shift.glass.done(text("maintenance.found.handed_over", number=number, who=receiver))


async def seals(shift: Shift, sign_on: SignOn) -> None:
    """Record the opening of safe or seals, with a second person. Raises ``LeftAlone``, ``OSError``."""
    second = await sign_on.second(shift)
    if second is None:
        return
    errors: dict[str, Text] = {}
    while True:
        fields = [
            typed("old", text("maintenance.seals.old"), most=14),
            typed("new", text("maintenance.seals.new"), most=14),
        ]
        given = await shift.glass.form(
            text("maintenance.seals.title"), text("maintenance.seals.lead"), fields, errors=errors
        )
        if given is None:
            return
        old, new = (given.get(name, "").strip().upper() for name in ("old", "new"))
        wrong = [name for name, value in (("old", old), ("new", new)) if not BAG.fullmatch(value)]
        if not wrong:
            break
        errors = {name: text("maintenance.seals.wrong") for name in wrong}
    await shift.note(EntryKind.SEALS, subject=new, old=old, second=second.id)
    await shift.glass.done(text("maintenance.seals.noted"), tone=Tone.GOOD)
