"""What number pads of any wire have in common: keys are heard from start to stop, and wait until they are fetched."""

from __future__ import annotations

import asyncio
import contextlib
from abc import abstractmethod
from collections import deque
from typing import TYPE_CHECKING

from devices.errors import DeviceCode, DeviceError, DeviceProtocolError, DeviceUnavailable
from devices.health import READY, Health
from devices.pin_pad import PadKey, PinPad
from devices.transport.listening import Listener

if TYPE_CHECKING:
    from devices.transport import DescriptorWire

REST_S = 0.3  # how long a pad that takes no bytes may keep the caller of stop()
MAX_KEYS = 1000  # that nobody fetched: a machine types them, no person does


class ListeningPinPad(PinPad):
    """Hears its wire from open to close, so that a key held down since before the start is not taken for a new one.

    What was typed is never logged, and forgotten at the stop.
    """

    def __init__(self, name: str, wire: DescriptorWire) -> None:
        self._name = name
        self._listener = Listener(name, wire, self._hear, self._lose)
        self._started = False
        self._keys: deque[PadKey] = deque()
        self._changed = asyncio.Event()
        self._flooded = False

    @abstractmethod
    def _keys_in(self, data: bytes) -> list[PadKey]:
        """Return the keys that were pressed, in their order."""

    async def _switch(self, *, on: bool) -> None:
        """Switch the pad's keys on or off, where it needs that. Raises ``DeviceError``."""

    async def open(self) -> None:
        """Open the wire. Raises ``DeviceError``."""
        await self._listener.open()
        self._flooded = False

    async def close(self) -> None:
        """Let go of the wire. Never raises."""
        await self.stop()
        await self._listener.close()

    async def probe(self) -> Health:
        """Tell that the wire is whole: a pad that only speaks cannot be asked for more. Raises ``DeviceError``."""
        self._listener.catch_up()
        return READY

    async def start(self) -> None:
        """Listen from now on. Raises ``DeviceUnavailable``."""
        self._listener.catch_up()
        if not self._started:
            await self._switch(on=True)
        self._started = True

    async def stop(self) -> None:
        """Stop listening and drop what was not fetched. Never raises; what stands against it the next call tells."""
        was_started = self._started
        self._forget()
        if was_started:
            with contextlib.suppress(DeviceError, TimeoutError):
                async with asyncio.timeout(REST_S):
                    await self._switch(on=False)

    async def key(self) -> PadKey:
        """Return the next key. See the port for what it raises."""
        while not self._keys:
            self._listener.require()
            if self._flooded:
                raise DeviceProtocolError(f"more than {MAX_KEYS} keys that nobody fetched", device=self._name)
            if not self._started:
                detail = "pad is not listened to: call start() first"
                raise DeviceUnavailable(detail, code=DeviceCode.CLOSED, device=self._name)
            self._changed.clear()
            await self._changed.wait()
        return self._keys.popleft()

    def _forget(self) -> None:
        with contextlib.suppress(DeviceError):  # lost or closed: then nothing more can come
            self._listener.catch_up()
        self._started = False
        self._keys.clear()
        self._changed.set()

    def _hear(self, data: bytes) -> None:
        pressed = self._keys_in(data)
        if not self._started or self._flooded:
            return
        self._keys += pressed
        if len(self._keys) > MAX_KEYS:
            self._keys.clear()
            self._flooded = True
        self._changed.set()

    def _lose(self, error: DeviceError) -> None:
        del error  # the listener raises it from now on
        self._changed.set()
