"""A byte stream over a descriptor: what a full, a stopped, an empty and a vanished far end do to it."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
import tty
from typing import TYPE_CHECKING

import pytest

from devices.errors import DeviceUnavailable
from devices.testing.device import cancelled_in_time, error_of, running, until
from devices.transport.endpoints import DeviceFile, TtyPort
from devices.transport.stream import StreamLink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from devices.transport.endpoints import Endpoint

XON, XOFF = b"\x11", b"\x13"
IDLE_S = 0.5


class Line:
    """A pseudo-terminal; ``near`` is the machine's end."""

    def __init__(self) -> None:
        self.near, self._far = os.openpty()
        tty.setraw(self._far)
        self.path = os.ttyname(self._far)
        os.set_blocking(self.near, False)

    def say(self, data: bytes) -> None:
        os.write(self.near, data)

    def heard(self) -> bytes:
        try:
            return os.read(self.near, 65536)
        except BlockingIOError:
            return b""

    def cut(self) -> None:
        for end in {self.near, self._far} - {-1}:
            os.close(end)
        self.near = self._far = -1


class Scripted:
    """One end of a socket pair that keeps packets apart, as a USB printer's file does."""

    path = "scripted"
    empty_is_end = False
    piece = 4

    def __init__(self) -> None:
        self.mine, self.far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.mine.setblocking(False)
        self.far.setblocking(False)
        self.takes = True

    def open(self) -> None: ...

    def fileno(self) -> int:
        return self.mine.fileno()

    def ready(self) -> bool:
        return self.takes

    def close(self) -> None:
        self.mine.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.cut()


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    end = Scripted()
    yield end
    end.close()
    end.far.close()


@pytest.fixture
async def links() -> AsyncIterator[list[StreamLink]]:
    links: list[StreamLink] = []
    yield links
    for link in links:
        await link.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "dev-line"]


async def opened(links: list[StreamLink], end: Endpoint) -> StreamLink:
    link = StreamLink(end, "line")
    links.append(link)
    await link.open()
    return link


async def hear(line: Line, count: int) -> bytes:
    heard = bytearray()

    def enough() -> bool:
        heard.extend(line.heard())
        return len(heard) >= count

    await until(enough)
    return bytes(heard)


@pytest.mark.parametrize("kind", ["tty", "file"])
async def test_bytes_pass_unchanged_both_ways(line: Line, links: list[StreamLink], kind: str) -> None:
    everything = bytes(range(256))
    link = await opened(links, TtyPort(line.path, 115200) if kind == "tty" else DeviceFile(line.path))
    await link.send(everything)
    assert await hear(line, 256) == everything
    line.say(everything)
    heard = b""
    while len(heard) < 256:
        heard += await link.receive()
    assert heard == everything


async def test_stopped_line_is_waited_for_and_heard_all_the_while(line: Line, links: list[StreamLink]) -> None:
    link = await opened(links, TtyPort(line.path, 115200, "xonxoff"))
    line.say(XOFF)
    await asyncio.sleep(0.05)  # the kernel acts on it without a word
    block = bytes(range(32, 127)) * 200
    async with running(lambda: link.send(block)) as task:
        line.say(b"\x38\x00\x0f\x00")
        assert await link.receive() == b"\x38\x00\x0f\x00"
        assert not task.done()
        line.say(XON)
        assert await hear(line, len(block)) == block
        await task


async def test_line_nobody_reads_is_left_and_closed_in_time(line: Line, links: list[StreamLink]) -> None:
    link = await opened(links, TtyPort(line.path, 115200))
    async with running(lambda: link.send(b"x" * 100_000)) as task:
        await asyncio.wait({task}, timeout=0.1)
        assert not task.done()
        await cancelled_in_time(task)
    began = time.monotonic()
    await link.close()
    assert time.monotonic() - began < 1


async def test_printer_that_is_not_ready_gets_nothing(scripted: Scripted, links: list[StreamLink]) -> None:
    link = await opened(links, scripted)
    scripted.takes = False
    async with running(lambda: link.send(b"0123456789")) as task:
        await asyncio.wait({task}, timeout=0.1)
        with pytest.raises(BlockingIOError):
            scripted.far.recv(100)
        scripted.takes = True
        await task
    assert [scripted.far.recv(100) for _ in range(3)] == [b"0123", b"4567", b"89"]


async def test_empty_packets_are_neither_the_end_nor_work(scripted: Scripted, links: list[StreamLink]) -> None:
    link = await opened(links, scripted)
    async with running(link.receive) as task:
        used = time.process_time()
        for _ in range(5):
            scripted.far.send(b"")
        await asyncio.wait({task}, timeout=IDLE_S)
        assert not task.done()
        assert time.process_time() - used < 0.1 * IDLE_S
        scripted.far.send(b"\x12")
        assert await task == b"\x12"


@pytest.mark.parametrize("kind", ["tty", "file"])
async def test_pulled_cable_ends_the_wait_for_bytes(line: Line, links: list[StreamLink], kind: str) -> None:
    link = await opened(links, TtyPort(line.path, 115200) if kind == "tty" else DeviceFile(line.path))
    async with running(lambda: error_of(link.receive)) as task:
        await asyncio.wait({task}, timeout=0.02)
        line.cut()
        error = await task
    assert isinstance(error, DeviceUnavailable)
    assert (error.device, "open again" in error.detail) == ("line", True)
    assert isinstance(await error_of(lambda: link.send(b"x")), DeviceUnavailable)


@pytest.mark.parametrize("end", [TtyPort, DeviceFile])
async def test_line_another_has_open_is_not_shared(line: Line, links: list[StreamLink], end: type) -> None:
    arguments = (line.path, 115200) if end is TtyPort else (line.path,)
    await opened(links, end(*arguments))
    second = StreamLink(end(*arguments), "line")
    assert isinstance(await error_of(second.open), DeviceUnavailable)


async def test_line_that_is_not_there_is_named(tmp_path: Path, links: list[StreamLink]) -> None:
    for end in (TtyPort(str(tmp_path / "ttyUSB9"), 9600), DeviceFile(str(tmp_path / "lp9"))):
        error = await error_of(StreamLink(end, "line").open)
        assert isinstance(error, DeviceUnavailable)
        assert end.path in error.detail


async def test_ready_signal_a_line_does_not_have_is_missed_at_open(line: Line, links: list[StreamLink]) -> None:
    link = StreamLink(TtyPort(line.path, 9600, "dsrdtr"), "line")
    assert isinstance(await error_of(link.open), DeviceUnavailable)


def test_flow_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="xonxoff"):
        TtyPort("/dev/null", 9600, "hardware")
