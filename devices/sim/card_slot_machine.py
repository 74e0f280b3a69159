"""A motorised card slot to put at the far end of a wire: a Unix socket, one JSON object a line each way.

Asked ``{"n": 7, "do": "present"}``, it answers ``{"n": 7, "end": "ok"}`` when that has come to its end, which may be
long after. ``do``: state, admit, present, retain, taken, apdu. ``end``: ok, in, no_card, aborted, inside, empty, jam,
bin_full, no_chip.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from devices.sim.card_track import DEFAULT_BIN, DEFAULT_MOVE_S, CardTrack, Place

if TYPE_CHECKING:
    from pathlib import Path

ATR: Final = "3b8580018073c821100e"


class CardSlotMachine:
    """One slot in a wall: push a card in, take it, jam it, fill its bin, pull its cable.

    ``address`` (a socket in ``folder``) stays the same through :meth:`unplug` and :meth:`plug`. A machine without a
    line finishes what it is doing and shuts its opening. What waits for a person ends with the next command.
    """

    def __init__(
        self, folder: Path, *, name: str = "card-slot", move_s: float = DEFAULT_MOVE_S, bin_size: int = DEFAULT_BIN
    ) -> None:
        self.track = CardTrack(self._settle, move_s=move_s, bin_size=bin_size)
        self.asked = 0  # commands received since the start
        self._path = folder / name
        self._server: asyncio.AbstractServer | None = None
        self._line: _Line | None = None
        self._active: tuple[int, str] | None = None  # number and name of the command that has not come to its end
        self._queue: deque[tuple[int, str]] = deque()
        self._asking: list[int] = []  # numbers of questions that wait for the track to rest
        self._silent = False
        self._blind = False

    @property
    def address(self) -> str:
        """The path a driver connects to."""
        return str(self._path)

    async def start(self) -> None:
        """Plug it in. Idempotent."""
        await self.plug()

    async def stop(self) -> None:
        """Pull the cable for good and end what is moving. Idempotent."""
        await self.unplug()
        self.track.stop()

    async def plug(self) -> None:
        """Put the cable back."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_unix_server(lambda: _Line(self), str(self._path))

    async def unplug(self) -> None:
        """Pull the cable in the middle of whatever is going on."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        self._path.unlink(missing_ok=True)
        if self._line is not None:
            self._line.hang_up()
        await server.wait_closed()

    def silent(self, on: bool) -> None:
        """Do what it is told without a word, or answer again."""
        self._silent = on

    def blind(self, on: bool) -> None:
        """Break the sensors of the track: the machine does not know where a card is."""
        self._blind = on

    def attach(self, line: _Line) -> None:
        """Take a new line; the owner of the one before has opened another."""
        if self._line is not None:
            self._line.hang_up()
            self.detach(self._line)
        self._line = line

    def detach(self, line: _Line) -> None:
        """Forget a line that broke, and what it was waiting for."""
        if self._line is line:
            self._line = self._active = None
            self._queue.clear()
            self._asking.clear()
            self.track.shutter_open = False

    def receive(self, line: bytes) -> None:
        """Take one command."""
        self.asked += 1
        asked: dict[str, Any] = json.loads(line)
        number, do = int(asked["n"]), str(asked["do"])
        if do == "state":
            self._asking.append(number)
        elif do == "apdu":
            self._apdu(number, bytes.fromhex(asked["data"]))
        else:
            if self._active is not None and self._active[1] in _FOR_A_PERSON:
                self.track.shutter_open = False
                self._end("aborted")
            self._queue.append((number, do))
        self._settle()

    def _settle(self) -> None:
        """Answer what has come to its end, and begin what waited for it."""
        while self._active is not None or self._queue:
            if self._active is None:
                self._active = self._queue.popleft()
                end = self._begin(self._active[1])
            else:
                end = self._end_of(self._active[1])
            if end is None:
                break
            self._end(end)
        if self._place is not Place.PATH:
            for number in self._asking:
                self._say(number, "ok", **self._state())
            self._asking.clear()

    @property
    def _place(self) -> Place | None:
        return None if self.track.card is None else self.track.place

    def _begin(self, do: str) -> str | None:
        """Start what was asked for; return its end when there is nothing to wait for."""
        track, place = self.track, self._place
        if place is Place.JAMMED:
            return "jam"
        match do, place:
            case "admit", None:
                track.shutter_open = True
            case "admit", Place.INSIDE:
                return "inside"
            case "admit", _:
                return self._draw_in()
            case ("present" | "taken", None) | ("present", Place.MOUTH):
                return "ok"
            case "present", _:
                track.move(Place.MOUTH)
            case "retain", None:
                return "empty"
            case "retain", _:
                if track.bin_full:
                    return "bin_full"
                track.move(Place.BIN)
            case "taken", Place.INSIDE:
                return "inside"
        return None

    def _draw_in(self) -> str | None:
        card = self.track.card
        if card is not None and not card.is_card:
            return "no_card"
        self.track.move(Place.INSIDE)
        return None

    def _end_of(self, do: str) -> str | None:
        place = self._place
        if place is Place.JAMMED:
            return "jam"
        ends: dict[tuple[str, Place | None], str] = {
            ("admit", Place.INSIDE): "in",
            ("admit", Place.MOUTH): "no_card",
            ("present", Place.MOUTH): "ok",
            ("present", None): "ok",
            ("retain", None): "ok",
            ("taken", None): "ok",
        }
        return ends.get((do, place))

    def _end(self, end: str) -> None:
        """Answer the active command."""
        if self._active is None:
            return
        number, _ = self._active
        self._active = None
        chip = None if self.track.card is None else self.track.card.chip
        if end == "in" and chip is not None:
            chip.reset()
        self._say(number, end, **({"atr": ATR if chip is not None else None} if end == "in" else {}))

    def _apdu(self, number: int, command: bytes) -> None:
        card = self.track.card
        if card is None or self._place is not Place.INSIDE:
            self._say(number, "empty")
        elif card.chip is None:
            self._say(number, "no_chip")
        else:
            self._say(number, "ok", data=card.chip.answer(command).hex())

    def _state(self) -> dict[str, Any]:
        position = "unknown" if self._blind else "empty" if self._place is None else self._place.value
        return {"position": position, "retained": self.track.counter, "bin_full": self.track.bin_full}

    def _say(self, number: int, end: str, **more: Any) -> None:
        if self._line is not None and not self._silent:
            self._line.send({"n": number, "end": end, **more})


_FOR_A_PERSON: Final = frozenset({"admit", "taken"})


class _Line(asyncio.Protocol):
    """The machine's end of one connection."""

    def __init__(self, machine: CardSlotMachine) -> None:
        self._machine = machine
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over."""
        self._transport = transport  # type: ignore[assignment]  # a stream server makes nothing else
        self._machine.attach(self)

    def data_received(self, data: bytes) -> None:
        """Hand whole lines on."""
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._machine.receive(line)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Tell the machine."""
        self._machine.detach(self)

    def send(self, said: dict[str, Any]) -> None:
        """Write one answer."""
        if self._transport is not None:
            self._transport.write(json.dumps(said).encode() + b"\n")

    def hang_up(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()
