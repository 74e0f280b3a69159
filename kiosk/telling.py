"""What the parts of a terminal tell it. They are made before it is, so that they are given this to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.events import AlarmRaised, DeviceChanged
from offline_queue.link import Link

if TYPE_CHECKING:
    from devices.errors import DeviceError
    from devices.health import Health
    from devices.power import PowerState
    from kiosk.event_log import EventLog
    from kiosk.terminal import Terminal
    from offline_queue.values import Alarm


class Telling:
    """Writes down what is told, and passes it on to the terminal once there is one."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.terminal: Terminal | None = None

    def device_changed(self, name: str, health: Health, error: DeviceError | None) -> None:
        """Take what the manager says of a device."""
        conditions = tuple(sorted(condition.value for condition in health.conditions))
        detail = str(error) if error is not None else ""
        self._log.emit(DeviceChanged(device=name, state=health.state.value, conditions=conditions, detail=detail))
        if self.terminal is not None:
            self.terminal.device_changed(name, health)

    def link_changed(self, link: Link) -> None:
        """Take what the courier says of the way to central."""
        if self.terminal is not None:
            self.terminal.link_changed(up=link is Link.UP)

    def power_changed(self, state: PowerState) -> None:
        """Take what the supply says."""
        if self.terminal is not None:
            self.terminal.power_changed(state)

    def alarmed(self, alarm: Alarm) -> None:
        """Take what the queue is alarmed at."""
        self._log.emit(AlarmRaised(code=alarm.code.value, subject=str(alarm.seq or alarm.detail)))

    def link_up(self) -> bool:
        """Tell whether central is reached."""
        return self.terminal is not None and self.terminal.link_up
