"""The conversation with a receipt printer: blocks out, questions and their one-byte answers, markers back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devices.drivers.escpos_bytes import question
from devices.drivers.escpos_status import QUESTIONS, PrinterStatus, StatusStream, read_answers
from devices.errors import DeviceProtocolError, DeviceTimeout

if TYPE_CHECKING:
    from devices.transport.tcp import TcpLink

ANSWER_S = 1.0  # real-time questions are answered at once; a print server in between may add its own delay
QUIET_S = 0.2  # after a missed answer: so long without a byte before the next question, or answers would be mixed up
MOST_NONSENSE = 16  # bytes without meaning before the other end is taken for something else than a printer


class EscposLink:
    """One user at a time. Raises ``DeviceUnavailable`` from every call once the link is lost."""

    def __init__(self, wire: TcpLink, device: str) -> None:
        self.wire = wire
        self._device = device
        self._stream = StatusStream()
        self._markers: list[int] = []
        self._answers: list[int] = []
        self._nonsense = 0
        self._missed = False

    async def open(self) -> None:
        """Connect with nothing pending from before."""
        await self.wire.open()
        self._stream = StatusStream()
        self._markers.clear()
        self._answers.clear()
        self._nonsense = 0
        self._missed = False

    async def close(self) -> None:
        """Disconnect."""
        await self.wire.close()

    async def send(self, data: bytes) -> None:
        """Send a block; waits while the printer takes no more."""
        await self.wire.send(data)

    async def status(self) -> PrinterStatus:
        """Ask all four questions. Raises ``DeviceTimeout`` when one stays without an answer."""
        return read_answers({n: await self._ask(n) for n in QUESTIONS})

    def forget_markers(self) -> None:
        """Drop markers of an earlier job."""
        self._sort(self.wire.take())
        self._markers.clear()

    async def forget_late_markers(self) -> None:
        """Wait until nothing more arrives and drop the markers that did: those of an earlier job may come late."""
        await self._wait_for_quiet()
        self.forget_markers()

    def take_marker(self) -> int | None:
        """Return the oldest marker that has arrived, or ``None``."""
        self._sort(self.wire.take())
        return self._markers.pop(0) if self._markers else None

    async def listen(self, seconds: float) -> None:
        """Wait for something to arrive, ``seconds`` at most."""
        try:
            async with asyncio.timeout(seconds):
                self._sort(await self.wire.receive())
        except TimeoutError:
            return

    async def _ask(self, n: int) -> int:
        if self._missed:
            await self._wait_for_quiet()
        self._sort(self.wire.take())
        self._answers.clear()  # an answer to an earlier question, or to a question the printer saw in a picture
        try:
            async with asyncio.timeout(ANSWER_S):
                await self.wire.send(question(n))
                while not self._answers:
                    self._sort(await self.wire.receive())
        except TimeoutError as error:
            self._missed = True
            raise DeviceTimeout("printer gives no status: check cable and power", device=self._device) from error
        return self._answers.pop(0)

    async def _wait_for_quiet(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                while True:
                    async with asyncio.timeout(QUIET_S):
                        self._sort(await self.wire.receive())
        except TimeoutError:
            self._missed = False

    def _sort(self, data: bytes) -> None:
        arrivals = self._stream.feed(data)
        self._answers += arrivals.real_time
        self._markers += arrivals.markers
        # Automatic status needs no keeping: whoever acts on a state asks for it.
        self._nonsense += arrivals.nonsense
        if self._nonsense > MOST_NONSENSE:
            raise DeviceProtocolError("what answers here is no ESC/POS printer: check the port", device=self._device)
