"""The line between the terminal and central: a TCP relay that can be cut, slowed, deafened and restored.

Bytes pass unchanged, TLS included: what a bad line does, not what a bad server does.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum

CHUNK = 65_536
CONNECT_LIMIT_S = 5.0


class LineState(enum.StrEnum):
    """What the line does."""

    OPEN = "open"
    CUT = "cut"  # nobody listens; connections that stood are reset
    SLOW = "slow"  # each piece waits
    MUTE = "mute"  # requests pass, every answer is lost: the far end has worked, the near end cannot know


class LinkProxy:
    """Relays one loopback port to central. The port stays the same over cuts."""

    def __init__(self, host: str, port: int) -> None:
        self._far = (host, port)
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self.port = 0
        self.state = LineState.OPEN
        self.delay_s = 0.0

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1. Raises ``OSError``."""
        await self._listen()

    async def stop(self) -> None:
        """Close everything. Idempotent."""
        await self._hang_up()

    async def cut(self) -> None:
        """Refuse new connections and reset those that stand."""
        self.state = LineState.CUT
        await self._hang_up()

    async def restore(self) -> None:
        """Let everything through again, at the same port."""
        self.state, self.delay_s = LineState.OPEN, 0.0
        if self._server is None:
            await self._listen()

    async def slow(self, delay_s: float) -> None:
        """Hold each piece back for ``delay_s`` seconds."""
        await self.restore()
        self.state, self.delay_s = LineState.SLOW, delay_s

    async def mute(self) -> None:
        """Let requests through and lose every answer."""
        await self.restore()
        self.state = LineState.MUTE

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _hang_up(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        relays = tuple(self._relays)
        for relay in relays:
            relay.cancel()
        await asyncio.gather(*relays, return_exceptions=True)
        await server.wait_closed()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a relay runs as a task of its server")
        self._relays.add(task)
        writers = [writer]
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                far_reader, far_writer = await asyncio.open_connection(*self._far)
            writers.append(far_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer, answers=False))
                group.create_task(self._pump(far_reader, writer, answers=True))
        except (OSError, TimeoutError, asyncio.CancelledError):
            # A dead far end or a cut: the near end sees its connection reset. The task ends here, nobody awaits it.
            for each in writers:
                each.transport.abort()
        finally:
            self._relays.discard(task)
            for each in writers:
                each.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        """Carry bytes one way until that way is closed; a reset on one side resets the other."""
        try:
            while piece := await reader.read(CHUNK):
                if self.state is LineState.SLOW:
                    await asyncio.sleep(self.delay_s)
                if self.state is LineState.MUTE and answers:
                    continue
                writer.write(piece)
                await writer.drain()
            with contextlib.suppress(OSError):  # the other way is already gone: nothing to close politely
                writer.write_eof()
        except OSError:
            writer.transport.abort()
