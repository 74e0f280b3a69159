"""Supervision of all devices of a terminal: open, watch, reopen, and lend each to one user at a time.

Names are roles of the settings: ``id_reader``, ``camera``, ``document_printer``, ``receipt_printer``. What a device
answers is the truth; what a user of it reports (:meth:`DeviceManager.report`) makes the manager ask again at once.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import traceback
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from devices.device import TellsOfLoss
from devices.errors import (
    DeviceCode,
    DeviceError,
    DeviceFault,
    DeviceTimeout,
    DeviceUnavailable,
    MediumError,
    OutcomeUnknown,
)
from devices.health import ABSENT, UNKNOWN, Condition, Health, HealthState
from devices.hotplug import Move

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
    from datetime import datetime

    from devices.device import Device
    from devices.hotplug import Plug, PlugWatch
    from devices.values import Clock

    OnChange = Callable[[str, Health, DeviceError | None], None]

T = TypeVar("T")

PROBE_INTERVAL_S = 5.0
OPEN_DEADLINE_S = 10.0  # a printer may need a name look-up and a handshake; nobody waits for more at start-up
PROBE_DEADLINE_S = 5.0
CLOSE_DEADLINE_S = 5.0
BACKOFF_FIRST_S = 1.0
BACKOFF_LAST_S = 30.0  # a technician who plugs a device in does not wait longer than this

# A fault with a known cause, and the cause that names it: both closed sets say it in the same word.
_CAUSE_NAMES = {condition.value for condition in Condition}
_CAUSES = {code: Condition(name) for code in DeviceCode if (name := code.value.partition(".")[2]) in _CAUSE_NAMES}

_log = logging.getLogger(__name__)


class _Doubt(enum.Enum):
    """What has to be done before the device may be believed again."""

    ASK = enum.auto()  # it said it is broken, or a command's end was not seen
    REOPEN = enum.auto()  # it is gone, silent or talks nonsense


@dataclass(slots=True)
class _Slot:
    """One device and what is known of it."""

    name: str
    device: Device
    since: datetime
    health: Health = UNKNOWN
    error: DeviceError | None = None
    opened: bool = False
    doubt: _Doubt | None = None
    pause_s: float = 0.0  # before the next try to open; grows from failure to failure
    exclusive: asyncio.Lock = field(default_factory=asyncio.Lock)  # held by whoever talks to the device
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class DeviceManager:
    """Owns its devices. Waits follow ``clock``; ``on_change`` hears each change once; ``plugs`` tells of cables."""

    def __init__(
        self,
        devices: Mapping[str, Device],
        *,
        clock: Clock,
        on_change: OnChange,
        probe_interval_s: float = PROBE_INTERVAL_S,
        plugs: PlugWatch | None = None,
    ) -> None:
        self._clock = clock
        self._plugs = plugs
        self._on_change = on_change
        self._probe_interval_s = probe_interval_s
        self._made = clock.now()
        self._slots = {name: _Slot(name, device, self._made) for name, device in devices.items()}
        for name, device in devices.items():
            if isinstance(device, TellsOfLoss):
                device.on_lost(partial(self.report, name))

    async def start(self) -> None:
        """Open all devices side by side; those that fail or take too long are left to :meth:`run`. Never raises."""
        async with asyncio.TaskGroup() as group:
            for slot in self._slots.values():
                group.create_task(self._first_look(slot))

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for slot in self._slots.values():
                group.create_task(self._supervise(slot), name=f"watch-{slot.name}")
            if self._plugs is not None:
                addresses = [slot.device.info().address for slot in self._slots.values()]
                group.create_task(self._plugs.run(addresses, self.heard), name="watch-plugs")

    async def stop(self) -> None:
        """Close all devices; call it after :meth:`run` was cancelled. Idempotent, never raises."""
        async with asyncio.TaskGroup() as group:
            for slot in self._slots.values():
                group.create_task(self._shut(slot))
        for slot in self._slots.values():
            slot.health = UNKNOWN

    def names(self) -> tuple[str, ...]:
        """Return the roles that have a device."""
        return tuple(self._slots)

    def health(self, name: str) -> Health:
        """Return what is known of a device; one that is not configured is ABSENT."""
        slot = self._slots.get(name)
        return ABSENT if slot is None else slot.health

    def since(self, name: str) -> datetime:
        """Return when the health last changed (UTC): at the earliest, when the manager was made."""
        slot = self._slots.get(name)
        return self._made if slot is None else slot.since

    def missing(self, needs: Iterable[str]) -> dict[str, Health]:
        """Return those of ``needs`` that cannot be used now, with their health."""
        return {name: self.health(name) for name in needs if not self.health(name).usable}

    def report(self, name: str, error: DeviceError) -> None:
        """Tell what a user of the device met; it is asked, or closed and reopened, before anybody uses it again.

        A ``MediumError`` is the resident's affair and says nothing about the device. Unknown names are ignored: the
        error may come from a device that is none of the manager's.
        """
        slot = self._slots.get(name)
        if slot is None or isinstance(error, MediumError):
            return
        if slot.doubt is not _Doubt.REOPEN:
            slot.doubt = _Doubt.ASK if isinstance(error, DeviceFault | OutcomeUnknown) else _Doubt.REOPEN
        if error.code is DeviceCode.DRIVER_CRASHED:  # a fact, not a doubt: told before it is asked again
            self._mark(slot, _health_of(error), error)
        slot.wake.set()

    def heard(self, plug: Plug) -> None:
        """Mark a device that was pulled, lent or not; look at it, or at what may be back, as soon as nobody has it."""
        names, sure = plug.concerns({name: slot.device.info().address for name, slot in self._slots.items()})
        for slot in (self._slots[name] for name in names):
            idle = not slot.opened and not slot.exclusive.locked()  # what is being opened may succeed a moment too late
            if plug.move is Move.PULLED and slot.health.state is HealthState.ABSENT and idle:
                continue  # known, and tried again in its own time
            slot.pause_s = 0.0  # what was tried before the cable was moved says nothing now
            if sure and plug.move is Move.PULLED:
                self._mark(slot, ABSENT, DeviceUnavailable("pulled out", device=slot.name))
            lasting = not sure or plug.move is Move.PLUGGED  # what is open may be as good as before
            slot.doubt = slot.doubt or _Doubt.ASK if lasting else _Doubt.REOPEN
            slot.wake.set()

    @asynccontextmanager
    async def lease(self, name: str) -> AsyncIterator[Device]:
        """Lend the device: nobody else, not even the supervisor, talks to it meanwhile. A second lease waits.

        Raises ``DeviceUnavailable`` (absent, not configured) or ``DeviceFault`` naming the conditions. A
        ``DeviceError`` of this device that leaves the block is reported by itself.
        """
        slot = self._slots.get(name)
        if slot is None:
            raise DeviceUnavailable("not configured", device=name)
        async with slot.exclusive:
            if slot.doubt is not None or (slot.health.usable and not slot.opened):  # whoever began to open it left
                await self._look(slot)
            if not slot.health.usable:
                raise _refusal(slot)
            try:
                yield slot.device
            except DeviceError as error:
                if error.device == name:
                    self.report(name, error)
                raise

    async def _first_look(self, slot: _Slot) -> None:
        async with slot.exclusive:
            await self._look(slot)

    async def _supervise(self, slot: _Slot) -> None:
        while True:
            await self._pause(slot)
            if slot.exclusive.locked() and slot.doubt is None:
                continue  # lent: its user sees for himself how it is
            async with slot.exclusive:
                await self._look(slot)

    async def _pause(self, slot: _Slot) -> None:
        """Wait for the next look, or for a report."""
        # Never no pause at all: while a lease reopens the device, this would spin until the driver has answered.
        pause = self._probe_interval_s if slot.opened else slot.pause_s or BACKOFF_FIRST_S
        timer = self._clock.call_later(pause, slot.wake.set)
        try:
            await slot.wake.wait()
        finally:
            timer.cancel()
            slot.wake.clear()

    async def _look(self, slot: _Slot) -> None:
        """Find out how the device is, opening it where needed. The caller holds ``exclusive``."""
        if slot.doubt is _Doubt.REOPEN:
            await self._shut(slot)
        slot.doubt = None
        try:
            if not slot.opened:
                await self._within(OPEN_DEADLINE_S, slot, slot.device.open)
                slot.opened = True
            health = await self._within(PROBE_DEADLINE_S, slot, slot.device.probe)
        except DeviceError as error:
            await self._shut(slot)
            slot.pause_s = min(slot.pause_s * 2 or BACKOFF_FIRST_S, BACKOFF_LAST_S)
            self._mark(slot, _health_of(error), error)
        else:
            slot.pause_s = 0.0
            if slot.doubt is not _Doubt.REOPEN:  # lost while it was asked: what it said is of before
                self._mark(slot, health, None)

    async def _shut(self, slot: _Slot) -> None:
        slot.opened = False
        try:
            await self._within(CLOSE_DEADLINE_S, slot, slot.device.close)
        except DeviceError as error:  # a driver that breaks its word; the next open shows what it is worth
            _log.error("device %s did not close: %s", slot.name, error)

    async def _within(self, seconds: float, slot: _Slot, act: Callable[[], Awaitable[T]]) -> T:
        """Await ``act`` with a deadline by the clock; whatever a driver raises leaves as a ``DeviceError``."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as limit:
                timer = self._clock.call_later(seconds, lambda: limit.reschedule(loop.time()))
                try:
                    return await act()
                finally:
                    timer.cancel()
        except DeviceError:
            raise
        except Exception as error:  # noqa: BLE001 - one driver's bug must not take the terminal down: named and watched
            if limit.expired():
                raise DeviceTimeout(f"no end within {seconds:g} s", device=slot.name) from None
            raise _driver_bug(slot.name, error) from None

    def _mark(self, slot: _Slot, health: Health, error: DeviceError | None) -> None:
        slot.error = error
        if health == slot.health:
            return
        was, slot.health, slot.since = slot.health, health, self._clock.now()
        if not health.usable and (was.usable or was == UNKNOWN):
            _log.warning("device %s is away: %s %s", slot.name, _words(health), error or "")
        elif health.usable and not was.usable:
            _log.info("device %s is back: %s", slot.name, _words(health))
        self._on_change(slot.name, health, error)


def _health_of(error: DeviceError) -> Health:
    """Return what a failed open or probe says: broken, when the device itself said so; otherwise absent."""
    state = HealthState.FAULT if isinstance(error, DeviceFault) else HealthState.ABSENT
    cause = _CAUSES.get(error.code)
    return Health(state, frozenset() if cause is None else frozenset({cause}))


def _refusal(slot: _Slot) -> DeviceError:
    """Return why the device is not lent."""
    code = next((code for code, cause in _CAUSES.items() if cause in slot.health.conditions), None)
    if slot.health.state is HealthState.FAULT:
        return DeviceFault(f"not usable: {_words(slot.health)}", code=code, device=slot.name)
    why = slot.error.detail if slot.error is not None else "not asked yet"
    return DeviceUnavailable(f"{_words(slot.health)}: {why}", code=code, device=slot.name)


def _words(health: Health) -> str:
    return " ".join([health.state, *sorted(health.conditions)])


def _driver_bug(name: str, error: Exception) -> DeviceFault:
    """Name a driver's bug by type and place: its text may hold anything."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return DeviceFault(f"driver bug: {type(error).__name__} at {place.filename}:{place.lineno}", device=name)
