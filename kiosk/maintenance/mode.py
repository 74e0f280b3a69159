"""The service mode: watches card and door, takes the machine out of service, lets technicians work, and gives it back.

Out of service outlives a restart: a machine whose door was opened without an order does not heal by being switched off.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from kiosk.clock import first_of
from kiosk.events import ModeChanged
from kiosk.maintenance import actions, papers, records, returning
from kiosk.maintenance.book import EntryKind
from kiosk.maintenance.glass import Glass, LeftAlone
from kiosk.maintenance.keeping import DAMAGED, keep, kept
from kiosk.maintenance.overview import ACTIONS, DO, LEAVE, RETURN, choose_work
from kiosk.maintenance.results import read_results
from kiosk.maintenance.shift import Shift, Workshop
from kiosk.phrases import elsewhere, local
from kiosk.views import NOTHING, MaintenancePage, Tone, plain, text
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from kiosk.maintenance.access import Technician
    from kiosk.maintenance.entrance import Entrance
    from kiosk.maintenance.orders import Orders, WorkOrder
    from kiosk.maintenance.proof import Proofs
    from kiosk.stage import Stage
    from kiosk.views import Maintenance, Text

FILE: Final = "closed.json"
MODE: Final = "maintenance"
OUT_OF_SERVICE: Final = "out_of_service"
IN_SERVICE: Final = "in_service"
SERVING: Final = frozenset({IN_SERVICE, "degraded"})


class ServiceMode:
    """See the module. ``entrance`` is ``None`` where no technician authority is configured: then only doors count."""

    def __init__(
        self,
        stage: Stage,
        workshop: Workshop,
        proofs: Proofs,
        entrance: Entrance | None,
        orders: Orders | None,
    ) -> None:
        self.wanted = asyncio.Event()  # the next visit has to wait
        self.on_wanted: Callable[[float, Text], None] = lambda _seconds, _banner: None
        self._stage = stage
        self._workshop = workshop
        self._proofs = proofs
        self._entrance = entrance
        self._orders = orders
        self._path: Path = workshop.folder / FILE
        self._announced: Technician | None = None
        self._news = asyncio.Event()
        self.shift: Shift | None = None
        found = kept(self._path)
        if not isinstance(found, dict) and (found is not None or self._path.with_name(FILE + DAMAGED).exists()):
            found = {"why": "service"}  # what nobody can read does not bring a machine back
        self._served_as = IN_SERVICE
        self._closed = str(found.get("why", "")) if isinstance(found, dict) else ""
        self._back = str(found.get("back", "")) if isinstance(found, dict) else ""
        if self._closed:
            self.wanted.set()

    @property
    def closed(self) -> str:
        """Return why the machine is out of service (``door``, ``service``); empty: it is not."""
        return self._closed

    async def announce(self, technician: Technician) -> None:
        """Take note of a technician's card: the present visit may finish, then the PIN is asked for."""
        self._announced = technician
        seconds = self._workshop.tools.settings.maintenance.visit_end_s
        self.wanted.set()
        self._news.set()
        if not self._closed:
            self.on_wanted(seconds, text("maintenance.waiting.announced", minutes=max(1, round(seconds / 60))))

    async def door_opened(self) -> None:
        """Note that the door opened; without an order the machine is out of service at once. Raises ``OSError``."""
        if self.shift is not None:
            await self.shift.note(EntryKind.DOOR, outcome="opened")
            return
        await self._close("door", "")
        self._workshop.tools.staff.tell("door.opened_without_order", "sensors")
        self.on_wanted(0.0, text("maintenance.waiting.title"))
        self._news.set()
        await self._workshop.book.write(EntryKind.DOOR, outcome="without_order")

    async def door_shut(self) -> None:
        """Note that the door is shut. Where nobody can sign on at the screen that brings the machine back."""
        who = {} if self.shift is None else {"who": self.shift.technician.id, "order": self.shift.order.number}
        await self._workshop.book.write(EntryKind.DOOR, outcome="shut", **who)
        if self._entrance is None and self._closed:
            await self._open()

    # -- at the screen

    async def serve(self) -> None:
        """Serve until the machine is back in service, or nobody signed on to one that is."""
        settings = self._workshop.tools.settings.maintenance
        glass = Glass(self._stage, self._workshop.tools.clock, settings.lock_s)
        while True:
            signed_on = await self._admitted(glass)
            if signed_on is not None:
                technician, order = signed_on
                begun = self._workshop.tools.clock.now()
                shift = Shift(technician=technician, order=order, begun=begun, workshop=self._workshop, glass=glass)
                if await self._worked(shift):
                    return
            elif not self._closed:
                self.wanted.clear()
                return

    async def _admitted(self, glass: Glass) -> tuple[Technician, WorkOrder] | None:
        """Return who signed on; ``None``: nobody, so far."""
        if self._announced is None or self._entrance is None:
            if self._closed:
                await self._stage.ask_while(self._waiting_view(glass), self._heard(), accept=(), back=False)
            if self._announced is None or self._entrance is None:
                return None
        self._announced = None
        try:
            return await self._entrance.sign_on(glass)
        except LeftAlone:
            return None
        except OSError as error:  # a try that cannot be counted is not made
            self._not_written(error)
            return None

    async def _worked(self, shift: Shift) -> bool:
        """Let the technician work; a disk that takes no entry ends the shift, with the machine out of service."""
        try:
            return await self._work(shift)
        except OSError as error:
            self._not_written(error)
            return False
        finally:
            self.shift, self._announced = None, None
            self._news.clear()

    def _not_written(self, error: Exception) -> None:
        self._workshop.tools.staff.tell("maintenance.not_written", type(error).__name__)

    def _somebody(self) -> bool:
        return self._announced is not None

    async def _heard_within(self, seconds: float) -> None:
        await first_of(self._heard(), self._workshop.tools.clock.sleep(seconds))

    async def _heard(self) -> None:
        await self._news.wait()
        self._news.clear()

    async def _work(self, shift: Shift) -> bool:
        """Let the technician work; return whether the machine is back in service."""
        self.shift = shift
        order = shift.order
        await self._close("service", (order.back or order.ends).isoformat())
        await shift.note(EntryKind.OPENED, subject=order.subject, outcome=order.fault, role=shift.technician.role.value)
        role = text(f"maintenance.role.{shift.technician.role}")
        shift.glass.who = text("maintenance.who", id=shift.technician.id, role=role, order=order.number)
        shift.glass.promised = self._promise()
        back = await self._pages(shift)
        shift.glass.who = NOTHING
        if not back:
            await shift.note(EntryKind.LEFT)
            self._workshop.tools.log.emit(ModeChanged(mode=OUT_OF_SERVICE))
            return False
        await self._reopen(shift)
        return True

    async def _pages(self, shift: Shift) -> bool:
        while True:
            try:
                chosen = await choose_work(shift)
                if chosen == LEAVE:
                    return False
                if chosen == RETURN:
                    latest = await asyncio.to_thread(read_results, self._workshop.folder)
                    if await returning.back_into_service(shift, {one.role: one for one in latest}):
                        return True
                elif chosen.removeprefix(DO) in ACTIONS:
                    await self._act(shift, chosen.removeprefix(DO))
            except LeftAlone:
                if not await self._unlocked(shift):
                    return False
            except (OSError, QueueError) as error:
                # A disk that takes nothing: nothing may be done that cannot be written down.
                self._not_written(error)
                await self._say(shift, text("maintenance.why.disk_refused"))

    async def _act(self, shift: Shift, name: str) -> None:
        entrance = self._entrance
        if entrance is None:
            raise RuntimeError("a shift without an entrance")
        work: dict[str, Callable[[], Awaitable[None]]] = {
            "tests": lambda: actions.tests(shift),
            "repair": lambda: actions.repair(shift),
            "refill": lambda: records.refill(shift),
            "void": lambda: records.void(shift),
            "found": lambda: records.found(shift, entrance),
            "report": lambda: papers.readiness(shift),
            "export": lambda: papers.export_log(shift),
            "burn_in": lambda: actions.burn_in(shift),
            "seals": lambda: records.seals(shift, entrance),
        }
        await work[name]()

    async def _unlocked(self, shift: Shift) -> bool:
        """Show what residents see until the technician is back; ``False``: the order's time ended meanwhile."""
        entrance = self._entrance
        while entrance is not None and self._proofs.now() < shift.order.ends:
            self._announced = None
            left = (shift.order.ends - self._proofs.now()).total_seconds()
            await self._stage.ask_while(
                self._waiting_view(shift.glass), self._heard_within(left), accept=(), back=False
            )
            if not self._somebody():
                continue
            try:
                if await entrance.unlock(shift.glass, shift):
                    return True
            except LeftAlone:
                continue
        return False

    async def _say(self, shift: Shift, words: Text) -> None:
        try:
            await shift.glass.done(words, tone=Tone.SORRY)
        except LeftAlone:
            return  # the next page locks by itself

    # -- what outlives a restart

    async def _close(self, why: str, back: str) -> None:
        mode = self._proofs.record.mode
        self._served_as = mode if mode in SERVING else self._served_as
        self._closed, self._back = why, back
        self.wanted.set()
        self._workshop.tools.log.emit(ModeChanged(mode=MODE if self.shift is not None else OUT_OF_SERVICE))
        await asyncio.to_thread(keep, self._path, {"why": why, "back": back})

    async def _reopen(self, shift: Shift) -> None:
        """Give the machine back: the record, the state that outlives a restart, and last the order.

        Cut off in between, an order stays open that is over anyway; never a machine that nobody can open.
        """
        await shift.note(EntryKind.RETURNED, subject=shift.order.subject, outcome=shift.order.fault)
        await self._open()
        if self._orders is not None:
            await self._orders.close(shift.order)

    async def _open(self) -> None:
        await asyncio.to_thread(keep, self._path, {})
        self._closed, self._back, self._announced = "", "", None
        self._workshop.tools.staff.cleared("sensors")
        self.wanted.clear()
        self._news.set()
        self._workshop.tools.log.emit(ModeChanged(mode=self._served_as))

    def _promise(self) -> Text:
        if not self._back:
            return NOTHING
        terminal = self._workshop.tools.settings.terminal
        at = local(terminal, datetime.fromisoformat(self._back)).strftime("%Y-%m-%d %H:%M")
        return plain(at)

    def _waiting_view(self, glass: Glass) -> Maintenance:
        promise = self._promise()
        glass.promised = promise
        lead = text("maintenance.waiting.body", at=promise) if promise else text("maintenance.waiting.closed")
        view = glass.page(MaintenancePage.WAITING, text("maintenance.waiting.title"), lead=lead, tone=Tone.ATTENTION)
        return replace(view, elsewhere=elsewhere(self._workshop.tools.settings.terminal))
