"""Row 0: nobody is served. What this machine can do now, in four keys, and its state in words."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kiosk.availability import obstacles
from kiosk.errors import JourneyError
from kiosk.events import ModeChanged
from kiosk.intents import Chose, SwitchedMode
from kiosk.phrases import elsewhere, local, said
from kiosk.stage import Idle
from kiosk.views import NOTHING, Attract, Mode, Option, OutOfService, View, plain, text

if TYPE_CHECKING:
    from kiosk.availability import Surroundings
    from kiosk.catalogue.model import Package
    from kiosk.stage import Stage
    from kiosk.views import Text
    from kiosk.visit import Tools


class Attraction:
    """Shows the attract view, keeps it true, and waits for the key that begins a visit."""

    SERVICES, QUERY, COMPLAINT, LARGE = "services", "query", "complaint", "large_type"

    def __init__(self, tools: Tools, stage: Stage, around: Surroundings) -> None:
        self._tools = tools
        self._stage = stage
        self._around = around
        self._changed = asyncio.Event()
        self._mode = ""
        self._since = tools.clock.now()

    def refresh(self) -> None:
        """Something that decides what can be done has changed."""
        self._changed.set()

    async def wait(self) -> str:
        """Return the key that was touched."""

        async def keep_true() -> str:
            while True:
                await self._changed.wait()
                self._changed.clear()
                self._stage.update(self._view())

        while True:
            answer = await self._stage.ask_while(self._view(), keep_true(), accept=(Chose,), idle=Idle.OFF)
            if not isinstance(answer, Chose):
                continue
            possible = {option.id for option in self._entries() if option.enabled}
            if answer.option not in possible:
                continue
            if answer.option == self.LARGE:
                self._stage.post(SwitchedMode(answer.turn, Mode.ELDER))
            return answer.option

    def complaint(self) -> Package:
        """Return the service behind the complaint key."""
        for package in self._tools.catalogue.packages:
            if package.kind == "feedback":
                return package
        raise JourneyError("the complaint key was shown without a service behind it")

    def _obstacles(self) -> dict[str, Text]:
        return obstacles(self._tools.catalogue.packages, self._tools, self._around)

    def _entries(self) -> tuple[Option, ...]:
        found = self._obstacles()
        any_open = any(not reason for reason in found.values())
        complaints = [package.code for package in self._tools.catalogue.packages if package.kind == "feedback"]
        complaint_reason = found[complaints[0]] if complaints else text("obstacle.not_offered")
        query_reason = NOTHING if self._around.link_up else text("obstacle.offline")
        services_reason = NOTHING if any_open else text("obstacle.all")

        def key(name: str, reason: Text) -> Option:
            return Option(
                id=name,
                title=text(f"attract.{name}"),
                detail=text(f"attract.{name}_means"),
                enabled=not reason,
                reason=reason,
                icon=name,
            )

        return (
            key(self.SERVICES, services_reason),
            key(self.QUERY, query_reason),
            key(self.COMPLAINT, complaint_reason),
            key(self.LARGE, services_reason),
        )

    def _view(self) -> View:
        found = self._obstacles()
        blocked = [reason for reason in found.values() if reason]
        mode = "in_service" if not blocked else "degraded" if len(blocked) < len(found) else "out_of_service"
        if mode != self._mode:
            self._mode = mode
            self._since = self._tools.clock.now()
            self._tools.log.emit(ModeChanged(mode=mode))
        terminal = self._tools.settings.terminal
        if mode == "out_of_service":
            since = local(terminal, self._since).strftime("%Y-%m-%d %H:%M")
            return OutOfService(
                title=text("out_of_service.title"),
                body=blocked[0] if blocked else text("out_of_service.body"),
                since=text("out_of_service.since", at=since),
                elsewhere=elsewhere(terminal),
            )
        return Attract(
            title=text("attract.title"),
            entries=self._entries(),
            notices=(text("attract.notice_privacy"), text("attract.notice_help", phone=plain(terminal.help_phone))),
            status=text(f"attract.status.{mode}") if not blocked else text("attract.status_because", reason=blocked[0]),
            whole=not blocked,
            online=self._around.link_up,
            place_name=said(terminal.name),
        )
