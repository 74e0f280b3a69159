"""The terminal: starts everything, serves one visit after another, stops everything."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from kiosk.accounting import account
from kiosk.attract import Attraction
from kiosk.availability import Surroundings
from kiosk.catalogue.plan import plan
from kiosk.clock import first_of
from kiosk.errors import GatewayRefused, GatewayRejected, GatewayUnreachable, GatewayUntrusted
from kiosk.events import (
    HelpAsked,
    LinkChanged,
    SessionWiped,
    TerminalStarted,
    TerminalStopped,
    VisitEnded,
    VisitStarted,
)
from kiosk.goodbye import clearing_view, say_goodbye
from kiosk.journey import Ending
from kiosk.power_watch import PowerEnds
from kiosk.quiet import Quiet
from kiosk.runner import run
from kiosk.session import Session
from kiosk.stage import Stage, VisitOver
from kiosk.steps.choose_service import ChooseService
from kiosk.steps.give_slip import GiveSlip
from kiosk.views import NOTHING, Language, Mode, text
from kiosk.visit import Visit
from kiosk.welcome import only_services, query, welcome
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
    from datetime import datetime

    from devices.health import Health
    from devices.power import PowerState
    from kiosk.case_desk import VisitDesk
    from kiosk.intents import Intent
    from kiosk.maintenance.mode import ServiceMode
    from kiosk.views import Text
    from kiosk.visit import Tools
    from offline_queue.courier import Courier
    from offline_queue.outbox import Outbox

VERSION = "0.1.0"
STOP_S = 1.4  # each part; all four within the last resort of the crash policy
REFRESH_DOWN_S = 3.0  # how often central is looked for while it cannot be reached


class Terminal:
    """See the module. Everything belongs to the core's loop; :meth:`run` serves until it is cancelled."""

    def __init__(
        self,
        tools: Tools,
        stage: Stage,
        outbox: Outbox,
        courier: Courier,
        *,
        open_desk: Callable[[str], VisitDesk],
        limits_reached: Callable[[], Awaitable[tuple[str, ...]]],
        stop_queue: Callable[[], Awaitable[None]],
        heard: Callable[[], Awaitable[None]],
        refused: Callable[[], Awaitable[None]],
        beside: Sequence[Callable[[], Coroutine[None, None, None]]] = (),
        service_mode: ServiceMode | None = None,
        quiet: Quiet | None = None,
    ) -> None:
        """``heard`` is called when central has answered, ``refused`` when it does not let us in.

        ``beside`` are the tasks of the terminal's other parts.
        """
        self._tools = tools
        self._stage = stage
        self._outbox = outbox
        self._courier = courier
        self._open_desk = open_desk
        self._limits_reached = limits_reached
        self._stop_queue = stop_queue
        self._heard = heard
        self._refused = refused
        self._beside = beside
        self._service_mode = service_mode
        self._quiet = quiet or Quiet(tools.clock)
        if service_mode is not None:
            service_mode.on_wanted = stage.finish_within
        self._around = Surroundings()
        self._reached = False  # central answered when it was last asked for the services
        self._attraction = Attraction(tools, stage, self._around)
        self._endings: list[str] = []
        services = ChooseService(lambda: self._around)
        self._welcome, self._services, self._query = welcome(services), only_services(services), query()

    def post(self, intent: Intent) -> None:
        """Take what the resident did; called on the core's loop."""
        self._quiet.touched()
        self._stage.post(intent)

    async def run(self) -> None:
        """Serve until cancelled. An exception out of here is a crash."""
        tools = self._tools
        tools.log.emit(TerminalStarted(profile=tools.settings.profile.value, version=VERSION))
        try:
            await tools.devices.start()
            if tools.face is not None:
                await tools.face.start()
            await self._serve_all()
        finally:
            await self._stop()
            tools.log.emit(TerminalStopped())

    async def _serve_all(self) -> None:
        tools = self._tools
        try:
            async with asyncio.TaskGroup() as group:
                for task in self._beside:
                    group.create_task(task())
                await self._look_outside()  # before anybody is told that the network is down
                group.create_task(tools.devices.run())
                group.create_task(self._courier.run())
                group.create_task(self._refresh())
                group.create_task(tools.staff.run())
                group.create_task(self._serve())
        except* PowerEnds:
            pass  # an end in order; anything else of the group goes on up as the crash it is

    async def _stop(self) -> None:
        parts: list[Callable[[], Awaitable[None]]] = [
            self._tools.devices.stop,
            self._tools.gateway.close,
            self._stop_queue,
        ]
        if self._tools.face is not None:
            parts.insert(0, self._tools.face.stop)
        for part in parts:
            # One part that hangs must not keep a crash from being told, nor the service manager from starting anew.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await part()

    async def report(self) -> dict[str, object]:
        """Return how it went and what is still queued; for a played visit and for a technician."""
        stats = await self._outbox.stats()
        return {
            "outcome": self._endings[-1] if self._endings else "",
            "endings": list(self._endings),
            "queue": {"pending": stats.pending, "quarantined": stats.quarantined, "last_seq": stats.last_seq},
            "link": "up" if self._around.link_up else "down",
        }

    def device_changed(self, role: str, health: Health) -> None:
        """Tell staff where needed; offer or withdraw services."""
        self._tools.staff.device(role, health)
        self._attraction.refresh()

    def link_changed(self, up: bool) -> None:
        """Take notice of the way to central opening or closing."""
        if up != self._around.link_up:
            self._around.link_up = up
            self._tools.log.emit(LinkChanged(state="up" if up else "down"))
            self._stage.set_banner(self._banner())
            self._attraction.refresh()

    def failing_changed(self, failing: Mapping[str, datetime]) -> None:
        """Withdraw what needs a part that was seen not to do its work, and offer it again once it does."""
        self._around.failing = failing
        self._attraction.refresh()

    def power_changed(self, state: PowerState) -> None:
        """Say that the mains are away; when the battery gives out, begin nothing and let nobody go on."""
        self._around.on_battery, self._around.power_ends = not state.on_mains, state.must_end
        if state.must_end:
            self._stage.finish_within(0.0, text("banner.power_ends"))
        self._stage.set_banner(self._banner())
        self._attraction.refresh()

    @property
    def link_up(self) -> bool:
        """Whether central is reached."""
        return self._around.link_up

    def _banner(self) -> Text:
        if self._around.power_ends or self._around.on_battery:
            return text("banner.power_ends" if self._around.power_ends else "banner.on_battery")
        return NOTHING if self._around.link_up else text("banner.offline")

    # -- one visit

    async def _serve(self) -> None:
        default = Language(self._tools.settings.terminal.language)
        while True:
            self._stage.reset_frame(default)
            self._stage.set_banner(self._banner())
            entry = await self._next_entry()
            if entry:
                await self._visit(entry)

    async def _next_entry(self) -> str:
        """Return the key a resident touched; empty: the machine was served by technicians instead, and is back."""
        mode = self._service_mode
        if mode is None:
            return await self._rested()
        if not mode.wanted.is_set():
            position, entry = await first_of(self._rested(), _set(mode.wanted))
            if position == 0:
                return entry
        await mode.serve()
        return ""

    async def _rested(self) -> str:
        with self._quiet.resting():
            return await self._attraction.wait()

    async def _visit(self, entry: str) -> None:
        tools, stage = self._tools, self._stage
        session = Session()
        visit = Visit(tools=tools, stage=stage, session=session, desk=self._open_desk(session.visit))
        visit.online = self._around.link_up
        begun = tools.clock.monotonic()
        tools.log.emit(VisitStarted(visit=session.visit))
        stage.on_help = lambda: tools.log.emit(HelpAsked(visit=session.visit))
        stage.begin_visit()
        try:
            ending = await self._journeys(visit, entry)
        except VisitOver as over:
            ending = over.ending
            await self._give_number(visit, ending)
        finally:
            await self._account_late(visit)
            await self._wipe(visit)
        seconds = round(tools.clock.monotonic() - begun, 1)
        tools.log.emit(VisitEnded(visit=session.visit, ending=ending.value, seconds=seconds))
        laid, asked = visit.card_laid, visit.card_asked
        await say_goodbye(tools, stage, session.visit, card_laid=laid, card_asked=asked, papers=visit.papers)
        self._endings.append(ending.value)

    async def _give_number(self, visit: Visit, ending: Ending) -> None:
        """Give the slip of a case that is in our hands before a visit that failed ends: its number is all one has."""
        if ending is Ending.FAILED and visit.case is not None and not visit.number_given:
            with contextlib.suppress(VisitOver):
                await GiveSlip().run(visit)

    async def _account_late(self, visit: Visit) -> None:
        """Write down a print whose record could not be written before."""
        try:
            await account(visit)
        except QueueError:
            self._tools.staff.tell("print.unaccounted", visit.session.visit)

    async def _journeys(self, visit: Visit, entry: str) -> Ending:
        """Run the journeys of one visit: welcome, the service, back to the services when one was only looked at."""
        if entry == Attraction.QUERY:
            return await run(visit, self._query)
        if entry == Attraction.COMPLAINT:
            visit.package = self._attraction.complaint()
            return await self._service(visit)
        chosen = (visit.stage.language.value, visit.stage.mode) != (self._tools.settings.terminal.language, Mode.NORMAL)
        first = self._services if chosen else self._welcome
        while True:
            if await run(visit, first) is not Ending.COMPLETED:
                return Ending.ABANDONED
            ending = await self._service(visit)
            if ending is not Ending.ABANDONED or visit.card_laid:
                return ending
            visit.session.forget_answers()
            visit.edit = ""
            first = self._services

    async def _service(self, visit: Visit) -> Ending:
        return await run(visit, plan(visit.service, self._tools.settings.face))

    async def _wipe(self, visit: Visit) -> None:
        """Forget everything personal: screen first, then memory, then the process that saw the face."""
        clock = self._tools.clock
        begun = clock.monotonic()
        self._stage.end_visit()
        self._stage.wipe()
        self._stage.show(clearing_view())
        visit.session.wipe()
        visit.desk.close()
        await visit.closing.aclose()
        milliseconds = round((clock.monotonic() - begun) * 1000)
        self._tools.log.emit(SessionWiped(visit=visit.session.visit, milliseconds=milliseconds))

    # -- the world outside

    async def _refresh(self) -> None:
        """Ask central which services are open; its silence is how a lost network is noticed while nobody sends."""
        tools = self._tools
        while True:
            await self._look_outside()
            await tools.clock.sleep(tools.settings.central.refresh_s if self._around.link_up else REFRESH_DOWN_S)

    async def _look_outside(self) -> None:
        try:
            states = await self._tools.gateway.catalogue()
        except (GatewayUnreachable, GatewayRejected, GatewayUntrusted) as error:
            self._reached = False
            self.link_changed(up=False)
            if isinstance(error, GatewayRefused):  # nothing may be queued, so the courier would not find it out
                await self._refused()
        else:
            self._around.services = {state.code: state for state in states}
            await self._heard()
            was_down, self._reached = not self._reached, True
            self.link_changed(up=True)
            if was_down:  # as we saw ourselves: a courier that backs off from a sick central is not to be woken by us
                self._courier.nudge()
        self._around.closed = await self._limits_reached()
        self._attraction.refresh()


async def _set(event: asyncio.Event) -> str:
    await event.wait()
    return ""
