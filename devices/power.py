"""Port: the mains and the battery behind them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from devices.device import Device


@dataclass(frozen=True, slots=True)
class PowerState:
    """What the supply says of itself; ``None`` where it does not tell."""

    on_mains: bool
    battery_percent: float | None = None  # 0 to 100
    runtime_s: float | None = None  # left at the load of now
    must_end: bool = False  # the battery is about to give out: finish and shut down now


class Power(Device):
    """An uninterruptible supply. :meth:`probe` says ``ON_BATTERY`` and ``BATTERY_LOW``."""

    @abstractmethod
    async def state(self) -> PowerState:
        """Ask the supply. Raises ``DeviceError``."""

    @abstractmethod
    async def changed(self) -> PowerState:
        """Return the next state whose ``on_mains`` or ``must_end`` differs from the one told before.

        Cancellable within 0.5 s. Raises ``DeviceError``.
        """
