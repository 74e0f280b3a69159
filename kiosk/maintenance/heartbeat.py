"""The heartbeat by doing: while nobody is there, the machine serves itself, and tells when each part was last proven.

A whole beat goes through every part that can do its work alone, and through a service as a resident would, at most an
hour apart. What is in trouble, or has not proved itself, is tried again every minute, and nothing else: a camera that
works is not woken because a printer is short of paper. Whoever touches the glass ends a beat at once.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from devices.health import HealthState
from kiosk.clock import first_of
from kiosk.events import DeviceChanged, DeviceFailed, DeviceProved, HeartBeaten
from kiosk.maintenance.beat_checks import JOURNEY, Checked
from kiosk.maintenance.beat_message import message
from kiosk.maintenance.proof import USABLE, proved_by
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from kiosk.events import Event
    from kiosk.maintenance.beat_checks import BeatChecks
    from kiosk.maintenance.survey import Survey
    from kiosk.quiet import Quiet
    from kiosk.visit import Tools

SPREAD: Final = 0.1  # each pause is shortened by up to so much: a fleet switched on together does not beat together
OVERDUE: Final = 3  # tries a whole beat is behind its time before only words go to central
NOT_DONE: Final = "heartbeat.not_done"


class Heartbeat:
    """See the module. ``send`` hands a message in for central; ``draw`` returns a number from 0 to 1."""

    def __init__(
        self,
        tools: Tools,
        checks: BeatChecks,
        survey: Survey,
        quiet: Quiet,
        *,
        send: Callable[[Mapping[str, object]], Awaitable[None]],
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.on_failing: Callable[[Mapping[str, datetime]], None] = lambda _failing: None
        self._tools = tools
        self._checks = checks
        self._survey = survey
        self._quiet = quiet
        self._send = send
        self._draw = draw
        self._failing: dict[str, datetime] = {}  # devices that answer and cannot work, since when
        self._last: dict[str, Checked] = {}
        begun = tools.clock.monotonic()
        self._whole_due = begun
        self._report_due = begun
        self._told: object = None
        tools.log.listen(self._hear)

    async def run(self) -> None:
        """Beat until cancelled."""
        settings, clock = self._tools.settings.maintenance, self._tools.clock
        while True:
            await clock.sleep(self._shortened(settings.heartbeat_again_s))
            now = clock.monotonic()
            parts = self._due(now)
            if parts and await self._beaten(parts, whole=now >= self._whole_due):
                continue
            if clock.monotonic() >= self._report_due:  # somebody has been there all the time: silence would be a lie
                await self._report(done=False)

    async def beat(self, parts: tuple[str, ...], *, whole: bool) -> None:
        """Have ``parts`` do their work, one after the other, and draw the consequences. Cancellable."""
        begun = self._tools.clock.monotonic()
        results: list[Checked] = []
        for part in parts:
            result = await self._checks.check(part)
            results.append(result)
            self._take(result)
        failed = tuple(result.part for result in results if result.cause)
        seconds = round(self._tools.clock.monotonic() - begun, 1)
        self._tools.log.emit(HeartBeaten(whole=whole, parts=len(parts), failed=failed, seconds=seconds))

    # -- when

    def _due(self, now: float) -> tuple[str, ...]:
        if now >= self._whole_due:
            return self._checks.parts()
        return tuple(part for part in self._checks.parts() if self._in_trouble(part))

    def _in_trouble(self, part: str) -> bool:
        last = self._last.get(part)
        if last is None or last.cause or part in self._failing:
            return True
        return part in self._tools.devices.names() and self._tools.devices.health(part).state is not HealthState.READY

    async def _beaten(self, parts: tuple[str, ...], *, whole: bool) -> bool:
        """Beat once nobody has been there for a while; ``False``: somebody was, or came in between."""
        settings = self._tools.settings.maintenance
        position, rest = await first_of(self._quiet.settled(settings.quiet_s), self._patience())
        if position:
            return False
        position, _ = await first_of(self._quiet.over(rest), self._beat_and_report(parts, whole=whole))
        return position == 1

    async def _patience(self) -> int:
        """Wait no longer for quiet than the next report allows."""
        clock = self._tools.clock
        again_s = self._tools.settings.maintenance.heartbeat_again_s
        await clock.sleep(max(again_s, self._report_due - clock.monotonic()))
        return 0

    async def _beat_and_report(self, parts: tuple[str, ...], *, whole: bool) -> None:
        await self.beat(parts, whole=whole)
        if whole:
            settings = self._tools.settings.maintenance
            self._whole_due = self._tools.clock.monotonic() + self._shortened(settings.heartbeat_s)
        signature = sorted((part, result.cause) for part, result in self._last.items())
        if (whole or signature != self._told) and await self._report(done=True):
            self._told = signature

    def _shortened(self, seconds: float) -> float:
        return seconds * (1 - SPREAD * self._draw())

    # -- what follows

    def _take(self, result: Checked) -> None:
        tools, part = self._tools, result.part
        before = self._last.get(part)
        self._last[part] = result
        if not result.cause:
            tools.log.emit(DeviceProved(device=part, how="heartbeat"))  # heard here, too: see _hear
            tools.staff.cleared(part)
        elif result.answers:
            if before is None or before.cause != result.cause:
                tools.log.emit(DeviceFailed(device=part, cause=result.cause, detail=result.detail))
            tools.staff.tell(result.cause if part in tools.devices.names() else NOT_DONE, part)
            if part not in self._failing and part != JOURNEY:
                self._failing[part] = tools.clock.now()
                self.on_failing(dict(self._failing))

    def _hear(self, event: Event) -> None:
        """Work done for a resident proves as much as a beat does; a device that went away speaks for itself."""
        healed = proved_by(event)
        for part in healed:
            self._last[part] = Checked(part)
        if isinstance(event, DeviceChanged) and event.state not in USABLE:
            healed = (event.device,)
        gone = [part for part in healed if self._failing.pop(part, None) is not None]
        if gone:
            self.on_failing(dict(self._failing))

    async def _report(self, *, done: bool) -> bool:
        """Hand in one message; a queue that takes nothing, or is not being emptied, gets none on top."""
        settings = self._tools.settings.maintenance
        try:
            findings = await self._survey.findings(ask=done)
            waiting = findings.queue or {}
            if findings.link != "up" and waiting.get("pending"):
                return False
            await self._send({"heartbeat": message(findings, self._last, every_s=settings.heartbeat_s, done=done)})
        except (QueueError, OSError):
            return False  # the queue's own alarms tell of it; the next beat tries again
        # Later than the next whole beat, which tells more, unless somebody keeps that from coming.
        self._report_due = self._tools.clock.monotonic() + settings.heartbeat_s + OVERDUE * settings.heartbeat_again_s
        return True
