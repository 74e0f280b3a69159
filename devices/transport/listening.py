"""Listening to a device that speaks when it likes: no thread waits for it and nothing is polled.

The event loop tells when bytes are there, and they are read at once: the kernel's own queues are short (a hidraw file
keeps 64 reports). Opening, writing and closing may block and are done in the device's thread.
"""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING

from devices.blocking import BlockingWorker
from devices.errors import DeviceCode, DeviceError, DeviceUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.transport import DescriptorWire

CATCH_UP_READS = 256  # at once; a machine that never stops talking does not keep the loop


class Listener:
    """One wire of the device ``name``, heard from :meth:`open` to :meth:`close`.

    ``on_bytes`` gets what each read brought; ``on_gone`` is called once when the device is lost.
    """

    def __init__(
        self,
        name: str,
        wire: DescriptorWire,
        on_bytes: Callable[[bytes], None],
        on_gone: Callable[[DeviceError], None],
    ) -> None:
        self._name = name
        self._wire = wire
        self._on_bytes = on_bytes
        self._on_gone = on_gone
        self._worker: BlockingWorker | None = None
        self._leaving: BlockingWorker | None = None  # of an open() that was cancelled; it still frees the wire
        self._heard: int | None = None  # the descriptor the loop watches
        self._gone: DeviceError | None = None

    async def open(self) -> None:
        """Open the wire and listen; idempotent. Raises ``DeviceError``."""
        if self._worker is not None:
            return
        await self._let_go()
        worker = BlockingWorker(self._name)
        try:
            heard = await worker.call(self._open_wire)
        except asyncio.CancelledError:
            worker.retire(self._wire.close)  # without waiting: an open cannot be hurried, the caller can
            self._leaving = worker
            raise
        except BaseException as error:
            await worker.close(self._wire.close)
            if isinstance(error, DeviceError):
                error.device = self._name
            raise
        self._worker, self._gone = worker, None
        self._heard = heard
        asyncio.get_running_loop().add_reader(heard, self._read)

    async def close(self) -> None:
        """Stop listening and let go of the wire. Idempotent; never raises."""
        self._deafen()
        worker, self._worker = self._worker, None
        if worker is not None:
            self._leaving = worker
            worker.retire(self._wire.close)
        await self._let_go()

    async def write(self, data: bytes) -> None:
        """Send ``data``. Raises ``DeviceError``."""
        await self.call(self._wire.write, data)

    async def call(self, send: Callable[[bytes], None], data: bytes) -> None:
        """Send ``data`` by another way than the wire's ``write``. Raises ``DeviceError``."""
        worker = self.require()
        try:
            await worker.call(send, data)
        except DeviceError as error:
            error.device = self._name
            raise

    def require(self) -> BlockingWorker:
        """Return the device's thread. Raises ``DeviceUnavailable``: closed, or lost since it was opened."""
        if self._worker is None:
            raise DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self._name)
        if self._gone is not None:
            raise DeviceUnavailable(self._gone.detail, code=self._gone.code, device=self._name)
        return self._worker

    def catch_up(self) -> None:
        """Hear now what has arrived by now, and notice a cable that is out. Raises as :meth:`require`."""
        self.require()
        for _ in range(CATCH_UP_READS):
            if self._heard is None or not _readable(self._heard):
                break
            self._read()
        self.require()

    def _open_wire(self) -> int:
        """Open the wire and return its descriptor; in the device's thread."""
        self._wire.open()
        return self._wire.fileno()

    def _read(self) -> None:
        try:
            data = self._wire.read()  # at once: the kernel said that there is something
        except DeviceError as error:
            error.device = self._name
            self._deafen()  # a lost descriptor is readable for ever
            self._gone = error
            self._on_gone(error)
            return
        if data:
            self._on_bytes(data)

    def _deafen(self) -> None:
        heard, self._heard = self._heard, None
        if heard is not None:
            asyncio.get_running_loop().remove_reader(heard)

    async def _let_go(self) -> None:
        if self._leaving is not None:
            await self._leaving.close()
            self._leaving = None


def _readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
