"""Signing on at the screen: card, order and PIN; the second person; whoever takes something over."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from devices.card_reader import CardReader
from devices.errors import DeviceError
from devices.values import Pii
from kiosk.intents import Submitted, WentBack
from kiosk.maintenance.access import TECHNICIAN_ID, AccessProblem, AccessRefused
from kiosk.maintenance.book import EntryKind
from kiosk.maintenance.glass import typed
from kiosk.maintenance.orders import OrderRefused, Role
from kiosk.views import NOTHING, FieldKind, MaintenancePage, Text, Tone, text

if TYPE_CHECKING:
    from kiosk.maintenance.access import Access, Technician
    from kiosk.maintenance.book import Book
    from kiosk.maintenance.glass import Glass
    from kiosk.maintenance.orders import Orders, WorkOrder
    from kiosk.maintenance.proof import Proofs
    from kiosk.maintenance.shift import Shift
    from kiosk.views import Field
    from kiosk.visit import Tools

ROLE: Final = "card_reader"
PIN: Final = re.compile(r"[0-9]{6,8}")  # NIST SP 800-73-4 part 2, clause 2.4.3
LONGEST_NUMBER: Final = 12
TIMED: Final = frozenset({AccessProblem.WRONG_PIN, AccessProblem.LOCKED_OUT})


class Entrance:
    """Asks for cards and PINs. A PIN lives from the key "open" until the card has had it."""

    def __init__(self, tools: Tools, access: Access, orders: Orders, book: Book, proofs: Proofs) -> None:
        self._tools = tools
        self._access = access
        self._orders = orders
        self._book = book
        self._proofs = proofs

    async def sign_on(self, glass: Glass) -> tuple[Technician, WorkOrder] | None:
        """Return who signed on and on which order; ``None``: went back. Raises ``LeftAlone``, ``OSError``."""
        problem, number = NOTHING, self._only_order()
        while True:
            fields = [
                typed(
                    "number", text("maintenance.sign_on.number"), FieldKind.DIGITS, value=number, most=LONGEST_NUMBER
                ),
                _pin_field(),
            ]
            given = await self._ask(
                glass, text("maintenance.sign_on.title"), text("maintenance.sign_on.lead"), fields, problem
            )
            if given is None:
                return None
            number, pin = given.get("number", "").strip(), given.pop("pin", "")
            who, problem = await self._proved(pin, number)
            if who is None:
                continue
            try:
                return who, self._orders.open(number, who.id, who.role, self._proofs.now())
            except OrderRefused as refused:
                await self._book.write(EntryKind.REFUSED, who=who.id, order=number, outcome=refused.problem.value)
                problem = text(f"maintenance.{refused.problem.value}")

    async def unlock(self, glass: Glass, shift: Shift) -> bool:
        """Return whether the technician of ``shift`` came back. Raises ``LeftAlone``, ``OSError``."""
        problem = NOTHING
        while True:
            given = await self._ask(
                glass, text("maintenance.sign_on.title"), text("maintenance.sign_on.again"), [_pin_field()], problem
            )
            if given is None:
                return False
            who, problem = await self._proved(given.pop("pin", ""), shift.order.number)
            if who is not None and who.id == shift.technician.id:
                return True
            if who is not None:
                problem = text("maintenance.order.other_technician")

    async def second(self, shift: Shift) -> Technician | None:
        """Return a supervisor who is not the first person; ``None``: went back. Raises ``LeftAlone``, ``OSError``."""
        problem = NOTHING
        while True:
            given = await self._ask(
                shift.glass,
                text("maintenance.sign_on.second_title"),
                text("maintenance.sign_on.second_lead"),
                [_pin_field()],
                problem,
            )
            if given is None:
                return None
            who, problem = await self._proved(given.pop("pin", ""), shift.order.number)
            if who is None:
                continue
            if who.id == shift.technician.id:
                problem = text("maintenance.access.same_person")
            elif who.role is not Role.SUPERVISOR:
                problem = text("maintenance.access.needs_supervisor")
            else:
                await shift.note(EntryKind.SECOND, subject=who.id)
                return who

    async def receiver(self, shift: Shift) -> str:
        """Return the staff number of who takes something over; empty: went back. Raises ``LeftAlone``, ``OSError``.

        A card with its PIN is a signature; without one a number is typed, and stands in the book as typed.
        """
        problem = NOTHING
        while True:
            fields = [typed("staff", text("maintenance.found.staff"), most=16), _pin_field()]
            given = await self._ask(
                shift.glass,
                text("maintenance.found.hand_over"),
                text("maintenance.found.hand_over_lead"),
                fields,
                problem,
            )
            if given is None:
                return ""
            pin, staff = given.pop("pin", ""), given.get("staff", "").strip().upper()
            if pin:
                who, problem = await self._proved(pin, shift.order.number)
                if who is not None and who.id != shift.technician.id:
                    return f"card:{who.id}"
                problem = problem or text("maintenance.access.same_person")
            elif TECHNICIAN_ID.fullmatch(staff):
                return f"typed:{staff}"
            else:
                problem = text("maintenance.found.staff_wrong")

    def _only_order(self) -> str:
        """Return the number of the only order there is: nobody has to copy it from a phone."""
        orders = self._orders.all()
        return orders[0].number if len(orders) == 1 else ""

    async def _ask(
        self, glass: Glass, title: Text, lead: Text, fields: list[Field], problem: Text
    ) -> dict[str, str] | None:
        view = glass.page(
            MaintenancePage.SIGN_ON,
            title,
            lead=problem or lead,
            tone=Tone.ATTENTION if problem else Tone.NEUTRAL,
            fields=fields,
            secret=frozenset({"pin"}),
            submit=text("maintenance.sign_on.submit"),
        )
        while True:
            answer = await glass.ask(view)
            if isinstance(answer, WentBack):
                return None
            if isinstance(answer, Submitted) and answer.complete:
                return dict(answer.values)

    async def _proved(self, pin: str, number: str) -> tuple[Technician | None, Text]:
        """Return who is there, proved, or words for why not. Raises ``OSError``."""
        if not PIN.fullmatch(pin):
            return None, text("maintenance.sign_on.pin_wrong")
        try:
            async with self._tools.devices.lease(ROLE) as reader:
                if not isinstance(reader, CardReader):
                    raise TypeError(f"{ROLE} is a {type(reader).__name__}")
                if not await reader.card_present():
                    return None, text("maintenance.sign_on.no_card")
                return await self._access.prove(reader, Pii(pin)), NOTHING
        except AccessRefused as refused:
            await self._book.write(EntryKind.REFUSED, order=number[:LONGEST_NUMBER], outcome=refused.problem.value)
            return None, _words(refused)
        except DeviceError as error:
            self._tools.devices.report(ROLE, error)
            return None, text(f"fault.{error.code.value}.happened")


def _pin_field() -> Field:
    return typed("pin", text("maintenance.sign_on.pin"), FieldKind.DIGITS, most=8)


def _words(refused: AccessRefused) -> Text:
    key = f"maintenance.{refused.problem.value}"
    if refused.problem in TIMED:
        return text(key, minutes=max(1, math.ceil(refused.wait_s / 60)))
    return text(key)
