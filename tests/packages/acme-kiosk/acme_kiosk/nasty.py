"""A printer whose library does everything a library can do wrong; the title of a job says what."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from typing import TYPE_CHECKING

from acme_kiosk.slips import SlipPrinter
from devices.hosted import servant
from devices.printer import PrintProgress

if TYPE_CHECKING:
    from collections.abc import Callable

    from devices.health import Health
    from devices.printer import OnProgress
    from devices.values import PrintJob, PrintReceipt

GIGABYTE = 1 << 30
PIECE = b"\x00\xffgarbage " * 6554  # 64 KiB
FOREVER_S = 3600.0
SNAPSHOT = (3900).to_bytes(4, "big") + b"".join(
    (4).to_bytes(4, "big") + f"{name:04}".encode() + (0).to_bytes(4, "big") for name in range(3900)
)
"""Much that nobody asked for, in the form of a greeting."""


def wire() -> int:
    """Find the line to the terminal, as code that was taken over would."""
    return int(sys.argv[1])


def pour(handle: int) -> None:
    """Write a gigabyte of garbage."""
    for _ in range(GIGABYTE // len(PIECE)):
        os.write(handle, PIECE)


def segfault() -> None:
    """Read address 0."""
    ctypes.string_at(0)


def hold_the_interpreter() -> None:
    """Sleep in C without letting go of Python's lock, as a careless binding does."""
    ctypes.PyDLL(None).sleep(int(FOREVER_S))


def frame(kind: int, call: int, body: bytes) -> bytes:
    """Make a message by hand."""
    return len(body).to_bytes(4, "big") + bytes([kind]) + call.to_bytes(4, "big") + body


def greet_without_end() -> None:
    """Say again and again, from a thread of its own, what a driver says once when it stands; and nothing else."""
    servant.Line.send = lambda *_: None  # code that was taken over may change the program around it
    while True:
        os.write(wire(), frame(32, 0, SNAPSHOT))


def leave_a_child() -> None:
    """Start a process that would live for ever, and end."""
    pid = os.fork()
    if pid == 0:
        time.sleep(FOREVER_S)
    os.write(2, b"child")
    os._exit(3)


def eat() -> None:
    """Ask for more memory than any limit of a test gives."""
    bytearray(GIGABYTE)


WAYS: dict[str, Callable[[], object]] = {
    "segfault": segfault,
    "exit": lambda: os._exit(0),
    "sys_exit": lambda: sys.exit(0),
    "hang_loop": lambda: time.sleep(FOREVER_S),
    "hang_interpreter": hold_the_interpreter,
    "flood_stdout": lambda: pour(1),
    "flood_stderr": lambda: pour(2),
    "flood_wire": lambda: pour(wire()),
    "announce_too_much": lambda: os.write(wire(), b"\xff\xff\xff\xff\x22\x00\x00\x00\x02"),
    "answer_to_nothing": lambda: os.write(wire(), frame(34, 4_000_000_000, b"")),
    "wrong_value": lambda: os.write(wire(), frame(37, 3, b"\xff" * 16)),
    "beats_without_end": lambda: [os.write(wire(), frame(39, 0, bytes(8)) * 1000) for _ in range(1000)],
    "leave_a_child": leave_a_child,
    "eat": eat,
}


class NastyPrinter(SlipPrinter):
    """``at_open`` names what goes wrong there already; ``at_load_s`` how long it takes to be made."""

    def __init__(self, name: str, at_open: str = "", at_load_s: float = 0.0) -> None:
        super().__init__(name)
        self._at_open = at_open
        time.sleep(at_load_s)

    async def open(self) -> None:
        """Open, or not."""
        if self._at_open == "hang_thread":
            await asyncio.to_thread(time.sleep, FOREVER_S)
        if self._at_open:
            WAYS[self._at_open]()
        await super().open()

    async def probe(self) -> Health:
        """Be well, unless the last job said otherwise."""
        if "hang_thread" in self._printed:
            await asyncio.to_thread(time.sleep, FOREVER_S)
        return await super().probe()

    async def print(self, job: PrintJob, on_progress: OnProgress | None = None) -> PrintReceipt:
        """Do what the title says."""
        self._check()
        if on_progress is not None:
            on_progress(PrintProgress(0, 1, job="j-1"))
        if job.title == "wait":
            await asyncio.sleep(FOREVER_S)
        if job.title == "deaf":
            await self._never_mind()
        if job.title == "bug":
            raise RuntimeError("a text with a person's name in it: 张三")
        if job.title == "greetings_without_end":
            await asyncio.to_thread(greet_without_end)
        if job.title in WAYS:
            await asyncio.sleep(0)
            WAYS[job.title]()
        return await super().print(job, None)

    async def _never_mind(self) -> None:
        while True:
            try:
                await asyncio.sleep(FOREVER_S)
            except asyncio.CancelledError:
                continue
