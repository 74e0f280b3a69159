"""Makes devices as the settings say: in this process, or each in one of its own (docs/adr/0013)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices import registry
from devices.hosted.confine import Limits
from kiosk.settings import Isolation

if TYPE_CHECKING:
    from devices.device import Device
    from kiosk.settings import DeviceSettings


def make_device(role: str, wanted: DeviceSettings) -> Device:
    """Make one device; nothing is opened. Raises ``ValueError`` naming everything that is wrong.

    One with a process of its own blocks while that process loads its driver once.
    """
    if wanted.isolation is Isolation.THREAD:
        return registry.create(wanted.driver, role, wanted.options)
    limits = Limits(nice=wanted.process.nice, memory_mb=wanted.process.memory_mb)
    return registry.create_hosted(wanted.driver, role, wanted.options, limits)
