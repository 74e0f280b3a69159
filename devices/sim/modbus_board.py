"""Simulated boards with contacts and outputs: real frames on a (pseudo) serial line, or behind a gateway over TCP.

They have their own idea of the protocol and share no line of code with the driver: vectors hold both to the truth.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devices.sim.pty_line import PtyLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

BAUD = 9600
POINTS = 16  # outputs, and inputs, of one board
FIXED_REQUESTS = {1: 8, 2: 8, 3: 8, 5: 8}  # bytes of a whole frame, by function
WRITE_MANY, WRITE_MANY_HEAD = 15, 7  # ... of this one as many again as its seventh byte says, and two


@dataclass(frozen=True, slots=True)
class Switched:
    """One output turned at ``at`` (loop time)."""

    output: int
    on: bool
    at: float


class ModbusBoard:
    """One board: its inputs are moved by hand, its outputs by whoever asks. Both start off."""

    def __init__(self, unit: int = 1, *, watchdog_output: int | None = None, watchdog_s: float = 3.0) -> None:
        self.unit = unit
        self.asked = 0
        self.switched: list[Switched] = []
        self._outputs = [False] * POINTS
        self._inputs = [False] * POINTS
        self._closings = [0] * POINTS
        self._refusals: list[int] = []
        self._watchdog = (watchdog_output, watchdog_s)
        self._starving: asyncio.TimerHandle | None = None

    @property
    def outputs(self) -> frozenset[int]:
        """Return the outputs that are on."""
        return frozenset(output for output, on in enumerate(self._outputs) if on)

    def contact(self, place: int, closed: bool) -> None:
        """Close or open the contact at an input."""
        self._closings[place] = (self._closings[place] + (closed and not self._inputs[place])) % 0x10000
        self._inputs[place] = closed

    def press(self, place: int) -> None:
        """Close and open a contact faster than anybody can look."""
        self.contact(place, True)
        self.contact(place, False)

    def count(self, place: int, closings: int) -> None:
        """Set the counter of an input, as after years."""
        self._closings[place] = closings

    def refuse(self, code: int, times: int = 1) -> None:
        """Answer the next requests with an exception."""
        self._refusals += [code] * times

    def restart(self) -> None:
        """Lose power for a moment: outputs fall, counters begin anew."""
        for output in range(POINTS):
            self._switch(output, False)
        self._closings = [0] * POINTS

    def stop(self) -> None:
        """End what runs by itself."""
        if self._starving is not None:
            self._starving.cancel()

    def answer(self, question: bytes) -> bytes:
        """Return what the board says to a function code and its data."""
        self.asked += 1
        function = question[0]
        if self._refusals:
            return bytes([function | 0x80, self._refusals.pop(0)])
        start, value = int.from_bytes(question[1:3], "big"), int.from_bytes(question[3:5], "big")
        if function == 5:  # noqa: PLR2004 - the standard's numbers
            return self._set(question, start, [value == 0xFF00])  # noqa: PLR2004 - as above
        if start + value > POINTS:
            return bytes([function | 0x80, 2])
        if function == WRITE_MANY:
            wanted = int.from_bytes(question[6:], "little")
            return self._set(question[:5], start, [bool(wanted >> place & 1) for place in range(value)])
        if function == 3:  # noqa: PLR2004 - as above
            words = b"".join(count.to_bytes(2, "big") for count in self._closings[start : start + value])
            return bytes([3, len(words)]) + words
        if function in {1, 2}:
            states = (self._outputs if function == 1 else self._inputs)[start : start + value]
            packed = sum(state << place for place, state in enumerate(states)).to_bytes((value + 7) // 8, "little")
            return bytes([function, len(packed)]) + packed
        return bytes([function | 0x80, 1])

    def _set(self, confirmation: bytes, start: int, states: list[bool]) -> bytes:
        if start + len(states) > POINTS:
            return bytes([confirmation[0] | 0x80, 2])
        for output, on in enumerate(states, start):
            self._switch(output, on)
            if output == self._watchdog[0]:
                self._fed()
        return confirmation

    def _switch(self, output: int, on: bool) -> None:
        if self._outputs[output] != on:
            self._outputs[output] = on
            self.switched.append(Switched(output, on, asyncio.get_running_loop().time()))

    def _fed(self) -> None:
        self.stop()
        self._starving = asyncio.get_running_loop().call_later(self._watchdog[1], self._starve)

    def _starve(self) -> None:
        for output in range(POINTS):
            self._switch(output, False)


class _Wire:
    """What can happen between a terminal and its boards, whatever they are wired with."""

    def __init__(self, boards: Iterable[ModbusBoard]) -> None:
        self.boards = {board.unit: board for board in boards}
        self._silent = False
        self._spoiled: list[Callable[[bytes], bytes]] = []
        self._delays: list[float] = []
        self._late: list[asyncio.TimerHandle] = []

    def silent(self, on: bool) -> None:
        """Let the boards answer nothing."""
        self._silent = on

    def spoil(self, times: int = 1) -> None:
        """Turn a bit of the next replies over."""
        self._spoiled += [lambda frame: frame[:-1] + bytes([frame[-1] ^ 1])] * times

    def cut_short(self, times: int = 1) -> None:
        """Let the next replies break off."""
        self._spoiled += [lambda frame: frame[:-2]] * times

    def delay(self, seconds: float, times: int = 1) -> None:
        """Let the next replies come late."""
        self._delays += [seconds] * times

    def _reply(self, frame: bytes, send: Callable[[bytes], None]) -> None:
        if self._silent:
            return
        if self._spoiled:
            frame = self._spoiled.pop(0)(frame)
        if not self._delays:
            send(frame)
            return
        loop = asyncio.get_running_loop()
        self._late.append(loop.call_later(self._delays.pop(0), send, frame))

    def _end(self) -> None:
        for timer in self._late:
            timer.cancel()
        self._late.clear()


class ModbusSerialLine(_Wire):
    """Boards on one serial line at ``port``, a symbolic link in ``folder`` that outlives :meth:`unplug`."""

    def __init__(self, folder: Path, boards: Iterable[ModbusBoard], baud: int = BAUD, name: str = "modbus") -> None:
        super().__init__(boards)
        self._line = PtyLine(folder / name, self._receive, baud)
        self._arrived = bytearray()

    @property
    def port(self) -> str:
        """The path a driver opens."""
        return str(self._line.path)

    async def start(self) -> None:
        """Plug the line in. Idempotent."""
        self._line.plug()

    async def stop(self) -> None:
        """Pull it for good. Idempotent."""
        self.unplug()
        for board in self.boards.values():
            board.stop()

    def plug(self) -> None:
        """Put the cable back; the boards had power all the time."""
        self._line.plug()

    def unplug(self) -> None:
        """Pull the cable."""
        self._end()
        self._arrived.clear()
        self._line.unplug()

    def send(self, data: bytes) -> None:
        """Put bytes on the line that nobody asked for."""
        self._line.send(data)

    def _receive(self, data: bytes) -> None:
        self._arrived += data
        while (size := _request_size(self._arrived)) and len(self._arrived) >= size:
            frame = bytes(self._arrived[:size])
            del self._arrived[:size]
            if _checksum(frame[:-2]) != frame[-2:]:
                self._arrived.clear()  # nobody knows where the next one begins: silence will tell
                return
            board = self.boards.get(frame[0])
            if board is not None:
                body = frame[:1] + board.answer(frame[1:-2])
                self._reply(body + _checksum(body), self._line.send)


class ModbusGateway(_Wire):
    """Boards behind a gateway: Modbus TCP at a free port of 127.0.0.1 that stays the same over unplugging."""

    def __init__(self, boards: Iterable[ModbusBoard]) -> None:
        super().__init__(boards)
        self.port = 0
        self._server: asyncio.Server | None = None
        self._clients: dict[int, asyncio.StreamWriter] = {}
        self._hung_up = asyncio.Event()
        self._hung_up.set()
        self._numbers = itertools.count()

    async def start(self) -> None:
        """Listen. Idempotent."""
        await self.plug()

    async def stop(self) -> None:
        """Hang up for good. Idempotent."""
        await self.unplug()
        for board in self.boards.values():
            board.stop()

    async def plug(self) -> None:
        """Listen at the same port again."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def unplug(self) -> None:
        """Break every connection and listen no longer."""
        self._end()
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for client in tuple(self._clients.values()):
            client.transport.abort()
        await server.wait_closed()
        await self._hung_up.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(self._numbers)
        self._clients[number] = writer
        self._hung_up.clear()
        try:
            while True:
                head = await reader.readexactly(7)
                question = await reader.readexactly(int.from_bytes(head[4:6], "big") - 1)
                board = self.boards.get(head[6])
                said = bytes([question[0] | 0x80, 0x0B]) if board is None else board.answer(question)
                frame = head[:4] + (len(said) + 1).to_bytes(2, "big") + head[6:7] + said
                self._reply(frame, lambda late: None if writer.is_closing() else writer.write(late))
        except (asyncio.IncompleteReadError, OSError):
            pass  # the terminal hung up, or the cable was pulled
        finally:
            del self._clients[number]
            writer.close()
            if not self._clients:
                self._hung_up.set()


def _request_size(arrived: bytearray) -> int:
    """Return how long the frame will be; 0 while nobody can tell."""
    if len(arrived) < WRITE_MANY_HEAD:
        return 0
    if arrived[1] == WRITE_MANY:
        return WRITE_MANY_HEAD + arrived[6] + 2
    return FIXED_REQUESTS.get(arrived[1], len(arrived))


def _checksum(frame: bytes) -> bytes:
    remainder = 0xFFFF
    for bit in range(8 * len(frame)):
        remainder ^= frame[bit // 8] if bit % 8 == 0 else 0
        remainder = (remainder >> 1) ^ (0xA001 * (remainder & 1))
    return bytes([remainder & 0xFF, remainder >> 8])
