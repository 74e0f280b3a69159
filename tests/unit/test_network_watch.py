"""The network watcher: a burst is one call, the last change is never lost, and no netlink is no harm."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kiosk.clock import ManualClock
from kiosk.network_watch import NetworkWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).resolve().parents[2]


class Line:
    """A pair of sockets that stands in for netlink: the kernel keeps what nobody has read yet."""

    def __init__(self) -> None:
        self.kernel, self.ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ours.setblocking(False)
        self.calls = 0
        self.woken = asyncio.Event()
        self.clock = ManualClock()
        self.watch = NetworkWatch(self.called, self.clock, connect=lambda: self.ours)

    def called(self) -> None:
        self.calls += 1
        self.woken.set()

    def say(self, times: int = 1) -> None:
        for _ in range(times):
            self.kernel.send(b"message")

    async def until(self, calls: int) -> None:
        async with asyncio.timeout(5):
            while self.calls < calls:
                self.woken.clear()
                await self.woken.wait()
        await self.clock.settle()
        assert self.calls == calls

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[bool]]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.watch.run())
            try:
                yield task
            finally:
                task.cancel()
                self.kernel.close()


async def test_burst_of_messages_is_one_call() -> None:
    line = Line()
    line.say(8)
    async with line.running():
        await line.until(1)
        await line.clock.advance(10)
        assert line.calls == 1


async def test_last_change_of_a_flapping_link_is_never_lost() -> None:
    line = Line()
    async with line.running():
        for second in range(1, 6):
            line.say(3)
            await line.until(second)
            line.say()  # within the quiet second: the link is back now, and nothing more will be said
            await line.clock.advance(0.9)
            assert line.calls == second
            await line.clock.advance(0.1)
            await line.until(second + 1)
            await line.clock.advance(1)
            line.calls = second


async def test_messages_that_were_dropped_by_the_kernel_are_a_change() -> None:
    line = Line()

    class Overrun(socket.socket):
        told = False

        def recv(self, *arguments: int) -> bytes:
            if not self.told:
                self.told = True
                raise OSError(errno.ENOBUFS, "no buffer space")
            return super().recv(*arguments)

    line.ours = Overrun(fileno=line.ours.detach())
    async with line.running():
        await line.until(1)
        await line.clock.advance(1)
        line.say()
        await line.until(2)


async def test_system_without_netlink_ends_the_watch_quietly() -> None:
    def refuse() -> socket.socket:
        raise PermissionError(errno.EPERM, "not permitted")

    assert await NetworkWatch(lambda: None, ManualClock(), connect=refuse).run() is False


async def test_socket_that_breaks_ends_the_watch_quietly() -> None:
    class Broken(socket.socket):
        def recv(self, *_: int) -> bytes:
            raise OSError(errno.EIO, "broken")

    line = Line()
    line.ours = Broken(fileno=line.ours.detach())
    async with line.running() as task:
        async with asyncio.timeout(5):
            assert await task is False
    assert line.ours.fileno() == -1


IN_A_NAMESPACE = """
import asyncio, subprocess
from kiosk.clock import SystemClock
from kiosk.network_watch import NetworkWatch

async def main():
    calls, woken = [], asyncio.Event()
    def called():
        calls.append(1)
        woken.set()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(NetworkWatch(called, SystemClock()).run())
        await asyncio.sleep(0)
        for change in (
            "link add kiosk0 type veth peer name hall0",
            "addr add 192.0.2.1/24 dev kiosk0",
            "link set kiosk0 up",
            "link set hall0 up",
            "route add 198.51.100.0/24 via 192.0.2.9",
            "-6 addr add 2001:db8::1/64 dev kiosk0 nodad",
            "link set hall0 down",
        ):
            woken.clear()
            process = await asyncio.create_subprocess_exec("ip", *change.split())
            assert await process.wait() == 0, change
            async with asyncio.timeout(5):
                await woken.wait()
        task.cancel()
    print("calls", len(calls))

asyncio.run(main())
"""


def own_namespace() -> bool:
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
        return False
    script = "ip link add kiosk0 type veth peer name hall0"
    tried = subprocess.run(["unshare", "-n", "sh", "-c", script], check=False, capture_output=True, timeout=10)
    return tried.returncode == 0


@pytest.mark.skipif(not own_namespace(), reason="needs root, ip, and the right to make a network of its own")
def test_cable_address_and_route_of_a_real_network_are_each_noticed() -> None:
    finished = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", IN_A_NAMESPACE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.startswith("calls ")
