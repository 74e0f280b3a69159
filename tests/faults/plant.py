"""One fault, planted: dormant until its moment, then it strikes as often as its cell says, and tells that it did."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devices.errors import DeviceCode, DeviceError, DeviceFault
from devices.health import DEGRADING, READY, Condition, Health
from tests.faults.closed_sets import CODE_OF_CONDITION, error_of
from tests.faults.matrix import DIES, HANGS, LOST, PRINTERS, TIMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from kiosk.clock import ManualClock
    from tests.faults.matrix import Cell

SAID_FOR_S = {"once": 8.0, "thrice": 90.0, "forever": 1e9}  # a condition lasts; it does not count questions


class Plant:
    """The fault of one cell at its device."""

    def __init__(self, cell: Cell, clock: ManualClock, note: Callable[[str], None]) -> None:
        self.cell = cell
        self._clock = clock
        self._note = note
        self.armed = False
        self.fired = 0
        self._left = TIMES[cell.times]
        self._until = 0.0

    @property
    def condition(self) -> Condition | None:
        """Return the condition the device tells of now."""
        if not self.cell.fault.startswith("says.") or not self.armed or self._clock.monotonic() >= self._until:
            return None
        return Condition(self.cell.fault.removeprefix("says."))

    @property
    def health_degraded(self) -> bool:
        """Tell whether the planted condition lets the device work on."""
        return self.cell.fault.startswith("says.") and Condition(self.cell.fault.removeprefix("says.")) in DEGRADING

    def reach(self, moment: str) -> None:
        """Note that ``moment`` has come."""
        if moment == self.cell.moment and not self.armed:
            self.armed = True
            self._until = self._clock.monotonic() + SAID_FOR_S[self.cell.times]
            self._note(f"the fault is there: {self.cell.fault}")

    def strikes(self) -> bool:
        """Tell whether it strikes now; it has one time less then."""
        if not self.armed or not self._left:
            return False
        self._left -= 1
        self.fired += 1
        return True

    def health(self) -> Health:
        """Return what a probe says."""
        condition = self.condition
        if condition is None:
            return READY
        self.fired += 1
        return Health.of(frozenset({condition}))

    async def asked(self, method: str) -> None:
        """Stand in an open, a probe or another question: raise, hang, or let it pass."""
        fault = self.cell.fault
        if fault.startswith(("says.", "medium.")) or fault in LOST.values() or not self.strikes():
            return
        self._note(f"{self.cell.role}.{method}: {fault}")
        if fault == HANGS:
            await asyncio.Event().wait()
        code = DeviceCode.DRIVER_CRASHED if fault == DIES else DeviceCode(fault)
        raise error_of(code, self.cell.role)

    async def used(self, method: str, moment: str, job: str = "") -> None:
        """Stand in the middle of the device's work: at this ``moment``."""
        self.reach(moment)
        condition = self.condition
        if condition is not None:
            await self._said(condition, method)
        elif self.cell.fault.startswith("medium.") and self.armed and method == "read" and self.strikes():
            self._note(f"{self.cell.role}.{method}: {self.cell.fault}")
            raise error_of(DeviceCode(self.cell.fault), self.cell.role)
        else:
            await self.asked(method)

    async def _said(self, condition: Condition, method: str) -> None:
        """Fail as a driver does whose device says so and is used all the same."""
        if condition in {Condition.TOO_DARK, Condition.TOO_BRIGHT, Condition.OTHER}:
            return  # pictures come all the same
        code = CODE_OF_CONDITION.get(condition)
        if code is None and self.cell.role in PRINTERS and condition is not Condition.UNRECOVERABLE:
            return  # it waits for help: the printer's own business
        self.fired += 1
        self._note(f"{self.cell.role}.{method}: {condition.value}")
        raise error_of(code, self.cell.role) if code else _broken(self.cell.role)


def _broken(role: str) -> DeviceError:
    return DeviceFault("planted", device=role)
