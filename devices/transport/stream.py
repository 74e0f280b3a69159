"""A byte stream over a descriptor, on the event loop: a serial line, or the file of a printer on USB.

Unlike the wires for question and answer it sends and hears at the same time: a printer that takes no more bytes still
says why. Opening and closing may block and are done in the device's thread.
"""

from __future__ import annotations

import asyncio
import os
import select
from typing import TYPE_CHECKING

from devices.blocking import BlockingWorker
from devices.errors import DeviceError, DeviceUnavailable
from devices.transport.endpoints import BROKEN, READ_CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.transport.endpoints import Endpoint

LOOK_AGAIN_S = 0.02  # at a ready signal, or after an empty packet of a USB printer


class StreamLink:
    """Open, send, receive, close. A lost link stays lost: close it and open it again.

    Nothing is sent twice and nothing is hidden: every loss is a ``DeviceUnavailable`` at the next call.
    """

    def __init__(self, end: Endpoint, device: str = "") -> None:
        self._end = end
        self._device = device
        self._worker: BlockingWorker | None = None
        self._leaving: BlockingWorker | None = None  # of an open() that was cancelled; it still frees the descriptor
        self._descriptor: int | None = None
        self._gone = False
        self._arrived = bytearray()
        self._outgoing = bytearray()
        self._readable = asyncio.Event()
        self._drained = asyncio.Event()
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}

    @property
    def address(self) -> str:
        """Return the path."""
        return self._end.path

    async def open(self) -> None:
        """Open the line; idempotent. Raises ``DeviceUnavailable``."""
        if self._worker is not None:
            return
        await self._let_go()
        worker = BlockingWorker(self._device)
        try:
            await worker.call(self._end.open)
            self._descriptor = self._end.fileno()
        except asyncio.CancelledError:
            worker.retire(self._end.close)  # without waiting: an open cannot be hurried, the caller can
            self._leaving = worker
            raise
        except (*BROKEN, ValueError) as error:
            await worker.close(self._end.close)
            raise DeviceUnavailable(f"cannot open {self.address}: {error}", device=self._device) from error
        except DeviceError:
            await worker.close(self._end.close)
            raise
        self._worker, self._gone = worker, False
        self._arrived.clear()
        self._outgoing.clear()
        self._readable.clear()
        self._drained.set()
        self._listen()

    async def close(self) -> None:
        """Let go at once, dropping what was not sent; idempotent, never raises."""
        self._unwatch()
        worker, self._worker = self._worker, None
        self._descriptor = None
        self._wake()
        if worker is not None:
            worker.retire(self._end.close)
            self._leaving = worker
        await self._let_go()

    async def send(self, data: bytes) -> None:
        """Hand ``data`` to the line after all before it; waits while it takes no more. Raises ``DeviceUnavailable``."""
        self._alive()
        self._outgoing += data
        self._drained.clear()
        self._write()
        await self._drained.wait()
        self._alive()

    def take(self) -> bytes:
        """Return what has arrived, possibly nothing. Raises ``DeviceUnavailable`` when nothing more can come."""
        if self._arrived:
            data = bytes(self._arrived)
            self._arrived.clear()
            self._readable.clear()
            return data
        self._alive()
        return b""

    async def receive(self) -> bytes:
        """Wait for at least one byte. Raises ``DeviceUnavailable``."""
        while not (data := self.take()):
            self._readable.clear()
            await self._readable.wait()
        return data

    def _alive(self) -> int:
        if self._descriptor is None:
            raise DeviceUnavailable(f"no connection to {self.address}: open it first", device=self._device)
        if self._gone:
            raise DeviceUnavailable(f"{self.address} is gone: close and open again", device=self._device)
        return self._descriptor

    def _listen(self) -> None:
        asyncio.get_running_loop().add_reader(self._alive(), self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._alive(), READ_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._lose()
            return
        if not data and (self._end.empty_is_end or _hung_up(self._alive())):
            self._lose()
        elif not data:
            asyncio.get_running_loop().remove_reader(self._alive())  # or the loop would turn for nothing
            self._again(self._listen)
        else:
            self._arrived += data
            self._readable.set()

    def _write(self) -> None:
        descriptor, loop = self._alive(), asyncio.get_running_loop()
        loop.remove_writer(descriptor)
        try:
            while self._outgoing:
                if not self._end.ready():
                    self._again(self._write)
                    return
                written = os.write(descriptor, self._outgoing[: self._end.piece])
                del self._outgoing[:written]
        except BlockingIOError:
            loop.add_writer(descriptor, self._write)
        except BROKEN:
            self._lose()
        else:
            self._drained.set()

    def _again(self, act: Callable[[], None]) -> None:
        if act in self._timers:
            self._timers[act].cancel()
        self._timers[act] = asyncio.get_running_loop().call_later(LOOK_AGAIN_S, act)

    def _lose(self) -> None:
        self._unwatch()
        self._gone = True
        self._wake()

    def _wake(self) -> None:
        self._readable.set()
        self._drained.set()

    def _unwatch(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._descriptor is not None and not self._gone:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._descriptor)
            loop.remove_writer(self._descriptor)

    async def _let_go(self) -> None:
        if self._leaving is not None:
            await self._leaving.close()
            self._leaving = None


def _hung_up(descriptor: int) -> bool:
    look = select.poll()
    look.register(descriptor, 0)  # hang-up and error are always told
    return bool(look.poll(0))
