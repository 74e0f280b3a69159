"""Telling staff: alarms go to central through the outbox, so that "staff have been told" is true, also later."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

from kiosk.events import AlarmRaised

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.health import Health
    from kiosk.case_desk import VisitDesk
    from kiosk.event_log import EventLog

LANE_BYTES = 8


class StaffNotices:
    """Takes notices from anywhere on the core's loop; :meth:`run` hands them in. The same trouble is told once."""

    def __init__(self, log: EventLog, open_desk: Callable[[str], VisitDesk]) -> None:
        self._log = log
        self._open_desk = open_desk
        self._waiting: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._told: set[tuple[str, str]] = set()

    def tell(self, code: str, subject: str) -> None:
        """Raise an alarm about ``subject`` (a device's role, a visit's random id); a repeat is folded."""
        if (code, subject) in self._told:
            return
        self._told.add((code, subject))
        self._log.emit(AlarmRaised(code=code, subject=subject))
        self._waiting.put_nowait((code, subject))

    def cleared(self, subject: str) -> None:
        """Forget what was told of ``subject``: its trouble is over, the next one is news again."""
        self._told = {(code, other) for code, other in self._told if other != subject}

    def device(self, role: str, health: Health) -> None:
        """Tell of a device that cannot be used, by cause; one that can is no trouble any more."""
        if health.usable:
            self.cleared(role)
            return
        for cause in sorted(condition.value for condition in health.conditions) or [health.state.value]:
            self.tell(f"device.{cause}", role)

    async def run(self) -> None:
        """Hand notices in until cancelled. Raises ``QueueError``."""
        while True:
            code, subject = await self._waiting.get()
            desk = self._open_desk(secrets.token_hex(LANE_BYTES))
            try:
                await desk.put_alarm(code, subject)
            finally:
                desk.close()
