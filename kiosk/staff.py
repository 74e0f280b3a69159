"""Telling staff: alarms go to central through the outbox, so that "staff have been told" is true, also later."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from kiosk.events import AlarmRaised
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.health import Health
    from devices.values import Clock
    from kiosk.case_desk import VisitDesk
    from kiosk.event_log import EventLog

LANE_BYTES = 8
FOLD_S = 600.0
RETRY_S = 30.0


class StaffNotices:
    """Takes notices from anywhere on the core's loop; :meth:`run` hands them in.

    The same trouble is told once while it lasts, and at most every ten minutes: a cable that comes and goes must not
    fill the outbox.
    """

    def __init__(self, log: EventLog, clock: Clock, open_desk: Callable[[str], VisitDesk]) -> None:
        self._log = log
        self._clock = clock
        self._open_desk = open_desk
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._lasting: set[tuple[str, str]] = set()
        self._told: dict[tuple[str, str], float] = {}  # monotonic seconds

    def tell(self, code: str, subject: str, *, lasting: bool = True) -> None:
        """Raise an alarm about ``subject`` (a device's role, a visit's random id).

        ``lasting``: not told again before :meth:`cleared`; else only folded, for what nobody will see the end of.
        """
        trouble = (code, subject)
        now = self._clock.monotonic()
        if trouble in self._lasting or now - self._told.get(trouble, -FOLD_S) < FOLD_S:
            return
        self._told = {other: at for other, at in self._told.items() if now - at < FOLD_S} | {trouble: now}
        if lasting:
            self._lasting.add(trouble)
        self._log.emit(AlarmRaised(code=code, subject=subject))
        self._waiting.put_nowait(trouble)

    def cleared(self, subject: str) -> None:
        """Take note that the trouble of ``subject`` is over."""
        self._lasting = {trouble for trouble in self._lasting if trouble[1] != subject}

    def device(self, role: str, health: Health) -> None:
        """Tell of a device that cannot be used, by cause; one that can is no trouble any more."""
        if health.usable:
            self.cleared(role)
            return
        for cause in sorted(condition.value for condition in health.conditions) or [health.state.value]:
            self.tell(f"device.{cause}", role)

    async def run(self) -> None:
        """Hand notices in until cancelled; a queue that takes nothing is asked again later, never a crash."""
        while True:
            code, subject = await self._waiting.get()
            while not await self._hand_in(code, subject):
                await self._clock.sleep(RETRY_S)

    async def _hand_in(self, code: str, subject: str) -> bool:
        desk = self._open_desk(secrets.token_hex(LANE_BYTES))
        try:
            await desk.put_alarm(code, subject)
        except QueueError:
            return False
        finally:
            desk.close()
        return True
