"""What scanners of any wire have in common: codes come when they like, and count only while somebody waits."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from typing import TYPE_CHECKING

from devices.drivers.scan_codes import unreadable
from devices.errors import DeviceCode, DeviceError, DeviceUnavailable
from devices.health import READY, Health
from devices.scanner import ScannedCode, Scanner
from devices.transport.listening import Listener

if TYPE_CHECKING:
    from devices.drivers.scan_codes import Arrival, Frames
    from devices.transport import DescriptorWire

GAP_S = 0.5  # silence inside a code: the rest was lost. Bytes of one code follow each other within milliseconds.
REPEAT_S = 3.0  # longer than scanners that read all the time take between two readings of what lies before them
RELEASE_S = 0.3  # how long the trigger's release may keep a caller who wants to go

_log = logging.getLogger(__name__)


class ListeningScanner(Scanner):
    """Hears its wire from open to close: only so it knows whether a code began before somebody waited for one.

    ``retrigger_s``: how often the trigger is pulled again while somebody waits; 0 for once. ``repeat_s``: a code that
    is read again within so many seconds was never taken away, and is not shown anew; 0 for a scanner that reads when
    it is told to.
    """

    def __init__(self, name: str, wire: DescriptorWire, frames: Frames, *, retrigger_s: float, repeat_s: float) -> None:
        self._name = name
        self._frames = frames
        self._retrigger_s = retrigger_s
        self._repeat_s = repeat_s
        self._last = (b"", 0.0)  # the mark of the code read last, and when, by the loop's clock
        self._listener = Listener(name, wire, self._hear, self._lose)
        self._waiting: asyncio.Future[ScannedCode] | None = None
        self._stale = False  # the code that is arriving began before anybody waited
        self._silence: asyncio.TimerHandle | None = None

    @abstractmethod
    async def _trigger(self, *, on: bool) -> None:
        """Pull or release the trigger, where there is one. Raises ``DeviceError``."""

    async def open(self) -> None:
        """Open the wire and listen. Raises ``DeviceError``."""
        await self._listener.open()

    async def close(self) -> None:
        """Let go of the wire; who still waits is told, and what was read last is forgotten. Never raises."""
        self._last = (b"", 0.0)
        self._lose(DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self._name))
        await self._listener.close()

    async def probe(self) -> Health:
        """Tell that the wire is whole: a scanner that only speaks cannot be asked for more. Raises ``DeviceError``."""
        self._listener.catch_up()
        return READY

    async def scan(self) -> ScannedCode:
        """Return the next code. ``symbology`` is its AIM identifier. See the port for what it raises."""
        self._listener.catch_up()  # nobody waits yet: what has come by now is dropped
        if self._waiting is not None:
            raise DeviceUnavailable("somebody waits for a code already", code=DeviceCode.BUSY, device=self._name)
        self._stale = self._frames.unfinished > 0
        shown: asyncio.Future[ScannedCode] = asyncio.get_running_loop().create_future()
        self._waiting = shown
        try:
            while not shown.done():
                await self._trigger(on=True)
                await asyncio.wait({shown}, timeout=self._retrigger_s or None)
            return shown.result()
        finally:
            self._waiting = None
            if not shown.cancel():
                shown.exception()  # looked at, so that nobody misses it when the caller was cancelled meanwhile
            await self._release()

    async def _release(self) -> None:
        """Release the trigger in any case; what stands against it is told by the next call."""
        try:
            async with asyncio.timeout(RELEASE_S):
                await self._trigger(on=False)
        except (DeviceError, TimeoutError) as error:
            _log.info("%s: trigger not released: %s", self._name, type(error).__name__)

    def _hear(self, data: bytes) -> None:
        for arrival in self._frames.feed(data):
            self._settle(arrival)
        if not self._frames.unfinished:
            self._stale = False  # what was arriving has ended, be it only an answer to a command
        self._watch_silence()

    def _watch_silence(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        if self._frames.unfinished:
            self._silence = asyncio.get_running_loop().call_later(GAP_S, self._broken_off)

    def _broken_off(self) -> None:
        self._silence = None
        count = self._frames.unfinished
        self._frames.drop()
        if self._stale:
            self._stale = False
        else:
            self._tell(unreadable(f"code broke off after {count} bytes", self._name))

    def _settle(self, arrival: Arrival) -> None:
        lies_there = self._lies_there(arrival)
        if self._stale:
            self._stale = False
        elif arrival.code is None:
            self._tell(unreadable(arrival.problem, self._name))
        elif not lies_there and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(arrival.code)

    def _lies_there(self, arrival: Arrival) -> bool:
        """Tell whether this is the code read last, still before the scanner: a telephone somebody left there."""
        now = asyncio.get_running_loop().time()
        mark, heard = self._last
        if arrival.code is not None:
            self._last = (arrival.mark, now)
        return arrival.mark == mark and now - heard < self._repeat_s

    def _tell(self, error: DeviceError) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    def _lose(self, error: DeviceError) -> None:
        self._frames.drop()
        self._watch_silence()
        self._tell(error)
