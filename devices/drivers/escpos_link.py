"""The conversation with a receipt printer: blocks out, questions and their one-byte answers, markers and news back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, TypeVar

from devices.drivers.escpos_bytes import PUSH_STATUS, question
from devices.drivers.escpos_status import FULL, QUESTIONS, PrinterStatus, StatusStream, read_answers, read_asb
from devices.errors import DeviceProtocolError, DeviceTimeout

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.drivers.escpos_status import Arrivals

T = TypeVar("T")

ANSWER_S = 1.0  # real-time questions are answered at once; a print server in between may add its own delay
QUIET_S = 0.2  # after a missed answer: so long without a byte before the next question, or answers would be mixed up
MOST_NONSENSE = 16  # bytes without meaning before the other end is taken for something else than a printer


class PrinterWire(Protocol):
    """A byte stream that can be read while it is written: TCP, a serial line, a USB printer's file."""

    @property
    def address(self) -> str:
        """Return where it leads."""
        ...

    async def open(self) -> None:
        """Connect; idempotent. Raises ``DeviceUnavailable``."""
        ...

    async def close(self) -> None:
        """Disconnect at once; idempotent, never raises."""
        ...

    async def send(self, data: bytes) -> None:
        """Send; waits while the printer takes no more. Raises ``DeviceUnavailable``."""
        ...

    def take(self) -> bytes:
        """Return what has arrived, possibly nothing. Raises ``DeviceUnavailable``."""
        ...

    async def receive(self) -> bytes:
        """Wait for at least one byte. Raises ``DeviceUnavailable``."""
        ...


class EscposLink:
    """One user at a time. Raises ``DeviceUnavailable`` from every call once the link is lost.

    ``pushes`` is true once the printer has said something by itself: then its state need not be asked for again and
    again. Many printers never do.
    """

    def __init__(self, wire: PrinterWire, device: str, *, full_status: bool = False) -> None:
        self.wire = wire
        self.pushes = False
        self._device = device
        self._full_status = full_status
        self._stream = StatusStream()
        self._markers: list[int] = []
        self._answers: list[int] = []
        self._texts: list[str] = []
        self._full: list[bytes] = []
        self._news: PrinterStatus | None = None
        self._nonsense = 0
        self._missed = False

    async def open(self) -> None:
        """Connect with nothing pending from before, and ask to be told of changes."""
        await self.wire.open()
        self._stream = StatusStream()
        for kept in (self._markers, self._answers, self._texts, self._full):
            kept.clear()
        self._news = None
        self.pushes = self._missed = False
        self._nonsense = 0
        await self.wire.send(PUSH_STATUS)

    async def close(self) -> None:
        """Disconnect."""
        await self.wire.close()

    async def send(self, data: bytes) -> None:
        """Send a block; waits while the printer takes no more."""
        await self.wire.send(data)

    async def status(self) -> PrinterStatus:
        """Ask all questions. Raises ``DeviceTimeout`` when one stays without an answer."""
        answers = {n: await self._answer_to(n, self._answers) for n in QUESTIONS}
        full = await self._answer_to(FULL, self._full) if self._full_status else b""
        self._news = None  # older than the answers
        return read_answers(answers, full)

    def news(self) -> PrinterStatus | None:
        """Return what the printer has said by itself since it was last asked or listened to, if anything."""
        self._sort(self.wire.take())
        news, self._news = self._news, None
        return news

    async def text(self, request: bytes) -> str:
        """Ask for a name or a number; it comes when everything before it is processed. Raises ``DeviceTimeout``."""
        self._sort(self.wire.take())
        self._texts.clear()
        await self._await(request, lambda: bool(self._texts))
        return self._texts.pop(0)

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

    async def _answer_to(self, n: int, answers: list[T]) -> T:
        if self._missed:
            await self._wait_for_quiet()
        self._sort(self.wire.take())
        answers.clear()  # an answer to an earlier question, or to a question the printer saw in a picture
        await self._await(question(n), lambda: bool(answers))
        return answers.pop(0)

    async def _await(self, request: bytes, answered: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                await self.wire.send(request)
                while not answered():
                    self._sort(await self.wire.receive())
        except TimeoutError as error:
            self._missed = True
            raise DeviceTimeout("printer gives no status: check cable and power", device=self._device) from error

    async def _wait_for_quiet(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                while True:
                    async with asyncio.timeout(QUIET_S):
                        self._sort(await self.wire.receive())
        except TimeoutError:
            self._missed = False
            self._stream.reset()  # the rest of a frame does not come any more

    def _sort(self, data: bytes) -> None:
        if data:
            self._keep(self._stream.feed(data))

    def _keep(self, arrivals: Arrivals) -> None:
        self._answers += arrivals.real_time
        self._markers += arrivals.markers
        self._texts += arrivals.texts
        self._full += arrivals.full
        if arrivals.asb:
            self.pushes = True
            self._news = read_asb(arrivals.asb[-1])
        self._nonsense += arrivals.nonsense
        if self._nonsense > MOST_NONSENSE:
            raise DeviceProtocolError("what answers here is no ESC/POS printer: check the port", device=self._device)
