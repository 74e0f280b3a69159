"""Drivers that are none."""

from __future__ import annotations

from acme_kiosk.slips import SlipPrinter
from devices.device import DeviceInfo
from devices.id_reader import IdReader


class Unfinished(IdReader):
    """Has a name plate and nothing else."""

    def __init__(self, name: str) -> None:
        self.name = name

    def info(self) -> DeviceInfo:
        """Return the name plate."""
        return DeviceInfo("acme-unfinished", "nowhere")


class Refusing(SlipPrinter):
    """Does not let itself be made."""

    def __init__(self, name: str, port: str = "") -> None:
        super().__init__(name)
        raise LookupError(f"no licence for {port}")
