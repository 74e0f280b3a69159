"""The end of the line in the driver's process: does what it is asked with the device, and says that it lives.

Three threads. The loop runs the driver; ``wire`` listens, so that a cancelled dialogue or the terminal's end is heard
whatever the loop does; ``beat`` says every ``BEAT_S`` that the process lives and since when its loop has not come
round. A lock that the vendor's library holds on the whole interpreter stops the beat, which is what it is for.
"""

from __future__ import annotations

import asyncio
import functools
import os
import queue
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any, Final

from devices.errors import DeviceError, DeviceProtocolError
from devices.hosted.calls import ARGUMENTS_MAX, SNAPSHOT_AFTER, bug, calls_of
from devices.hosted.frames import (
    ANSWER,
    CALLED,
    COMMAND,
    HEAD,
    MILLISECONDS,
    SNAPSHOT,
    Kind,
    error_body,
    framed,
)
from devices.hosted.schema import decoded, encoded
from devices.hosted.shapes import WireError
from devices.values import overwrite

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from devices.chip import Dialogue
    from devices.device import Device
    from devices.hosted.calls import Call

BEAT_S: Final = 0.1
CLOSING_S: Final = 0.5  # calls that a close ends have this long to say how they ended: every wait is cancellable in it
COMMAND_S: Final = 5.0  # the terminal's side of a dialogue computes; it waits for nobody


class Gone(Exception):
    """Nobody is at the other end."""


class Line:
    """The socket, blocking; one message at a time in each direction."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._lock = threading.Lock()

    def send(self, kind: Kind, call: int = 0, body: bytes | bytearray = b"") -> None:
        """Send a message and overwrite our copy. Ends this process when nobody is there to take it."""
        message = framed(kind, call, body)
        try:
            with self._lock:
                self._wire.sendall(message)
        except OSError:
            os._exit(0)
        overwrite(message)

    def receive(self) -> tuple[Kind, int, bytearray]:
        """Return the next message. Raises ``Gone``."""
        head = self._exactly(HEAD.size)
        length, kind, call = HEAD.unpack(head)
        if length > ARGUMENTS_MAX:
            raise Gone
        return Kind(kind), call, self._exactly(length)

    def _exactly(self, length: int) -> bytearray:
        data = bytearray(length)
        view = memoryview(data)
        while view:
            try:
                got = self._wire.recv_into(view)
            except OSError:
                got = 0
            if not got:
                raise Gone
            view = view[got:]
        return data


class Servant:
    """Serves one device until the line ends."""

    def __init__(self, line: Line, port: type[Device], device: Device) -> None:
        self._line = line
        self._calls = calls_of(port)
        self._device = device
        self._running: dict[int, asyncio.Task[None]] = {}
        self._commands: dict[int, queue.SimpleQueue[bytes | None]] = {}
        self._came_round = time.monotonic()
        self._waiting = 0  # dialogues that wait for the terminal, and may hold up the loop meanwhile

    async def serve(self) -> None:
        """Serve until the process ends with the line."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            self._group = group
            threading.Thread(target=self._listen, args=(loop,), name="wire", daemon=True).start()
            self.tell_snapshot()
            threading.Thread(target=self._beat, args=(loop,), name="beat", daemon=True).start()
            await loop.create_future()  # the line's end ends the process

    def tell_snapshot(self) -> None:
        """Say what the methods say that answer from memory; one that fails says nothing."""
        said: list[tuple[str, bytes]] = []
        for call in self._calls.values():
            if not call.asynchronous and call.result is not None:
                try:
                    value = getattr(self._device, call.name)()
                    said.append((call.name, bytes(encoded(call.result, value).bytes)))
                except (DeviceError, WireError):
                    continue
        self._line.send(Kind.READY, 0, encoded(SNAPSHOT, tuple(said)).bytes)

    # --- threads beside the loop -----------------------------------------------------------------------------------

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            try:
                kind, number, body = self._line.receive()
            except (Gone, ValueError):
                os._exit(0)
            if kind is Kind.CALL:
                loop.call_soon_threadsafe(self._start, number, body)
            elif kind is Kind.CANCEL:
                self._command(number, None)
                loop.call_soon_threadsafe(self._cancel, number)
            elif kind is Kind.COMMAND:
                self._command(number, decoded(COMMAND, body))
            elif kind is Kind.DIALOGUE_OVER:
                self._command(number, None)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            late = 0.0 if self._waiting else max(0.0, time.monotonic() - self._came_round - BEAT_S)
            self._line.send(Kind.BEAT, 0, encoded(MILLISECONDS, int(late * 1000)).bytes)
            loop.call_soon_threadsafe(self._round)
            time.sleep(BEAT_S)

    # --- on the loop -----------------------------------------------------------------------------------------------

    def _round(self) -> None:
        self._came_round = time.monotonic()

    def _start(self, number: int, body: bytearray) -> None:
        self._running[number] = task = self._group.create_task(self._serve_one(number, body))
        task.add_done_callback(functools.partial(self._over, number))

    def _over(self, number: int, task: asyncio.Task[None]) -> None:
        del self._running[number]
        if task.cancelled():  # before its first step: nothing in it could answer
            self._line.send(Kind.CANCELLED, number)

    def _cancel(self, number: int) -> None:
        task = self._running.get(number)
        if task is not None:
            task.cancel()

    async def _serve_one(self, number: int, body: bytearray) -> None:
        name = ""
        try:
            name, given = decoded(CALLED, body)
            overwrite(body)
            call = self._calls[name]
            result = await getattr(self._device, name)(*self._arguments(number, call, given))
            if name == "close":
                await self._let_end(number)
            if name in SNAPSHOT_AFTER:
                self.tell_snapshot()
            self._answer(number, call, result)
        except asyncio.CancelledError:
            self._line.send(Kind.CANCELLED, number)
        except DeviceError as error:
            self._line.send(Kind.ERROR, number, error_body(error))
        except Exception as error:  # noqa: BLE001 - a driver's bug is told to the terminal, by type and place
            self._line.send(Kind.ERROR, number, error_body(bug(name, _place_of(error))))
        finally:
            self._commands.pop(number, None)

    def _answer(self, number: int, call: Call, result: object) -> None:
        if call.result is None:
            self._line.send(Kind.RESULT, number)
            return
        writer = encoded(call.result, result)
        if len(writer.bytes) > call.limit:
            raise DeviceProtocolError(f"{call.name}: an answer of {len(writer.bytes)} bytes, at most {call.limit}")
        self._line.send(Kind.RESULT, number, writer.bytes)
        writer.wipe()  # it is the terminal's now: this process forgets what it can overwrite

    async def _let_end(self, number: int) -> None:
        """Let the calls that the close ended say how they ended, before its own end is told."""
        others = [task for each, task in self._running.items() if each != number]
        if others:
            await asyncio.wait(others, timeout=CLOSING_S)

    def _arguments(self, number: int, call: Call, given: tuple[bytes | None, ...]) -> list[Any]:
        values: list[Any] = []
        for parameter, data in zip(call.parameters, given, strict=True):
            if parameter.shape is None:
                self._commands[number] = queue.SimpleQueue()
                values.append(self._relay(number))
            elif parameter.told:
                values.append(None if data is None else self._teller(number, parameter.shape))
            else:
                values.append(decoded(parameter.shape, data or b""))
        return values

    def _teller(self, number: int, shape: Any) -> Callable[[object], None]:
        def tell(value: object) -> None:
            self._line.send(Kind.TOLD, number, encoded(shape, value).bytes)

        return tell

    # --- dialogues, in whatever thread the driver runs them ----------------------------------------------------------

    def _relay(self, number: int) -> Dialogue[None]:
        """Be the dialogue that runs in the terminal: its commands come, the chip's answers go, one by one."""
        answer: bytes | None = None
        while (command := self._ask(number, answer)) is not None:
            answer = yield command

    def _ask(self, number: int, answer: bytes | None) -> bytes | None:
        commands = self._commands.get(number)
        if commands is None:  # a driver that goes on with a dialogue after its call has ended
            return None
        self._waiting += 1
        try:
            writer = encoded(ANSWER, answer)
            self._line.send(Kind.ANSWER, number, writer.bytes)
            writer.wipe()
            return commands.get(timeout=COMMAND_S)
        except queue.Empty:
            return None
        finally:
            self._waiting -= 1

    def _command(self, number: int, command: bytes | None) -> None:
        commands = self._commands.get(number)
        if commands is not None:
            commands.put(command)


def _place_of(error: Exception) -> str:
    """Name a driver's bug by type and place: its text may hold anything."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {place.filename}:{place.lineno}"
