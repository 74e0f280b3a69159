"""The line between terminal and central: cut, slow, deaf, restored."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from devices.sim.link import LineState, LinkProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMIT_S = 5.0


class Echo:
    """A far end that repeats what it hears, and counts it."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.changed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(100):
                self.heard += data
                self.changed.set()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def far() -> AsyncIterator[tuple[Echo, LinkProxy]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    line = LinkProxy("127.0.0.1", server.sockets[0].getsockname()[1])
    await line.start()
    yield echo, line
    await line.stop()
    server.close()
    await server.wait_closed()


@contextlib.asynccontextmanager
async def call(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_everything_passes_unchanged(far: tuple[Echo, LinkProxy]) -> None:
    _, line = far
    async with asyncio.timeout(LIMIT_S), call(line.port) as (reader, writer):
        writer.write(bytes(range(256)))
        assert await reader.readexactly(256) == bytes(range(256))


async def test_cut_resets_what_stood_and_refuses_what_comes(far: tuple[Echo, LinkProxy]) -> None:
    _, line = far
    async with asyncio.timeout(LIMIT_S), call(line.port) as (reader, writer):
        writer.write(b"hello")
        await reader.readexactly(5)
        await line.cut()
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection("127.0.0.1", line.port)
    assert line.state is LineState.CUT


async def test_restored_line_has_the_same_port(far: tuple[Echo, LinkProxy]) -> None:
    _, line = far
    port = line.port
    await line.cut()
    await line.restore()
    assert line.port == port
    async with asyncio.timeout(LIMIT_S), call(port) as (reader, writer):
        writer.write(b"back")
        assert await reader.readexactly(4) == b"back"


async def test_mute_line_lets_the_request_through_and_loses_the_answer(far: tuple[Echo, LinkProxy]) -> None:
    echo, line = far
    await line.mute()
    async with asyncio.timeout(LIMIT_S), call(line.port) as (reader, writer):
        writer.write(b"lost")
        await echo.changed.wait()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read(1)
    assert echo.heard == b"lost"


async def test_dead_far_end_looks_like_a_closed_connection() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    line = LinkProxy("127.0.0.1", port)
    await line.start()
    try:
        async with asyncio.timeout(LIMIT_S), call(line.port) as (reader, _):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
    finally:
        await line.stop()
