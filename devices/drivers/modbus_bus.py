"""The line several Modbus devices of one cabinet share: one object a port in this process, one question at a time.

A device joins when it opens and leaves when it closes; the last one to leave lets go of the port. A line that was lost
stays lost for those who have it, and is a fresh one for whoever joins next: that is how devices come back one by one.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from devices.blocking import BlockingWorker
from devices.drivers.modbus_frames import LAST_ADDRESS, UNITS, TcpParser, check, tcp_frame
from devices.drivers.modbus_rtu import RtuLine
from devices.errors import DeviceError, DeviceFault, DeviceProtocolError, DeviceTimeout, DeviceUnavailable
from devices.transport.serial import SerialWire
from devices.transport.tcp import TcpLink
from devices.transport.tcp_wire import TcpWire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devices.drivers.modbus_frames import Request

    OnLost = Callable[[DeviceError], None]

TCP_PORT: Final = 502  # registered for Modbus (messaging guide, clause 4.3.1.1)
TCP_RESPONSE_S: Final = 0.6  # a gateway asks its own serial line meanwhile; still noticed within a second
NUMBERS: Final = 0x10000  # of the transactions on a TCP link
BAUDS: Final = frozenset({1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200})
PARITIES: Final = {"none": "N", "even": "E", "odd": "O"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a board is. ``port``: a path, ``socket://host:port`` of a serial-device server, or ``tcp://host[:port]``.

    Raises ``ValueError`` for what no board can have.
    """

    port: str
    unit: int
    baud: int
    parity: str

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ValueError(f"unit {self.unit}: boards have {UNITS[0]} to {UNITS[-1]}")
        if self.baud not in BAUDS:
            raise ValueError(f"baud {self.baud}: known are {', '.join(str(each) for each in sorted(BAUDS))}")
        if self.parity not in PARITIES:
            raise ValueError(f"parity {self.parity!r}: known are {', '.join(PARITIES)}")
        at = urlsplit(self.port)
        if at.scheme in {"tcp", "socket"} and not (at.hostname and (at.port or at.scheme == "tcp")):
            raise ValueError(f"port {self.port!r}: expected tcp://HOST[:PORT] or socket://HOST:PORT")

    @property
    def line(self) -> tuple[str, int, str]:
        """Return what everybody on the line has to agree on, its name among it: what a link leads to changes."""
        return self.port, self.baud, self.parity


class _Line(Protocol):
    """How questions get to the boards."""

    async def open(self) -> None:
        """Connect. Raises ``DeviceUnavailable``."""
        ...

    async def ask(self, unit: int, request: Request) -> bytes:
        """Return the protocol data unit that answers; callers may come at the same time. Raises ``DeviceError``."""
        ...

    async def close(self) -> None:
        """Disconnect; never raises."""
        ...


class Bus:
    """One line and those who share it. Made by :func:`join` alone."""

    def __init__(self, line: tuple[str, int, str]) -> None:
        self.line = line
        self.ended = asyncio.Event()
        self.users: list[OnLost] = []
        self._wires: _Line = _TcpLine(line[0], self._lose) if line[0].startswith("tcp://") else _SerialLine(*line)
        self._connecting = asyncio.Lock()
        self._connected = False
        self._lost: DeviceError | None = None

    async def connect(self) -> None:
        """Open the line unless it is. Raises ``DeviceUnavailable``."""
        async with self._connecting:
            if self._lost is not None:
                raise self._gone()
            if not self._connected:
                try:
                    await self._wires.open()
                except DeviceError as error:
                    self._lose(error)
                    raise
                self._connected = True

    async def ask(self, unit: int, request: Request) -> bytes:
        """Return what the board says: packed bits or registers, nothing of a write. Raises ``DeviceError``."""
        if self._lost is not None:
            raise self._gone()
        try:
            reply = await self._wires.ask(unit, request)
        except DeviceUnavailable as error:
            self._lose(error)
            raise
        return check(request, reply)

    async def leave(self, user: OnLost) -> None:
        """Say that a user no longer needs the line; with the last one it closes. Never raises."""
        self.users.remove(user)
        if self.users:
            return
        try:
            await self._wires.close()
        finally:
            self._forget()
            self.ended.set()

    def _lose(self, error: DeviceError) -> None:
        if self._lost is None:
            self._lost = error
            self._forget()
            for tell in self.users:
                tell(self._gone())

    def _forget(self) -> None:
        if _buses.get(self.line[0]) is self:
            del _buses[self.line[0]]

    def _gone(self) -> DeviceUnavailable:
        why = "" if self._lost is None else f" ({self._lost.detail})"
        return DeviceUnavailable(f"line {self.line[0]} was lost: close and open again{why}")


_buses: dict[str, Bus] = {}  # by port: what two devices of one process must not have two of


async def join(place: Place, user: OnLost) -> Bus:
    """Return the bus of ``place``, its line open. :meth:`Bus.leave` it in the end.

    ``user`` is told, on the loop, when the line is lost, whoever found out. Raises ``DeviceUnavailable``; and
    ``DeviceFault`` when another device has the line open with another speed or parity.
    """
    line = place.line
    while (bus := _buses.get(line[0])) is not None and not bus.users:
        await bus.ended.wait()  # the last one is just leaving: a port is held by one at a time
    if bus is None:
        bus = _buses[line[0]] = Bus(line)
    elif bus.line != line:
        raise DeviceFault(
            f"{line[0]} is in use with {bus.line[1]} baud, parity {bus.line[2]}: give all boards on it one"
        )
    bus.users.append(user)
    try:
        await bus.connect()
    except BaseException:
        await bus.leave(user)
        raise
    return bus


class _SerialLine:
    """RTU in a thread of its own."""

    def __init__(self, port: str, baud: int, parity: str) -> None:
        self._worker = BlockingWorker(f"modbus-{os.path.basename(port)}")  # noqa: PTH119 - a name, of URLs as well
        wire = _server(port) if port.startswith("socket://") else SerialWire(port, baud, PARITIES[parity])
        self._rtu = RtuLine(wire, baud, lambda: self._worker.stopping)

    async def open(self) -> None:
        await self._worker.call(self._rtu.open)

    async def ask(self, unit: int, request: Request) -> bytes:
        return await self._worker.call(self._rtu.ask, unit, request)

    async def close(self) -> None:
        await self._worker.close(self._rtu.close)


class _TcpLine:
    """MBAP on a TCP link; one question at a time, as the serial line behind a gateway has it."""

    def __init__(self, url: str, on_lost: OnLost) -> None:
        at = urlsplit(url)
        lost = f"gateway {at.netloc} has hung up"
        self._link = TcpLink(at.hostname or "", at.port or TCP_PORT, on_lost=lambda: on_lost(DeviceUnavailable(lost)))
        self._parser = TcpParser()
        self._turn = asyncio.Lock()
        self._number = 0

    async def open(self) -> None:
        await self._link.open()

    async def ask(self, unit: int, request: Request) -> bytes:
        async with self._turn:
            self._number = (self._number + 1) % NUMBERS
            await self._link.send(tcp_frame(self._number, unit, request))
            try:
                async with asyncio.timeout(TCP_RESPONSE_S):
                    return await self._reply(unit)
            except TimeoutError:
                raise DeviceTimeout(f"unit {unit} behind {self._link.address} does not answer") from None

    async def _reply(self, unit: int) -> bytes:
        """Wait for the reply to the last question; replies to earlier ones, which nobody waits for, pass by."""
        while True:
            while (reply := self._parser.next()) is None:
                self._parser.feed(await self._link.receive())
            if reply[0] == self._number:
                if reply[1] != unit:
                    raise DeviceProtocolError(f"unit {reply[1]} answers for {unit}")
                return reply[2]

    async def close(self) -> None:
        await self._link.close()


def _server(url: str) -> TcpWire:
    at = urlsplit(url)
    return TcpWire(at.hostname or "", at.port or 0)


def spans(addresses: Iterable[int], what: str, most: int) -> tuple[int, int]:
    """Return (first, count) of the one read that brings all ``addresses``.

    Raises ``ValueError`` where one is no address, there are none, or they lie further apart than one read reaches.
    """
    ordered = sorted(addresses)
    if not ordered:
        raise ValueError(f"no {what} is named")
    for address in ordered:
        if not 0 <= address <= LAST_ADDRESS:
            raise ValueError(f"{what} {address}: addresses are 0 to {LAST_ADDRESS}")
    if ordered[-1] - ordered[0] >= most:
        raise ValueError(f"{what}s {ordered[0]} and {ordered[-1]} lie too far apart for one read of {most}")
    return ordered[0], ordered[-1] - ordered[0] + 1
