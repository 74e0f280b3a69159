"""Driver: a receipt printer that speaks ESC/POS, on the network, on a serial line or as a USB printer.

A slip goes out in small blocks. Each ends with a marker the printer answers when it has processed everything before it,
so the driver knows how far the paper is, the printer's buffer never fills up, and status questions always get through.
The cut is a block of its own: it is sent only when the whole slip is on paper.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from devices.blocking import BlockingWorker
from devices.device import DeviceInfo
from devices.drivers.escpos_bytes import BLOCK, TELL_MODEL, TELL_SERIAL, compose, maintenance
from devices.drivers.escpos_link import EscposLink
from devices.drivers.escpos_press import Press, SlipRun
from devices.drivers.escpos_profile import profile as profile_of
from devices.drivers.escpos_raster import SlipFont
from devices.errors import DeviceCode, DeviceTimeout, DeviceUnavailable
from devices.health import Condition, Health, HealthState
from devices.printer import Printer, PrinterCounters, PrintOutcome, Supply, SupplyKind, SupplyState
from devices.transport.endpoints import DeviceFile, TtyPort
from devices.transport.stream import StreamLink
from devices.transport.tcp import TcpLink
from devices.values import PrintReceipt, Slip

if TYPE_CHECKING:
    from devices.drivers.escpos_link import PrinterWire
    from devices.printer import OnProgress, PrintProgress
    from devices.values import PrintJob

RAW_PORT = 9100  # where printers on a network listen
BITS_PER_BYTE = 10  # start, eight data bits, stop
BLOCK_S = 0.5  # of a serial line: a question behind a block is answered well within its time
CUTS, LINES, STROBES = 178, 148, 149  # GS g 2: counters nobody can set back
BAUDS = (9600, 19200, 38400, 57600, 115200)


class EscposPrinter(Printer):
    """One printer. Where it is, one of three says: ``host`` (and ``port``), ``serial`` (a path) or ``file`` (/dev/usb).

    A serial line takes ``baud`` and ``flow``: none, xonxoff, rtscts, dsrdtr. ``profile`` names the maker's family,
    ``font`` the file for characters printers do not have ("" for Noto Sans CJK). Raises ``ValueError`` for settings
    that cannot be.
    """

    def __init__(
        self,
        name: str,
        host: str = "",
        port: int = RAW_PORT,
        width_dots: int = 576,
        font: str = "",
        *,
        serial: str = "",
        baud: int = 115200,
        flow: str = "none",
        file: str = "",
        profile: str = "generic",
    ) -> None:
        if sum(map(bool, (host, serial, file))) != 1:
            raise ValueError("say where the printer is by one of host, serial and file")
        if baud not in BAUDS:
            raise ValueError(f"baud {baud}: known are {', '.join(map(str, BAUDS))}")
        wire: PrinterWire
        if host:
            wire = TcpLink(host, port, name)
        else:
            wire = StreamLink(TtyPort(serial, baud, flow) if serial else DeviceFile(file), name)
        self._name = name
        self._width = width_dots
        self._block = min(BLOCK, round(baud / BITS_PER_BYTE * BLOCK_S)) if serial else BLOCK
        self._font_path = font
        self._font: SlipFont | None = None
        self._profile = profile_of(profile)
        self._worker: BlockingWorker | None = None
        self._link = EscposLink(wire, name, full_status=self._profile.full_status)
        self._press = Press(name, self._link, width_dots)
        self._busy = asyncio.Lock()
        self._model = self._serial_number = ""

    async def open(self) -> None:
        """Connect and load the font. Raises ``DeviceUnavailable``, or ``DeviceFault`` without a font."""
        if self._worker is not None:
            return
        self._worker = BlockingWorker(self._name)
        try:
            if self._font is None:
                self._font = await self._worker.call(SlipFont, self._font_path)
            await self._link.open()
            self._press.reconnected()
            if self._profile.names and not self._model:
                await self._learn_names()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Disconnect and end the thread."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.close()
        await self._link.close()

    async def probe(self) -> Health:
        """Ask for the status; a printer that stays silent is ``UNKNOWN``, never ready. Raises ``DeviceUnavailable``."""
        self._require_open()
        if self._busy.locked():
            return self._press.health  # as last seen by the job that is printing
        async with self._busy:
            return await self._press.look()

    def info(self) -> DeviceInfo:
        """Return the name plate; model and serial number where the printer tells them."""
        return DeviceInfo("escpos_printer", self._link.wire.address, self._model, self._serial_number)

    async def print(self, job: PrintJob, on_progress: OnProgress | None = None) -> PrintReceipt:
        """Print a ``Slip`` and cut it off; the port says what is raised when. The job's reference is its title."""
        if not isinstance(job.body, Slip):
            raise TypeError("this printer takes slips; documents go to an A4 printer")
        worker = self._require_open()
        self._require_idle("await or cancel it first")
        async with self._busy:
            if self._font is None:
                raise self._closed()
            blocks = await worker.call(compose, job.body, self._width, self._font, self._block)
            await self._press.print(SlipRun(job.title, blocks, on_progress or _unheard))
            return PrintReceipt(job.title, 1)

    async def outcome(self, job: str) -> PrintOutcome:
        """Tell what is known here: a slip whose cut was never sent was not printed. The printer keeps nothing."""
        self._require_open()
        return self._press.fate(job)

    async def supplies(self) -> tuple[Supply, ...]:
        """Tell of the roll what its two sensors say: there is no level. Raises ``DeviceUnavailable``."""
        health = await self.probe()
        if health.state is HealthState.UNKNOWN:
            state = SupplyState.UNKNOWN
        elif Condition.PAPER_OUT in health.conditions:
            state = SupplyState.EMPTY
        else:
            state = SupplyState.LOW if Condition.PAPER_LOW in health.conditions else SupplyState.GOOD
        return (Supply(SupplyKind.PAPER, "roll", None, state),)

    async def counters(self) -> PrinterCounters:
        """Ask for cuts, lines and heatings where the profile has them. Raises ``DeviceUnavailable``, ``DeviceTimeout``.

        A printer that is stopped answers only when it goes on.
        """
        self._require_open()
        if not self._profile.counters:
            return PrinterCounters()
        self._require_idle("ask again after it")
        async with self._busy:
            cuts, lines, strobes = [await self._counter(n) for n in (CUTS, LINES, STROBES)]
            return PrinterCounters(cuts=cuts, lines=lines, strobes=strobes)

    async def _counter(self, n: int) -> int | None:
        text = await self._link.text(maintenance(n))
        return int(text) if text.isdecimal() else None

    async def _learn_names(self) -> None:
        try:
            self._model = await self._link.text(TELL_MODEL)
            self._serial_number = await self._link.text(TELL_SERIAL)
        except DeviceTimeout:
            return  # stopped for want of paper, say: it tells next time

    def _require_open(self) -> BlockingWorker:
        if self._worker is None:
            raise self._closed()
        return self._worker

    def _require_idle(self, remedy: str) -> None:
        if self._busy.locked():
            detail = f"a slip is printing: {remedy}"
            raise DeviceUnavailable(detail, code=DeviceCode.BUSY, device=self._name)

    def _closed(self) -> DeviceUnavailable:
        return DeviceUnavailable("closed: call open() first", code=DeviceCode.CLOSED, device=self._name)


def _unheard(_: PrintProgress) -> None:
    """Take the place of a listener."""
