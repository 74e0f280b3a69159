"""A pad that presses its own keys, one after the other, each the moment its caller is about to give up."""

from __future__ import annotations

import asyncio
import itertools

from devices.device import DeviceInfo
from devices.health import READY, Health
from devices.pin_pad import PadKey, PinPad


class Pad(PinPad):
    """Every second key comes although its caller was cancelled."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._keys = itertools.cycle([PadKey.ONE, PadKey.TWO, PadKey.THREE, PadKey.FOUR])
        self._calls = itertools.count()

    def info(self) -> DeviceInfo:
        """Return the name plate."""
        return DeviceInfo("acme-pad", "nowhere")

    async def open(self) -> None:
        """Be there."""

    async def close(self) -> None:
        """Be gone."""

    async def probe(self) -> Health:
        """Be well."""
        return READY

    async def start(self) -> None:
        """Listen."""

    async def stop(self) -> None:
        """Listen no more."""

    async def key(self) -> PadKey:
        """Return the next key: at once, or as the answer to being cancelled."""
        if next(self._calls) % 2:
            return next(self._keys)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            return next(self._keys)
        raise AssertionError
