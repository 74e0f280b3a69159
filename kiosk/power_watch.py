"""The mains and the battery: staff are told, residents read it, the terminal ends in order before the power does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from devices.errors import DeviceError
from devices.power import Power
from kiosk.clock import deadline, first_of
from kiosk.events import MainsChanged
from offline_queue.errors import QueueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.power import PowerState
    from kiosk.quiet import Quiet
    from kiosk.visit import Tools
    from offline_queue.outbox import Outbox

ROLE: Final = "power"
SUBJECT: Final = "mains"  # not the device: that one works
SLICE_S: Final = 2.0  # how long the supply is held: the supervisor and a heartbeat wait no longer
BREATH_S: Final = 0.2
AWAY_S: Final = 5.0
FINISH_S: Final = 20.0  # for the goodbye of a visit that was cut short; a supply announces its end minutes before
DELIVER_S: Final = 10.0  # for what is still to be sent; what is not stays durable and goes after the next start
LOOK_S: Final = 0.5


class PowerEnds(Exception):
    """The battery is about to give out: the terminal ends in order."""


class PowerWatch:
    """Watches the supply. ``tell`` hears every change; :meth:`run` ends with ``PowerEnds``."""

    def __init__(self, tools: Tools, outbox: Outbox, quiet: Quiet, tell: Callable[[PowerState], None]) -> None:
        self._tools = tools
        self._outbox = outbox
        self._quiet = quiet
        self._tell = tell
        self._told: tuple[bool, bool] = (True, False)  # what nobody has to be told of

    async def run(self) -> None:
        """Watch until cancelled. Raises ``PowerEnds`` once visit and queue are seen to."""
        clock = self._tools.clock
        while True:
            if self._tools.devices.missing([ROLE]):
                await clock.sleep(AWAY_S)
                continue
            state = await self._looked()
            if state is not None and (state.on_mains, state.must_end) != self._told:
                self._changed(state)
                if state.must_end and await self._seen_to():
                    raise PowerEnds
            await clock.sleep(BREATH_S)

    def _changed(self, state: PowerState) -> None:
        tools = self._tools
        was_on_mains, self._told = self._told[0], (state.on_mains, state.must_end)
        tools.log.emit(MainsChanged(on_mains=state.on_mains, must_end=state.must_end))
        if state.on_mains and not was_on_mains:
            tools.staff.cleared(SUBJECT)
            tools.staff.tell("power.mains_back", SUBJECT, lasting=False)
        elif was_on_mains and not state.on_mains:
            tools.staff.tell("power.mains_lost", SUBJECT)
        if state.must_end:
            tools.staff.tell("power.must_end", SUBJECT)
        self._tell(state)

    async def _looked(self) -> PowerState | None:
        """Return the state now, or the next change within a slice; ``None``: nothing new, or it cannot be told."""
        try:
            async with self._tools.devices.lease(ROLE) as device:
                if not isinstance(device, Power):
                    raise TypeError(f"{ROLE} is a {type(device).__name__}")
                now = await device.state()
                if (now.on_mains, now.must_end) != self._told:
                    return now
                async with deadline(self._tools.clock, SLICE_S):
                    return await device.changed()
        except DeviceError:  # the lease has reported it
            return None
        except TimeoutError:
            return None

    async def _seen_to(self) -> bool:
        """Let the visit end and the queue be sent, as far as there is time; ``False``: the mains are back."""
        clock = self._tools.clock
        await first_of(self._rested(), self._slept(FINISH_S))
        begun = clock.monotonic()
        while clock.monotonic() < begun + DELIVER_S:
            state = await self._asked()
            if state is not None and not state.must_end:
                self._changed(state)
                return False
            try:
                if not (await self._outbox.stats()).pending:
                    break
            except QueueError:
                break  # it is closed or ill: nothing more can be sent now
            await clock.sleep(LOOK_S)
        return True

    async def _asked(self) -> PowerState | None:
        try:
            async with self._tools.devices.lease(ROLE) as device:
                return await device.state() if isinstance(device, Power) else None
        except DeviceError:
            return None

    async def _rested(self) -> None:
        await self._quiet.settled(0)

    async def _slept(self, seconds: float) -> None:
        await self._tools.clock.sleep(seconds)
