"""The cabinet's contacts: one task reads them, keeps how each is now, and tells whoever listens.

The sensors' port has one reader for all changes. Whoever wants one of them listens here and reads no change himself.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from devices.errors import DeviceError
from devices.sensors import Sensor, Sensors
from kiosk.clock import deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from devices.manager import DeviceManager
    from devices.values import Clock
    from kiosk.staff import StaffNotices

    Listener = Callable[[Sensor, bool | None], None]

ROLE: Final = "sensors"
SLICE_S: Final = 2.0  # how long the contacts are held: who wants to ask them himself waits no longer
BREATH_S: Final = 0.2  # in which others get them
AWAY_S: Final = 1.0
ALARMS: Final[Mapping[Sensor, str]] = {Sensor.TAMPERED: "cabinet.tampered", Sensor.TOO_HOT: "cabinet.too_hot"}


class Cabinet:
    """See the module. Listeners are called on the core's loop, in the order of the changes, and must not block.

    ``None`` says that a sensor cannot be told any more; once the device is back every state is told anew.
    """

    def __init__(self, devices: DeviceManager, clock: Clock, staff: StaffNotices) -> None:
        self._devices = devices
        self._clock = clock
        self._staff = staff
        self._now: dict[Sensor, bool] = {}
        self._listeners: list[Listener] = []
        self.listen(self._alarm)

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with every change from now on, and at once with what is known."""
        self._listeners.append(listener)
        for sensor, on in self._now.items():
            listener(sensor, on)

    def state(self, sensor: Sensor) -> bool | None:
        """Return how a sensor is now; ``None``: not fitted, or it cannot be told."""
        return self._now.get(sensor)

    async def turned(self, sensor: Sensor, *, on: bool | None = None) -> bool:
        """Return a sensor's next change, or once it is ``on``. Waits as long as it takes."""
        if on is not None and self._now.get(sensor) is on:
            return on
        seen: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def heard(turning: Sensor, now: bool | None) -> None:
            if turning is sensor and now is not None and on in {None, now} and not seen.done():
                seen.set_result(now)

        self._listeners.append(heard)
        try:
            return await seen
        finally:
            self._listeners.remove(heard)

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            if self._devices.missing([ROLE]):
                self._lost()
                await self._clock.sleep(AWAY_S)
                continue
            await self._read_a_while()
            await self._clock.sleep(BREATH_S)

    async def _read_a_while(self) -> None:
        try:
            async with self._devices.lease(ROLE) as device:
                if not isinstance(device, Sensors):
                    raise TypeError(f"{ROLE} is a {type(device).__name__}")
                for sensor, on in (await device.states()).items():
                    self._turned(sensor, on=on)
                async with deadline(self._clock, SLICE_S):
                    while True:
                        change = await device.change()
                        self._turned(change.sensor, on=change.on)
        except DeviceError:  # the lease has reported it; also a DeviceTimeout, which says nothing about the slice
            self._lost()
        except TimeoutError:
            return

    def _turned(self, sensor: Sensor, *, on: bool) -> None:
        if self._now.get(sensor) is not on:
            self._now[sensor] = on
            self._tell(sensor, on)

    def _lost(self) -> None:
        lost, self._now = self._now, {}
        for sensor in lost:
            self._tell(sensor, None)

    def _tell(self, sensor: Sensor, on: bool | None) -> None:
        for listener in tuple(self._listeners):
            listener(sensor, on)

    def _alarm(self, sensor: Sensor, on: bool | None) -> None:
        code = ALARMS.get(sensor)
        if code is None:
            return
        if on:
            self._staff.tell(code, sensor.value)
        elif on is False:  # a sensor that fell silent is no all-clear
            self._staff.cleared(sensor.value)
